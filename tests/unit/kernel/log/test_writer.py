"""Group commit: whoever is told that his rows are durable can rely on it."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.log import writer
from kernel.log.port import Partition
from kernel.log.writer import Row, Writer
from kernel.values.errors import Transient

ROW = Row(Partition("topic", 0), b"k", b"v")


async def test_a_write_that_hangs_is_no_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FLUSH_SECONDS_MAX", 0.05)

    async def hang(_: Sequence[Row]) -> None:
        await asyncio.Event().wait()

    opened = Writer(hang)
    async with opened.running():
        with pytest.raises(Transient) as refused:
            await opened.append([ROW])
    assert refused.value.code == "log_slow"


async def test_all_who_share_a_write_that_fails_are_told_and_the_next_are_written() -> None:
    written: list[Row] = []

    async def fail_first(rows: Sequence[Row]) -> None:
        if not written:
            written.append(ROW)
            raise ValueError("a defect below")
        written.extend(rows)

    opened = Writer(fail_first)
    async with opened.running():
        told = await asyncio.gather(
            *(opened.append([ROW]) for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in told] == [Transient] * 3
        await opened.append([ROW, ROW])
    assert written == [ROW] * 3
