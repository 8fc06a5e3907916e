"""The servers of a test session, started when a test first asks for them and stopped at the end.

PostgreSQL and Kafka are found in this order: named by ``ANTIRELOU_TEST_DATABASE_URL`` and
``ANTIRELOU_TEST_KAFKA_BOOTSTRAP``; a container, where a Docker engine answers and has or can pull
the image; our own, from the PostgreSQL wheel and by ``scripts/kafka.sh``.
"""

from collections.abc import Iterator

import pytest

from tests.fakes.log import MemoryLog, house_log
from tests.support import kafka, postgres


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
