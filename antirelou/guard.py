"""What a start makes sure of: that the database is not an older one than what was told from it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from kernel.database.pool import Connection, role_of, translate_errors
from kernel.facts.records import PostureChanged, decode_as
from kernel.facts.topics import RESPONDER_GROUP
from kernel.log.port import Log
from kernel.values.errors import Fatal, Rejected, Transient

UNFINISHED = "antirelou_restoring"
"""A schema that is there while a restore is under way."""
CONNECT_SECONDS_MAX = 5.0
COMMAND_SECONDS_MAX = 60.0


@asynccontextmanager
async def connected(url: str, service: str = "") -> AsyncIterator[Connection]:
    """A connection as the login, or as a service's role: a login of its own may be no more."""
    settings = {"application_name": "antirelou-cli", "timezone": "UTC"}
    if service:
        settings["role"] = role_of(service)
    with translate_errors():
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS_MAX,
            command_timeout=COMMAND_SECONDS_MAX,
            server_settings=settings,
        )
        try:
            yield connection
        finally:
            await connection.close(timeout=CONNECT_SECONDS_MAX)


async def check_database(services: Sequence[str], url: str, log: Log) -> None:
    """Refuse a database that a restore left half-way, or that was restored by other means.

    A posture is in the database before it is told, and heard before its reading is committed: where
    the log knows a later one than the database, the database is an older one's. So the log is read
    before the database: whoever else runs may tell and hear meanwhile.

    Raises:
        Fatal: ``restore_unfinished``, ``database_older``.
    """
    if not url:
        return
    asked = {"billing": "SELECT sequence FROM billing.standing",
             "responder": "SELECT sequence FROM responder.link"}  # fmt: skip
    asked = {service: query for service, query in asked.items() if service in services}
    async with connected(url) as connection:
        if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", UNFINISHED):
            raise Fatal(
                "a restore of this database was cut short: run `antirelou restore` again",
                code="restore_unfinished",
            )
    if not asked:
        return
    told, heard = await read_postures(log)
    known: dict[str, int] = {}
    for service in asked:
        async with connected(url, service) as connection:
            known[service] = int(await connection.fetchval(asked[service]))
    _compare(known, told, heard)


def _compare(known: dict[str, int], told: int, heard: int) -> None:
    for service, latest in (("billing", told), ("responder", heard)):
        if service in known and known[service] < latest:
            raise Fatal(
                f"the database is older than the log: {service} has posture {known[service]}, the "
                f"log {latest}. It was restored from a backup; so that nothing is sent twice, stop "
                "all services and say from when: `antirelou restore --loaded 2017-10-27T16:00`",
                code="database_older",
            )


async def read_postures(log: Log) -> tuple[int, int]:
    """The highest sequence of a posture that was told, and of one that the responder has read.

    Where it has committed beyond the end, the topic was made anew: it reads all of it again.
    """
    postures = [(r.offset, _sequence(r.value)) async for r in log.scan(PostureChanged.TOPIC)]
    if not postures:
        return -1, -1
    end = max(offset for offset, _ in postures) + 1
    try:
        unread = (await log.group_lag(RESPONDER_GROUP, PostureChanged.TOPIC)).get(0, 0)
    except Transient as trouble:
        if trouble.code != "lag_unknown":
            raise
        unread = end
    heard = [sequence for offset, sequence in postures if offset < end - unread]
    return max(sequence for _, sequence in postures), max(heard, default=-1)


def _sequence(value: bytes) -> int:
    try:
        return decode_as(PostureChanged, value).sequence
    except Rejected:
        return -1
