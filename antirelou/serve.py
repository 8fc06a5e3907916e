"""``antirelou serve``: run services until told to stop; then drain and exit 0."""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from antirelou.commands.output import say
from antirelou.compose import TARGETS, running
from antirelou.greeting import greet
from antirelou.signals import told_to_stop
from kernel.http.connections import raise_file_limit
from kernel.service.port import Service
from kernel.settings.settings import Settings
from kernel.telemetry.metrics import configure_logging
from kernel.telemetry.streams import open_log
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from kernel.words.gloss import choose_language

LOG = structlog.get_logger("serve")

DRAIN_SECONDS_MAX = 25.0
"""Below the 30 s that Kubernetes and Compose give before they kill."""

COLLECTOR_THRESHOLDS = (50_000, 20, 50)
"""Under Python's own (700, 10, 10) the collector takes a seventh of a busy stage's time."""


def serve(target: str, settings: Settings) -> int:
    """Run a target in this process until told to stop. Returns the exit code."""
    configure_logging(stream=open_log(), json=not sys.stderr.isatty(), level=settings.log_level)
    tune_collector()
    raise_file_limit()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(target, settings))


def tune_collector() -> None:
    """Look for cycles less often: a batch makes and drops thousands of objects without any."""
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def _serve(target: str, settings: Settings) -> int:
    stopping = told_to_stop()
    async with AsyncExitStack() as stack:
        ops_url, services = await stack.enter_async_context(running(target, settings))
        if settings.page_dir is not None and "billing" in TARGETS[target]:
            from antirelou.page.publisher import publishing

            await stack.enter_async_context(publishing(settings, SystemClock()))
        if target == "all" and sys.stdout.isatty():
            language = choose_language(settings.language, os.environ)
            say("\n".join(greet(settings, ops_url, language)))
        works = [asyncio.create_task(service.run(), name=service.name) for service in services]
        stop = asyncio.create_task(stopping.wait())
        ended, _ = await asyncio.wait({*works, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        failed = [work for work in ended if work is not stop]
        # One that ended by itself takes the others along: half a house answers wrongly.
        code = 1 if failed else 0
        if not await _drain(services, works):
            code = 1
        for work in failed:
            if work.cancelled() or work.exception() is None:
                LOG.error("service_ended", service=work.get_name(), cancelled=work.cancelled())
        for work in works:
            if work.done() and not work.cancelled() and (error := work.exception()):
                _say_failure(work.get_name(), error)
                code = 1
    LOG.info("stopped", code=code)
    return code


def _say_failure(service: str, error: BaseException) -> None:
    """What ended a service: of a ``Fatal`` its message, which names the fix; else where it was."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, Fatal):
        LOG.error("service_failed", service=service, code=error.code, error=str(error))
    else:
        LOG.error("service_failed", service=service, exc_info=error)


async def _drain(services: Sequence[Service], works: Sequence[asyncio.Task[None]]) -> bool:
    """Let all finish what they have in hand. Returns whether they did in time."""
    for service in reversed(services):  # the door first
        service.drain()
    _, late = await asyncio.wait(works, timeout=DRAIN_SECONDS_MAX)
    for work in late:
        LOG.error("drain_late", service=work.get_name())
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
    return not late


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:
        import uvloop
    except ImportError:  # not on Windows
        return None
    return uvloop.Loop
