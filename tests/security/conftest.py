"""One house for all of this folder, its secrets known by heart, started with few open files."""

import resource
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from antirelou.commands.demo.house import House, embedded_house
from kernel.sealing.keys import new_keys

SPEED = 3600
FILES_SOFT = 1024
"""What many a distribution gives a process by default."""


@pytest.fixture(scope="session")
def canaries() -> dict[str, str]:
    """A value for every secret setting that such a house takes; none occurs anywhere by chance."""
    return {**new_keys().settings, "plivo_auth_token": f"canary-{secrets.token_hex(16)}"}


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is not pytest's.

    A session that starts beside this one takes from pytest's the passage that an unprivileged
    PostgreSQL needs.
    """
    prefix = "antirelou-house-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def house(canaries: dict[str, str]) -> Iterator[House]:
    """A running house on embedded defaults."""
    with own_folder() as folder, _opened(folder, canaries) as opened:
        yield opened


@contextmanager
def _opened(folder: Path, canaries: dict[str, str]) -> Iterator[House]:
    settings = {"clock_speed": str(SPEED), "quiet_hours": "off", "fund_floor": "1.00", **canaries}
    with ExitStack() as stack:
        with few_files():
            opened = stack.enter_context(embedded_house(folder, settings))
        yield opened


@contextmanager
def few_files() -> Iterator[None]:
    """Processes started within begin with few open files allowed, and may raise that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_SOFT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
