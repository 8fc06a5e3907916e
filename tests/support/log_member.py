"""A member of a group in a process of its own, for tests that kill or freeze it.

``python -m tests.support.log_member embedded|kafka ADDRESS GROUP TOPIC``; a line on standard
input is a command (``read``, ``commit``, ``append KEY VALUE``), a line of JSON the answer.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from kernel.log.embedded.log import open_embedded_log
from kernel.log.kafka.log import open_kafka_log
from kernel.log.port import Batch, Log, Outgoing, Reader
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import configure_logging
from kernel.values.errors import Fenced


class LogMember:
    """The test's end of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, command: str) -> object:
        """Send a command and wait for its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(command.encode() + b"\n")
        async with asyncio.timeout(60):
            line = await self.process.stdout.readline()
        return json.loads(line)


@asynccontextmanager
async def log_member(arguments: Sequence[str], group: str, topic: str) -> AsyncIterator[LogMember]:
    """Start a member; killed at the end at the latest."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.log_member", *arguments, group, topic,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield LogMember(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _open(kind: str, address: str) -> AbstractAsyncContextManager[Log]:
    if kind == "kafka":
        return open_kafka_log(load_settings(kafka_bootstrap=address))
    return open_embedded_log(address)


async def _serve(kind: str, address: str, group: str, topic: str) -> None:
    async with _open(kind, address) as log, log.reader(group, [topic]) as reader:
        last = Batch()
        while line := await asyncio.to_thread(sys.stdin.readline):
            answer, last = await _obey(line.split(), log, reader, topic, last)
            print(json.dumps(answer), flush=True)


async def _obey(
    words: Sequence[str], log: Log, reader: Reader, topic: str, last: Batch
) -> tuple[object, Batch]:
    if words[0] == "append":
        await log.append([Outgoing(topic, words[1].encode(), words[2].encode())])
        return "appended", last
    if words[0] == "commit":
        try:
            await reader.commit(last)
        except Fenced:
            return "fenced", last
        return "committed", last
    for _ in range(100):
        last = await reader.read(records_max=100, bytes_max=1 << 20, wait_seconds=0.2)
        if last.records:
            break
    return [record.value.decode() for record in last.records], last


if __name__ == "__main__":
    configure_logging()  # to standard error: standard output is for the answers
    asyncio.run(_serve(*sys.argv[1:]))
