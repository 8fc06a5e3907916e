"""Writes the public page, now and every ten minutes, and runs the operator's command after it.

Snapshots lie in ``DATA_DIR``, not beside the page: what is not to be told yet is not pushed.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from antirelou.commands.client import Operator
from antirelou.files import writing
from antirelou.page.core import Snapshot, keep_snapshot, publish, take_snapshot
from antirelou.page.render import render_files
from kernel.settings.settings import Settings
from kernel.settings.sources import PREFIX
from kernel.values.clock import Clock
from kernel.values.errors import AntirelouError

LOG = structlog.get_logger("page")

EVERY = timedelta(minutes=10)
RETRY = timedelta(minutes=1)
"""After a page that could not be written or had no answer of the house."""
ANSWER_SECONDS_MAX = 10.0
PUSH_SECONDS_MAX = 120.0
HISTORY = "page-history.json"
"""The snapshots' file in ``DATA_DIR``."""


def ask_status(settings: Settings) -> Mapping[str, Any]:
    """The house's status. Raises as ``Operator.call``."""
    status: Mapping[str, Any] = Operator(settings, seconds_max=ANSWER_SECONDS_MAX).get("/v1/status")
    return status


def build_page(
    folder: Path, settings: Settings, status: Mapping[str, Any] | None, now: datetime
) -> Sequence[Path]:
    """Write the page, each file whole or not at all.

    Args:
        status: of now, noted for the days to come; None: the house does not answer.

    Returns:
        the files.

    Raises:
        OSError: a file of the page cannot be written.
    """
    place = settings.data_dir / HISTORY
    history = _read_history(place)
    if status is not None:
        history = keep_snapshot(history, take_snapshot(status, now))
        _write_history(place, history)
    price = max(settings.price_receive, settings.price_reply)
    published = publish(history, status, now, price_microeuros=price)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in render_files(published, settings).items():
        with writing(folder / name, mode=0o644) as file:
            file.write(content)
        written.append(folder / name)
    return written


def _read_history(place: Path) -> Sequence[Snapshot]:
    try:
        return msgspec.json.decode(place.read_bytes(), type=list[Snapshot])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        LOG.warning("page_history_unreadable", file=HISTORY, error=type(error).__name__)
        return ()


def _write_history(place: Path, history: Sequence[Snapshot]) -> None:
    """Keep the snapshots; the live line is told all the same where they cannot be."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with writing(place, mode=0o600) as file:
            file.write(msgspec.json.encode(history))
    except OSError as error:
        LOG.warning("page_history_unwritten", file=HISTORY, error=type(error).__name__)


@asynccontextmanager
async def publishing(settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """Write the page into ``PAGE_DIR`` every ten minutes, until the context is left."""
    assert settings.page_dir is not None
    task = asyncio.create_task(_publish_on(settings.page_dir, settings, clock))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _publish_on(folder: Path, settings: Settings, clock: Clock) -> None:
    while True:
        good = False
        try:
            good = await _publish_once(folder, settings, clock)
        except Exception as error:  # noqa: BLE001 - a page that fails must not fail the house
            LOG.warning("page_failed", error=type(error).__name__)
        await asyncio.sleep(settings.scaled(EVERY if good else RETRY).total_seconds())


async def _publish_once(folder: Path, settings: Settings, clock: Clock) -> bool:
    """Write and push once. Returns whether the house answered and the push went well."""
    status = None
    try:
        status = await asyncio.to_thread(ask_status, settings)
    except AntirelouError as error:
        LOG.warning("page_without_status", code=error.code)
    await asyncio.to_thread(build_page, folder, settings, status, clock.now())
    pushed = await push(settings.page_push, folder) if settings.page_push else True
    return pushed and status is not None


async def push(command: str, folder: Path, *, seconds_max: float = PUSH_SECONDS_MAX) -> bool:
    """Run the operator's command in the page's folder, without the house's settings.

    Returns:
        whether it ended well in time; else it is killed with what it started, and told of.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) and name != "SETTINGS_FILE"
    }
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command),
            cwd=folder,
            env=kept,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        LOG.warning("page_push_failed", error=type(error).__name__)
        return False
    try:
        async with asyncio.timeout(seconds_max):
            code = await process.wait()
    except TimeoutError:
        LOG.warning("page_push_late", seconds=seconds_max)
        return False
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if code:
        LOG.warning("page_push_failed", code=code)
    return code == 0
