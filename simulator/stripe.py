"""A Stripe: signs its events, sends them twice, late and in any order, tries again; lists them.

It knows of each payment what the real one tells, the giver's name and address included, so that a
test can look for them where they must not be.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from kernel.values.clock import Clock, SystemClock
from simulator.served import Served

SECRET = "whsec_simulated_0123456789"  # noqa: S105 - the simulator's own
API_KEY = "rk_simulated"
TRIES_MAX = 16
"""Deliveries of one event, over three days; here one after the other."""
FEE_PER_MILLE, FEE_CENTS = 15, 25
DISPUTE_FEE_CENTS = 1500
PAGE_SIZE_MAX = 100
GIVER = {
    "name": "Prénom Nom-Secret", "email": "donateur@secret.example", "phone": None,
    "address": {"line1": "12 rue Secrète", "city": "Ville-Secrète", "postal_code": "99999"},
}  # fmt: skip


@dataclass(slots=True)
class Stripe(Served):
    """The platform; runs while the context is open.

    Attributes:
        webhook_url: where events go; empty: nowhere.
        secrets: one signature each.
        events: that happened, in order, as the API lists them.
        balance: its movements, in order.
        status: each answer of the API has this one; 0: as it should.
    """

    clock: Clock = field(default_factory=SystemClock)
    webhook_url: str = ""
    secrets: tuple[str, ...] = (SECRET,)
    live: bool = True
    seed: int = 2017
    events: list[dict[str, Any]] = field(default_factory=list)
    balance: list[dict[str, Any]] = field(default_factory=list)
    status: int = 0
    expands: bool = True
    _undelivered: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """See ``Served``."""
        return (
            web.get("/v1/events", self._list_events),
            web.get("/v1/balance_transactions", self._list_balance),
        )

    # -- what happens there -----------------------------------------------------------------------

    def give(
        self, cents: int, *, currency: str = "eur", paid: bool = True, monthly: bool = False
    ) -> int:
        """Somebody gives. Returns the payment's number.

        Args:
            paid: by card, at once; else by SEPA, days later (``arrive``).
            monthly: an invoice comes with it, of the same money.
        """
        self._number += 1
        n = self._number
        session = {
            "id": f"cs_{n}", "object": "checkout.session", "amount_total": cents,
            "currency": currency, "customer_details": GIVER, "livemode": self.live,
            "mode": "subscription" if monthly else "payment",
            "invoice": f"in_{n}" if monthly else None,
            "payment_intent": None if monthly else f"pi_{n}",
            "payment_method_types": ["card"] if paid else ["sepa_debit"],
            "payment_status": "paid" if paid else "unpaid",
        }  # fmt: skip
        self._tell("checkout.session.completed", session)
        if monthly:
            self.renew(n, cents, currency)
        elif paid:
            self._move(n, "charge", cents, currency, cents * FEE_PER_MILLE // 1000 + FEE_CENTS)
        return n

    def renew(self, n: int, cents: int, currency: str = "eur") -> None:
        """A month is paid for."""
        invoice = {
            "id": f"in_{n}", "object": "invoice", "amount_paid": cents, "currency": currency,
            "customer_name": GIVER["name"], "customer_email": GIVER["email"],
            "payment_intent": f"pi_{n}", "charge": f"ch_{n}",
        }  # fmt: skip
        self._tell("invoice.paid", invoice)
        self._move(n, "charge", cents, currency, cents * FEE_PER_MILLE // 1000 + FEE_CENTS)

    def arrive(self, n: int, cents: int, *, failed: bool = False) -> None:
        """What was promised by SEPA comes, or does not."""
        session = {
            "id": f"cs_{n}", "object": "checkout.session", "amount_total": cents,
            "currency": "eur", "mode": "payment", "payment_intent": f"pi_{n}",
            "payment_status": "unpaid" if failed else "paid", "customer_details": GIVER,
        }  # fmt: skip
        outcome = "failed" if failed else "succeeded"
        self._tell(f"checkout.session.async_payment_{outcome}", session)
        if not failed:
            self._move(n, "payment", cents, "eur", 35)

    def refund(self, n: int, which: int, cents: int, status: str, *, total: int = 0) -> None:
        """A refund is in a state.

        Args:
            total: refunded in all, as ``charge.refunded`` says; 0: it is not said.
        """
        refund = {
            "id": f"re_{n}_{which}", "object": "refund", "amount": cents, "currency": "eur",
            "status": status, "payment_intent": f"pi_{n}", "charge": f"ch_{n}",
        }  # fmt: skip
        kinds = {"failed": "refund.failed", "pending": "refund.created"}
        self._tell(kinds.get(status, "refund.updated"), refund)
        if total:
            charge = {"id": f"ch_{n}", "object": "charge", "amount_refunded": total,
                      "currency": "eur", "payment_intent": f"pi_{n}",
                      "billing_details": GIVER}  # fmt: skip
            self._tell("charge.refunded", charge)
        if status == "pending":
            self._move(n, "refund", -cents, "eur", 0)
        if status == "failed":
            self._move(n, "refund_failure", cents, "eur", 0)

    def dispute(self, n: int, cents: int, *, reinstated: bool = False) -> None:
        """A giver's bank takes the money, or gives it back."""
        moved = self._move(
            n, "adjustment", cents if reinstated else -cents, "eur",
            0 if reinstated else DISPUTE_FEE_CENTS,
        )  # fmt: skip
        dispute = {"id": f"dp_{n}", "object": "dispute", "amount": cents, "currency": "eur",
                   "charge": f"ch_{n}", "payment_intent": f"pi_{n}",
                   "status": "won" if reinstated else "needs_response",
                   "evidence": {"customer_name": GIVER["name"]},
                   "balance_transactions": [moved]}  # fmt: skip
        if not reinstated:
            self._tell("charge.dispute.created", dispute)
        kind = "reinstated" if reinstated else "withdrawn"
        self._tell(f"charge.dispute.funds_{kind}", dispute)

    def _tell(self, kind: str, subject: Mapping[str, Any]) -> None:
        event = {
            "id": f"evt_{len(self.events) + 1}", "object": "event", "type": kind,
            "created": int(self.clock.now().timestamp()), "livemode": self.live,
            "api_version": "2024-06-20", "data": {"object": dict(subject)},
            "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
        }  # fmt: skip
        self.events.append(event)
        self._undelivered.append(event)

    def _move(self, n: int, kind: str, cents: int, currency: str, fee: int) -> dict[str, Any]:
        moved = {
            "id": f"txn_{len(self.balance) + 1}", "object": "balance_transaction", "type": kind,
            "amount": cents, "fee": fee, "net": cents - fee, "currency": currency,
            "created": int(self.clock.now().timestamp()), "source": f"ch_{n}",
        }  # fmt: skip
        self.balance.append(moved)
        return moved

    # -- what it sends -----------------------------------------------------------------------------

    async def deliver(self, *, lost: int = 0, repeats: bool = True, shuffled: bool = True) -> int:
        """Send what was not delivered, twice and in any order; again what was not taken.

        Args:
            lost: so many of them it gives up.

        Returns:
            how many it gave up.
        """
        random = Random(self.seed)
        waiting = list(self._undelivered)
        self._undelivered.clear()
        if shuffled:
            random.shuffle(waiting)
        gone = waiting[:lost]
        for event in waiting[lost:]:
            for _ in range(2 if repeats else 1):
                if not await self._send(event):
                    gone.append(event)
        return len(gone)

    async def _send(self, event: Mapping[str, Any]) -> bool:
        for _ in range(TRIES_MAX):
            if await self.send(json.dumps(event).encode()) == 200:
                return True
        return False

    async def send(
        self, body: bytes, *, secrets: Sequence[str] | None = None, at: datetime | None = None
    ) -> int:
        """Sign and send once. Returns the status; 0: there was no answer."""
        header = sign(body, self.secrets if secrets is None else secrets, at or self.clock.now())
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=10)) as session,
                session.post(
                    self.webhook_url, data=body, headers={"Stripe-Signature": header}
                ) as answer,
            ):
                return answer.status
        except (ClientError, TimeoutError, OSError):
            return 0

    # -- what it lists -----------------------------------------------------------------------------

    async def _list_events(self, request: web.Request) -> web.Response:
        kinds = set(request.query.getall("types[]", []))
        return self._list(request, [e for e in self.events if not kinds or e["type"] in kinds])

    async def _list_balance(self, request: web.Request) -> web.Response:
        found: list[dict[str, Any]] = list(self.balance)
        if "data.source" in request.query.getall("expand[]", []):
            if not self.expands:
                return web.json_response({"error": {"type": "invalid_request_error"}}, status=403)
            found = [
                one | {"source": {"id": one["source"], "object": "charge", "livemode": self.live,
                                  "payment_intent": one["source"].replace("ch_", "pi_"),
                                  "billing_details": GIVER}}
                for one in found
            ]  # fmt: skip
        return self._list(request, found)

    def _list(self, request: web.Request, found: Sequence[dict[str, Any]]) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return web.json_response({"error": {"type": "authentication_error"}}, status=401)
        if self.status:
            return web.json_response({"error": {}}, status=self.status)
        since = int(request.query.get("created[gte]", "0"))
        newest = [one for one in reversed(found) if one["created"] >= since]
        after = request.query.get("starting_after")
        if after is not None:
            newest = newest[[one["id"] for one in newest].index(after) + 1 :]
        size = min(int(request.query.get("limit", "10")), PAGE_SIZE_MAX)
        page = {"object": "list", "data": newest[:size], "has_more": len(newest) > size}
        return web.json_response(page | {"url": request.path})


def sign(body: bytes, secrets: Sequence[str], at: datetime) -> str:
    """The header: a time, and one signature a secret."""
    when = str(int(at.timestamp()))
    payload = when.encode() + b"." + body
    given = [hmac.new(s.encode(), payload, hashlib.sha256).hexdigest() for s in secrets]
    return ",".join([f"t={when}", *(f"v1={one}" for one in given)])
