"""The wiring of the house (docs/contract.md §4)."""

from datetime import timedelta

from kernel.facts.topics import (
    DEAD_BYTES_MAX,
    DEAD_VALUE_BYTES_MAX,
    OUTAGE_MAX,
    PARTITIONS,
    READS,
    TEXT_KEPT_SECONDS_MIN,
    dead,
    topic_specs,
)
from kernel.log.port import TopicSpec

DAY = timedelta(days=1)


def specs(
    retain_text: timedelta = 7 * DAY, wait_longest: timedelta = 12 * DAY
) -> dict[str, TopicSpec]:
    found = topic_specs(retain_text=retain_text, wait_longest=wait_longest)
    assert len({spec.name for spec in found}) == len(found)
    return {spec.name: spec for spec in found}


def test_every_topic_has_a_dead_twin_with_room_for_the_largest_record() -> None:
    topics = specs()
    alive = {name: spec for name, spec in topics.items() if not name.endswith(".dead")}
    assert len(topics) == 2 * len(alive)
    for name, spec in alive.items():
        twin = topics[dead(name)]
        assert twin.partitions == 1
        assert twin.retention_seconds == spec.retention_seconds
        assert twin.value_bytes_max == DEAD_VALUE_BYTES_MAX
        assert twin.retention_bytes == DEAD_BYTES_MAX
        assert spec.retention_bytes is None  # what is not read yet must not go
        # Base64 of the largest value, and the rest of the dead record beside it.
        assert twin.value_bytes_max > spec.value_bytes_max * 4 / 3 + 10_000


def test_whatever_a_group_reads_is_a_topic_and_whatever_is_written_is_read() -> None:
    alive = {name for name in specs() if not name.endswith(".dead")}
    read = {topic for topics in READS.values() for topic in topics}
    assert read == alive


def test_clear_text_is_kept_as_long_as_the_operator_says_and_no_longer() -> None:
    kept = specs(retain_text=3 * DAY)
    for name, spec in kept.items():
        is_text = name in {"sms.received", "sms.received.dead"}
        assert (spec.retention_seconds == 3 * 86400) == is_text


def test_the_others_outlast_the_longest_wait_and_an_outage() -> None:
    for name, spec in specs(wait_longest=20 * DAY).items():
        if not name.startswith("sms.received"):
            assert spec.retention_seconds == (20 * DAY + OUTAGE_MAX).total_seconds()


def test_under_a_fast_clock_nothing_unread_is_dropped() -> None:
    fast = specs(retain_text=timedelta(seconds=2), wait_longest=timedelta(seconds=30))
    assert fast["sms.received"].retention_seconds == TEXT_KEPT_SECONDS_MIN
    kept = fast["sms.judged"].retention_seconds
    assert kept is not None
    assert kept > OUTAGE_MAX.total_seconds()


def test_what_belongs_to_a_sender_is_spread_and_the_rest_is_in_one_order() -> None:
    topics = specs()
    for name in ("sms.received", "sms.judged", "sms.reported", "replies.changed"):
        assert topics[name].partitions == PARTITIONS
    assert topics["posture.changed"].partitions == 1
