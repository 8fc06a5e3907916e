"""Reads what an audit judges, from a house that may be running; changes nothing.

Stores and topics are read upstream first (``facts``). Each schema is one read-only snapshot.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec

from antirelou.commands.audit.facts import (
    AuditRules,
    Books,
    Facts,
    MessageRow,
    OutboxRow,
    ProviderLog,
    ReceiptRow,
    ReplyRow,
    Told,
)
from kernel.database.pool import translate_errors
from kernel.facts.records import (
    RECORD_TYPES,
    DeadRecord,
    Record,
    ReplyAuthorized,
    ReplyChanged,
    SmsJudged,
    SmsReceived,
    decode,
    decode_as,
)
from kernel.facts.topics import READS, dead
from kernel.log.port import Log, LogRecord
from kernel.settings.settings import Settings
from kernel.values.errors import Rejected
from services.billing.core.gift import Part, value_payment
from services.billing.gift_store import to_part

Say = Callable[[str], None]
"""Told what is being read now."""

CONNECT_SECONDS_MAX = 10.0
STATEMENT_SECONDS_MAX = 600.0
DOUBTED = 1
TOLD_LATELY_SECONDS = 5.0
"""By billing's clock, which need not be ours: what was told so lately may not be on the topic."""

UNCOVERED = """
SELECT subject FROM (
    SELECT subject, kind, number, sum(CASE kind
        WHEN 'reserve' THEN -amount_microeuros
        WHEN 'fee' THEN -amount_microeuros
        WHEN 'count' THEN CASE credit WHEN 'fund' THEN 1 ELSE -1 END * amount_microeuros
        WHEN 'platform_fee' THEN CASE credit WHEN 'fund' THEN 1 ELSE -1 END * amount_microeuros
        WHEN 'correction' THEN CASE credit WHEN 'fund' THEN 1 ELSE -1 END * amount_microeuros
        ELSE amount_microeuros END) OVER (ORDER BY number NULLS FIRST ROWS UNBOUNDED PRECEDING)
        AS left_microeuros
    FROM billing.transfers
    WHERE kind IN ('donation', 'fee', 'correction', 'reserve', 'release', 'void', 'count')
       OR (debit, credit) = ('spent.reply', 'fund')
       OR (kind = 'platform_fee' AND 'fund' IN (debit, credit))) AS course
WHERE kind = 'reserve' AND number IS NOT NULL AND left_microeuros < 0
"""
"""Replies reserved with money that was not there when they were. Left out is what receiving took,
and what a reply cost above its price: facts, booked beside the order of the others.
"""

PARTS = """
SELECT id, payment, source, kind, amount_minor, currency, at, holds, total, version, card, about,
       reported_at FROM billing.gift_parts
"""

# The plan of France, as digits alone; not inside something longer, such as what is sealed.
_NUMBER = r"(?<![0-9A-Za-z+/=._-])(?:\+33|0033|33|0)[1-9][0-9]{8}(?![0-9A-Za-z+/=_-]|\.[0-9])"
_NUMBER_BYTES = re.compile(_NUMBER.encode())

_DEAD = msgspec.json.Decoder(DeadRecord)


@dataclass(slots=True)
class Topics:
    """What the topics say, as it is read."""

    log: Log
    own: frozenset[bytes]
    leaks: dict[str, int] = field(default_factory=dict)
    scanned: int = 0
    dead: set[tuple[str, int, int]] = field(default_factory=set)

    async def read(self, topic: str) -> Mapping[str, Told]:
        """What stands on a topic by its records' ids, and who may not have handled it.

        The lag is asked for after the scan, so what lies before it had been handled when this
        returns. Of what cannot be decoded nothing is known but that it is there.
        """
        found: dict[str, Told] = {}
        places: dict[str, tuple[int, int]] = {}
        ends: dict[int, int] = {}
        async for record in self.log.scan(topic):
            self._look(topic, record.value)
            ends[record.partition] = record.offset + 1
            about = _read(topic, record)
            if about is None:
                continue
            id_, said = about
            places.setdefault(id_, (record.partition, record.offset))
            found.setdefault(id_, Told()).said.add(said)
        for group in sorted(group for group, topics in READS.items() if topic in topics):
            lags = await self.log.group_lag(group, topic)
            for id_, (partition, offset) in places.items():
                if offset >= ends[partition] - lags.get(partition, 0):
                    found[id_].unread |= {group}
        for id_, (partition, offset) in places.items():
            found[id_].dead = (topic, partition, offset) in self.dead
        return found

    async def read_rest(self, read: Iterable[str]) -> None:
        """The dead topics, and those of which only I6 is asked."""
        for kind in RECORD_TYPES:
            async for record in self.log.scan(dead(kind.TOPIC)):
                corpse = _DEAD.decode(record.value)
                self.dead.add((corpse.topic, corpse.partition, corpse.offset))
                self._look(dead(kind.TOPIC), corpse.value)
            if kind.TOPIC not in read:
                async for record in self.log.scan(kind.TOPIC):
                    self._look(kind.TOPIC, record.value)

    def _look(self, topic: str, value: bytes) -> None:
        self.scanned += 1
        if topic in (SmsReceived.TOPIC, dead(SmsReceived.TOPIC)):
            return
        hits = [hit for hit in _NUMBER_BYTES.findall(value) if hit not in self.own]
        if hits:
            place = f"topic {topic}"
            self.leaks[place] = self.leaks.get(place, 0) + len(hits)


def _read(topic: str, record: LogRecord) -> tuple[str, str] | None:
    """What a record is about, and what it says of it."""
    try:
        return _describe(decode(topic, record.value))
    except Rejected:
        return None


def _describe(record: Record) -> tuple[str, str]:
    match record:
        case SmsJudged():
            return record.id, f"{record.decision} {record.reason}"
        case ReplyAuthorized():
            return record.id, f"{record.sender} {record.price_microeuros} {record.kind}"
        case ReplyChanged(by="responder"):
            return f"{record.reply_id} {record.sequence}", f"{record.state} {record.reason}"
        case _:
            return record.id, ""


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection that sees one instant and can write nothing."""
    with translate_errors():
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            url, timeout=CONNECT_SECONDS_MAX, command_timeout=STATEMENT_SECONDS_MAX
        )
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                yield connection
        finally:
            await connection.close(timeout=CONNECT_SECONDS_MAX)


async def _read_filter(url: str) -> dict[str, MessageRow]:
    async with _snapshot(url) as connection:
        rows = await connection.fetch(
            "SELECT id, decision || ' ' || reason, emitted_at IS NOT NULL FROM filter.messages"
        )
    return {id_: MessageRow(verdict, emitted) for id_, verdict, emitted in rows}


async def _read_outbox(url: str) -> tuple[dict[str, OutboxRow], frozenset[tuple[str, int]]]:
    async with _snapshot(url) as connection:
        rows = await connection.fetch(
            "SELECT reply_id, sender, kind, state, sequence, message_id, sending_at"
            " FROM responder.replies"
        )
        changes = await connection.fetch("SELECT value FROM responder.changes")
    outbox = {row[0]: OutboxRow(*row[1:]) for row in map(tuple, rows)}
    told = (decode_as(ReplyChanged, row[0]) for row in changes)
    return outbox, frozenset((change.reply_id, change.sequence) for change in told)


async def _read_books(url: str, told_before: float) -> Books:
    async with _snapshot(url) as connection:

        async def read(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]

        sides = (
            "(SELECT credit AS account, subject, amount_microeuros AS amount"
            " FROM billing.transfers UNION ALL"
            " SELECT debit, subject, -amount_microeuros FROM billing.transfers) AS sides"
        )
        replies = await read(
            "SELECT reply_id, replace(sender::text, '-', ''), kind, state, sequence, due_at,"
            " price_microeuros, cost_microeuros, reservation,"
            " coalesce(extract(epoch FROM now() - told_at) > $1, false) FROM billing.replies",
            told_before,
        )
        receipts = await read(
            "SELECT message_id, kind, received_at, cost_microeuros, basis = $1"
            " FROM billing.receipts",
            DOUBTED,
        )
        net = await read(
            f"SELECT account, subject, sum(amount)::bigint FROM {sides}"  # noqa: S608 - ours
            " WHERE account IN ('spent.receive', 'spent.reply', 'reserved', 'gifts') GROUP BY 1, 2"
        )
        reserves = await read(
            "SELECT subject, count(*), sum(amount_microeuros)::bigint FROM billing.transfers"
            " WHERE kind = 'reserve' GROUP BY 1"
        )
        [(corrected,)] = await read(
            "SELECT coalesce(sum(amount_microeuros), 0)::bigint FROM billing.transfers"
            " WHERE kind = 'correction' AND credit = 'donations'"
        )
        [(counted,)] = await read(
            "SELECT coalesce(sum(amount_microeuros), 0)::bigint FROM billing.transfers"
            " WHERE kind = 'count' AND credit = 'fund'"
        )
        [pot] = await read(
            "SELECT worth_microeuros, fees_microeuros, transferred_microeuros FROM billing.pot"
        )
        [(transferred,)] = await read(
            "SELECT coalesce(sum(amount_microeuros), 0)::bigint FROM billing.entries e"
            " WHERE kind = 'transfer' OR (kind = 'correction' AND EXISTS (SELECT 1 FROM"
            " billing.entries t WHERE t.kind = 'transfer' AND e.id = 'correction:' || t.id))"
        )
        payments = await read(
            "SELECT payment, worth_microeuros, fees_microeuros FROM billing.payments"
        )
        parts = [to_part(row) for row in await connection.fetch(PARTS)]
        return Books(
            counted=counted,
            pot=pot,
            transferred=transferred,
            payments={name: (worth, fees) for name, worth, fees in payments},
            valued=value_parts(parts),
            corrected=corrected,
            uncovered=[reply_id for (reply_id,) in await read(UNCOVERED)],
            accounts=dict(await read("SELECT name, balance_microeuros FROM billing.accounts")),
            moved=dict(
                await read(f"SELECT account, sum(amount)::bigint FROM {sides} GROUP BY 1")  # noqa: S608 - ours
            ),
            net={(account, subject): moved for account, subject, moved in net},
            reserves={subject: (count, sum_) for subject, count, sum_ in reserves},
            receipts={row[0]: ReceiptRow(*row[1:]) for row in receipts},
            verdicts=dict(
                await read("SELECT message_id, decision || ' ' || reason FROM billing.verdicts")
            ),
            replies={row[0]: ReplyRow(*row[1:]) for row in replies},
            tallies=dict(await read("SELECT name, count FROM billing.tallies")),
        )


def value_parts(parts: Iterable[Part]) -> Mapping[str, tuple[int, int]]:
    """What payments are worth, and their fees, by their parts alone."""
    by_payment: dict[str, list[Part]] = {}
    for part in parts:
        by_payment.setdefault(part.payment, []).append(part)
    found = {name: value_payment(name, own, None) for name, own in by_payment.items()}
    return {n: (one.worth_microeuros, one.fees_microeuros) for n, one in found.items()}


async def _scan_tables(url: str, own: Iterable[bytes]) -> tuple[dict[str, int], int]:
    """Rows, by table, in which something looks like a phone number that is not ours.

    The server looks; nothing of it leaves the server. The embedded log's records are read as
    topics.
    """
    ours = "|".join(sorted(one.decode().replace("+", "[+]") for one in own)) or "-"
    found: dict[str, int] = {}
    async with _snapshot(url) as connection:
        names = await connection.fetch(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = ANY($1)",
            ["filter", "billing", "responder", "evidence", "donations"],
        )
        for (table,) in names:
            count = await connection.fetchval(
                f"SELECT count(*) FROM {table} AS t"  # noqa: S608 - a name of the catalogue, quoted
                " WHERE regexp_replace(t::text, $2, '', 'g') ~ $1",
                _NUMBER,
                rf"\m({ours})\M",
            )
            if count:
                found[f"table {table}"] = count
    return found, len(names)


def _own_numbers(number: str | None) -> frozenset[bytes]:
    """How our own number, which is published, may be written."""
    if not number:
        return frozenset()
    digits = number.lstrip("+")
    forms = {f"+{digits}", digits, f"00{digits}"}
    if digits.startswith("33"):
        forms.add(f"0{digits[2:]}")
    return frozenset(form.encode() for form in forms)


async def gather(
    settings: Settings,
    *,
    database_url: str,
    log: Log,
    read_provider: Callable[[], Awaitable[ProviderLog]] | None = None,
    say: Say = lambda _: None,
) -> Facts:
    """Read everything.

    Args:
        read_provider: gives the provider's log; None: it is not asked.

    Raises:
        Transient: the log, the database or the provider is away.
    """
    own = _own_numbers(settings.number)
    topics = Topics(log, own)
    say("the dead topics")
    own_topics = [kind.TOPIC for kind in (SmsReceived, SmsJudged, ReplyAuthorized, ReplyChanged)]
    await topics.read_rest(own_topics)
    say("sms.received")
    received = await topics.read(SmsReceived.TOPIC)
    say("the filter")
    messages = await _read_filter(database_url)
    say("sms.judged")
    judged = await topics.read(SmsJudged.TOPIC)
    say("replies.authorized")
    looked_at = asyncio.get_running_loop().time()
    authorized = await topics.read(ReplyAuthorized.TOPIC)
    say("the responder")
    outbox, untold = await _read_outbox(database_url)
    say("replies.changed")
    changed = await topics.read(ReplyChanged.TOPIC)
    say("billing")
    since = asyncio.get_running_loop().time() - looked_at
    books = await _read_books(database_url, since + TOLD_LATELY_SECONDS)
    say("the tables")
    leaks, tables = await _scan_tables(database_url, own)
    provider: ProviderLog | None = None
    if read_provider is not None:
        provider = await read_provider()
    return Facts(
        rules=read_rules(settings),
        received=received,
        judged=judged,
        authorized=authorized,
        changed={_split(place): told for place, told in changed.items() if " " in place},
        messages=messages,
        outbox=outbox,
        untold=untold,
        books=books,
        provider=provider,
        leaks=topics.leaks | leaks,
        scanned=topics.scanned + tables,
    )


def _split(place: str) -> tuple[str, int]:
    reply_id, _, sequence = place.rpartition(" ")
    return reply_id, int(sequence)


def read_rules(settings: Settings) -> AuditRules:
    """What of the settings the judgement rests on."""
    return AuditRules(
        window=settings.reply_window,
        cap_microeuros=settings.cap_per_exchange,
        receive_microeuros=settings.price_receive,
        rate_micro=settings.provider_rate,
    )
