"""What of a caller's environment counts for PostgreSQL."""

import pytest

from kernel.database.environment import PROOFS, forget_postgres


@pytest.mark.parametrize("keep", [PROOFS, frozenset[str]()])
def test_where_a_database_is_no_variable_says(keep: frozenset[str]) -> None:
    places = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE", "PGOPTIONS", "PGTZ",
              "PGTARGETSESSIONATTRS", "PGCLIENTENCODING", "PGHOSTADDR", "PGAPPNAME"}  # fmt: skip
    other = {"PATH", "ANTIRELOU_DATABASE_URL", "XPGPORT", "HOME"}
    environment = dict.fromkeys(places | PROOFS | other, "x")
    forget_postgres(environment, keep=keep)
    assert environment.keys() == other | keep
