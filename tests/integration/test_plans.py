"""What the timers ask of the database is found by an index, however large the tables are.

Each timer runs on tables of 50,000 rows. Every statement that it makes is noted with what it was
given, and PostgreSQL says how it would find the rows: never by reading a table that grows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from kernel.database.migrations import migrate
from kernel.database.pool import open_pool, role_of
from kernel.database.store import SqlStore, SqlTransaction
from kernel.facts.records import ReplyState
from kernel.log.port import Partition
from kernel.service.port import Ports
from kernel.stage.stage import Progress, Received
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from services.billing.service import Billing
from tests.fakes.log import MemoryLog, house_log
from tests.integration.billing import scene as billing_scene
from tests.integration.filter import scene as filter_scene
from tests.integration.responder import scene as responder_scene
from tests.integration.responder.scene import CALM, authorized, reported
from tests.unit.filter.cases import read_until

ROWS = 50_000
GROWN = ROWS // 2
"""A table with so many rows is one that grows."""


def clock_now() -> datetime:
    """Not a constant: what is collected now may run half an hour later."""
    return SystemClock().now()


@dataclass
class Noted:
    """The statements that were made, each with what it was given at last."""

    statements: dict[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)

    async def read_tables(self, url: str, schema: str) -> Mapping[str, list[str]]:
        """For each statement the grown tables that it would read from end to end."""
        connection = await asyncpg.connect(
            url, server_settings={"search_path": schema, "timezone": "UTC"}
        )
        try:
            grown = {
                row["relname"]
                for row in await connection.fetch(
                    "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace "
                    "AND relkind = 'r' AND reltuples >= $2", schema, GROWN,
                )
            }  # fmt: skip
            assert len(grown) >= 1
            found = {}
            for name, (text, arguments) in self.statements.items():
                plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {text}", *arguments)
                read = [table for table in _scanned(json.loads(plan)) if table in grown]
                if read:
                    found[name] = read
            return found
        finally:
            await connection.close()


def _scanned(node: Any) -> list[str]:
    """The tables that a plan reads from end to end."""
    if isinstance(node, list):
        return [table for one in node for table in _scanned(one)]
    if not isinstance(node, dict):
        return []
    own = [node["Relation Name"]] if node.get("Node Type") == "Seq Scan" else []
    return own + [table for value in node.values() for table in _scanned(value)]


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """Note each statement of any store from now on."""
    noted = Noted()

    def note(owner: type[SqlStore | SqlTransaction], method: str) -> None:
        real = getattr(owner, method)

        async def noting(self: Any, name: str, *arguments: Any) -> Any:
            noted.statements[name] = (self._queries[name], arguments)
            return await real(self, name, *arguments)

        monkeypatch.setattr(owner, method, noting)

    for owner in (SqlStore, SqlTransaction):
        note(owner, "fetch")
        note(owner, "change")
    return noted


async def fill(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statements.replace("{ROWS}", str(ROWS)))
    await connection.execute("ANALYZE")
    await connection.close()


FILTER = """
INSERT INTO filter.senders (sender, opted_out, blocked, silenced, silenced_at)
SELECT md5(n::text), n % 100 = 0, false, CASE WHEN n % 3 = 0 THEN 'burst' END,
       CASE WHEN n % 3 = 0 THEN now() - n * interval '1 minute' END
FROM generate_series(1, {ROWS}) n;
INSERT INTO filter.senders (sender, opted_out, blocked, message_id, kind, partition, first_at,
    last_at, due_at, texts, marks, tokens, blocks, backfilled)
SELECT md5('d' || n), false, false, 'd-' || n, 'message', n % 12, now() - interval '1 hour',
       now() - interval '1 hour', now() + (n - 20) * interval '1 minute', 1, '', '', '', false
FROM generate_series(1, {ROWS}) n;
INSERT INTO filter.messages (id, sender, partition, kind, received_at)
SELECT message_id, sender, partition, kind, first_at FROM filter.senders
WHERE message_id IS NOT NULL;
INSERT INTO filter.answers
SELECT md5(n::text), 'm-' || n, now() - n * interval '10 minutes'
FROM generate_series(1, {ROWS}) n;
INSERT INTO filter.messages (id, sender, partition, kind, received_at, decision, reason, score,
    due_at, judged_at, basis, emitted_at)
SELECT 'm-' || n, md5(n::text), n % 12, 'message', now(), 'reply', 'deserved', 0, now(),
       now() - n * interval '1 minute', '{}', CASE WHEN n > 10 THEN now() END
FROM generate_series(1, {ROWS}) n;
INSERT INTO filter.nonces
SELECT md5(n::text), 'm-' || n, now() - n * interval '1 minute' FROM generate_series(1, {ROWS}) n;
INSERT INTO filter.counts
SELECT convert_to((ARRAY['B', 'k', 'b', 'm'])[1 + n % 4] || n, 'UTF8'),
       extract(epoch FROM now())::bigint / 600 - n / 20, 0, 1
FROM generate_series(1, {ROWS}) n;
"""


async def test_the_filters_timer_reads_no_table(fresh_database: str, noted: Noted) -> None:
    async with filter_scene.open_scene(fresh_database) as scene:
        await fill(fresh_database, FILTER)
        handler = scene.handler()
        due = await handler.due(read_until(clock_now()), clock_now())
        assert due.mark is not None
        await due.mark()
        await handler.upkeep.settle()
        for chore in ("count", "prune"):
            labels = {"service": "filter", "chore": chore, "outcome": "done"}
            assert scene.sample("antirelou_upkeep_total", **labels) == 1
    assert noted.statements.keys() >= {
        "next_due", "load_due", "load_unemitted", "mark_emitted", "count_deliberating",
        "prune_answers", "prune_counts", "prune_messages", "prune_nonces", "prune_senders",
        "prune_silences",
    }  # fmt: skip
    assert await noted.read_tables(fresh_database, "filter") == {}


BILLING = """
INSERT INTO billing.replies (reply_id, sender, kind, state, reason, score, received_at, due_at,
    entered, rank, price_microeuros, sender_sealed, changed_at, reservation, cost_microeuros,
    revision, sequence, told_at)
SELECT state || n, md5(n::text)::uuid, 'reply', state, '', 0, now(), now(),
       n * interval '1 second', n, 150000, CASE WHEN state IN ('waiting', 'authorized') THEN '\\x00'
       ::bytea END, now() - n * interval '1 second',
       CASE WHEN state IN ('waiting', 'expired') THEN 'none' ELSE 'pending' END, 0, 0,
       CASE WHEN state = 'delivered' THEN 3 ELSE 0 END,
       CASE WHEN state = 'waiting' OR n % 3 = 0 AND state <> 'delivered' THEN NULL
            ELSE now() - interval '1 day' END
FROM generate_series(1, {ROWS}) n, unnest(
    ARRAY['delivered'] || CASE WHEN n % 10 = 0 THEN ARRAY['waiting'] ELSE '{}' END
    || CASE WHEN n % 500 = 0 THEN ARRAY['authorized', 'uncertain'] ELSE '{}' END) state;
INSERT INTO billing.tallies VALUES ('reply.waiting', {ROWS} / 10), ('reply.authorized', 0);
INSERT INTO billing.postures
SELECT n, now() - interval '1 minute', 'normal', 'calm', true, '',
       CASE WHEN n < {ROWS} - 3 THEN now() END
FROM generate_series(1, {ROWS}) n;
UPDATE billing.standing SET sequence = {ROWS};
INSERT INTO billing.verdicts
SELECT 'm-' || n, md5(n::text)::uuid, now(), 'silent', CASE WHEN n % 5 = 0 THEN 'opted_out' ELSE
       'burst' END, '{}', now() FROM generate_series(1, {ROWS}) n;
INSERT INTO billing.blocks SELECT md5('b' || n), now() FROM generate_series(1, {ROWS}) n;
INSERT INTO billing.transfers
VALUES (gen_random_uuid(), 'donation', 'gift', 'donations', 'fund', 10000000000, now());
INSERT INTO billing.receiving
SELECT now() - n * interval '1 minute', 1, 1, 1, 0, now() FROM generate_series(1, 1500) n;
"""


@pytest.mark.parametrize("quiet", ["off", "00:00-23:59"])
async def test_billings_timer_reads_no_table(fresh_database: str, noted: Noted, quiet: str) -> None:
    log, clock = house_log(), SystemClock()
    ports = Ports(log, clock, Telemetry(CollectorRegistry()), fresh_database)
    settings = billing_scene.make_settings(
        alert_url="http://127.0.0.1:9/", quiet_hours=quiet, cap_per_exchange="0.20"
    )
    await migrate(fresh_database, [billing_scene.SCHEMA])
    await fill(fresh_database, BILLING)
    async with open_pool(
        fresh_database, role=role_of("billing"), schema="billing", size_max=6
    ) as pool:
        billing = Billing(settings, ports, pool)
        due = await billing._stage._handler.due(billing_scene.read_to(at=clock_now()), clock_now())
        assert due.mark is not None
        await due.mark()
        await billing._upkeep.settle()
        await billing._operator.read_waiting()
    assert noted.statements.keys() >= {
        "claim_standing", "load_expired", "load_untold", "load_postures", "mark_told",
        "mark_postures", "read_deliveries", "read_receiving", "prune_receiving", "read_watched",
        "read_webhook_at", "operator_load_records", "load_waiting", "read_waiting",
    }  # fmt: skip
    assert await noted.read_tables(fresh_database, "billing") == {}


RESPONDER = """
INSERT INTO responder.replies (reply_id, sender, kind, trace, due_at, authorized_at, sender_sealed,
    state, look_at, changed_at, attempts, looks, sending_at, message_id, reason, nothing_charged,
    final, state_order, amount_order, sequence, amount_microunits)
SELECT state || n, md5(state || n), 'reply', 't', now(), now() - interval '1 day',
       CASE WHEN state IN ('authorized', 'uncertain') THEN '\\x00'::bytea END, state,
       CASE WHEN state <> 'delivered' THEN now() - n * interval '1 second' END, now(), 1, 0,
       now() - n * interval '1 second',
       CASE WHEN state IN ('sent', 'delivered') THEN state || n END, '', false,
       state = 'delivered', 1, 1, 1, NULL
FROM generate_series(1, {ROWS}) n, unnest(CASE WHEN n % 100 = 0
    THEN ARRAY['delivered', 'sent', 'authorized', 'uncertain'] ELSE ARRAY['delivered'] END) state;
INSERT INTO responder.restorations (id, backup_at, restored_at, base, stage)
VALUES ('r', now() - interval '2 days', now() - interval '1 day', 9, 'received');
"""


@pytest.fixture
def log() -> MemoryLog:
    return house_log()


async def test_the_responders_rounds_read_no_table(
    fresh_database: str, noted: Noted, log: MemoryLog
) -> None:
    rules = replace(CALM, final_after=timedelta(days=9))
    async with responder_scene.open_scene(fresh_database, log, started=False, rules=rules) as scene:
        await fill(fresh_database, RESPONDER)
        responder = scene.responder
        await responder._housekeeper._tick()  # reconciles, and asks
        await responder._dispatcher._claim()
        async with scene.store.transaction() as work:
            await work.next_ready_at(tests_only=False)
        batch = [
            Received(record, Partition(record.TOPIC, 0), clock_now())
            for record in (authorized(1), reported(2, "sent100", "delivered", 3, ref=None))
        ]
        await responder._handler.handle(batch, clock_now())
        await responder._handler.due(Progress(), clock_now())
        sweep = await responder._housekeeper._settle(
            await scene.store.find_due([ReplyState.SENT], clock_now(), 500)
        )
        assert sweep
    assert noted.statements.keys() >= {
        "find_due", "find_by_message", "find_unended", "find_sent_to", "count_sent", "load_ready",
        "load_changes", "load_replies", "save_replies", "next_ready_at",
    }  # fmt: skip
    assert await noted.read_tables(fresh_database, "responder") == {}
