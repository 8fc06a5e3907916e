"""A HelloAsso: tokens, payments page by page, refunds, contests; what goes wrong, on demand.

It knows of each payment what the real one tells, the giver's name, address and birth date included,
so that a test can look for them where they must not be.
"""

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from kernel.values.clock import Clock, SystemClock
from simulator.served import Served

ORGANIZATION, CLIENT_ID, CLIENT_SECRET = "mon-asso", "client", "client-secret"
PARIS = ZoneInfo("Europe/Paris")
TOKENS_MAX = 20
"""Tokens that it gives before it refuses: the real one counts them by the hour."""
PAGE_SIZE_MAX = 100
GIVER = {
    "firstName": "Prénom-Secret", "lastName": "Nom-Secret", "email": "donateur@secret.example",
    "address": "12 rue Secrète", "zipCode": "99999", "city": "Ville-Secrète",
    "dateOfBirth": "1971-02-03T00:00:00+01:00",
}  # fmt: skip
MESSAGE = "Message-Secret"


@dataclass(slots=True)
class Wrongs:
    """What goes wrong.

    Attributes:
        status: each answer has this one; 0: none does.
        retry_after: its header then; empty: none.
        count: how many answers more; below zero: until it is changed.
        token_seconds: how long a token lives.
        after_page: only once so many pages of a walk were given.
    """

    status: int = 0
    retry_after: str = ""
    count: int = -1
    token_seconds: int = 1800
    after_page: int = 0


@dataclass(slots=True)
class HelloAsso(Served):
    """The platform; runs while the context is open.

    Attributes:
        payments: as the API gives them, by id.
        bell_url: where a notification goes; empty: nowhere.
        requests: of payments, so far.
    """

    clock: Clock = field(default_factory=SystemClock)
    payments: dict[int, dict[str, Any]] = field(default_factory=dict)
    wrongs: Wrongs = field(default_factory=Wrongs)
    bell_url: str = ""
    requests: int = 0
    tokens_given: int = 0
    _tokens: dict[str, float] = field(default_factory=dict)
    _number: int = 13_789

    def routes(self) -> Iterable[web.RouteDef]:
        """See ``Served``."""
        return (
            web.post("/oauth2/token", self._token),
            web.get("/v5/organizations/{slug}/payments", self._list),
        )

    # -- what happens there -----------------------------------------------------------------------

    def give(
        self,
        cents: int,
        *,
        tip: int = 0,
        tip_inside: bool = False,
        state: str = "Authorized",
        form: tuple[str, str] = ("Donation", "3"),
        means: str = "Card",
        at: datetime | None = None,
        **more: Any,
    ) -> int:
        """A payment is made. Returns its id.

        Args:
            tip_inside: the amount has the tip in it.
        """
        self._number += 1
        when = at or self.clock.now()
        order = {"id": self._number, "formSlug": form[1], "formType": form[0],
                 "organizationSlug": ORGANIZATION, "isAnonymous": False}  # fmt: skip
        item = {
            "id": self._number, "amount": cents, "shareAmount": cents, "type": "Donation",
            "state": "Processed", "customFields": [{"name": "Message", "answer": MESSAGE}],
        }  # fmt: skip
        self.payments[self._number] = {
            "id": self._number, "amount": cents + (tip if tip_inside else 0), "amountTip": tip,
            "state": state, "cashOutState": "MoneyIn", "date": _write(when), "paymentMeans": means,
            "installmentNumber": 1, "type": "Credit", "order": order, "payer": dict(GIVER),
            "items": [item], "refundOperations": [],
            "meta": {"createdAt": _write(when), "updatedAt": _write(self.clock.now())},
        } | more  # fmt: skip
        return self._number

    def refund(self, payment: int, cents: int, *, status: str = "Processed", **more: Any) -> int:
        """A part of it is paid back. Returns the operation's id."""
        operations = self.payments[payment]["refundOperations"]
        name: int = 900 + payment * 10 + len(operations)
        operations.append({"id": name, "amount": cents, "status": status} | more)
        self._touch(payment)
        return name

    def become(self, payment: int, state: str) -> None:
        """It is in another state now."""
        self.payments[payment]["state"] = state
        self._touch(payment)

    def _touch(self, payment: int) -> None:
        self.payments[payment]["meta"]["updatedAt"] = _write(self.clock.now())

    async def ring(self, payment: int, *, url: str = "") -> int:
        """Notify, unsigned, of an order and of its payment. Returns the last status; 0: none."""
        status = 0
        for kind in ("Order", "Payment"):
            body = {"eventType": kind, "data": self.payments[payment], "metadata": {}}
            try:
                async with (
                    ClientSession(timeout=ClientTimeout(total=10)) as session,
                    session.post(url or self.bell_url, json=body) as answer,
                ):
                    status = answer.status
            except (ClientError, TimeoutError, OSError):
                return 0
        return status

    # -- what it answers --------------------------------------------------------------------------

    def _go_wrong(self, page: int = 0) -> web.Response | None:
        wrongs = self.wrongs
        if not wrongs.status or not wrongs.count or page < wrongs.after_page:
            return None
        wrongs.count -= 1
        headers = {"Retry-After": wrongs.retry_after} if wrongs.retry_after else {}
        return web.json_response({"message": "no"}, status=wrongs.status, headers=headers)

    async def _token(self, request: web.Request) -> web.Response:
        if (wrong := self._go_wrong()) is not None:
            return wrong
        form = await request.post()
        self.tokens_given += 1
        if self.tokens_given > TOKENS_MAX:
            return web.json_response({"message": "too many"}, status=429)
        given = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if given != ("client_credentials", CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = secrets.token_urlsafe(12)
        seconds = self.wrongs.token_seconds
        self._tokens[token] = self.clock.monotonic() + seconds
        answer = {"access_token": token, "refresh_token": "r", "token_type": "bearer"}
        return web.json_response(answer | {"expires_in": seconds})

    async def _list(self, request: web.Request) -> web.Response:
        self.requests += 1
        begin = _read_token(request.query)
        if (wrong := self._go_wrong(begin)) is not None:
            return wrong
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) < self.clock.monotonic():
            return web.json_response({"message": "Unauthorized"}, status=401)
        if request.match_info["slug"] != ORGANIZATION:
            return web.json_response({"message": "Forbidden"}, status=403)
        field_ = "date" if request.query.get("sortField") != "UpdateDate" else "updatedAt"
        found = sorted(
            self.payments.values(),
            key=lambda p: datetime.fromisoformat(
                p["date"] if field_ == "date" else p["meta"][field_]
            ),
            reverse=request.query.get("sortOrder", "Desc") == "Desc",
        )
        size = min(int(request.query.get("pageSize", "20")), PAGE_SIZE_MAX)
        page = found[begin : begin + size]
        # The token is there even after the last page, which only an empty one shows to be the last.
        after = base64.b64encode(str(begin + len(page)).encode()).decode()
        pagination = {"pageSize": size, "totalCount": -1, "continuationToken": after}
        return web.json_response({"data": page, "pagination": pagination})


def _read_token(query: Mapping[str, str]) -> int:
    token = query.get("continuationToken")
    return int(base64.b64decode(token)) if token else 0


def _write(at: datetime) -> str:
    """As it does: by the clock of Paris, with as many digits as there are."""
    return at.astimezone(PARIS).isoformat()
