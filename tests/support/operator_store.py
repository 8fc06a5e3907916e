"""The operator's store for tests of the commands: decisions on PostgreSQL, the books in memory."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from kernel.database.migrations import Schema, migrate
from kernel.database.pool import open_pool, role_of
from kernel.facts.records import OperatorDecided, SenderBlocked
from kernel.log.port import Outgoing
from services.billing.operator import Block, Outcome
from services.billing.operator_store import PostgresDecisions
from tests.fakes.operator_store import FakeOperatorStore

SQL = Path(__file__).parents[2] / "services" / "billing" / "sql" / "0002_operator.sql"


class OperatorStoreOverPostgres(FakeOperatorStore):
    """An ``OperatorStore`` whose blocks, decisions and records are in a real database."""

    def __init__(self, decisions: PostgresDecisions) -> None:
        super().__init__()
        self.decisions = decisions

    async def set_blocked(self, change: SenderBlocked) -> Outcome:
        return await self.decisions.set_blocked(change)

    async def list_blocks(self) -> Sequence[Block]:
        return await self.decisions.list_blocks()

    async def decide_unresolved(self, decided: OperatorDecided) -> Outcome:
        if decided.reply_id not in self.unresolved:
            return Outcome.UNKNOWN
        return await self.decisions.decide(decided, unresolved=True)

    async def ask_backfill(self, decided: OperatorDecided) -> Outcome:
        return await self.decisions.ask_backfill(decided)

    async def tell(self, append: Callable[[Sequence[Outgoing]], Awaitable[None]]) -> int:
        return await self.decisions.tell(append)


@asynccontextmanager
async def open_operator_store(url: str) -> AsyncIterator[OperatorStoreOverPostgres]:
    """Migrate the operator's tables, which stand on no other, and open them as billing does."""
    with TemporaryDirectory() as folder:
        shutil.copy(SQL, Path(folder) / "0001_operator.sql")
        await migrate(url, [Schema("billing", Path(folder))])
    async with open_pool(url, role=role_of("billing"), schema="billing", size_max=4) as pool:
        yield OperatorStoreOverPostgres(PostgresDecisions(pool))
