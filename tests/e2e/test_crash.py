"""``kill -9`` of ``antirelou serve`` in the middle of the weekend, and a restart."""

from pathlib import Path

import pytest

from antirelou.commands.demo.house import House, embedded_house
from antirelou.commands.demo.report import check_outcome
from antirelou.commands.demo.run import begin_weekend, look, read_bill
from antirelou.commands.demo.watch import call
from tests.e2e.conftest import SETTINGS, SPEED
from tests.support.audit import expect_clean
from tests.support.eventually import eventually
from tests.support.house import at_rest, with_voided_ended

SCALE = 0.04
SEND_LOST_SECONDS_MAX = 150
"""A send that died with its process is given up by its lease, 90 s, and then looked for."""


def delivered_share(house: House) -> float:
    drive = call(f"{house.provider_url}/_sim/drive")
    return float(drive["delivered"] / drive["total"])


@pytest.mark.timeout(400)
async def test_a_killed_house_loses_nothing_and_pays_nothing_twice(tmp_path: Path) -> None:
    with embedded_house(tmp_path, SETTINGS) as house:
        begin_weekend(house, scale=SCALE, speed=SPEED)
        for share in (0.3, 0.6):
            await eventually(
                lambda share=share: delivered_share(house) > share,  # type: ignore[misc]
                seconds_max=90,
                every=0.1,
            )
            house.services[0].kill()
            house.services[0].start()
            house.services[0].wait_ready()
        voided = await at_rest(house, seconds_max=SEND_LOST_SECONDS_MAX)
        status, bill = with_voided_ended(look(house).status, voided), read_bill(house)
        await expect_clean(house)

    assert [check for check in check_outcome(status, bill) if not check.good] == []
    assert status["replies"]["unresolved"] == 0
