"""How far a flood sinks the fund into its floor."""

import math
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.billing.core.floor import REACTION_SECONDS, arrivals_held, sink_microeuros

CENT = 10_000
RUNBOOK = Path(__file__).parents[3] / "docs" / "operations" / "runbook.md"


def test_it_is_arrivals_times_reaction_times_price() -> None:
    assert REACTION_SECONDS == 7
    assert sink_microeuros(100, CENT) == 700 * CENT
    assert sink_microeuros(0.1, CENT) == CENT  # one message at least is on its way
    assert sink_microeuros(0, CENT) == 0


def test_what_is_unread_and_an_api_that_is_away_come_on_top() -> None:
    assert sink_microeuros(100, CENT, unread=30) == 730 * CENT
    assert sink_microeuros(100, CENT, away_seconds=60) == 6700 * CENT


def test_twenty_euros_hold_against_285_messages_a_second() -> None:
    assert math.floor(arrivals_held(20_000_000, CENT)) == 285
    assert arrivals_held(20_000_000, 0) == math.inf


def test_the_runbook_says_what_is_computed() -> None:
    rows = re.findall(r"^\| (\d+\.\d\d) \| (\d+)", RUNBOOK.read_text(), re.MULTILINE)
    assert len(rows) == 3
    for floor, held in rows:
        assert math.floor(arrivals_held(round(float(floor) * 1e6), CENT)) == int(held)


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_at_the_rate_that_is_held_the_floor_is_not_sunk_through(floor: int, price: int) -> None:
    sunk = sink_microeuros(arrivals_held(floor, price), price)
    assert floor - price <= sunk <= floor + price  # but for a message begun
