"""A database lost and restored from an older dump: nothing is sent again, and nothing is lost."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from antirelou.commands.demo.house import House, clustered_house, embedded_house, run_once
from antirelou.commands.demo.run import operate
from antirelou.commands.demo.watch import call
from kernel.sealing.keys import backup_private_text
from kernel.sealing.privacy import new_keypair
from kernel.values.errors import Fatal
from tests.e2e.conftest import SETTINGS, forget_house
from tests.support.audit import audit_house, expect_clean, violations
from tests.support.eventually import eventually
from tests.support.house import donate, sent_by_provider, status, status_when, text_in

BEFORE = [f"+33639980{100 + n}" for n in range(4)]
"""Answered before the backup."""
WAITING = [f"+33639980{200 + n}" for n in range(4)]
"""Waiting to be paid for in the backup, answered after it."""
AFTER = [f"+33639980{300 + n}" for n in range(5)]
"""They wrote after the backup, and were answered."""
LAST = [f"+33639980{400 + n}" for n in range(2)]
"""They wrote after the backup, and waited when the database was lost."""
NEW = "+33639980500"
"""Writes while the restored house is suspended."""


@dataclass(frozen=True)
class Place:
    """A house whose database can be lost.

    Attributes:
        embedded: log and database in one, both lost; else Kafka survives.
    """

    house: House
    embedded: bool
    key: Path

    def run(self, *arguments: str) -> str:
        return run_once(arguments, self.house.settings, self.house.folder)


@pytest.fixture(params=["embedded", "kafka"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    private, public = new_keypair()
    key = tmp_path / "offline.key"
    key.write_text(backup_private_text(private.hex()))
    settings = {**SETTINGS, "language": "en", "backup_public_key": public.hex()}
    embedded = request.param == "embedded"
    with ExitStack() as stack:
        if embedded:
            house = stack.enter_context(embedded_house(tmp_path, settings))
        else:
            bootstrap = request.getfixturevalue("kafka_bootstrap")
            url = request.getfixturevalue("fresh_database")
            asyncio.run(forget_house(bootstrap))
            house = stack.enter_context(
                clustered_house(tmp_path, settings, kafka_bootstrap=bootstrap, database_url=url)
            )
        yield Place(house, embedded, key)


@pytest.mark.timeout(300)
async def test_a_restored_house_sends_nothing_again(place: Place) -> None:
    house, backup = place.house, place.house.folder / "older.backup"
    await live_until_the_backup(house)
    place.run("backup", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    await live_on(house)
    sent, spent = per_destination(house), status(house)["fund"]
    assert sent == Counter(BEFORE + WAITING + AFTER)

    for service in house.services:
        assert service.stop() == 0
    refuse_what_is_no_backup(place, backup)
    lose_and_restore(place, backup)
    provider_answers(house, answers=False)
    for service in house.services:
        service.start()
    for service in house.services:
        service.wait_ready()

    text_in(house, NEW, "Salut, c'est moi")
    now = status(house)
    assert (now["posture"], now["posture_cause"]) == ("suspended", "restored")
    with pytest.raises(Fatal, match="still being read"):
        place.run("resume", "--yes")
    provider_answers(house, answers=True)
    found = await reconciled(house)
    assert found["matched"] + found["recovered"] == len(WAITING) + len(AFTER)
    assert found["reply_microeuros"] == 150_000 * (len(WAITING) + len(AFTER))
    texted = len(BEFORE) + len(WAITING) + len(AFTER) + len(LAST) + 2  # one more of BEFORE, and NEW
    await status_when(house, lambda now: now["messages"]["received"] == texted)
    assert found["resumed"] is False
    assert per_destination(house) == sent

    # The ledger is the bill before anybody resumes.
    fund = status(house)["fund"]
    assert fund["spent_reply_microeuros"] == spent["spent_reply_microeuros"]
    assert fund["spent_receive_microeuros"] == 10_000 * texted
    assert fund["spent_reply_microeuros"] == 150_000 * sum(sent.values())
    assert violations(await audit_house(house)) == []

    said = place.run("resume", "--yes")
    assert "replies sent already" in said
    assert "Resumed: " in said
    await eventually(
        lambda: per_destination(house) == sent + Counter([*LAST, NEW]), seconds_max=60, every=0.5
    )
    await status_when(
        house,
        lambda now: (
            now["replies"]["delivered"] == sum(sent.values()) + len(LAST) + 1
            and not now["fund"]["reserved_microeuros"]
        ),
        seconds_max=60,
    )
    assert per_destination(house) == sent + Counter([*LAST, NEW])
    await expect_clean(house)
    assert "resumed" in place.run("status")


async def live_until_the_backup(house: House) -> None:
    donate(house, "100.00")
    text_all(house, BEFORE)
    await status_when(house, lambda now: now["replies"]["delivered"] == len(BEFORE), seconds_max=60)
    operate(house, "POST", "/v1/pause", {"reason": "so that some wait in the backup"})
    text_all(house, WAITING)
    await status_when(house, lambda now: now["replies"]["waiting"] == len(WAITING), seconds_max=60)


async def live_on(house: House) -> None:
    operate(house, "POST", "/v1/resume")
    text_all(house, AFTER)
    text_in(house, BEFORE[0], "Tu ne réponds plus ?")
    answered = len(BEFORE) + len(WAITING) + len(AFTER)
    await status_when(house, lambda now: now["replies"]["delivered"] == answered, seconds_max=60)
    operate(house, "POST", "/v1/pause", {"reason": "so that some wait when all is lost"})
    text_all(house, LAST)
    await status_when(house, lambda now: now["replies"]["waiting"] == len(LAST), seconds_max=60)


def provider_answers(house: House, *, answers: bool) -> None:
    """Whether the provider answers questions."""
    fault = {"query_error": {"probability": 0.0 if answers else 1.0}}
    call(f"{house.provider_url}/_sim/faults", method="POST", body=fault)


def text_all(house: House, phones: Sequence[str]) -> None:
    for phone in phones:
        text_in(house, phone, f"Coucou, c'est {phone[-3:]}")


def per_destination(house: House) -> Counter[str]:
    return Counter("+" + message["to"].lstrip("+") for message in sent_by_provider(house))


def refuse_what_is_no_backup(place: Place, backup: Path) -> None:
    """Each is refused with a line that says why, before anything is changed."""
    whole, folder = backup.read_bytes(), place.house.folder
    private, _ = new_keypair()
    (folder / "wrong.key").write_text(backup_private_text(private.hex()))
    (folder / "cut.backup").write_bytes(whole[: len(whole) // 2])
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    (folder / "changed.backup").write_bytes(changed)
    for name, key, why in (
        ("older.backup", folder / "wrong.key", "does not open this backup"),
        ("cut.backup", place.key, "cut short"),
        ("changed.backup", place.key, "was changed"),
    ):
        with pytest.raises(Fatal, match=why):
            place.run("restore", str(folder / name), "--key", str(key), "--replace")
    with pytest.raises(Fatal, match="not empty"):
        place.run("restore", str(backup), "--key", str(place.key))


def lose_and_restore(place: Place, backup: Path) -> None:
    arguments = ["restore", str(backup), "--key", str(place.key)]
    if place.embedded:
        shutil.rmtree(place.house.folder / "data" / "postgres")
    else:
        arguments.append("--replace")
    said = place.run(*arguments)
    assert "Restored, as of " in said
    assert ("Kafka: " in said) is not place.embedded


async def reconciled(house: House) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        house.check()
        found: dict[str, Any] = operate(house, "GET", "/v1/restoration")["restoration"]
        return found if found["reconciled_at"] else None

    return await eventually(look, seconds_max=60, every=0.5) or {}
