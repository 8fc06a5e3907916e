"""What the operator decides, on PostgreSQL: blocks, decisions, and what is still to be told.

The half of ``OperatorStore`` that is of no account: nothing here reads or moves money. The only
SQL is in ``sql/queries/operator_*.sql``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import resources

from antirelou.database import Connection, Pool, translate_errors
from antirelou.log.port import Outgoing
from antirelou.records import OperatorDecided, Record, SenderBlocked
from antirelou.topics import outgoing
from services.billing.operator import Block, Outcome

TOLD_MAX = 500
"""Records appended in one go; a person makes a handful."""


def _read(name: str) -> str:
    return (resources.files("services.billing") / "sql" / "queries" / f"{name}.sql").read_text()


_ADD_BLOCK = _read("operator_add_block")
_DELETE_BLOCK = _read("operator_delete_block")
_LIST_BLOCKS = _read("operator_list_blocks")
_LOAD_DECISION = _read("operator_load_decision")
_ADD_DECISION = _read("operator_add_decision")
_ADD_RECORD = _read("operator_add_record")
_LOAD_RECORDS = _read("operator_load_records")
_DELETE_RECORDS = _read("operator_delete_records")


class PostgresDecisions:
    """Blocks, decisions and their records; see ``OperatorStore`` for each method."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        with translate_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        """See ``OperatorStore``. The sender's row orders his changes."""
        async with self._transaction() as connection:
            if change.blocked:
                row = await connection.fetchrow(_ADD_BLOCK, change.sender, change.at)
            else:
                row = await connection.fetchrow(_DELETE_BLOCK, change.sender)
            if row is None:
                return Outcome.REPEATED
            await _add_record(connection, change)
        return Outcome.DONE

    async def list_blocks(self) -> Sequence[Block]:
        """See ``OperatorStore``."""
        with translate_errors():
            rows = await self._pool.fetch(_LIST_BLOCKS)
        return [Block(row["sender"], row["at"]) for row in rows]

    async def decide(self, decided: OperatorDecided, *, unresolved: bool) -> Outcome:
        """Note a decision about a reply that is there, and tell it.

        Args:
            unresolved: whether the reply is; a repeated decision finds it resolved.
        """
        async with self._transaction() as connection:
            known = await connection.fetchval(_LOAD_DECISION, decided.reply_id)
            if known is None and unresolved:
                added = await connection.fetchrow(
                    _ADD_DECISION, decided.reply_id, decided.action, decided.at, decided.why
                )
                if added is not None:
                    await _add_record(connection, decided)
                    return Outcome.DONE
                known = await connection.fetchval(_LOAD_DECISION, decided.reply_id)
        return Outcome.REPEATED if known == decided.action else Outcome.CONFLICT

    async def ask_backfill(self, decided: OperatorDecided) -> Outcome:
        """See ``OperatorStore``."""
        async with self._transaction() as connection:
            await _add_record(connection, decided)
        return Outcome.DONE

    async def tell(self, append: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> int:
        """See ``OperatorStore``. The rows stay locked while they are appended."""
        async with self._transaction() as connection:
            rows = await connection.fetch(_LOAD_RECORDS, TOLD_MAX)
            if rows:
                await append([Outgoing(row["topic"], row["key"], row["value"]) for row in rows])
                await connection.execute(_DELETE_RECORDS, [row["number"] for row in rows])
        return len(rows)


async def _add_record(connection: Connection, record: Record) -> None:
    noted = outgoing(record)
    await connection.execute(_ADD_RECORD, noted.topic, noted.key, noted.value)
