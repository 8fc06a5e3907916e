"""A backup and a restore from beginning to end, for the commands and for whoever tests them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from antirelou import compose
from antirelou.commands.backup.dump import dump_schemas, load_dump
from antirelou.files import writing
from antirelou.guard import UNFINISHED, connected, read_postures
from kernel import __version__
from kernel.database.migrations import ensure_roles, migrate
from kernel.database.pool import Connection
from kernel.facts.records import ReplyChanged, decode_as
from kernel.facts.topics import READS
from kernel.log.port import Log
from kernel.sealing.backup import BackupWriter, Notes, check_backup, read_backup
from kernel.sealing.keys import read_backup_key
from kernel.settings.settings import Settings
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Rejected

Say = Callable[[str], None]
"""Told how far it is."""

REGISTER = "antirelou"
"""The schema that says which migrations were applied."""
ASIDE = "antirelou_replaced_"
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        backup_at: whatever was committed before is in the database.
        set_back: partitions of Kafka that are read again.
    """

    backup_at: datetime
    set_back: int


def _schema_names() -> list[str]:
    return [REGISTER, *(schema.name for schema in compose.schemas())]


async def back_up(settings: Settings, path: Path, say: Say = lambda _: None) -> int:
    """Write an encrypted backup of a house that may be running. Returns its size in bytes.

    Raises:
        Fatal: ``settings``: no key to encrypt to; ``file_exists``, ``file``, ``dump``.
        Transient: database or log are away.
    """
    public_key = read_backup_key(settings)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(compose.open_database(settings))
        positions = await _read_positions(settings)
        async with connected(url) as connection:
            at = await connection.fetchval("SELECT clock_timestamp()")
        notes = Notes(at=at, program=__version__, positions=positions)
        return await asyncio.to_thread(_write, path, public_key, notes, url, say)


async def _read_positions(settings: Settings) -> Mapping[str, Mapping[str, Mapping[int, int]]]:
    """How far the groups have read on Kafka; the embedded log is in the dump, and they with it."""
    if not settings.kafka_bootstrap:
        return {}
    from kernel.log.kafka.groups import read_positions

    return await read_positions(settings, READS)


def _write(path: Path, public_key: bytes, notes: Notes, url: str, say: Say) -> int:
    try:
        with writing(path, mode=0o600, fresh=True) as file:
            writer, done = BackupWriter(file, public_key, notes, SystemClock()), 0
            for piece in dump_schemas(url, _schema_names()):
                writer.write(piece)
                done += len(piece)
                say(f"dumped {done / _MEGABYTE:,.1f} MB")
            writer.close()
    except FileExistsError:
        raise Fatal(f"{path} exists; it is not overwritten", code="file_exists") from None
    except OSError as error:
        raise Fatal(f"{path} cannot be written: {error.strerror}", code="file") from None
    return writer.size


async def restore(
    settings: Settings, path: Path, private_key: bytes, *, replace: bool, say: Say = lambda _: None
) -> Restored:
    """Load a backup into an empty database, and mark the house as restored.

    Args:
        replace: what the database holds is given up for it.

    Raises:
        Fatal: ``backup``: not one for this key, changed or cut short; ``use``: the database is in
            use, or not empty; ``dump``. Nothing was changed then.
        Transient: database or log are away.
    """
    say("checking the file")
    notes = await asyncio.to_thread(check_backup, path, private_key)

    async def load(url: str, connection: Connection) -> None:
        async with _making_room(connection, replace=replace):
            await ensure_roles(connection, compose.schemas())
            pieces = _counted(read_backup(path, private_key), say)
            await asyncio.to_thread(load_dump, url, pieces)
            await migrate(url, compose.schemas())  # refused where the backup is a newer version's

    return await _restore(settings, notes, load, say)


async def adopt(settings: Settings, at: datetime, say: Say = lambda _: None) -> Restored:
    """Mark a database that was restored by other means, from a backup of this time.

    Raises as ``restore``.
    """

    async def load(url: str, connection: Connection) -> None:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {UNFINISHED}")
        await migrate(url, compose.schemas())

    return await _restore(settings, Notes(at=at, program=""), load, say)


async def _restore(
    settings: Settings, notes: Notes, load: Callable[[str, Connection], Awaitable[None]], say: Say
) -> Restored:
    async with AsyncExitStack() as stack:
        if not settings.database_url.get_secret_value():
            from kernel.database.postgres import hold_data_dir

            stack.enter_context(hold_data_dir(settings.data_dir))
        url = await stack.enter_async_context(compose.open_database(settings))
        connection = await stack.enter_async_context(connected(url))
        await _refuse_used(connection)
        if settings.kafka_bootstrap:  # before anything is changed
            async with compose.open_log(settings, url) as log:
                await log.probe()
        await load(url, connection)
        say("marking the house as restored")
        log = await stack.enter_async_context(compose.open_log(settings, url))
        await compose.apply_topics(log, settings)
        set_back = await _set_back(settings, notes)
        await _mark(connection, log, notes.at)
        await connection.execute("ANALYZE")
    return Restored(notes.at, set_back)


async def _refuse_used(connection: Connection) -> None:
    others = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND application_name LIKE 'antirelou%'"
    )
    if others:
        raise Fatal(
            "the database is in use: stop all services first (the door stays shut meanwhile; the "
            "provider's log brings back what it could not deliver)",
            code="use",
        )


@asynccontextmanager
async def _making_room(connection: Connection, *, replace: bool) -> AsyncIterator[None]:
    """Put aside what there is; it goes once the backup is loaded, and comes back if it is not."""
    resumed = await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", UNFINISHED)
    found = await _found(connection, "")
    if found and not (replace or resumed):
        raise Fatal(
            f"the database is not empty (schemas {', '.join(found)}): --replace gives up what it "
            "holds for the backup",
            code="use",
        )
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {UNFINISHED}")
        for name in found:
            if resumed:
                await connection.execute(f"DROP SCHEMA {name} CASCADE")
            else:
                await connection.execute(f"ALTER SCHEMA {name} RENAME TO {ASIDE}{name}")
    try:
        yield
    except BaseException:
        async with connection.transaction():
            for name in await _found(connection, ASIDE):
                await connection.execute(f"ALTER SCHEMA {ASIDE}{name} RENAME TO {name}")
            await connection.execute(f"DROP SCHEMA {UNFINISHED} CASCADE")
        raise
    for name in await _found(connection, ASIDE):
        await connection.execute(f"DROP SCHEMA {ASIDE}{name} CASCADE")


async def _found(connection: Connection, prefix: str) -> list[str]:
    """Which of our schemas are there, under this prefix."""
    names = _schema_names()
    rows = await connection.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1)",
        [prefix + name for name in names],
    )
    there = {row["nspname"].removeprefix(prefix) for row in rows}
    return [name for name in names if name in there]


def _counted(pieces: Iterator[bytes], say: Say) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        say(f"loaded {done / _MEGABYTE:,.1f} MB")
        yield piece


async def _set_back(settings: Settings, notes: Notes) -> int:
    """The groups read again what the restored stores have not; on the embedded log they do."""
    if not settings.kafka_bootstrap:
        return 0
    from kernel.log.kafka.groups import reset_positions

    return await reset_positions(settings, READS, notes.positions)


async def _mark(connection: Connection, log: Log, backup_at: datetime) -> None:
    """In one transaction with the end of the unfinished restore."""
    posture, _ = await read_postures(log)
    base = await _highest_change(log)
    id_ = secrets.token_hex(16)
    async with connection.transaction():
        now = await connection.fetchval("SELECT clock_timestamp()")
        for schema, arguments in (
            ("responder", (id_, backup_at, now, base, posture)),
            ("billing", (id_, backup_at, now, posture)),
        ):
            await connection.execute(f"SET LOCAL search_path = {schema}")
            places = ", ".join(f"${n + 1}" for n in range(len(arguments)))
            await connection.execute(f"SELECT mark_restored({places})", *arguments)
        await connection.execute(f"DROP SCHEMA {UNFINISHED} CASCADE")


async def _highest_change(log: Log) -> int:
    """The highest sequence that the responder has told of any reply."""
    highest = 0
    async for record in log.scan(ReplyChanged.TOPIC):
        try:
            change = decode_as(ReplyChanged, record.value)
        except Rejected:
            continue
        if change.by == "responder":
            highest = max(highest, change.sequence)
    return highest
