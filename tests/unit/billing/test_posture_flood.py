"""The posture under a steady flood: it does not go to and fro."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from services.billing.core.pace import Demand
from services.billing.core.posture import Cause, Standing, decide_standing
from services.billing.core.price import NOTHING_KEPT
from services.billing.core.room import Load, choose_replies, plan_allowance
from tests.unit.billing.cases import CALM, EURO, MINUTE, NOW, ROOM, RULES, facts, waiting

PRICE = 150_000
GIVEN = replace(CALM, at_donation=168 * EURO, donated_at=NOW)


@dataclass
class Flood:
    """A fund under a steady demand, minute by minute: replies paid as the floor allows."""

    per_hour: float
    seed: int
    standing: Standing
    fund: int
    waiting: int = 0
    spent: int = 0
    asked: list[int] = field(default_factory=list)
    changes: list[Cause] = field(default_factory=list)

    def run(self, minutes: int) -> None:
        chance = Random(self.seed)
        for minute in range(minutes):
            came = sum(chance.random() < self.per_hour / 60 / 40 for _ in range(40))
            self.asked.append(came)
            self.waiting += came
            self.fund -= came * 10_000
            self.look(minute)

    def look(self, minute: int) -> None:
        hour, six = sum(self.asked[-60:]), sum(self.asked[-360:])
        known = facts(
            available=self.fund, replies=self.spent, received_last_hour=hour * 10_000,
            given=168 * EURO, waiting=self.waiting * PRICE, spent=self.spent,
            demand=Demand(hour * 160_000, six * 160_000, surged=hour if self.per_hour > 60 else 0),
        )  # fmt: skip
        before, self.standing = (
            self.standing,
            decide_standing(self.standing, known, RULES, NOW + minute * MINUTE),
        )
        if self.standing.sequence != before.sequence:
            self.changes.append(self.standing.cause)
        load = Load(outstanding=0, ahead_max=30, unread=0, unread_max=9, quiet=False)
        allowance = plan_allowance(self.standing, known, load, NOTHING_KEPT, ROOM)
        room = [waiting(f"m-{n:05}") for n in range(min(self.waiting, 40))]
        paid = len(choose_replies(room, allowance))
        self.waiting -= paid
        self.fund -= paid * PRICE
        self.spent += paid * PRICE


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("per_hour", [5, 60, 150, 400, 1000])
def test_a_steady_flood_does_not_switch_the_posture_to_and_fro(per_hour: int, seed: int) -> None:
    flood = Flood(per_hour, seed, GIVEN, 168 * EURO)
    flood.run(24 * 60)
    # Guarded for one cause, perhaps for the other; suspended; detached.
    assert len(flood.changes) <= 4, flood.changes
    assert Cause.CALM not in flood.changes
    assert len(set(flood.changes)) >= len(flood.changes) - 1, "only the number goes while suspended"
    if per_hour == 5:
        assert not flood.changes
        assert flood.waiting == 0
