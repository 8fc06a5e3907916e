"""The one budget of questions."""

from datetime import datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from services.responder.core.budget import (
    Budget,
    Work,
    apply_question,
    apply_refusal,
    choose_work,
    next_free,
)
from tests.unit.responder.cases import MINUTE, NOW


@example([0.5] * 60)
@given(st.lists(st.floats(0, 4), max_size=80))
def test_in_no_minute_more_than_twenty(pauses: list[float]) -> None:
    budget, now, asked = Budget(20, MINUTE), NOW, list[datetime]()
    for pause in pauses:
        now += timedelta(seconds=pause)
        if next_free(budget, now) > now:
            continue
        budget = apply_question(budget, now)
        asked.append(now)
    for at in asked:
        assert sum(1 for other in asked if at <= other < at + MINUTE) <= 20


def test_after_twenty_the_first_must_be_a_minute_old() -> None:
    budget = Budget(20, MINUTE)
    for second in range(20):
        budget = apply_question(budget, NOW + timedelta(seconds=second))
    assert next_free(budget, NOW + timedelta(seconds=20)) == NOW + MINUTE


def test_a_refusal_closes_it_for_a_while() -> None:
    budget = Budget(20, MINUTE)
    assert next_free(apply_refusal(budget, NOW, None), NOW) == NOW + MINUTE / 4
    assert next_free(apply_refusal(budget, NOW, 50.0), NOW) == NOW + timedelta(seconds=50)


def test_uncertain_first_then_settlement_then_backfill() -> None:
    assert choose_work(uncertain=True, unsettled=True, unread=True) is Work.UNCERTAIN
    assert choose_work(uncertain=False, unsettled=True, unread=True) is Work.SETTLEMENT
    assert choose_work(uncertain=False, unsettled=False, unread=True) is Work.BACKFILL
    assert choose_work(uncertain=False, unsettled=False, unread=False) is None
