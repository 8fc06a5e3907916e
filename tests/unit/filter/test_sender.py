"""What becomes of a sender when he texts, when a reply is due, and when it ends."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.records import Decision, Reason, ReplyKind, ReplyState, SmsJudged, Source
from antirelou.settings import QuietHours
from services.filter.core.due import plan_due
from services.filter.core.sender import (
    REOPENING,
    Answer,
    Outcome,
    Sender,
    hear_again,
    hear_block,
    hear_message,
    hear_reply,
    is_answered,
    is_overdue,
    judge_deliberated,
    span_to_count,
)
from tests.unit.filter.cases import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RAID,
    RULES,
    SECOND,
    arrival,
    blocked,
    delays,
    pseudonym,
    reply_ended,
)

NOBODY = Sender(pseudonym(1))
LATER = NOW + DAY


def hear(sender: Sender, message_id: str = "m-1", **fields: Any) -> Outcome:
    return hear_message(sender, arrival(message_id, **fields), RULES, LATER)


def judge(sender: Sender, campaign_senders: int = 0) -> SmsJudged:
    return judge_deliberated(sender, campaign_senders, RULES, LATER)[1]


def waiting(**fields: Any) -> Sender:
    return hear(NOBODY, **fields).sender


def test_a_first_text_is_deliberated() -> None:
    sender, verdict = hear(NOBODY, text=RAID)
    assert verdict is None
    case = sender.deliberation
    assert case is not None
    assert (case.message_id, case.texts, case.first_at, case.last_at) == ("m-1", 1, NOW, NOW)
    assert case.due_at == plan_due("m-1", NOW, NOW, RULES.delays)
    assert case.sender_sealed == b"sealed-1"
    assert case.digest is not None


def test_he_is_answered_when_it_is_due() -> None:
    verdict = judge(waiting())
    assert (verdict.decision, verdict.reason) == (Decision.REPLY, Reason.DESERVED)
    assert (verdict.id, verdict.at) == ("m-1", LATER)
    assert (verdict.received_at, verdict.due_at) == (NOW, NOW + HOUR)
    assert verdict.sender_sealed == b"sealed-1"
    assert verdict.basis == {"texts": 1}
    sender, _ = judge_deliberated(waiting(), 0, RULES, LATER)
    assert (sender.deliberation, sender.answer) == (None, Answer("m-1", NOW + HOUR))


def test_further_texts_are_silent_count_and_put_the_reply_off() -> None:
    sender, verdict = hear(waiting(), "m-2", at=NOW + 50 * MINUTE)
    assert verdict is not None
    assert verdict.reason is Reason.ALREADY_DELIBERATING
    assert verdict.sender_sealed is None
    case = sender.deliberation
    assert case is not None
    assert (case.message_id, case.texts, case.due_at) == ("m-1", 2, NOW + 80 * MINUTE)
    assert judge(sender).basis == {"texts": 2}


@given(st.lists(st.timedeltas(timedelta(), HOUR), max_size=10))
def test_a_text_never_brings_the_reply_forward(steps: list[timedelta]) -> None:
    sender, at = waiting(), NOW
    for number, step in enumerate(steps):
        at += step
        before = sender.deliberation
        assert before is not None
        if is_overdue(sender, at):
            break
        sender = hear(sender, f"n-{number}", at=at).sender
        after = sender.deliberation
        assert after is not None
        assert before.due_at <= after.due_at <= NOW + RULES.delays.longest
        assert after.message_id == "m-1"


def test_a_text_in_the_morning_does_not_undo_the_jitter_of_the_night() -> None:
    night = QuietHours(time(22), time(9), ZoneInfo("Europe/Paris"))
    rules = replace(RULES, delays=delays(hours=night, jitter=40 * MINUTE))
    first_at = datetime(2017, 10, 28, 5, 30, tzinfo=UTC)  # 07:30 in Paris
    for number in range(20):
        first = arrival(f"m-{number}", at=first_at)
        sender = hear_message(NOBODY, first, rules, LATER).sender
        more = arrival("more", at=first_at + 70 * MINUTE)
        after = hear_message(sender, more, rules, LATER).sender
        assert sender.deliberation is not None
        assert after.deliberation is not None
        assert after.deliberation.due_at >= sender.deliberation.due_at


def test_a_text_that_comes_out_of_order_changes_no_time() -> None:
    sender = hear(waiting(), "m-2", at=NOW - HOUR).sender
    before, after = waiting().deliberation, sender.deliberation
    assert before is not None
    assert after is not None
    assert (after.last_at, after.due_at, after.texts) == (before.last_at, before.due_at, 2)


def test_a_text_at_the_very_instant_still_belongs_to_what_is_deliberated() -> None:
    assert not is_overdue(waiting(), NOW + HOUR)
    assert is_overdue(waiting(), NOW + HOUR + SECOND / 1000)
    assert not is_overdue(NOBODY, LATER)


@pytest.mark.parametrize(
    ("texts", "reason"), [(RULES.burst, Reason.DESERVED), (RULES.burst + 1, Reason.BURST)]
)
def test_more_than_so_many_texts_are_a_burst(texts: int, reason: Reason) -> None:
    sender = waiting()
    for number in range(1, texts):
        sender = hear(sender, f"n-{number}", at=NOW + number * SECOND).sender
    verdict = judge(sender)
    assert (verdict.reason, verdict.basis) == (reason, {"texts": texts})


def test_after_a_burst_he_is_not_answered_so_he_is_deliberated_again() -> None:
    sender = waiting()
    for number in range(RULES.burst):
        sender = hear(sender, f"n-{number}", at=NOW).sender
    sender, verdict = judge_deliberated(sender, 0, RULES, LATER)
    assert (verdict.reason, sender.answer) == (Reason.BURST, None)
    assert hear(sender, "later", at=LATER).verdict is None


def test_a_campaign_is_told_by_its_hash_and_its_size() -> None:
    sender = waiting(text=RAID)
    span = span_to_count(sender, RULES)
    assert span is not None
    verdict = judge(sender, campaign_senders=3)
    assert verdict.reason is Reason.CAMPAIGN
    assert verdict.basis == {"texts": 1, "campaign": span.digest.hex(), "campaign_senders": 3}
    assert span_to_count(waiting(), RULES) is None
    assert span_to_count(NOBODY, RULES) is None


def test_stop_while_waiting_silences_both_and_all_that_follows() -> None:
    sender, verdict = hear(waiting(), "m-2", at=NOW + MINUTE, text="STOP")
    assert verdict is not None
    assert verdict.reason is Reason.OPTED_OUT
    sender, verdict = judge_deliberated(sender, 0, RULES, LATER)
    assert verdict.reason is Reason.OPTED_OUT
    assert (verdict.sender_sealed, sender.answer) == (None, None)
    again = hear(sender, "m-3", at=LATER).verdict
    assert again is not None
    assert again.reason is Reason.OPTED_OUT


def test_a_first_text_that_says_stop_is_silent_at_once() -> None:
    sender, verdict = hear(NOBODY, text="Stop")
    assert verdict is not None
    assert (verdict.reason, sender.deliberation) == (Reason.OPTED_OUT, None)


def test_start_takes_stop_back() -> None:
    sender = hear(NOBODY, text="STOP").sender
    sender, verdict = hear(sender, "m-2", text="START")
    assert (verdict, sender.opted_out) == (None, False)


def test_who_was_answered_is_not_until_the_window_is_over() -> None:
    answered, _ = judge_deliberated(waiting(), 0, RULES, LATER)
    over = NOW + HOUR + RULES.window
    last = hear(answered, "m-2", at=over - SECOND).verdict
    assert last is not None
    assert last.reason is Reason.ALREADY_ANSWERED
    assert hear(answered, "m-2", at=over).verdict is None
    assert is_answered(answered, over - SECOND, RULES)
    assert not is_answered(answered, over, RULES)
    assert not is_answered(NOBODY, NOW, RULES)


@pytest.mark.parametrize("state", list(ReplyState))
def test_who_got_nothing_may_be_answered_again(state: ReplyState) -> None:
    answered, _ = judge_deliberated(waiting(), 0, RULES, LATER)
    after = hear_reply(answered, reply_ended(state=state))
    assert (after.answer is None) == (state in REOPENING)
    assert {state.value for state in REOPENING} == {"expired", "refused", "failed"}


@pytest.mark.parametrize(
    "fields", [{"reply_id": "another"}, {"kind": ReplyKind.TEST}, {"final": False}]
)
def test_what_is_not_the_end_of_his_reply_opens_nothing(fields: dict[str, Any]) -> None:
    answered, _ = judge_deliberated(waiting(), 0, RULES, LATER)
    assert hear_reply(answered, reply_ended(**fields)) == answered
    assert hear_reply(NOBODY, reply_ended(**fields)) == NOBODY


def test_who_is_blocked_gets_nothing_whether_he_waits_or_comes() -> None:
    verdict = judge(hear_block(waiting(), blocked(at=NOW + MINUTE)))
    assert verdict.reason is Reason.BLOCKED
    at_once = hear(hear_block(NOBODY, blocked())).verdict
    assert at_once is not None
    assert at_once.reason is Reason.BLOCKED


@given(st.permutations(range(4)))
def test_of_the_operators_words_the_latest_counts(order: list[int]) -> None:
    words = [blocked(at=NOW + n * MINUTE, off=n % 2 == 1) for n in range(4)]
    sender = NOBODY
    for number in order:
        sender = hear_block(sender, words[number])
    assert (sender.blocked, sender.blocked_at) == (False, NOW + 3 * MINUTE)


def test_a_webhook_adds_the_text_that_a_backfill_did_not_know() -> None:
    backfilled = waiting(text=None, source=Source.BACKFILL)
    known = hear_again(backfilled, arrival(text=RAID, at=NOW + MINUTE))
    case = known.deliberation
    assert case is not None
    assert (case.texts, case.backfilled, case.digest is not None) == (1, False, True)
    assert hear_again(known, arrival(text="STOP")) == known
    stopped = hear_again(backfilled, arrival(text="STOP"))
    assert judge(stopped).reason is Reason.OPTED_OUT


def test_a_repeat_of_any_other_message_changes_nothing() -> None:
    assert hear_again(waiting(), arrival()) == waiting()
    assert hear_again(waiting(), arrival("m-2", text="STOP")) == waiting()
    assert hear_again(NOBODY, arrival(text="STOP")) == NOBODY
    backfilled = waiting(text=None, source=Source.BACKFILL)
    assert hear_again(backfilled, arrival(text=None, source=Source.BACKFILL)) == backfilled
