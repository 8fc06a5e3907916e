"""The answers of the operator API, route by route: parse, call the store, answer.

A number is turned into its pseudonym (and, for a test, sealed) at once; it is never kept, logged
or quoted. What an action tells other services is written with it in one transaction and appended
right after; should the log be away, billing's timer appends it later (``OperatorStore.tell``).
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib import resources
from typing import Any
from uuid import uuid4

import structlog
from aiohttp import web

from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    SenderBlocked,
    derive_id,
    derive_trace,
)
from kernel.log.port import Log
from kernel.sealing.privacy import Pseudonymizer, Sealer
from kernel.stage.dead import explain
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.billing.operator import Audit, EntryKind, OperatorStore, Outcome, SmsTest
from services.billing.operator_answers import (
    describe_entries,
    describe_fund,
    describe_parts,
    describe_restoration,
    describe_status,
    describe_time,
    describe_way,
)
from services.billing.operator_dead import DeadTopics
from services.billing.operator_requests import BadRequest, Fields, check_id
from services.billing.settings import OperatorSettings

LOG = structlog.get_logger("billing")

EXPLAINED_MAX = 200
"""Messages of one sender that an explanation lists: the latest."""

GIFTS_MAX = 1000
"""What of the platforms' reports the fund's book lists: the latest."""

Answer = Callable[[web.Request], Awaitable[web.Response]]
Wake = Callable[[], None]


class OperatorApi:
    """Answers the operator. Arguments as ``operator_routes``."""

    def __init__(
        self,
        store: OperatorStore,
        log: Log,
        clock: Clock,
        settings: OperatorSettings,
        wake: Wake,
    ) -> None:
        self._store, self._log, self._clock, self._wake = store, log, clock, wake
        self._settings = settings
        self._dead = DeadTopics(log)
        self._pseudonymizer = Pseudonymizer(settings.pseudonym_key)
        self._sealer = Sealer(settings.sending_public_key, clock)

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        """Method, path and answer of every route."""
        return (
            ("GET", "/v1/status", self._status),
            ("POST", "/v1/donations", self._donate),
            ("GET", "/v1/fund", self._fund),
            ("POST", "/v1/fund/corrections", self._correct),
            ("POST", "/v1/fees", self._fee),
            ("POST", "/v1/transfers", self._transfer),
            ("POST", "/v1/pause", self._pause),
            ("GET", "/v1/resume", self._waiting),
            ("POST", "/v1/resume", self._resume),
            ("GET", "/v1/restoration", self._restoration),
            ("POST", "/v1/detach", self._detach),
            ("POST", "/v1/attach", self._attach),
            ("GET", "/v1/blocks", self._blocks),
            ("POST", "/v1/blocks", self._block),
            ("DELETE", "/v1/blocks", self._unblock),
            ("POST", "/v1/explain", self._explain),
            ("POST", "/v1/tests", self._test),
            ("GET", "/v1/unresolved", self._unresolved),
            ("POST", "/v1/unresolved/{id}", self._decide),
            ("POST", "/v1/backfill", self._backfill),
            ("GET", "/v1/dead", self._list_dead),
            ("POST", "/v1/dead/replay", self._replay),
            ("POST", "/v1/audits", self._note_audit),
            ("GET", "/v1/openapi.json", self._openapi),
        )

    # -- the fund ---------------------------------------------------------------------------

    async def _status(self, _: web.Request) -> web.Response:
        status = await self._store.read_status(self._clock.now())
        dead: int | None = None
        with suppress(Transient):  # the log is away: the rest is still worth knowing
            dead = await self._dead.count()
        return web.json_response(describe_status(status, dead))

    async def _donate(self, request: web.Request) -> web.Response:
        return await self._book(request, EntryKind.DONATION)

    async def _fee(self, request: web.Request) -> web.Response:
        return await self._book(request, EntryKind.FEE)

    async def _book(self, request: web.Request, kind: EntryKind) -> web.Response:
        fields = Fields(await request.read())
        entry_id, amount = fields.id("id"), fields.amount("amount_eur")
        note = fields.words("note", required=False)
        outcome = await self._store.book_entry(entry_id, kind, amount, note, self._clock.now())
        if outcome is Outcome.CONFLICT:
            return refuse(409, "id", "used before for another amount or kind; choose another id")
        self._wake()
        return await self._answer_booked(entry_id, amount, outcome)

    async def _transfer(self, request: web.Request) -> web.Response:
        fields = Fields(await request.read())
        entry_id, amount = fields.id("id"), fields.amount("amount_eur")
        note = fields.words("note", required=False)
        outcome = await self._store.book_transfer(entry_id, amount, note, self._clock.now())
        if outcome is Outcome.CONFLICT:
            return refuse(409, "id", "used before for another amount or kind; choose another id")
        if outcome is Outcome.BEYOND:
            return refuse(409, "amount_eur", "more than was raised and is not transferred yet")
        self._wake()
        return await self._answer_booked(entry_id, amount, outcome)

    async def _answer_booked(self, entry_id: str, amount: int, outcome: Outcome) -> web.Response:
        status = await self._store.read_status(self._clock.now())
        body = {
            "id": entry_id,
            "amount_microeuros": amount,
            "available_microeuros": status.fund.available_microeuros,
        }
        return web.json_response(body, status=201 if outcome is Outcome.DONE else 200)

    async def _fund(self, _: web.Request) -> web.Response:
        status = await self._store.read_status(self._clock.now())
        entries = await self._store.list_entries()
        return web.json_response(
            {
                "fund": describe_fund(status.fund),
                "entries": describe_entries(entries),
                "gifts": describe_parts(await self._store.list_gifts(GIFTS_MAX)),
                "uncounted": describe_parts(await self._store.list_uncounted(GIFTS_MAX)),
            }
        )

    async def _correct(self, request: web.Request) -> web.Response:
        fields = Fields(await request.read())
        entry_id, why = fields.id("entry"), fields.words("why")
        outcome = await self._store.correct_entry(
            entry_id, why, self._clock.now(), below_zero=fields.flag("below_zero")
        )
        if outcome is Outcome.UNKNOWN:
            return refuse(404, "entry", "no entry has this id; `fund show` lists them")
        if outcome is Outcome.BELOW_ZERO:
            fix = "it would leave less than nothing in the fund; true reverses it all the same"
            return refuse(409, "below_zero", fix)
        if outcome is Outcome.CONFLICT:
            return refuse(409, "entry", "a correction stays; book the amount again instead")
        self._wake()
        status = await self._store.read_status(self._clock.now())
        body = {"entry": entry_id, "available_microeuros": status.fund.available_microeuros}
        return web.json_response(body, status=201 if outcome is Outcome.DONE else 200)

    # -- the posture ------------------------------------------------------------------------

    async def _pause(self, request: web.Request) -> web.Response:
        reason = Fields(await request.read()).words("reason")
        return await self._answer_posture(await self._store.pause(reason, self._clock.now()))

    async def _waiting(self, _: web.Request) -> web.Response:
        waiting = await self._store.read_waiting()
        seconds = waiting.count / self._settings.send_rate
        return web.json_response(
            {
                "waiting": waiting.count,
                "cost_microeuros": waiting.cost_microeuros,
                "seconds": round(seconds, 1),
            }
        )

    async def _resume(self, _: web.Request) -> web.Response:
        outcome = await self._store.resume(self._clock.now())
        if outcome is Outcome.CONFLICT:
            return refuse(
                409, "", "restored from a backup, and the provider's log is still being read; "
                "`antirelou status` says when it was"
            )  # fmt: skip
        return await self._answer_posture(outcome)

    async def _restoration(self, _: web.Request) -> web.Response:
        found = await self._store.read_restoration()
        described = None if found is None else describe_restoration(found)
        return web.json_response({"restoration": described})

    async def _detach(self, _: web.Request) -> web.Response:
        outcome = await self._store.attach(attach=False, now=self._clock.now())
        return await self._answer_posture(outcome)

    async def _attach(self, _: web.Request) -> web.Response:
        outcome = await self._store.attach(attach=True, now=self._clock.now())
        return await self._answer_posture(outcome)

    async def _answer_posture(self, outcome: Outcome) -> web.Response:
        await self._tell()
        status = await self._store.read_status(self._clock.now())
        return web.json_response(
            {
                "posture": status.posture,
                "posture_cause": status.posture_cause,
                "attached": status.attached,
                "changed": outcome is Outcome.DONE,
            }
        )

    # -- senders ----------------------------------------------------------------------------

    async def _blocks(self, _: web.Request) -> web.Response:
        blocks = await self._store.list_blocks()
        listed = [{"sender": block.sender, "at": describe_time(block.at)} for block in blocks]
        return web.json_response({"blocks": listed})

    async def _block(self, request: web.Request) -> web.Response:
        return await self._set_blocked(request, blocked=True)

    async def _unblock(self, request: web.Request) -> web.Response:
        return await self._set_blocked(request, blocked=False)

    async def _set_blocked(self, request: web.Request, *, blocked: bool) -> web.Response:
        phone = Fields(await request.read()).phone("number", self._settings.number)
        sender, at = self._pseudonymizer.pseudonym(phone.e164), self._clock.now()
        change_id = derive_id("block", sender, at.isoformat(), int(blocked))
        change = SenderBlocked(
            id=change_id, trace=derive_trace(change_id), at=at, sender=sender, blocked=blocked
        )
        outcome = await self._store.set_blocked(change)
        await self._tell()
        changed = outcome is Outcome.DONE
        body = {"sender": sender, "blocked": blocked, "changed": changed}
        return web.json_response(body, status=201 if blocked and changed else 200)

    async def _explain(self, request: web.Request) -> web.Response:
        fields = Fields(await request.read())
        if fields.has("number") == fields.has("id"):
            raise BadRequest("number", "give either number or id")
        if fields.has("number"):
            phone = fields.phone("number", self._settings.number)
            sender = self._pseudonymizer.pseudonym(phone.e164)
            ways = await self._store.explain_sender(sender, EXPLAINED_MAX)
            return web.json_response({"messages": [describe_way(way) for way in ways]})
        way = await self._store.explain_message(fields.id("id"))
        if way is None:
            return refuse(404, "id", "no message or test with this id is known")
        return web.json_response({"messages": [describe_way(way)]})

    async def _test(self, request: web.Request) -> web.Response:
        fields = Fields(await request.read())
        phone = fields.phone("number", self._settings.number)
        if not phone.mobile:
            raise BadRequest("number", "a mobile phone of ours; others may cost more, or loop")
        name = fields.id("id") if fields.has("id") else uuid4().hex
        test_id = f"test-{derive_id('test', name)}"
        sealed = self._sealer.seal(phone.e164.encode())
        test = SmsTest(test_id, self._pseudonymizer.pseudonym(phone.e164), sealed)
        outcome = await self._store.add_test(test, self._clock.now())
        if outcome is Outcome.CONFLICT:
            return refuse(409, "id", "used before for another number; choose another id")
        await self._tell()
        status = 201 if outcome is Outcome.DONE else 200
        return web.json_response({"id": test_id}, status=status)

    # -- what only a person can decide --------------------------------------------------------

    async def _unresolved(self, _: web.Request) -> web.Response:
        replies = [
            {
                "id": reply.id,
                "at": describe_time(reply.at),
                "price_microeuros": reply.price_microeuros,
                "log": reply.log,
            }
            for reply in await self._store.list_unresolved()
        ]
        return web.json_response({"replies": replies})

    async def _decide(self, request: web.Request) -> web.Response:
        reply_id = check_id("id", request.match_info["id"])
        fields = Fields(await request.read())
        sent = fields.choice("outcome", "sent", "void") == "sent"
        action = OperatorAction.REPLY_SENT if sent else OperatorAction.REPLY_VOID
        decided = self._decided(action, reply_id=reply_id, why=fields.words("why", required=False))
        outcome = await self._store.decide_unresolved(decided)
        if outcome is Outcome.UNKNOWN:
            return refuse(404, "id", "no such reply; `unresolved list` lists them")
        if outcome is Outcome.CONFLICT:
            return refuse(409, "id", "not unresolved, or decided otherwise before")
        await self._tell()
        return web.json_response({"id": reply_id, "outcome": "sent" if sent else "void"})

    async def _backfill(self, request: web.Request) -> web.Response:
        since = Fields(await request.read()).since("since", self._clock.now())
        await self._store.ask_backfill(self._decided(OperatorAction.BACKFILL, since=since))
        await self._tell()
        return web.json_response({"since": describe_time(since)}, status=202)

    def _decided(self, action: OperatorAction, **more: Any) -> OperatorDecided:
        at = self._clock.now()
        about = str(more.get("reply_id") or more.get("since"))
        decided_id = derive_id("decided", action, about, at.isoformat())
        return OperatorDecided(
            id=decided_id, trace=derive_trace(about), at=at, action=action, **more
        )

    async def _list_dead(self, _: web.Request) -> web.Response:
        corpses = await self._dead.list()
        reasons = sorted({corpse.reason for corpse in corpses})
        return web.json_response(
            {
                "total": await self._dead.count(),
                "records": [
                    {**asdict(corpse), "at": describe_time(corpse.at)} for corpse in corpses
                ],
                "explanations": {reason: asdict(explain(reason)) for reason in reasons},
            }
        )

    async def _replay(self, _: web.Request) -> web.Response:
        return web.json_response({"replayed": await self._dead.replay()})

    async def _note_audit(self, request: web.Request) -> web.Response:
        broken = Fields(await request.read()).counts("broken")
        await self._store.note_audit(Audit(self._clock.now(), broken))
        return web.json_response({"broken": broken}, status=201)

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.json_response(read_openapi())

    async def _tell(self) -> None:
        """Tell the others now; what cannot be told now, billing's timer tells later."""
        try:
            await self._store.tell(self._log.append)
        except Transient as trouble:
            LOG.warning("operator_tells_later", code=trouble.code)
        self._wake()


def read_openapi() -> Mapping[str, Any]:
    """The OpenAPI document."""
    text = (resources.files("services.billing") / "openapi.json").read_text("utf-8")
    document: Mapping[str, Any] = json.loads(text)
    return document


def refuse(status: int, field: str, fix: str) -> web.Response:
    """An error that names the field, where it is one's, and the fix."""
    body = {"error": f"{field}: {fix}" if field else fix}
    if field:
        body["field"] = field
    return web.json_response(body, status=status)
