"""The first reason that applies, in the order of ``Reason``."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Reason, ReceivedKind
from kernel.settings.settings import load_settings
from kernel.values.phone import OVERSEAS
from kernel.values.sender import SenderKind
from services.filter.core.campaign import RATIO_MIN, SENDERS_MIN, Alike
from services.filter.core.neighbours import NONE, Neighbours
from services.filter.core.neighbours import RATIO_MIN as RANGE_MIN
from services.filter.core.score import Evidence
from services.filter.core.surge import Surge
from services.filter.core.verdict import (
    ATTACKS,
    Standing,
    judge_at_due,
    judge_message,
    judge_standing,
)
from services.filter.settings import read_settings
from tests.unit.filter.cases import RULES, received

ORDER = list(Reason)

# In order of precedence: the reason, and the least that makes a message have it.
MESSAGES: list[tuple[Reason, dict[str, Any]]] = [
    (Reason.REPLAYED, {"replayed": True}),
    (Reason.OTHER_NUMBER, {"to_ours": False}),
    (Reason.OWN_NUMBER, {"sender_kind": SenderKind.OWN}),
    (Reason.SHORT_CODE, {"sender_kind": SenderKind.SHORT_CODE}),
    (Reason.ALPHANUMERIC, {"sender_kind": SenderKind.ALPHANUMERIC}),
    (Reason.NOT_MOBILE, {"sender_kind": SenderKind.FIXED}),
    (Reason.NOT_MOBILE, {"sender_kind": SenderKind.OTHER}),
    (Reason.NOT_MOBILE, {"sender_kind": SenderKind.UNKNOWN}),
    (Reason.NOT_MOBILE, {"sender_sealed": None}),
    (Reason.FOREIGN, {"country": "BE"}),
    (Reason.FOREIGN, {"country": None}),
    (Reason.CALL, {"kind": ReceivedKind.CALL}),
]


IN_STANDING = (
    Reason.OPTED_OUT, Reason.BLOCKED, Reason.ALREADY_ANSWERED, Reason.ALREADY_DELIBERATING,
)  # fmt: skip
AT_DUE = (Reason.BURST, Reason.CAMPAIGN, Reason.RANGE, Reason.DESERVED)


def test_every_reason_has_its_case() -> None:
    assert {reason for reason, _ in MESSAGES} | {*IN_STANDING, *AT_DUE} == set(Reason)


def judge(fields: dict[str, Any]) -> Reason | None:
    replayed = fields.pop("replayed", False)
    return judge_message(received(**fields), replayed=replayed, rules=RULES)


@pytest.mark.parametrize(("reason", "fields"), MESSAGES)
def test_a_message_is_silent_for_one_reason(reason: Reason, fields: dict[str, Any]) -> None:
    assert judge(dict(fields)) is reason


@given(st.sets(st.sampled_from(range(len(MESSAGES)))))
def test_of_several_reasons_in_a_message_the_first_counts(chosen: set[int]) -> None:
    fields: dict[str, Any] = {}
    for number in sorted(chosen, reverse=True):  # what comes first has the last word
        fields |= MESSAGES[number][1]
    expected = MESSAGES[min(chosen)][0] if chosen else None
    assert judge(fields) is expected


def test_a_call_counts_where_the_operator_says_so() -> None:
    call = received(kind=ReceivedKind.CALL)
    counting = replace(RULES, call_counts=True)
    assert judge_message(call, replayed=False, rules=counting) is None


def test_other_countries_count_where_the_operator_says_so() -> None:
    belgian = received(country="BE")
    both = replace(RULES, countries=frozenset({"FR", "BE"}))
    assert judge_message(belgian, replayed=False, rules=both) is None


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | st.sampled_from(sorted(ATTACKS)),
)
def test_of_several_reasons_in_a_standing_the_first_counts(
    opted_out: bool,
    blocked: bool,
    answered: bool,
    deliberating: bool,
    silenced: Reason | None,
) -> None:
    holding = (opted_out, blocked, answered, deliberating)
    applying = dict(zip(IN_STANDING, holding, strict=True))
    if silenced is not None:
        applying[silenced] = True
    expected = next((reason for reason in ORDER if applying.get(reason)), None)
    standing = Standing(opted_out, blocked, answered, deliberating, silenced)
    assert judge_standing(standing) is expected


CALM = Standing(opted_out=False, blocked=False, answered=False, deliberating=False)
COPIED = Alike(50, 60)
RENTED = Neighbours(50, 50.0)


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2 * RULES.burst),
    st.sampled_from([Alike(), COPIED]),
    st.sampled_from([NONE, RENTED]),
)
def test_at_due_the_standing_goes_first_then_burst_campaign_and_range(  # noqa: PLR0917
    opted_out: bool,
    blocked: bool,
    answered: bool,
    texts: int,
    alike: Alike,
    neighbours: Neighbours,
) -> None:
    came = (texts > RULES.burst, alike is COPIED, neighbours is RENTED, True)
    applying = {
        Reason.OPTED_OUT: opted_out,
        Reason.BLOCKED: blocked,
        Reason.ALREADY_ANSWERED: answered,
    } | dict(zip(AT_DUE, came, strict=True))
    standing = Standing(opted_out, blocked, answered, deliberating=False)
    reason = judge_at_due(standing, Evidence(texts, alike, neighbours), RULES)
    assert reason is next(reason for reason in ORDER if applying.get(reason))


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (Evidence(RULES.burst), Reason.DESERVED),
        (Evidence(RULES.burst + 1), Reason.BURST),
        (Evidence(1, Alike(SENDERS_MIN - 1, 9)), Reason.DESERVED),
        (Evidence(1, Alike(SENDERS_MIN, 10)), Reason.CAMPAIGN),
        (Evidence(1, Alike(SENDERS_MIN, 200, 0, 300)), Reason.CAMPAIGN),
        (Evidence(1, Alike(100, 200, 200, 300)), Reason.DESERVED),
        (Evidence(1, neighbours=Neighbours(99, RANGE_MIN - 0.1)), Reason.DESERVED),
        (Evidence(1, neighbours=Neighbours(8, RANGE_MIN)), Reason.RANGE),
    ],
)
def test_where_an_attack_begins(evidence: Evidence, reason: Reason) -> None:
    assert judge_at_due(CALM, evidence, RULES) is reason


@given(
    st.integers(1, RULES.burst),
    st.floats(-4, 4),
    st.floats(0, 10**6),
    st.integers(0, SENDERS_MIN - 1),
    st.floats(0, RANGE_MIN, exclude_max=True),
)
def test_neither_the_score_nor_a_surge_nor_what_was_learnt_silences_anybody(
    texts: int, learnt: float, rate: float, senders: int, ratio: float
) -> None:
    """Insults are texts like any other: all that can come of them is what was learnt."""
    evidence = Evidence(
        texts, Alike(senders, senders), Neighbours(99, ratio), Surge(rate, 12.0), learnt
    )
    assert judge_at_due(CALM, evidence, RULES) is Reason.DESERVED


def test_attacks_are_the_reasons_that_lie_in_how_somebody_came() -> None:
    assert {reason.value for reason in ATTACKS} == {"burst", "campaign", "range"}
    assert RATIO_MIN > 1


@pytest.mark.parametrize("country", OVERSEAS)
def test_whoever_texts_from_overseas_is_foreign_until_his_country_is_named(country: str) -> None:
    message = received(country=country)
    assert judge_message(message, replayed=False, rules=RULES) is Reason.FOREIGN
    named = load_settings(number="+33937000000", countries=f"FR,{country}")
    rules = read_settings(named).build_rules(RULES.key)
    assert judge_message(message, replayed=False, rules=rules) is None
    assert judge_message(received(), replayed=False, rules=rules) is None
