"""A lag is money: it is known, or it is not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from kernel.log.kafka.log import KafkaLog
from kernel.log.lag import check_lags
from kernel.values.errors import Transient


def test_a_commit_beyond_the_end_is_no_lag() -> None:
    with pytest.raises(Transient) as caught:
        check_lags("antirelou-billing", "sms.received", {0: 3, 1: -2000, 2: 0, 3: -1})
    assert caught.value.code == "lag_unknown"
    said = str(caught.value)
    assert all(word in said for word in ("antirelou-billing", "sms.received", "1, 3", "anew"))


@given(st.dictionaries(st.integers(0, 50), st.integers(-5, 5)))
def test_what_is_told_is_never_negative(lags: dict[int, int]) -> None:
    try:
        assert check_lags("group", "topic", lags) == lags
    except Transient:
        assert min(lags.values()) < 0
    else:
        assert min(lags.values(), default=0) >= 0


async def test_kafka_tells_no_lag_of_a_topic_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    log, place = KafkaLog({}), TopicPartition("sms.received", 0)

    class Looker:
        async def beginning_offsets(self, _: object) -> dict[TopicPartition, int]:
            return {place: 0}

        async def end_offsets(self, _: object) -> dict[TopicPartition, int]:
            return {place: 3}

    @asynccontextmanager
    async def using(_: float) -> AsyncIterator[Looker]:
        yield Looker()

    async def places(_: str) -> list[TopicPartition]:
        return [place]

    commit = 2003

    async def committed(_: str, __: object) -> dict[TopicPartition, int]:
        return {place: commit}

    monkeypatch.setattr(log._looker, "using", using)
    monkeypatch.setattr(log, "_places", places)
    monkeypatch.setattr(log, "_committed", committed)
    with pytest.raises(Transient, match="beyond the end"):
        await log.group_lag("antirelou-billing", "sms.received")
    for commit, lag in ((3, 0), (1, 2), (-1, 3)):  # noqa: B007 - read by `committed`
        assert await log.group_lag("antirelou-billing", "sms.received") == {0: lag}
