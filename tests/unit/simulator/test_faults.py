from random import Random
from typing import Any

import pytest

from simulator.faults import Fault, Faults


def test_a_count_strikes_so_often_and_then_no_more() -> None:
    fault = Fault(count=2)
    assert [fault.strikes(Random(1)) for _ in range(4)] == [True, True, False, False]


def test_chance_is_of_the_seed() -> None:
    def draw(seed: int) -> list[bool]:
        random, fault = Random(seed), Fault(0.5)
        return [fault.strikes(random) for _ in range(50)]

    assert draw(1) == draw(1)
    assert 10 < sum(draw(1)) < 40


def test_changes_are_read_from_json() -> None:
    faults = Faults()
    faults.update({
        "failed": 0.25, "rubbish": {"count": 3}, "detached": "rejected", "list_lag_seconds": 0,
    })  # fmt: skip
    assert faults.failed == Fault(0.25)
    assert faults.rubbish == Fault(0.0, 3)
    assert (faults.detached, faults.list_lag_seconds) == ("rejected", 0.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("nonsense", 1), ("failed", 1.5), ("failed", True), ("failed", {"counts": 1}),
     ("failed", {"count": -1}), ("detached", "maybe"), ("list_lag_seconds", "5"),
     ("unlink_by", 0)],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_changes_nothing(name: str, value: Any) -> None:
    faults = Faults()
    with pytest.raises(ValueError, match=name):
        faults.update({"rubbish": 1, name: value})
    assert faults == Faults()
