"""What becomes an entry, when it is signed, and when it is erased."""

import json
from dataclasses import replace

import pytest
import structlog
from structlog.testing import capture_logs

from kernel.facts.records import (
    Posture,
    PostureChanged,
    ReplyKind,
    SignatureMode,
    Source,
    decode,
    encode,
)
from kernel.stage.stage import Progress
from services.evidence.core.entry import enter, enter_terms, terms_told
from services.evidence.memory import MemoryStore
from tests.unit.evidence.cases import (
    DAY,
    MINUTE,
    NOW,
    SIGNER,
    TERMS,
    batch,
    handler,
    judged,
    received,
    replied,
    weekend,
)


@pytest.mark.parametrize(
    ("mode", "signed"),
    [
        (SignatureMode.V2, False),
        (SignatureMode.MA_V2, False),
        (SignatureMode.V3, True),
        (SignatureMode.MA_V3, True),
        (SignatureMode.NONE, False),
    ],
)
def test_a_record_says_whether_the_provider_signed_the_body(
    mode: SignatureMode,
    signed: bool,
) -> None:
    entry = enter(received(1, signature=mode), "1.0")
    assert entry is not None
    told = json.loads(entry.record)
    assert (told["signature"], told["body_signed"]) == (mode, signed)
    assert told["software"] == "antirelou 1.0"


def test_no_text_and_no_number_in_any_record() -> None:
    for record in [received(1, 7, "un-secret"), judged(1, 7), replied(1, 7)]:
        entry = enter(record, "1.0")
        assert entry is not None
        assert b"un-secret" not in entry.record
        assert b"0007" not in entry.record.replace(entry.sender.encode(), b"")  # type: ignore[union-attr]


def test_a_record_told_again_has_the_same_name_and_bytes() -> None:
    for record in weekend():
        again = decode(record.TOPIC, encode(record))
        assert enter(again, "1.0") == enter(record, "1.0")


def test_a_webhook_after_a_backfill_is_a_record_of_its_own() -> None:
    seen = enter(received(1), "1.0")
    missed = received(1, source=Source.BACKFILL, text="", evidence_sealed=None,
                      evidence_digest=None)  # fmt: skip
    told = enter(missed, "1.0")
    assert seen is not None
    assert told is not None
    assert seen.name != told.name
    assert told.sealed is None


def test_what_is_about_no_sender_is_no_entry() -> None:
    from msgspec.structs import replace as change

    assert enter(change(replied(1), kind=ReplyKind.TEST), "1.0") is None
    posture = PostureChanged(
        id="p", trace="", at=NOW, sequence=1, posture=Posture.NORMAL, cause="calm", attach=True
    )
    assert enter(posture, "1.0") is None


async def test_the_terms_are_told_when_they_change_and_only_then() -> None:
    store = MemoryStore()
    for terms in (TERMS, TERMS, replace(TERMS, version="2.0"), replace(TERMS, version="2.0")):
        await handler(store, terms=terms).append([], NOW)
    kept = await store.load_records(range(9))
    assert [terms_told(each.entry.record).version for each in kept] == ["1.0", "2.0"]
    assert terms_told(enter_terms(TERMS, NOW).record) == TERMS


async def test_what_grew_is_signed_once_a_minute() -> None:
    store = MemoryStore()
    kept = handler(store)
    assert await kept.sign(NOW) is None
    due = await kept.due(Progress(), NOW)
    assert due.next_at == NOW + MINUTE
    await kept.handle(batch([received(1)]), NOW)
    await kept.due(Progress(), NOW + MINUTE / 2)
    assert await store.load_checkpoints(9, 9) == []
    await kept.due(Progress(), NOW + MINUTE)
    await kept.due(Progress(), NOW + 2 * MINUTE)  # nothing new: nothing signed
    (signed,) = await store.load_checkpoints(9, 9)
    assert (signed.size, signed.at) == (2, NOW + MINUTE)
    assert signed.note.startswith(f"{SIGNER.name}\n2\n")


async def test_what_is_past_its_time_is_erased_and_the_log_says_so() -> None:
    store = MemoryStore()
    kept = handler(store)
    await kept.handle(batch(weekend()), NOW)
    size = (await store.read_tree()).size
    await kept.due(Progress(), NOW + 100 * DAY)
    assert await store.load_erased(0, size) == []
    structlog.reset_defaults()
    with capture_logs() as lines:
        await kept.due(Progress(), NOW + 182 * DAY)
    assert len(await store.load_erased(0, size)) == size - 1  # the terms stay
    (said,) = [line for line in lines if line["event"] == "records_erased"]
    assert said["retention"] == size - 1
