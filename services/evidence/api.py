"""The operator API of evidence, route by route: parse, call, answer.

It hands out sealed requests, never an opened one: the key is not here. A number is turned into its
pseudonym at once; it is never kept, logged or quoted.
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import resources
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web

from kernel.http.server import RETRY_LATER, guarded
from kernel.sealing.privacy import Pseudonymizer
from kernel.values.clock import Clock
from kernel.values.errors import Rejected, Transient
from kernel.values.phone import classify_number
from services.evidence.core.case import Case, Hold, Selection
from services.evidence.core.entry import Kept
from services.evidence.core.merkle import (
    Span,
    plan_consistency,
    plan_inclusion,
    plan_inclusion_of_many,
)
from services.evidence.eraser import Eraser
from services.evidence.handler import EvidenceHandler
from services.evidence.prover import prove
from services.evidence.settings import EvidenceSettings
from services.evidence.store import Store

PAGE_RECORDS = 5000
EARLIER_MAX = 1000
"""Stamped checkpoints that one export takes along, the latest."""

Answer = Callable[[web.Request], Awaitable[web.Response]]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]*$")]
Pseudonym = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
R = TypeVar("R", bound=msgspec.Struct)


class CaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case, as an operator asks for it; ``numbers`` become pseudonyms and are forgotten."""

    id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,60}\Z")]
    reason: Words
    hold_until: Instant
    senders: tuple[Pseudonym, ...] = ()
    numbers: tuple[str, ...] = ()
    campaigns: tuple[Words, ...] = ()
    since: Instant | None = None
    until: Instant | None = None


class SubjectRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose data."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class Refused(Exception):
    """A request that is not taken; the message names the field and the fix, and quotes nothing."""

    def __init__(self, status: int, field: str, fix: str) -> None:
        super().__init__(f"{field}: {fix}" if field else fix)
        self.status, self.field = status, field


class EvidenceApi:
    """Answers the operator. Arguments as ``evidence_routes``."""

    def __init__(
        self,
        store: Store,
        handler: EvidenceHandler,
        eraser: Eraser,
        settings: EvidenceSettings,
        clock: Clock,
    ) -> None:
        self._store, self._handler, self._eraser = store, handler, eraser
        self._settings, self._clock = settings, clock
        self._pseudonymizer = Pseudonymizer(settings.pseudonym_key)

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        """Method, path and answer of every route."""
        return (
            ("GET", "/v1/evidence", self._status),
            ("GET", "/v1/evidence/cases", self._cases),
            ("POST", "/v1/evidence/cases", self._open_case),
            ("POST", "/v1/evidence/cases/{id}/close", self._close_case),
            ("POST", "/v1/evidence/cases/{id}/head", self._head),
            ("GET", "/v1/evidence/cases/{id}/records", self._records),
            ("GET", "/v1/evidence/cases/{id}/inclusion", self._inclusion),
            ("GET", "/v1/evidence/proofs/{id}", self._proofs),
            ("GET", "/v1/evidence/openapi.json", self._openapi),
            ("POST", "/v1/subjects/show", self._show),
            ("POST", "/v1/subjects/erase", self._erase),
            ("POST", "/v1/subjects/object", self._object),
        )

    async def _status(self, _: web.Request) -> web.Response:
        tree = await self._store.read_tree()
        latest = await self._store.load_checkpoints(tree.size, 1)
        stamped = await self._store.load_checkpoints(tree.size, 1, stamped_only=True)
        return web.json_response(
            {
                "leaves": tree.size,
                "log_key": str(self._settings.signer.key),
                "witness_key": _text(self._settings.notary.witness_key),
                "evidence_key": self._settings.terms.evidence_key,
                "checkpoint": latest[0].note if latest else None,
                "checkpoint_at": _time(latest[0].at) if latest else None,
                "stamped_at": _time(stamped[0].stamped_at) if stamped else None,
                "witnessed_size": await self._store.witnessed_size(),
            }
        )

    # -- cases --------------------------------------------------------------------------------

    async def _cases(self, _: web.Request) -> web.Response:
        now = self._clock.now()
        cases = await self._store.load_cases()
        return web.json_response({"cases": [_describe_case(case, now) for case in cases]})

    async def _open_case(self, request: web.Request) -> web.Response:
        asked, now = _read(await request.read(), CaseRequest), self._clock.now()
        senders = {*asked.senders, *(self._pseudonym("numbers", n) for n in asked.numbers)}
        chosen = Selection(tuple(sorted(senders)), asked.campaigns, asked.since, asked.until)
        case = Case(asked.id, asked.reason, asked.hold_until, chosen, now)
        if not chosen.bounded:
            raise Refused(422, "senders", "name senders, numbers or campaigns, or since and until")
        new = await self._store.add_case(case)
        kept = (await self._store.load_cases(case.id))[0]
        if not kept.same_as(case):
            raise Refused(409, "id", "used before for another case; choose another id")
        if not kept.holds(now):
            raise Refused(409, "hold_until", "the hold of this case has ended")
        return web.json_response(_describe_case(kept, now), status=201 if new else 200)

    async def _close_case(self, request: web.Request) -> web.Response:
        case, now = await self._case(request), self._clock.now()
        await self._store.close_case(case.id, now)
        closed = replace(case, closed_at=case.closed_at or now)
        return web.json_response(_describe_case(closed, now))

    async def _case(self, request: web.Request) -> Case:
        cases = await self._store.load_cases(request.match_info["id"])
        if not cases:
            raise Refused(404, "id", "no such case; `evidence cases` lists them")
        return cases[0]

    # -- what an export is made of ----------------------------------------------------------------

    async def _head(self, request: web.Request) -> web.Response:
        """The log as it is now, signed; and its stamped past, each with its consistency proof."""
        case = await self._case(request)
        signed = await self._handler.attest(self._clock.now())
        if signed is None:
            raise Refused(409, "", "the log is empty: nothing was received yet")
        earlier = []
        for one in await self._store.load_checkpoints(signed.size, EARLIER_MAX, stamped_only=True):
            proof = await prove(self._store, plan_consistency(one.size, signed.size))
            earlier.append(
                {"size": one.size, "note": one.note, "stamp": _b64(one.stamp), "proof": _all(proof)}
            )
        return web.json_response(
            {
                "case": _describe_case(case, self._clock.now()),
                "size": signed.size,
                "checkpoint": signed.note,
                "log_key": str(self._settings.signer.key),
                "witness_key": _text(self._settings.notary.witness_key),
                "earlier": earlier,
            }
        )

    async def _records(self, request: web.Request) -> web.Response:
        case, size = await self._case(request), _integer(request, "size")
        after = _integer(request, "after")
        leaves = await self._store.case_leaves(case.selection, size)
        page = [leaf for leaf in leaves if leaf >= after][:PAGE_RECORDS]
        kept = await self._store.load_records(page)
        told = {
            "records": [_describe_record(each) for each in kept],
            "after": page[-1] + 1 if page else None,
        }
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    async def _inclusion(self, request: web.Request) -> web.Response:
        case, size = await self._case(request), _integer(request, "size")
        chosen = case.selection
        leaves = await self._store.case_leaves(chosen, size)
        erased = await self._store.load_erased(*await self._store.case_window(chosen, size))
        gone = await prove(self._store, [Span(one.leaf, one.leaf + 1) for one in erased])
        known = sorted({*leaves, *(one.leaf for one in erased)})
        proof = await prove(self._store, plan_inclusion_of_many(known, size))
        return web.json_response(
            {
                "leaves": leaves,
                "erased": [
                    {"index": one.leaf, "leaf": leaf.hex(), "at": _time(one.at), "why": one.why}
                    for one, leaf in zip(erased, gone, strict=True)
                ],
                "proof": _all(proof),
            }
        )

    async def _proofs(self, request: web.Request) -> web.Response:
        """One tlog-proof for each leaf about a message, with what it takes to check it."""
        signed = await self._handler.attest(self._clock.now())
        leaves = await self._store.message_leaves(request.match_info["id"])
        if signed is None or not leaves:
            raise Refused(404, "id", "no record of a message with this id")
        proofs = []
        for kept in await self._store.load_records([n for n in leaves if n < signed.size]):
            hashes = await prove(self._store, plan_inclusion(kept.leaf, signed.size))
            lines = ["c2sp.org/tlog-proof@v1", f"index {kept.leaf}", *_all(hashes)]
            proof = "\n".join(lines) + "\n\n" + signed.note
            proofs.append({**_describe_record(kept), "proof": proof})
        return web.json_response({"proofs": proofs, "log_key": str(self._settings.signer.key)})

    async def _openapi(self, _: web.Request) -> web.Response:
        text = (resources.files("services.evidence") / "openapi.json").read_text("utf-8")
        return web.Response(text=text, content_type="application/json")

    # -- subjects ---------------------------------------------------------------------------------

    async def _show(self, request: web.Request) -> web.Response:
        sender, now = await self._subject(request), self._clock.now()
        leaves = await self._store.subject_leaves(sender)
        kept = await self._store.load_records(leaves)
        return web.json_response(
            {
                "sender": sender,
                "objected_at": _time(await self._store.load_objection(sender)),
                "holds": [_describe_hold(h) for h in await self._store.load_holds(sender, now)],
                "records": [_describe_record(each) for each in kept],
            }
        )

    async def _erase(self, request: web.Request) -> web.Response:
        erasure = await self._eraser.erase(await self._subject(request), self._clock.now())
        return web.json_response(
            {
                "erased": erasure.erased,
                "holds": [_describe_hold(hold) for hold in erasure.holds],
                "remains": erasure.remains,
            }
        )

    async def _object(self, request: web.Request) -> web.Response:
        sender, now = await self._subject(request), self._clock.now()
        await self._store.add_objection(sender, now)
        return web.json_response(
            {
                "sender": sender,
                "objected_at": _time(await self._store.load_objection(sender)),
                "holds": [_describe_hold(h) for h in await self._store.load_holds(sender, now)],
            }
        )

    async def _subject(self, request: web.Request) -> str:
        asked = _read(await request.read(), SubjectRequest)
        return self._pseudonym("number", asked.number)

    def _pseudonym(self, field: str, number: str) -> str:
        facts = classify_number(number, self._settings.number)
        if facts.e164 is None:
            raise Refused(422, field, "not a phone number; write it in E.164, as +33639980000")
        return self._pseudonymizer.pseudonym(facts.canonical)


def evidence_routes(
    store: Store,
    handler: EvidenceHandler,
    eraser: Eraser,
    settings: EvidenceSettings,
    clock: Clock,
) -> Sequence[web.AbstractRouteDef]:
    """The routes, guarded by the operator's token."""
    api = EvidenceApi(store, handler, eraser, settings, clock)
    return [
        web.route(method, path, guarded(settings.token, _answering(answer)))
        for method, path, answer in api.routes()
    ]


def _answering(answer: Answer) -> Answer:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except Refused as refused:
            body = {"error": str(refused)} | ({"field": refused.field} if refused.field else {})
            return web.json_response(body, status=refused.status)
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"error": "the body is too large"}, status=413)
        except Rejected:
            return web.json_response({"error": "a field holds what cannot be kept"}, status=422)
        except Transient as trouble:
            said = {"error": f"not now: {trouble}"}
            return web.json_response(said, status=503, headers=RETRY_LATER)

    return handle


def _read(body: bytes, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        said = str(error).rpartition(" - at `$.")
        field = said[2].rstrip("`").split("[")[0] if said[1] else ""
        fix = "missing, or not what is accepted; see docs/evidence.md"
        raise Refused(422, field, fix) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "", "send a JSON object") from None


def _integer(request: web.Request, name: str) -> int:
    text = request.query.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(422, name, "a whole number")
    return int(text)


def _describe_record(kept: Kept) -> dict[str, Any]:
    return {
        "index": kept.leaf,
        "salt": kept.salt.hex(),
        "record": kept.entry.record.decode(),
        "sealed": _b64(kept.entry.sealed),
    }


def _describe_case(case: Case, now: datetime) -> dict[str, Any]:
    chosen = case.selection
    return {
        "id": case.id,
        "reason": case.reason,
        "hold_until": _time(case.hold_until),
        "holds": case.holds(now),
        "senders": list(chosen.senders),
        "campaigns": list(chosen.campaigns),
        "since": _time(chosen.since),
        "until": _time(chosen.until),
        "opened_at": _time(case.opened_at),
        "closed_at": _time(case.closed_at),
    }


def _describe_hold(hold: Hold) -> dict[str, Any]:
    return {
        "case": hold.case_id,
        "reason": hold.reason,
        "until": _time(hold.until),
        "records": hold.records,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _b64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _all(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
