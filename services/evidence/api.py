"""The operator API of evidence: its table, what is asked and answered, and what each route does.

It hands out sealed requests, never an opened one: the key is not here. A number is turned into its
pseudonym at once; it is never kept, logged or quoted.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from kernel.desk.desk import describe_rows, open_desk
from kernel.desk.fields import Instant, Number, Refused, Whole, accepts
from kernel.desk.route import Caller, Nothing, Role, Route, Rows
from kernel.sealing.privacy import Pseudonymizer
from kernel.values.clock import Clock
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

CaseId = Annotated[
    str,
    accepts("1 to 61 of A-Z a-z 0-9 . _ -", pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,60}\Z"),
]
Text = Annotated[
    str,
    accepts("one line, 1 to 500 characters", min_length=1, max_length=500,
            pattern=r"^[^\x00-\x1f]*$"),
]  # fmt: skip
Pseudonym = Annotated[
    str, accepts("pseudonyms: 32 hexadecimal digits each", pattern=r"\A[0-9a-f]{32}\Z")
]

# -- what is asked --------------------------------------------------------------------------------


class CaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case, as an operator asks for it; ``numbers`` become pseudonyms and are forgotten."""

    id: CaseId
    reason: Text
    hold_until: Instant
    senders: tuple[Pseudonym, ...] = ()
    numbers: tuple[str, ...] = ()
    campaigns: tuple[Text, ...] = ()
    since: Instant | None = None
    until: Instant | None = None


class SubjectRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose data."""

    number: Number


class IdRequest(msgspec.Struct, frozen=True):
    """Which case, or which message."""

    id: str


class SizeRequest(msgspec.Struct, frozen=True):
    """A case in the log of a size."""

    id: str
    size: Whole


class PageRequest(msgspec.Struct, frozen=True):
    """A page of a case in the log of a size.

    Attributes:
        after: 0, or as the page before says.
    """

    id: str
    size: Whole
    after: Whole


# -- what is answered -----------------------------------------------------------------------------


class LogAnswer(msgspec.Struct, frozen=True):
    """The log: its length, its keys, and who stands for it."""

    leaves: int
    log_key: str
    witness_key: str | None
    evidence_key: str
    checkpoint: str | None
    checkpoint_at: Instant | None
    stamped_at: Instant | None
    witnessed_size: int


class CaseAnswer(msgspec.Struct, frozen=True):
    """A case.

    Attributes:
        holds: whether its records are held now.
        senders: pseudonyms.
    """

    id: str
    reason: str
    hold_until: Instant
    holds: bool
    senders: Sequence[str]
    campaigns: Sequence[str]
    since: Instant | None
    until: Instant | None
    opened_at: Instant
    closed_at: Instant | None


class CasesAnswer(msgspec.Struct, frozen=True):
    """All cases."""

    cases: Sequence[CaseAnswer]


class EarlierAnswer(msgspec.Struct, frozen=True):
    """A stamped checkpoint of the past.

    Attributes:
        stamp: of the authority, base64.
        proof: that the log of today only grew from it: hashes, base64.
    """

    size: int
    note: str
    stamp: str | None
    proof: Sequence[str]


class HeadAnswer(msgspec.Struct, frozen=True):
    """The log as it is now, signed; and its stamped past, each with its consistency proof."""

    case: CaseAnswer
    size: int
    checkpoint: str
    log_key: str
    witness_key: str | None
    earlier: Sequence[EarlierAnswer]


class RecordAnswer(msgspec.Struct, frozen=True):
    """A record of the log.

    Attributes:
        salt: hexadecimal.
        record: JSON, as it was hashed.
        sealed: the request, base64; null: there is none.
    """

    index: int
    salt: str
    record: str
    sealed: str | None


class RecordsAnswer(msgspec.Struct, frozen=True):
    """A page of records.

    Attributes:
        after: asks for the next page; null: it is over.
    """

    records: Sequence[RecordAnswer]
    after: int | None


class ErasedAnswer(msgspec.Struct, frozen=True):
    """A leaf whose record was erased.

    Attributes:
        leaf: its hash, hexadecimal.
    """

    index: int
    leaf: str
    at: Instant
    why: str


class InclusionAnswer(msgspec.Struct, frozen=True):
    """The case's leaves, and the hashes that lead them to the root, base64."""

    leaves: Sequence[int]
    erased: Sequence[ErasedAnswer]
    proof: Sequence[str]


class ProofAnswer(msgspec.Struct, frozen=True):
    """A record, and its proof in the tlog-proof format."""

    index: int
    salt: str
    record: str
    sealed: str | None
    proof: str


class ProofsAnswer(msgspec.Struct, frozen=True):
    """The records about a message."""

    proofs: Sequence[ProofAnswer]
    log_key: str


class HoldAnswer(msgspec.Struct, frozen=True):
    """Why records are not erased.

    Attributes:
        records: how many the case holds.
    """

    case: str
    reason: str
    until: Instant
    records: int


class SubjectAnswer(msgspec.Struct, frozen=True):
    """What is kept about a number."""

    sender: str
    objected_at: Instant | None
    holds: Sequence[HoldAnswer]
    records: Sequence[RecordAnswer]


class ErasureAnswer(msgspec.Struct, frozen=True):
    """What was erased, what holds the rest, and what remains."""

    erased: int
    holds: Sequence[HoldAnswer]
    remains: Sequence[str]


class ObjectionAnswer(msgspec.Struct, frozen=True):
    """Since when evidence about a number is kept as briefly as a text."""

    sender: str
    objected_at: Instant | None
    holds: Sequence[HoldAnswer]


# -- what is done ---------------------------------------------------------------------------------


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

    async def get_log(self, _: Nothing, __: Caller) -> LogAnswer:
        """The log as it is."""
        tree = await self._store.read_tree()
        latest = await self._store.load_checkpoints(tree.size, 1)
        stamped = await self._store.load_checkpoints(tree.size, 1, stamped_only=True)
        return LogAnswer(
            leaves=tree.size,
            log_key=str(self._settings.signer.key),
            witness_key=_text(self._settings.notary.witness_key),
            evidence_key=self._settings.terms.evidence_key,
            checkpoint=latest[0].note if latest else None,
            checkpoint_at=latest[0].at if latest else None,
            stamped_at=stamped[0].stamped_at if stamped else None,
            witnessed_size=await self._store.witnessed_size(),
        )

    # -- cases --------------------------------------------------------------------------------

    async def list_cases(self, _: Nothing, __: Caller) -> CasesAnswer:
        """All cases."""
        now = self._clock.now()
        cases = await self._store.load_cases()
        return CasesAnswer([_describe_case(case, now) for case in cases])

    async def open_case(self, asked: CaseRequest, _: Caller) -> tuple[int, CaseAnswer]:
        """Hold the records that a case selects."""
        now = self._clock.now()
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
        return (201 if new else 200), _describe_case(kept, now)

    async def close_case(self, asked: IdRequest, _: Caller) -> CaseAnswer:
        """End a case's hold."""
        case, now = await self._case(asked.id), self._clock.now()
        await self._store.close_case(case.id, now)
        closed = replace(case, closed_at=case.closed_at or now)
        return _describe_case(closed, now)

    async def _case(self, case_id: str) -> Case:
        cases = await self._store.load_cases(case_id)
        if not cases:
            raise Refused(404, "id", "no such case; `evidence cases` lists them")
        return cases[0]

    # -- what an export is made of ----------------------------------------------------------------

    async def sign_head(self, asked: IdRequest, _: Caller) -> HeadAnswer:
        """The log as it is now, signed; and its stamped past, each with its consistency proof."""
        case = await self._case(asked.id)
        signed = await self._handler.attest(self._clock.now())
        if signed is None:
            raise Refused(409, "", "the log is empty: nothing was received yet")
        earlier = []
        for one in await self._store.load_checkpoints(signed.size, EARLIER_MAX, stamped_only=True):
            proof = await prove(self._store, plan_consistency(one.size, signed.size))
            earlier.append(EarlierAnswer(one.size, one.note, _b64(one.stamp), _all(proof)))
        return HeadAnswer(
            case=_describe_case(case, self._clock.now()),
            size=signed.size,
            checkpoint=signed.note,
            log_key=str(self._settings.signer.key),
            witness_key=_text(self._settings.notary.witness_key),
            earlier=earlier,
        )

    async def list_records(self, asked: PageRequest, _: Caller) -> RecordsAnswer:
        """A page of a case's records."""
        case = await self._case(asked.id)
        leaves = await self._store.case_leaves(case.selection, asked.size)
        page = [leaf for leaf in leaves if leaf >= asked.after][:PAGE_RECORDS]
        kept = await self._store.load_records(page)
        return RecordsAnswer(
            [_describe_record(each) for each in kept], page[-1] + 1 if page else None
        )

    async def prove_inclusion(self, asked: SizeRequest, _: Caller) -> InclusionAnswer:
        """What leads a case's leaves to the root."""
        case = await self._case(asked.id)
        chosen, size = case.selection, asked.size
        leaves = await self._store.case_leaves(chosen, size)
        erased = await self._store.load_erased(*await self._store.case_window(chosen, size))
        gone = await prove(self._store, [Span(one.leaf, one.leaf + 1) for one in erased])
        known = sorted({*leaves, *(one.leaf for one in erased)})
        proof = await prove(self._store, plan_inclusion_of_many(known, size))
        return InclusionAnswer(
            leaves,
            [
                ErasedAnswer(one.leaf, leaf.hex(), one.at, one.why)
                for one, leaf in zip(erased, gone, strict=True)
            ],
            _all(proof),
        )

    async def prove_message(self, asked: IdRequest, _: Caller) -> ProofsAnswer:
        """One tlog-proof for each leaf about a message, with what it takes to check it."""
        signed = await self._handler.attest(self._clock.now())
        leaves = await self._store.message_leaves(asked.id)
        if signed is None or not leaves:
            raise Refused(404, "id", "no record of a message with this id")
        proofs = []
        for kept in await self._store.load_records([n for n in leaves if n < signed.size]):
            hashes = await prove(self._store, plan_inclusion(kept.leaf, signed.size))
            lines = ["c2sp.org/tlog-proof@v1", f"index {kept.leaf}", *_all(hashes)]
            proof = "\n".join(lines) + "\n\n" + signed.note
            told = _describe_record(kept)
            proofs.append(ProofAnswer(told.index, told.salt, told.record, told.sealed, proof))
        return ProofsAnswer(proofs, str(self._settings.signer.key))

    # -- subjects ---------------------------------------------------------------------------------

    async def show_subject(self, asked: SubjectRequest, _: Caller) -> SubjectAnswer:
        """Access: what is kept about a number."""
        sender = self._pseudonym("number", asked.number)
        kept = await self._store.load_records(await self._store.subject_leaves(sender))
        return SubjectAnswer(
            sender,
            await self._store.load_objection(sender),
            await self._holds(sender),
            [_describe_record(each) for each in kept],
        )

    async def erase_subject(self, asked: SubjectRequest, _: Caller) -> ErasureAnswer:
        """Erasure: what no case holds."""
        sender = self._pseudonym("number", asked.number)
        erasure = await self._eraser.erase(sender, self._clock.now())
        holds = [_describe_hold(hold) for hold in erasure.holds]
        return ErasureAnswer(erasure.erased, holds, erasure.remains)

    async def object_subject(self, asked: SubjectRequest, _: Caller) -> ObjectionAnswer:
        """Objection: kept as briefly as a text."""
        sender = self._pseudonym("number", asked.number)
        await self._store.add_objection(sender, self._clock.now())
        objected_at = await self._store.load_objection(sender)
        return ObjectionAnswer(sender, objected_at, await self._holds(sender))

    async def _holds(self, sender: str) -> list[HoldAnswer]:
        found = await self._store.load_holds(sender, self._clock.now())
        return [_describe_hold(hold) for hold in found]

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
    return open_desk(evidence_rows(api), settings.token)


NO_CASE = {404: "No case has this id."}


def evidence_rows(api: EvidenceApi) -> Rows:
    """The table."""
    rows: Rows = (
        Route(
            "GET", "/v1/evidence", api.get_log, Nothing, LogAnswer,
            "The log: its length, keys, last checkpoint, time stamp and cosignature.",
        ),
        Route(
            "GET", "/v1/evidence/cases", api.list_cases, Nothing, CasesAnswer,
            "All cases, and whether they hold their records now.",
        ),
        Route(
            "POST", "/v1/evidence/cases", api.open_case, CaseRequest, CaseAnswer,
            "Open a case: a hold on the records it selects. The same again changes nothing.",
            Role.OWNER,
            {201: "Opened.", 200: "Was opened before."},
            {409: "The id was used for another case, or its hold has ended."},
        ),
        Route(
            "POST", "/v1/evidence/cases/{id}/close", api.close_case, IdRequest, CaseAnswer,
            "End a case's hold.", Role.OWNER, refuses=NO_CASE,
        ),
        Route(
            "POST", "/v1/evidence/cases/{id}/head", api.sign_head, IdRequest, HeadAnswer,
            "Sign the log as it is, and give what an export begins with: checkpoint, keys, "
            "stamped checkpoints with their consistency proofs.",
            Role.OWNER, refuses=NO_CASE | {409: "The log is empty."},
        ),
        Route(
            "GET", "/v1/evidence/cases/{id}/records", api.list_records, PageRequest,
            RecordsAnswer,
            "A page of the case's records below a size: salt, record, sealed request.",
            Role.OWNER, refuses=NO_CASE,
        ),
        Route(
            "GET", "/v1/evidence/cases/{id}/inclusion", api.prove_inclusion, SizeRequest,
            InclusionAnswer,
            "The case's leaves, what was erased among them, and the hashes that lead all to the "
            "root of a size.",
            Role.OWNER, refuses=NO_CASE,
        ),
        Route(
            "GET", "/v1/evidence/proofs/{id}", api.prove_message, IdRequest, ProofsAnswer,
            "Each record about a message, with its proof in the tlog-proof format.",
            Role.OWNER, refuses={404: "No record is about a message with this id."},
        ),
        Route(
            "POST", "/v1/subjects/show", api.show_subject, SubjectRequest, SubjectAnswer,
            "Access: what is kept about a number.", Role.OWNER,
        ),
        Route(
            "POST", "/v1/subjects/erase", api.erase_subject, SubjectRequest, ErasureAnswer,
            "Erasure: everything about a number that no case holds; says what holds the rest and "
            "what remains.",
            Role.OWNER,
        ),
        Route(
            "POST", "/v1/subjects/object", api.object_subject, SubjectRequest, ObjectionAnswer,
            "Objection: evidence about a number is kept as briefly as a text.", Role.OWNER,
        ),
    )  # fmt: skip
    return describe_rows(
        rows,
        "/v1/evidence/openapi.json",
        "antirelou: evidence",
        "Part of the operator API, on OPS_LISTEN of the process that runs evidence. Hands out "
        "sealed requests, never an opened one.",
    )


def _describe_record(kept: Kept) -> RecordAnswer:
    sealed = _b64(kept.entry.sealed)
    return RecordAnswer(kept.leaf, kept.salt.hex(), kept.entry.record.decode(), sealed)


def _describe_case(case: Case, now: datetime) -> CaseAnswer:
    chosen = case.selection
    return CaseAnswer(
        id=case.id,
        reason=case.reason,
        hold_until=case.hold_until,
        holds=case.holds(now),
        senders=chosen.senders,
        campaigns=chosen.campaigns,
        since=chosen.since,
        until=chosen.until,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


def _describe_hold(hold: Hold) -> HoldAnswer:
    return HoldAnswer(hold.case_id, hold.reason, hold.until, hold.records)


def _text(value: object | None) -> str | None:
    return None if value is None else str(value)


def _b64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _all(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
