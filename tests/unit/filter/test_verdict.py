"""The first reason that applies, in the order of ``Reason``."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.records import Reason, ReceivedKind, SenderKind
from services.filter.core.score import Evidence
from services.filter.core.verdict import (
    Standing,
    judge_at_due,
    judge_message,
    judge_standing,
)
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


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_of_several_reasons_in_a_standing_the_first_counts(
    opted_out: bool,  # noqa: FBT001 - Hypothesis gives them
    blocked: bool,  # noqa: FBT001
    answered: bool,  # noqa: FBT001
    deliberating: bool,  # noqa: FBT001
) -> None:
    applying = {
        Reason.OPTED_OUT: opted_out,
        Reason.BLOCKED: blocked,
        Reason.ALREADY_ANSWERED: answered,
        Reason.ALREADY_DELIBERATING: deliberating,
    }
    expected = next((reason for reason in ORDER if applying.get(reason)), None)
    assert judge_standing(Standing(opted_out, blocked, answered, deliberating)) is expected


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 2 * RULES.burst),
    st.integers(0, 2 * RULES.campaign.senders_min),
)
def test_at_due_the_standing_goes_before_the_burst_and_the_burst_before_the_campaign(
    opted_out: bool,  # noqa: FBT001
    blocked: bool,  # noqa: FBT001
    answered: bool,  # noqa: FBT001
    texts: int,
    campaign_senders: int,
) -> None:
    applying = {
        Reason.OPTED_OUT: opted_out,
        Reason.BLOCKED: blocked,
        Reason.ALREADY_ANSWERED: answered,
        Reason.BURST: texts > RULES.burst,
        Reason.CAMPAIGN: campaign_senders >= RULES.campaign.senders_min,
        Reason.DESERVED: True,
    }
    standing = Standing(opted_out, blocked, answered, deliberating=False)
    reason = judge_at_due(standing, Evidence(texts, campaign_senders), RULES)
    assert reason is next(reason for reason in ORDER if applying.get(reason))


@pytest.mark.parametrize(
    ("texts", "senders", "reason"),
    [
        (RULES.burst, 0, Reason.DESERVED),
        (RULES.burst + 1, 0, Reason.BURST),
        (1, RULES.campaign.senders_min - 1, Reason.DESERVED),
        (1, RULES.campaign.senders_min, Reason.CAMPAIGN),
    ],
)
def test_where_a_burst_and_a_campaign_begin(texts: int, senders: int, reason: Reason) -> None:
    calm = Standing(opted_out=False, blocked=False, answered=False, deliberating=False)
    assert judge_at_due(calm, Evidence(texts, senders), RULES) is reason
