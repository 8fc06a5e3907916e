"""What the operator decides, on PostgreSQL: blocks, decisions, and what is still to be told.

The half of ``OperatorStore`` that is of no account: nothing here reads or moves money. The only
SQL is in ``queries.sql``, named ``operator_…``.
"""

from collections.abc import Awaitable, Callable, Sequence

from kernel.database.pool import Pool
from kernel.database.store import SqlStore, SqlTransaction
from kernel.facts.records import OperatorDecided, Record, SenderBlocked
from kernel.facts.topics import outgoing
from kernel.log.port import Outgoing
from services.billing.operator import Block, Outcome
from services.billing.rows import read_queries

TOLD_MAX = 500
"""Records appended in one go; a person makes a handful."""


class PostgresDecisions(SqlStore):
    """Blocks, decisions and their records; see ``OperatorStore`` for each method.

    Args:
        pool: of the role ``antirelou_billing``.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, read_queries())

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        """See ``OperatorStore``. The sender's row orders his changes."""
        async with self.begin(SqlTransaction) as work:
            if change.blocked:
                changed = await work.fetch("operator_add_block", change.sender, change.at)
            else:
                changed = await work.fetch("operator_delete_block", change.sender)
            if not changed:
                return Outcome.REPEATED
            await _add_record(work, change)
        return Outcome.DONE

    async def list_blocks(self) -> Sequence[Block]:
        """See ``OperatorStore``."""
        rows = await self.fetch("operator_list_blocks")
        return [Block(row["sender"], row["at"]) for row in rows]

    async def decide(self, decided: OperatorDecided, *, unresolved: bool) -> Outcome:
        """Note a decision about a reply that is there, and tell it.

        Args:
            unresolved: whether the reply is; a repeated decision finds it resolved.
        """
        async with self.begin(SqlTransaction) as work:
            known = await work.fetch("operator_load_decision", decided.reply_id)
            if not known and unresolved:
                if await work.fetch(
                    "operator_add_decision",
                    decided.reply_id, decided.action, decided.at, decided.why,
                ):  # fmt: skip
                    await _add_record(work, decided)
                    return Outcome.DONE
                known = await work.fetch("operator_load_decision", decided.reply_id)
        same = bool(known) and known[0][0] == decided.action
        return Outcome.REPEATED if same else Outcome.CONFLICT

    async def ask_backfill(self, decided: OperatorDecided) -> Outcome:
        """See ``OperatorStore``."""
        async with self.begin(SqlTransaction) as work:
            await _add_record(work, decided)
        return Outcome.DONE

    async def tell(self, append: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> int:
        """See ``OperatorStore``. The rows stay locked while they are appended."""
        async with self.begin(SqlTransaction) as work:
            rows = await work.fetch("operator_load_records", TOLD_MAX)
            if rows:
                await append([Outgoing(row["topic"], row["key"], row["value"]) for row in rows])
                await work.change("operator_delete_records", [row["number"] for row in rows])
        return len(rows)


async def _add_record(work: SqlTransaction, record: Record) -> None:
    noted = outgoing(record)
    await work.change("operator_add_record", noted.topic, noted.key, noted.value)
