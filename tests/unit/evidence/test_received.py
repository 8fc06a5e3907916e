"""A message told more than once: the first with a request tells it, and no request vanishes."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kernel.facts.records import Record, SignatureMode, SmsReceived, Source
from kernel.sealing.privacy import Unsealer
from services.evidence.core.dossier import Gathered, open_records
from services.evidence.core.entry import RECEIVED
from services.evidence.core.note import export_signer
from services.evidence.core.verifier import list_messages, request_told
from services.evidence.memory import MemoryStore
from services.evidence.store import Store
from tests.unit.evidence.cases import (
    MINUTE,
    NOW,
    PRIVATE_KEY,
    SEALER,
    batch,
    handler,
    judged,
    received,
    replied,
    request,
)

NOTHING: dict[str, Any] = {
    "text": None, "nonce": None, "evidence_sealed": None, "evidence_digest": None,
}  # fmt: skip
WEBHOOK = received(1, 1, "Bonjour")


def backfill(**more: Any) -> SmsReceived:
    """The same message, as the provider's log tells it."""
    found = {**NOTHING, "source": Source.BACKFILL, "signature": SignatureMode.NONE, **more}
    return replace(WEBHOOK, **found)


def another(text: str, salt: str, mode: SignatureMode = SignatureMode.V3) -> SmsReceived:
    """A further request of the same message."""
    plain = request(1, 1, text).replace(f"{1:032x}".encode(), salt.encode())
    return replace(
        WEBHOOK,
        at=NOW + 5 * MINUTE,
        text=text,
        signature=mode,
        evidence_sealed=SEALER.seal(plain),
        evidence_digest=hashlib.sha256(plain).hexdigest(),
    )


EVENTS: dict[str, Record] = {
    "webhook": WEBHOOK,
    "webhook, tried again by the provider": another("Bonjour", "again"),
    "forged": another("Je suis quelqu'un d'autre", "forged", SignatureMode.V2),
    "backfill": backfill(),
    "backfill that tells another charge": backfill(amount_microunits=12_000),
    "redacted": replace(WEBHOOK, **NOTHING),
    "verdict": judged(1),
    "reply": replied(1),
}
REQUESTS = ("webhook", "webhook, tried again by the provider", "forged")


async def told(store: Store) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of an export of everything, and its entries of messages received."""
    from antirelou.commands.evidence import unsealer
    from services.evidence.api import _describe_record

    kept = await store.load_records(range(99))
    gathered = Gathered({}, [msgspec.to_builtins(_describe_record(each)) for each in kept], {})
    dossier = open_records(gathered, unsealer(PRIVATE_KEY), export_signer(PRIVATE_KEY), NOW)
    entries = [dict(e) for e in dossier.entries if e["record"]["kind"] == RECEIVED]
    return [dict(row) for row in dossier.messages], entries


def tell(batches: Sequence[Sequence[str]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    async def run() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        store = MemoryStore()
        for names in batches:
            await handler(store).handle(batch([EVENTS[name] for name in names]), NOW)
        return await told(store)

    return asyncio.run(run())


@settings(deadline=None)
@example([["redacted", "backfill that tells another charge", "forged"]])
@given(st.lists(st.lists(st.sampled_from(sorted(EVENTS)), max_size=4), max_size=4))
def test_the_first_with_a_request_wins_in_every_order_and_none_vanishes(
    batches: list[list[str]],
) -> None:
    rows, entries = tell(batches)
    names = [name for names in batches for name in names]
    receptions = [name for name in names if isinstance(EVENTS[name], SmsReceived)]
    if not receptions:
        assert rows == []
        return
    (row,) = rows
    requests = list(dict.fromkeys(name for name in names if name in REQUESTS))
    # Each request has one leaf, in the order in which they came.
    kept = [entry["request"] for entry in entries if entry["request"]]
    wanted = [EVENTS[name] for name in requests]
    unseal = Unsealer(PRIVATE_KEY).unseal
    assert kept == [unseal(w.evidence_sealed).decode() for w in wanted]  # type: ignore[attr-defined]
    first = wanted[0] if wanted else None
    if first is not None:
        assert isinstance(first, SmsReceived)
        assert (row["text"], row["signature"]) == (first.text, first.signature)
        assert row["from"] == "33639980001"
        assert row["received_at"] == first.at.isoformat().replace("+00:00", "Z")
    else:
        assert row["record"] == entries[0]["index"]
        assert row["text"] is None
    # Of two that say two things, the other is named.
    texts = [w.text for w in wanted]  # type: ignore[attr-defined]
    leaves = [entry["index"] for entry in entries if entry["request"]]
    others = [leaf for leaf, text in zip(leaves, texts, strict=True) if text != texts[0]]
    assert row["contradicted_by"] == others
    # What came without a request is there once, or again for what it was charged.
    poor = [entry["record"] for entry in entries if request_told(entry["record"]) is None]
    assert len(poor) <= 2
    if receptions[0] in REQUESTS:
        assert [told["amount_microunits"] for told in poor] in ([], [12_000])
    if "backfill that tells another charge" in names and "backfill" not in names:
        assert row["cost_microunits"] == 12_000
    # Verdict and reply are the message's, whenever they were read.
    assert (row["reason"] == "deserved") is ("verdict" in names)
    assert (row["reply"] == "delivered") is ("reply" in names)


@pytest.mark.parametrize("late", [[], ["webhook"]])
def test_a_backfill_adds_nothing_to_a_webhook_and_is_not_entered(late: list[str]) -> None:
    _, entries = tell([["webhook"], ["backfill"], ["backfill", *late]])
    assert len(entries) == 1
    assert entries[0]["record"]["source"] == "webhook"


def test_the_webhook_after_a_backfill_is_entered_and_tells_the_message() -> None:
    (row,), entries = tell([["backfill"], ["webhook"]])
    assert [entry["record"]["source"] for entry in entries] == ["backfill", "webhook"]
    assert (row["record"], row["text"]) == (entries[1]["index"], "Bonjour")


async def test_what_was_erased_does_not_come_back_with_another_request() -> None:
    store = MemoryStore()
    await handler(store).handle(batch([WEBHOOK]), NOW)
    assert await store.erase_subject(WEBHOOK.sender, NOW) == 1
    for record in EVENTS.values():
        if isinstance(record, SmsReceived):
            await handler(store).handle(batch([record]), NOW)
    assert await store.subject_leaves(WEBHOOK.sender) == []


def test_a_request_that_is_not_opened_here_is_not_taken_for_the_same() -> None:
    _, entries = tell([["webhook"], ["webhook, tried again by the provider"]])
    sealed = [entries[0], {**entries[1], "request": None}]
    (row,) = list_messages(sealed)
    assert row["contradicted_by"] == [entries[1]["index"]]
