"""What two looks at a consumer group say."""

import pytest

from antirelou.commands.doctor_cluster import _describe_trouble, _groups, describe_group
from antirelou.commands.finding import tell
from kernel.facts.topics import FILTER_GROUP, READS
from kernel.log.port import Outgoing
from kernel.values.errors import Transient
from kernel.words.gloss import Language
from tests.fakes.log import house_log

A, B = ("sms.received", 0), ("sms.received", 1)


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [
        ({A: 0, B: 0}, {A: 0, B: 0}, True),
        ({A: 0, B: 0}, {A: 7, B: 0}, True),  # came between the two
        ({A: 9, B: 5}, {A: 8, B: 0}, True),
        ({A: 9, B: 5}, {A: 9, B: 0}, False),
        ({A: 9, B: 5}, {A: 0, B: 6}, False),
    ],
)
def test_a_group_works_if_every_backlog_moves(
    before: dict[tuple[str, int], int], after: dict[tuple[str, int], int], *, good: bool
) -> None:
    assert describe_group("antirelou-filter", before, after).good is good


def test_the_service_that_does_not_read_is_named() -> None:
    said = describe_group("antirelou-billing", {A: 2, B: 3}, {A: 2, B: 3})
    assert tell(said.found, Language.EN) == (
        "5 unread, and 2 partitions do not move, such as sms.received 0"
    )
    for language in Language:
        assert "`antirelou serve billing`" in tell(said.fix, language)


async def test_a_topic_made_anew_is_no_log_that_is_away() -> None:
    log = house_log()
    topic, *_ = READS[FILTER_GROUP]
    async with log.reader(FILTER_GROUP, [topic]) as reader:
        await log.append([Outgoing(topic, b"k", b"{}")])
        await reader.commit(await reader.read(records_max=1, bytes_max=1, wait_seconds=0))
    await log.remake(topic)
    with pytest.raises(Transient) as caught:
        await _groups(log)
    said = _describe_trouble(caught.value)
    assert not said.good
    assert f"{FILTER_GROUP} has committed beyond the end of {topic}" in tell(
        said.found, Language.EN
    )
    assert "by itself" in tell(said.fix, Language.EN)
    assert tell(_describe_trouble(TimeoutError()).found, Language.EN) == "the log is away"
