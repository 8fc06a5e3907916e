"""The servers of a test session, started when a test first asks for them and stopped at the end.

PostgreSQL and Kafka are found in this order: named by ``ANTIRELOU_TEST_DATABASE_URL`` and
``ANTIRELOU_TEST_KAFKA_BOOTSTRAP``; a container, where a Docker engine answers and has or can pull
the image; our own, from the PostgreSQL wheel and by ``scripts/kafka.sh``.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.log import MemoryLog, house_log
from tests.support import kafka, postgres

LONG = (
    "e2e",
    "contract",
    "browser",
    "integration/antirelou",
    "security",
)
"""The folders that take minutes, longest first; each stays on one process, with its servers."""
OWN_ROOT = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A folder of the session's own for ``tmp_path``.

    In pytest's own, each new session takes the way in from the account that PostgreSQL runs as.
    """
    if not config.option.basetemp and not hasattr(config, "workerinput"):
        root = config.stash[OWN_ROOT] = Path(tempfile.mkdtemp(prefix="antirelou-tests-"))
        config.option.basetemp = str(root / "t")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave nothing behind, unless there is something to look at."""
    root = session.config.stash.get(OWN_ROOT, None)
    if root and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        shutil.rmtree(root, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Who shares servers shares a process; the longest begin, so that both end together."""

    def place(item: pytest.Item) -> tuple[int, str]:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        for rank, folder in enumerate(LONG):
            if path.startswith(f"{folder}/"):
                return rank, folder
        return len(LONG), path

    spread = hasattr(config, "workerinput")
    if spread:  # before xdist reads the marks
        for item in items:
            item.add_marker(pytest.mark.xdist_group(place(item)[1]))
    yield
    if spread:
        items.sort(key=lambda item: place(item)[0])


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    if any("kafka_bootstrap" in getattr(item, "fixturenames", ()) for item in session.items):
        kafka.prepare()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """The PostgreSQL of the session."""
    with postgres.open_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: postgres.PostgresServer) -> str:
    """The URL of the session's server, as a login that may create roles and databases."""
    return postgres_server.url


@pytest.fixture
def fresh_database(postgres_server: postgres.PostgresServer) -> Iterator[str]:
    """The URL of an empty database that only this test uses. Roles are the whole server's."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """The address of a real broker. It is the whole session's: use topics of your own."""
    with kafka.open_broker() as address:
        yield address


@pytest.fixture
def log() -> MemoryLog:
    """The house's topics on the log in memory."""
    return house_log()
