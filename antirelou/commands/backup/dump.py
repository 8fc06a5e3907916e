"""``pg_dump`` and ``pg_restore`` of the wheel, piped: nothing of a dump is on disk in clear."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from kernel.database.environment import forget_postgres
from kernel.database.host import find_programs
from kernel.values.errors import Fatal

PIECE_BYTES = 65_536


def dump_schemas(url: str, schemas: Sequence[str]) -> Iterator[bytes]:
    """A consistent dump of these schemas, compressed, piece by piece; the database may be in use.

    Raises:
        Fatal: ``dump``: it failed, with what ``pg_dump`` said; ``postgres_missing``.
    """
    names = [argument for name in schemas for argument in ("--schema", name)]
    with _program("pg_dump", url, "--format=custom", "--no-owner", *names) as (process, _):
        assert process.stdout is not None
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece


def load_dump(url: str, pieces: Iterable[bytes]) -> None:
    """Load a dump, all of it or nothing.

    Raises:
        Fatal: ``dump``: it failed, with what ``pg_restore`` said; or what ``pieces`` raises.
    """
    arguments = ("--single-transaction", "--exit-on-error", "--no-owner")
    with _program("pg_restore", url, *arguments) as (process, stdin):
        try:
            for piece in pieces:
                stdin.write(piece)
        except BrokenPipeError:
            pass  # it ended before its input did: it has said why
        except BaseException:
            process.kill()  # the transaction is rolled back
            raise


@contextmanager
def _program(
    name: str, url: str, *arguments: str
) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """A program of PostgreSQL, running; leaving waits for it, and raises where it failed."""
    bare, password = _split_password(url)
    environment = {**os.environ, "LC_ALL": "C"}  # its complaints are read, in English
    forget_postgres(environment)
    environment |= {"PGAPPNAME": f"antirelou-{name}", "PGCONNECT_TIMEOUT": "10"}
    if password:
        environment["PGPASSWORD"] = password  # arguments are there for all to read
    with tempfile.TemporaryFile() as trouble:
        process = subprocess.Popen(
            [find_programs(Path("/nonexistent")) / name, "--dbname", bare, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if name == "pg_dump" else subprocess.DEVNULL,
            stderr=trouble,
            env=environment,
        )
        assert process.stdin is not None
        try:
            yield process, process.stdin
        except BaseException:
            process.kill()
            process.wait()
            raise
        with suppress(BrokenPipeError):
            process.stdin.close()
        code = process.wait()
        if code:
            trouble.seek(0)
            raise Fatal(f"{name} failed: {_said(trouble.read())}", code="dump")


def _said(trouble: bytes) -> str:
    """Its first complaint, without the values that it may quote."""
    lines = trouble.decode(errors="replace").splitlines()
    first = next((line for line in lines if "error:" in line), "it said nothing")
    return re.sub(r"\"[^\"]*\"|'[^']*'", "…", first)[:300]


def _split_password(url: str) -> tuple[str, str]:
    """The URL without its password, and the password."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    password = unquote(parts.password or "") or dict(query).get("password", "")
    netloc = parts.netloc
    if parts.password is not None:
        user, _, host = netloc.rpartition("@")
        netloc = f"{user.partition(':')[0]}@{host}"
    kept = urlencode([pair for pair in query if pair[0] != "password"])
    return urlunsplit(parts._replace(netloc=netloc, query=kept)), password
