"""The codec: what is written is read, what is no record is refused by field and never quoted."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import (
    RECORD_TYPES,
    Decision,
    Intent,
    Posture,
    PostureChanged,
    Reason,
    Record,
    ReplyChanged,
    ReplyState,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    decode,
    decode_as,
    derive_id,
    derive_trace,
    encode,
)
from kernel.facts.topics import PARTITIONS, READS, dead, outgoing, topic_specs
from kernel.values.errors import Rejected
from kernel.values.sender import SenderKind

AT = datetime(2017, 10, 27, 16, 0, tzinfo=UTC)
SENDER = "0" * 31 + "a"

instants = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.just(UTC),
)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
senders = st.text("0123456789abcdef", min_size=32, max_size=32)
amounts = st.none() | st.integers(0, 10**15)

received = st.builds(
    SmsReceived,
    id=ids,
    trace=ids,
    at=instants,
    sender=senders,
    sender_kind=st.sampled_from(SenderKind),
    sender_sealed=st.none() | st.binary(max_size=100),
    country=st.none() | st.just("FR"),
    to_ours=st.booleans(),
    text=st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=1600),
    intent=st.sampled_from(Intent),
    segments=st.integers(0, 20),
    amount_microunits=amounts,
    signature=st.sampled_from(SignatureMode),
    nonce=st.none() | ids,
    evidence_sealed=st.none() | st.binary(max_size=300),
)
judged = st.builds(
    SmsJudged,
    id=ids,
    trace=ids,
    at=instants,
    sender=senders,
    decision=st.sampled_from(Decision),
    reason=st.sampled_from(Reason),
    score=st.floats(-50, 50),
    received_at=instants,
    due_at=instants,
    basis=st.dictionaries(ids, st.integers(0, 1000) | ids, max_size=3),
)
changed = st.builds(
    ReplyChanged,
    id=ids,
    trace=ids,
    at=instants,
    sender=senders,
    reply_id=ids,
    sequence=st.integers(0, 1000),
    by=st.sampled_from(["responder", "billing"]),
    state=st.sampled_from(ReplyState),
    due_at=instants,
    amount_microunits=amounts,
)


@given(received | judged | changed)
def test_what_is_written_is_read(record: Record) -> None:
    value = encode(record)
    assert decode(record.TOPIC, value) == record
    assert encode(decode(record.TOPIC, value)) == value


def example(**changes: Any) -> dict[str, Any]:
    posture = PostureChanged(
        id="p1", trace="t", at=AT, sequence=1, posture=Posture.NORMAL, cause="calm", attach=True
    )
    found: dict[str, Any] = msgspec.json.decode(encode(posture))
    return found | changes


def test_a_reader_ignores_fields_it_does_not_know() -> None:
    value = msgspec.json.encode(example(brand_new=1))
    assert decode_as(PostureChanged, value).sequence == 1


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (b"null", "unreadable"),
        (b"{}", "unreadable"),
        (msgspec.json.encode(example(at="2017-10-27T16:00:00")), "unreadable"),
        (msgspec.json.encode(example(sequence=-1)), "unreadable"),
        (msgspec.json.encode(example(id="")), "unreadable"),
        (msgspec.json.encode(example(v=2)), "unknown_version"),
    ],
)
def test_what_is_no_record_is_refused(value: bytes, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        decode(PostureChanged.TOPIC, value)
    assert refusal.value.code == code


def test_a_refusal_names_the_field_and_never_quotes_the_value() -> None:
    secret = "+33639981234"
    with pytest.raises(Rejected, match=r"\$\.posture") as refusal:
        decode(PostureChanged.TOPIC, msgspec.json.encode(example(posture=secret)))
    assert secret not in str(refusal.value)


@pytest.mark.parametrize(
    "sender", ["", "+33639981234", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"]
)
def test_a_sender_is_a_pseudonym_and_nothing_else(sender: str) -> None:
    value = msgspec.json.encode(
        {"id": "m", "trace": "t", "at": AT, "sender": sender, "blocked": True}
    )
    with pytest.raises(Rejected, match="sender"):
        decode("senders.blocked", value)


def test_ids_are_derived_and_parts_do_not_run_together() -> None:
    assert derive_id("a", "bc") == derive_id("a", "bc")
    assert derive_id("a", "bc") != derive_id("ab", "c")
    assert len(derive_trace("m")) == 32


def test_a_record_is_keyed_by_its_sender() -> None:
    record = decode_as(
        SmsJudged,
        msgspec.json.encode(
            {"id": "m", "trace": "t", "at": AT, "sender": SENDER, "decision": "silent",
             "reason": "burst", "received_at": AT, "due_at": AT}
        ),
    )  # fmt: skip
    assert outgoing(record).key == SENDER.encode()


def test_every_topic_has_a_dead_twin_and_every_read_topic_exists() -> None:
    from datetime import timedelta

    specs = {
        spec.name: spec
        for spec in topic_specs(retain_text=timedelta(days=7), wait_longest=timedelta(days=12))
    }
    for kind in RECORD_TYPES:
        assert dead(kind.TOPIC) in specs
    for topics in READS.values():
        assert set(topics) <= set(specs)
    assert specs["sms.received"].partitions == PARTITIONS
    assert specs["sms.received"].retention_seconds == 7 * 86400
    assert specs["sms.received.dead"].retention_seconds == 7 * 86400
    assert specs["posture.changed"].partitions == 1
