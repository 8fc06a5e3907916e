"""Which adapters and which services run, chosen by settings alone; ``all`` is just a row."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module, resources
from pathlib import Path
from types import ModuleType

import structlog
from prometheus_client import CollectorRegistry

from antirelou.build import describe_build
from antirelou.guard import check_database
from antirelou.ops import serve_ops
from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool
from kernel.facts.topics import topic_specs
from kernel.log.port import Log
from kernel.provider.table import Entry, entry_of
from kernel.sealing.keys import ensure_keys
from kernel.service.heartbeat import beating
from kernel.service.port import Ports, Service
from kernel.settings.settings import Settings, require
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Transient
from services import billing, console, donations, evidence, ingest, responder
from services import filter as filter_

LOG = structlog.get_logger("serve")

QUIET_STRETCH = 4
"""Quiet hours stop the clock of waiting; a wait may take this many times as long by the wall."""

DEPENDENCY_SECONDS_MAX = 60.0
"""How long a start waits for a database or broker that does not answer yet."""

Opener = Callable[[Settings, Ports], AbstractAsyncContextManager[Service]]


SERVICES: Mapping[str, ModuleType] = {
    "ingest": ingest,
    "filter": filter_,
    "billing": billing,
    "responder": responder,
    "evidence": evidence,
    "console": console,
    "donations": donations,
}


def _open(name: str, settings: Settings, ports: Ports) -> AbstractAsyncContextManager[Service]:
    """Open a service; a process loads what it runs and no other."""
    opener: Opener = getattr(import_module(f"services.{name}.service"), f"open_{name}")
    return opener(settings, ports)


TARGETS: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in SERVICES},
    # The door opens last: what it takes in, the others are ready for.
    "all": ("console", "evidence", "responder", "billing", "filter", "donations", "ingest"),
}


def schemas() -> list[Schema]:
    """The schemas of the embedded log and of every service, with their migrations' folders."""
    folders = {"log": _folder("kernel.log.embedded")}
    keeping = ("filter", "billing", "responder", "evidence", "console", "donations")
    folders |= {name: _folder(f"services.{name}") for name in keeping}
    return [Schema(name, folder) for name, folder in folders.items()]


def _folder(package: str) -> Path:
    return Path(str(resources.files(package))) / "sql"


async def apply_topics(log: Log, settings: Settings) -> Sequence[str]:
    """Create or mend the topics. Returns what was changed, a line each."""
    waits = settings.reply_delay_max + settings.max_wait * QUIET_STRETCH
    specs = topic_specs(retain_text=settings.retain_text, wait_longest=waits)
    return await log.apply_topics(specs)


@asynccontextmanager
async def open_log(settings: Settings, database_url: str) -> AsyncIterator[Log]:
    """The log that the settings choose: Kafka where a broker is named, else embedded."""
    if settings.kafka_bootstrap:
        from kernel.log.kafka.log import open_kafka_log

        async with open_kafka_log(settings) as kafka:
            yield kafka
    else:
        from kernel.log.embedded.log import open_embedded_log

        async with open_embedded_log(database_url, open_pool) as embedded:
            yield embedded


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """The database's URL: ``DATABASE_URL``, else a PostgreSQL of our own in ``DATA_DIR``."""
    url = settings.database_url.get_secret_value()
    if url:
        yield url
        return
    from kernel.database.postgres import open_postgres

    async with open_postgres(settings.data_dir) as embedded_url:
        yield embedded_url


def find_database(settings: Settings) -> str:
    """The database's URL, for looking alone: nothing is started; empty: ours does not run.

    Raises:
        Fatal: as ``postgres.find_running``.
    """
    from kernel.database.postgres import find_running

    return settings.database_url.get_secret_value() or find_running(settings.data_dir)


@asynccontextmanager
async def open_log_alone(settings: Settings) -> AsyncIterator[Log]:
    """The log for a command that needs nothing else; opens a database only where the log is."""
    async with AsyncExitStack() as stack:
        url = ""
        if not settings.kafka_bootstrap:
            url = await stack.enter_async_context(open_database(settings))
        yield await stack.enter_async_context(open_log(settings, url))


def needs(service: str, provider: Entry) -> tuple[str, ...]:
    """The settings without which a service does not start, with this provider."""
    module = SERVICES[service]
    own: tuple[str, ...] = getattr(provider, getattr(module, "PROVIDER_PART", ""), ())
    return (*module.NEEDS, *own)


def check_target(target: str, settings: Settings) -> None:
    """Check that a target has what it needs.

    Raises:
        Fatal: ``settings``: which settings are missing, all at once.
    """
    entry = entry_of(settings)
    names = list(dict.fromkeys(need for name in TARGETS[target] for need in needs(name, entry)))
    if target != "all" and not (target == "ingest" and settings.kafka_bootstrap):
        names.append("database_url")
    require(settings, *names)


@asynccontextmanager
async def running(target: str, settings: Settings) -> AsyncIterator[tuple[str, list[Service]]]:
    """Start a target's services in order; leaving stops them in reverse.

    Yields:
        the URL of the operators' surface, and the services, not yet working (``Service.run``).
    """
    if target == "all":
        entry = entry_of(settings)
        require(settings, *dict.fromkeys(("number", *entry.api, *entry.door)))
        settings = ensure_keys(settings)
    check_target(target, settings)
    telemetry = Telemetry(CollectorRegistry())
    telemetry.gauge("antirelou_build_info", **describe_build()).set(1)
    async with AsyncExitStack() as stack:
        database_url = settings.database_url.get_secret_value()
        if target == "all":
            from kernel.database.postgres import hold_data_dir

            stack.enter_context(hold_data_dir(settings.data_dir))
            database_url = await stack.enter_async_context(open_database(settings))
            await _until_there(lambda: migrate(database_url, schemas()))
        if target == "console":  # it has nothing to do with the log: it needs no broker
            settings = settings.model_copy(update={"kafka_bootstrap": ""})
        ports = await stack.enter_async_context(open_ports(settings, telemetry, database_url))
        if target == "all":
            await _until_there(lambda: apply_topics(ports.log, settings))
        await _until_there(lambda: check_database(TARGETS[target], database_url, ports.log))
        ports.doors.shared = "ingest" in TARGETS[target]
        services = [
            await stack.enter_async_context(_open(name, settings, ports))
            for name in TARGETS[target]
        ]
        url = await stack.enter_async_context(
            serve_ops(settings.ops_listen, services, telemetry, listen=ports.listen)
        )
        heartbeat_url = settings.heartbeat_url.get_secret_value()
        await stack.enter_async_context(beating(heartbeat_url, services))
        LOG.info("serving", target=target, ops=url)
        yield url, services


@asynccontextmanager
async def open_ports(
    settings: Settings, telemetry: Telemetry, database_url: str
) -> AsyncIterator[Ports]:
    """The ports that the settings choose."""
    async with open_log(settings, database_url) as log:
        yield Ports(log, SystemClock(), telemetry, database_url)


async def _until_there(attempt: Callable[[], Awaitable[object]]) -> None:
    """Try until a dependency that is still starting answers.

    Raises:
        Fatal: it did not within ``DEPENDENCY_SECONDS_MAX``.
    """
    deadline = asyncio.get_running_loop().time() + DEPENDENCY_SECONDS_MAX
    while True:
        try:
            await attempt()
        except Transient as trouble:
            if asyncio.get_running_loop().time() > deadline:
                raise Fatal(f"gave up waiting: {trouble}", code=trouble.code) from None
            LOG.warning("start_waits", code=trouble.code)
            await asyncio.sleep(1)
        else:
            return
