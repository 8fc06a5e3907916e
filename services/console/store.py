"""The console's PostgreSQL: operators, what lets them in, and what they did."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.database.pool import Pool
from kernel.database.store import Row, SqlStore, SqlTransaction, read_queries
from services.console.core.access import (
    CHALLENGE_LASTS,
    LINK_LASTS,
    SEEN_EVERY,
    SESSION_IDLE,
    SESSION_LASTS,
    Role,
    Session,
)

FORGOTTEN_MAX = 500
"""Rows that one part of the upkeep deletes."""
NUMBER_MAX = 2**62


@dataclass(frozen=True, slots=True)
class Operator:
    """Who may get in.

    Attributes:
        handle: what his authenticator knows him by.
    """

    name: str
    role: Role
    handle: bytes
    language: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An operator as he is listed."""

    name: str
    role: Role
    added_at: datetime
    passkeys: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey, whose private half is in somebody's phone."""

    operator: str
    public: bytes
    counter: int
    handle: bytes


@dataclass(frozen=True, slots=True)
class Noted:
    """An act in the log.

    Attributes:
        outcome: ``asked`` (nobody knows what became of it), ``done`` or ``refused``.
        said: the refusal.
    """

    number: int
    id: str
    at: datetime
    actor: str
    act: str
    subject: str
    why: str
    outcome: str
    said: str


def hash_of(secret: str) -> bytes:
    """What is kept of a secret of 32 random bytes."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class Store(SqlStore):
    """See each method. All raise ``Transient`` while the database is away.

    Args:
        pool: of the role ``antirelou_console``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries("services.console"))

    # -- operators ----------------------------------------------------------------------------

    async def put_operator(self, name: str, role: Role, now: datetime) -> str:
        """Add an operator, or give him another role. Returns the secret of a new link."""
        secret = secrets.token_urlsafe(32)
        async with self.begin(SqlTransaction) as work:
            await work.change("put_operator", name, role, secrets.token_bytes(16), now)
            await work.change("add_link", hash_of(secret), name, now + LINK_LASTS)
        return secret

    async def delete_operator(self, name: str) -> bool:
        """Let him in no more, at once. Returns whether there was one."""
        return bool(await self.change("delete_operator", name))

    async def list_operators(self, now: datetime) -> Sequence[Listed]:
        """All, by name."""
        rows = await self.fetch("list_operators", now - SESSION_LASTS, now - SESSION_IDLE)
        return [
            Listed(row["name"], Role(row["role"]), row["added_at"], row["passkeys"],
                   row["sessions"])
            for row in rows
        ]  # fmt: skip

    async def load_operator(self, name: str) -> Operator | None:
        """One; None: there is no such."""
        rows = await self.fetch("load_operator", name)
        if not rows:
            return None
        row = rows[0]
        return Operator(row["name"], Role(row["role"]), row["handle"], row["language"])

    async def set_language(self, name: str, language: str) -> None:
        """The language he chose."""
        await self.change("set_language", name, language)

    # -- links and passkeys ---------------------------------------------------------------------

    async def find_link(self, secret: str, now: datetime) -> str | None:
        """Whose link it is, while it holds."""
        rows = await self.fetch("find_link", hash_of(secret), now)
        return rows[0]["operator"] if rows else None

    async def take_link(self, secret: str, agent: str, now: datetime) -> tuple[str, str] | None:
        """Use a link up. Returns whose it is, and the secret of a session; None: it holds not."""
        async with self.begin(SqlTransaction) as work:
            rows = await work.fetch("take_link", hash_of(secret), now)
            if not rows:
                return None
            name = rows[0]["operator"]
            return name, await _add_session(work, name, "link", agent, now)

    async def add_challenge(
        self, operator: str | None, state: Mapping[str, Any], now: datetime
    ) -> str:
        """Keep what an authenticator was asked. Returns the secret it is found by."""
        secret = secrets.token_urlsafe(32)
        await self.change(
            "add_challenge", hash_of(secret), operator, json.dumps(state), now + CHALLENGE_LASTS
        )
        return secret

    async def take_challenge(
        self, secret: str, now: datetime
    ) -> tuple[str | None, dict[str, Any]] | None:
        """Use it up. Returns for whom it was, and its state; None: it holds not."""
        rows = await self.fetch("take_challenge", hash_of(secret), now)
        return (rows[0]["operator"], json.loads(rows[0]["state"])) if rows else None

    async def add_passkey(
        self, passkey_id: bytes, operator: str, public: bytes, counter: int, now: datetime
    ) -> bool:
        """Returns whether it is new."""
        return bool(await self.change("add_passkey", passkey_id, operator, public, counter, now))

    async def load_passkey(self, passkey_id: bytes) -> Passkey | None:
        """One; None: unknown."""
        rows = await self.fetch("load_passkey", passkey_id)
        if not rows:
            return None
        row = rows[0]
        return Passkey(row["operator"], row["public"], row["counter"], row["handle"])

    async def list_passkeys(self, operator: str) -> Sequence[bytes]:
        """The ids of his."""
        return [row["id"] for row in await self.fetch("list_passkeys", operator)]

    async def enter_by_passkey(
        self, passkey_id: bytes, counter: int, agent: str, now: datetime
    ) -> tuple[str, str] | None:
        """Note its use. Returns whose it is, and the secret of a session; None: it was copied."""
        async with self.begin(SqlTransaction) as work:
            rows = await work.fetch("use_passkey", passkey_id, counter, now)
            if not rows:
                return None
            name = rows[0]["operator"]
            return name, await _add_session(work, name, "passkey", agent, now)

    # -- sessions -------------------------------------------------------------------------------

    async def load_session(self, secret: str, now: datetime) -> Session | None:
        """The session that holds; its use is noted."""
        rows = await self.fetch("load_session", hash_of(secret))
        session = _session(rows[0]) if rows else None
        if session is None or not session.holds(now):
            return None
        if now >= session.seen_at + SEEN_EVERY:
            await self.change("see_session", hash_of(secret), now)
        return session

    async def list_sessions(self, now: datetime) -> Sequence[Session]:
        """Those that hold, the latest used first."""
        rows = await self.fetch("list_sessions", now - SESSION_LASTS, now - SESSION_IDLE)
        return [_session(row) for row in rows]

    async def end_session(self, secret: str) -> None:
        """Sign out."""
        await self.change("end_session", hash_of(secret))

    async def revoke_session(self, number: int, operator: str | None) -> str | None:
        """End another's session. Returns whose it was.

        Args:
            operator: only where it is his; None: anybody's.
        """
        rows = await self.fetch("revoke_session", number, operator)
        return rows[0]["operator"] if rows else None

    # -- acts -----------------------------------------------------------------------------------

    async def begin_act(self, act_id: str, actor: str, act: str, why: str, now: datetime) -> bool:
        """Note an act that is about to be tried. Returns whether it is new."""
        return bool(await self.change("add_act", act_id, now, actor, act, why))

    async def end_act(self, act_id: str, outcome: str, subject: str = "", said: str = "") -> None:
        """Note what became of it."""
        await self.change("end_act", act_id, outcome, subject, said)

    async def note(
        self, actor: str, act: str, now: datetime, *, subject: str = "", why: str = ""
    ) -> None:
        """Note what is done already: a sign-in, a look at a number."""
        act_id = secrets.token_hex(16)
        async with self.begin(SqlTransaction) as work:
            await work.change("add_act", act_id, now, actor, act, why)
            await work.change("end_act", act_id, "done", subject, "")

    async def load_act(self, act_id: str) -> Noted | None:
        """One; None: unknown."""
        rows = await self.fetch("load_act", act_id)
        return Noted(**dict(rows[0])) if rows else None

    async def find_actors(self, act_ids: Sequence[str]) -> Mapping[str, str]:
        """Who did these acts, by their ids."""
        rows = await self.fetch("find_actors", list(act_ids))
        return {row["id"]: row["actor"] for row in rows}

    async def list_acts(
        self, count_max: int, *, before: int | None = None, actor: str = "", act: str = ""
    ) -> Sequence[Noted]:
        """The latest first."""
        rows = await self.fetch(
            "list_acts", before or NUMBER_MAX, count_max, actor or None, act or None
        )
        return [Noted(**dict(row)) for row in rows]

    async def forget(self, now: datetime) -> bool:
        """Delete what has ended, a bounded part. Returns False: there may be more."""
        sizes = [
            await self.change("forget_links", now, FORGOTTEN_MAX),
            await self.change("forget_challenges", now, FORGOTTEN_MAX),
            await self.change("forget_sessions", now - SESSION_LASTS, FORGOTTEN_MAX),
        ]
        return max(sizes) < FORGOTTEN_MAX


async def _add_session(
    work: SqlTransaction, operator: str, way: str, agent: str, now: datetime
) -> str:
    secret = secrets.token_urlsafe(32)
    await work.change("add_session", hash_of(secret), operator, way, agent[:200], now)
    return secret


def _session(row: Row) -> Session:
    return Session(
        row["number"], row["operator"], Role(row["role"]), row["language"], row["way"],
        row["made_at"], row["seen_at"], row["agent"],
    )  # fmt: skip
