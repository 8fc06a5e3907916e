"""``antirelou audit`` beside a running house: clean as it is, and each harm done to it is found."""

import json
import re
import urllib.request
from typing import Any

import asyncpg
import pytest

from antirelou.commands.demo.house import House, run_once
from kernel.values.errors import Fatal
from tests.e2e.conftest import Built
from tests.support.audit import audit_house, expect_clean, violations
from tests.support.eventually import eventually
from tests.support.house import donate, status_when, text_in

PHONE = "+33639980042"
HARMS = {
    "I1": "DELETE FROM responder.replies",
    "I4": "UPDATE billing.tallies SET count = count + 1 WHERE name = 'received'",
    "I6": f"INSERT INTO billing.entries (id, kind, amount_microeuros, note, at)"
    f" VALUES ('x', 'fee', 1, 'call {PHONE}', now())",
}


async def test_a_house_is_audited_and_harm_is_found(built: Built) -> None:
    donate(built.house, "100")
    message_id = text_in(built.house, PHONE, "Bonsoir, c'est Marc du café")
    await status_when(built.house, lambda now: now["replies"]["delivered"] == 1, seconds_max=60)
    await expect_clean(built.house)

    said: list[dict[str, Any]] = json.loads(run_audit(built, "--json"))
    assert [one["holds"] for one in said] == [True] * 6
    assert "Every invariant holds" in run_audit(built)

    async with built.reading() as (_, url):
        connection = await asyncpg.connect(url)
        try:
            for harm in HARMS.values():
                await connection.execute(harm)
        finally:
            await connection.close()
    found = violations(await audit_house(built.house))
    assert HARMS.keys() <= {invariant for invariant, _ in found}
    assert any(message_id in finding.ids for _, finding in found)
    assert PHONE[3:] not in repr(found)
    with pytest.raises(Fatal, match="antirelou audit"):
        run_audit(built, "--tell")
    await eventually(lambda: tells_broken(built.house), seconds_max=30)


def run_audit(built: Built, *options: str) -> str:
    """The command itself, as an operator runs it."""
    return run_once(["audit", *options], built.house.settings, built.house.folder)


def tells_broken(house: House) -> bool:
    """The outcome is where alerts look for it."""
    with urllib.request.urlopen(f"{house.operator_url}/metrics") as answer:
        shown = answer.read().decode()
    counts = re.findall(r'antirelou_audit_violations\{invariant="I\d"\} (\S+)', shown)
    return any(float(count) > 0 for count in counts)
