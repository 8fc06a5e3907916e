"""The evidence log of a house that is at rest, held against the topic and against itself."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import asyncpg

from antirelou.commands.demo.house import House
from antirelou.compose import find_database, open_log_alone
from kernel.facts.records import SmsReceived, decode
from kernel.settings.settings import load_settings
from services.evidence.core.verifier import (
    commit,
    hash_leaf,
    read_checkpoint,
    read_note,
    root_of_many,
)


async def expect_kept(house: House, *, accepted: int, told: int) -> None:
    """Every webhook that was acknowledged has one leaf with its request, and the log verifies.

    Args:
        accepted: messages whose webhook the provider saw taken.
        told: those that it told us of in any way.

    Raises:
        AssertionError: says what does not hold, or not yet.
    """
    rows, head, notes = await _read(house)
    records = [json.loads(row["record"]) for row in rows]
    received = [told for told in records if told["kind"] == "received"]
    digests = Counter(one["request_sha256"] for one in received if one["request_sha256"])
    twice = sum(1 for count in digests.values() if count > 1)
    assert twice == 0, f"{twice} requests have several leaves"
    missing = len(await _appended(house) - set(digests))
    assert missing == 0, f"{missing} webhooks have no leaf with their request"
    messages = [one for one in received if one["what"] == "message"]
    asked = {one["id"] for one in messages if one["request_sha256"]}
    assert len(asked) >= accepted, f"{len(asked)} messages with their request of {accepted}"
    ids = {one["id"] for one in messages}
    assert len(ids) == told, f"{len(ids)} messages of {told}"
    _verify(rows, head, notes)


async def _read(house: House) -> tuple[Sequence[Any], Any, Sequence[str]]:
    connection = await asyncpg.connect(find_database(load_settings(**house.settings)))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(
                "SELECT leaf, salt, record FROM evidence.records ORDER BY leaf"
            )
            head = await connection.fetchrow("SELECT size, root FROM evidence.tree")
            notes = await connection.fetch("SELECT note FROM evidence.checkpoints ORDER BY size")
    finally:
        await connection.close()
    return rows, head, [row["note"] for row in notes]


async def _appended(house: House) -> set[str]:
    """The requests that the topic holds."""
    found = set()
    async with open_log_alone(load_settings(**house.settings)) as log:
        async for record in log.scan(SmsReceived.TOPIC):
            message = decode(SmsReceived.TOPIC, record.value)
            if isinstance(message, SmsReceived) and message.evidence_digest:
                found.add(message.evidence_digest)
    return found


def _verify(rows: Sequence[Any], head: Any, notes: Sequence[str]) -> None:
    """The leaves lead to the head, and to the first, the last and a middle checkpoint."""
    leaves = {row["leaf"]: hash_leaf(commit(row["salt"], row["record"])) for row in rows}
    assert sorted(leaves) == list(range(head["size"])), "a leaf is missing"
    assert root_of_many(leaves, head["size"], iter(())) == head["root"], "another root"
    for note in {0: notes[:1], 1: notes[len(notes) // 2 :][:1], 2: notes[-1:]}.values():
        for one in note:
            signed = read_checkpoint(read_note(one.encode()).text)
            part = {leaf: leaves[leaf] for leaf in range(signed.size)}
            assert root_of_many(part, signed.size, iter(())) == signed.root, "a fork"
    assert notes, "nothing was signed"
