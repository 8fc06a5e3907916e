"""What of a caller's environment counts for PostgreSQL."""

import asyncpg
import pytest

from kernel.database.environment import PROOFS, forget_postgres
from kernel.database.pool import open_pool, translate_errors
from kernel.values.errors import Fatal


@pytest.mark.parametrize("keep", [PROOFS, frozenset[str]()])
def test_where_a_database_is_no_variable_says(keep: frozenset[str]) -> None:
    places = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGOPTIONS", "PGTZ",
              "PGTARGETSESSIONATTRS", "PGCLIENTENCODING", "PGHOSTADDR", "PGAPPNAME"}  # fmt: skip
    other = {"PATH", "ANTIRELOU_DATABASE_URL", "XPGPORT", "HOME"}
    environment = dict.fromkeys(places | PROOFS | other, "x")
    forget_postgres(environment, keep=keep)
    assert environment.keys() == other | keep


async def test_a_proof_that_cannot_be_given_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "always")
    url = "postgresql://antirelou@127.0.0.1:1/antirelou"
    async with open_pool(url, role="antirelou", schema="public", size_max=1) as pool:
        named = pytest.raises(Fatal, match=r"PGSSL.* `sslmode` parameter must be one of")
        with named as caught, translate_errors():
            await pool.fetchval("SELECT 1")
    assert caught.value.code == "database_url"
    assert isinstance(caught.value.__cause__, asyncpg.ClientConfigurationError)
