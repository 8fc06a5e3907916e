"""The topics, their partitions, their retention, and who reads them (docs/contract.md §4)."""

from datetime import timedelta

from kernel.facts.records import (
    DonationReported,
    OperatorDecided,
    PostureChanged,
    ProviderChecked,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    SenderBlocked,
    SmsJudged,
    SmsReceived,
    SmsReported,
    encode,
)
from kernel.log.port import Outgoing, TopicSpec

PARTITIONS = 12
DEAD_SUFFIX = ".dead"

FILTER_GROUP = "antirelou-filter"
BILLING_GROUP = "antirelou-billing"
RESPONDER_GROUP = "antirelou-responder"
EVIDENCE_GROUP = "antirelou-evidence"
DONATIONS_GROUP = "antirelou-donations"
DEAD_GROUP = "antirelou-dead"
"""Commits on the dead topics what ``dead replay`` has put back."""

READS: dict[str, tuple[str, ...]] = {
    FILTER_GROUP: (SmsReceived.TOPIC, ReplyChanged.TOPIC, SenderBlocked.TOPIC),
    BILLING_GROUP: (
        SmsReceived.TOPIC,
        SmsJudged.TOPIC,
        ReplyChanged.TOPIC,
        ProviderChecked.TOPIC,
        DonationReported.TOPIC,
    ),
    RESPONDER_GROUP: (
        ReplyAuthorized.TOPIC,
        SmsReported.TOPIC,
        PostureChanged.TOPIC,
        OperatorDecided.TOPIC,
    ),
    EVIDENCE_GROUP: (SmsReceived.TOPIC, SmsJudged.TOPIC, ReplyChanged.TOPIC),
    DONATIONS_GROUP: (DonationReported.TOPIC,),
}
"""Which group reads which topics; the whole wiring of the house."""

OUTAGE_MAX = timedelta(days=14)
"""How long a stage may be away and still find all it has not read; but of ``sms.received`` only
what ``RETAIN_TEXT`` keeps: what goes unread is told (docs/decisions/0012)."""

DEAD_VALUE_BYTES_MAX = 2_097_152
"""A dead record holds the largest record in base64, a third longer."""

DEAD_BYTES_MAX = 268_435_456
"""Of each dead topic: some 250,000 records. A flood of poison drops the oldest, not the disk."""

TEXT_KEPT_SECONDS_MIN = 3600
"""Under a fast clock ``RETAIN_TEXT`` shrinks; what nobody has read yet must not go with it."""

_SINGLE_PARTITION = (
    PostureChanged.TOPIC,
    ProviderChecked.TOPIC,
    OperatorDecided.TOPIC,
    DonationReported.TOPIC,
)
_KEYED = (
    SmsReceived.TOPIC,
    SmsReported.TOPIC,
    SmsJudged.TOPIC,
    ReplyAuthorized.TOPIC,
    ReplyChanged.TOPIC,
    SenderBlocked.TOPIC,
)


def dead(topic: str) -> str:
    """The topic of the records of ``topic`` that could not be handled."""
    return topic + DEAD_SUFFIX


def outgoing(record: Record) -> Outgoing:
    """A record, ready for the log."""
    return Outgoing(record.TOPIC, record.key(), encode(record))


def topic_specs(*, retain_text: timedelta, wait_longest: timedelta) -> list[TopicSpec]:
    """All topics as they should be.

    Args:
        retain_text: ``RETAIN_TEXT``: how long clear texts may stay; bounds ``sms.received`` and
            its dead twin.
        wait_longest: the longest wait of a message (``REPLY_DELAY_MAX`` + ``MAX_WAIT``, stretched
            by quiet hours); the other topics are kept for it plus the longest outage.
    """
    kept = int((wait_longest + OUTAGE_MAX).total_seconds())
    text_kept = max(int(retain_text.total_seconds()), TEXT_KEPT_SECONDS_MIN)
    specs = []
    for name in (*_KEYED, *_SINGLE_PARTITION):
        seconds = text_kept if name == SmsReceived.TOPIC else kept
        partitions = 1 if name in _SINGLE_PARTITION else PARTITIONS
        specs.append(TopicSpec(name, partitions, seconds))
        specs.append(TopicSpec(dead(name), 1, seconds, DEAD_VALUE_BYTES_MAX, DEAD_BYTES_MAX))
    return specs
