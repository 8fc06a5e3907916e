"""A record that cannot be read, on each topic: it is put aside, counted, and the rest goes on."""

from antirelou.log.port import Outgoing
from antirelou.topics import EVIDENCE_GROUP, READS
from tests.e2e.conftest import Built
from tests.support.house import donate, status_when, text_in

RUBBISH = (b"\xff\xfe not json", b"{}", b'{"v": 99}')


def groups_of(built: Built) -> set[str]:
    """The groups of the services that run; evidence is one of ``serve all``, not of the four."""
    targets = {process.name for process in built.house.services}
    return set(READS) if targets & {"all", "evidence"} else set(READS) - {EVIDENCE_GROUP}


async def test_what_cannot_be_read_is_put_aside_and_the_rest_goes_on(built: Built) -> None:
    donate(built.house, "100.00")
    readers = [topic for group in groups_of(built) for topic in READS[group]]
    async with built.reading() as (log, _):
        for topic in sorted(set(readers)):
            await log.append([Outgoing(topic, b"rubbish", value) for value in RUBBISH])

    # A topic that two services read holds two that put it aside.
    dead = len(RUBBISH) * len(readers)
    await status_when(built.house, lambda now: now["dead"] == dead)
    text_in(built.house, "+33639980002", "Salut, on s'est vus samedi")
    await status_when(built.house, lambda now: now["replies"]["delivered"] == 1)
