"""Databases with a service's schema, copied from one that was migrated once a session."""

from collections.abc import Iterator

import pytest

from tests.integration.billing.scene import SCHEMA
from tests.support.postgres import PostgresServer


@pytest.fixture
def billing_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database with billing's schema, that only this test uses."""
    url = postgres_server.create_database(SCHEMA)
    yield url
    postgres_server.drop_database(url)
