"""What becomes of a sender when he texts, when a reply is due, and when it ends."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from kernel.facts.records import Decision, Reason, ReplyKind, ReplyState, SmsJudged, Source
from kernel.settings.settings import QuietHours
from services.filter.core.answer import Answer
from services.filter.core.due import plan_due
from services.filter.core.learner import Learnt
from services.filter.core.lore import Lore
from services.filter.core.sender import (
    REOPENING,
    Outcome,
    Sender,
    hear_again,
    hear_block,
    hear_message,
    hear_reply,
    inquire,
    is_answered,
    is_overdue,
    judge_deliberated,
)
from services.filter.core.signature import MARK_BYTES
from services.filter.core.surge import USUAL_MIN
from services.filter.core.tally import CONTACTS, Question, bucket_of, mark_keys
from services.filter.core.verdict import ATTACKS
from tests.unit.filter.cases import (
    CAMPAIGN_MIN,
    DAY,
    HOUR,
    MINUTE,
    NO_LORE,
    NOW,
    RAID,
    RANGE_MIN,
    RULES,
    SECOND,
    arrival,
    blocked,
    blocks_of,
    delays,
    pseudonym,
    reply_ended,
)

NOBODY = Sender(pseudonym(1))
LATER = NOW + DAY


def hear(sender: Sender, message_id: str = "m-1", **fields: Any) -> Outcome:
    return hear_message(sender, arrival(message_id, **fields), RULES, LATER)


def ask(sender: Sender, campaign_senders: int = 1, neighbours: int = 1) -> dict[Question, int]:
    """So many wrote as he did, of as many contacts, and so many of his hundred."""
    assert sender.deliberation is not None
    copied = {CONTACTS, *mark_keys(sender.deliberation.marks)}
    return {
        question: campaign_senders
        if question.key in copied
        else neighbours * question.key.startswith(b"b")
        for question in inquire(sender.deliberation, RULES).questions()
    }


def judge(sender: Sender, campaign_senders: int = 1, neighbours: int = 1) -> SmsJudged:
    answers = ask(sender, campaign_senders, neighbours)
    return judge_deliberated(sender, answers, NO_LORE, RULES, LATER)[1]


def after(sender: Sender, **answers: int) -> Sender:
    return judge_deliberated(sender, ask(sender, **answers), NO_LORE, RULES, LATER)[0]


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
    assert case.marks
    assert case.tokens
    assert case.blocks == b""


def test_he_is_answered_when_it_is_due() -> None:
    verdict = judge(waiting())
    assert (verdict.decision, verdict.reason) == (Decision.REPLY, Reason.DESERVED)
    assert (verdict.id, verdict.at) == ("m-1", LATER)
    assert (verdict.received_at, verdict.due_at) == (NOW, NOW + HOUR)
    assert verdict.sender_sealed == b"sealed-1"
    assert (verdict.basis, verdict.score) == ({"texts": 1}, 0.0)
    sender = after(waiting())
    assert (sender.deliberation, sender.answer) == (None, Answer("m-1", NOW + HOUR))


def test_further_texts_are_silent_count_and_put_the_reply_off() -> None:
    sender, verdict = hear(waiting(), "m-2", at=NOW + 50 * MINUTE)
    assert verdict is not None
    assert verdict.reason is Reason.ALREADY_DELIBERATING
    assert verdict.sender_sealed is None
    case = sender.deliberation
    assert case is not None
    assert (case.message_id, case.texts, case.due_at) == ("m-1", 2, NOW + 80 * MINUTE)
    assert judge(sender).basis["texts"] == 2


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
        case = sender.deliberation
        assert case is not None
        assert before.due_at <= case.due_at <= NOW + RULES.delays.longest
        assert case.message_id == "m-1"


def test_a_text_in_the_morning_does_not_undo_the_jitter_of_the_night() -> None:
    night = QuietHours(time(22), time(9), ZoneInfo("Europe/Paris"))
    rules = replace(RULES, delays=delays(hours=night, jitter=40 * MINUTE))
    first_at = datetime(2017, 10, 28, 5, 30, tzinfo=UTC)  # 07:30 in Paris
    for number in range(20):
        first = arrival(f"m-{number}", at=first_at)
        sender = hear_message(NOBODY, first, rules, LATER).sender
        more = arrival("more", at=first_at + 70 * MINUTE)
        later = hear_message(sender, more, rules, LATER).sender
        assert sender.deliberation is not None
        assert later.deliberation is not None
        assert later.deliberation.due_at >= sender.deliberation.due_at


def test_a_text_that_comes_out_of_order_changes_no_time() -> None:
    sender = hear(waiting(), "m-2", at=NOW - HOUR).sender
    before, case = waiting().deliberation, sender.deliberation
    assert before is not None
    assert case is not None
    assert (case.last_at, case.due_at, case.texts) == (before.last_at, before.due_at, 2)


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
    assert (verdict.reason, verdict.basis["texts"]) == (reason, texts)


def test_who_came_as_an_attack_stays_silenced_for_a_while_and_is_then_deliberated() -> None:
    sender = waiting()
    for number in range(RULES.burst):
        sender = hear(sender, f"n-{number}", at=NOW).sender
    assert judge(sender).reason is Reason.BURST
    sender = after(sender)
    assert (sender.answer, sender.silenced, sender.silenced_at) == (None, Reason.BURST, NOW + HOUR)
    over = NOW + HOUR + RULES.silenced_for
    last = hear(sender, "later", at=over - SECOND)
    assert last.verdict is not None
    assert (last.verdict.decision, last.verdict.reason) == (Decision.SILENT, Reason.BURST)
    assert last.sender == sender  # his own texts do not prolong it
    assert hear(sender, "later", at=over).verdict is None


def test_a_campaign_is_told_by_a_mark_and_its_size() -> None:
    sender = waiting(text=RAID)
    assert sender.deliberation is not None
    verdict = judge(sender, campaign_senders=CAMPAIGN_MIN)
    assert verdict.reason is Reason.CAMPAIGN
    assert verdict.sender_sealed is None
    assert verdict.basis == {
        "texts": 1,
        "campaign": sender.deliberation.marks[:MARK_BYTES].hex(),
        "campaign_senders": CAMPAIGN_MIN,
        "campaign_usual": 0.0,
        "weight_alike": -2.303,
    }
    assert verdict.score == -2.303
    assert after(sender, campaign_senders=CAMPAIGN_MIN).silenced is Reason.CAMPAIGN
    assert "campaign" not in judge(sender).basis  # he alone


def test_a_range_is_told_by_how_many_of_it_wrote() -> None:
    sender = waiting(blocks=blocks_of(1234))
    verdict = judge(sender, neighbours=RANGE_MIN)
    assert verdict.reason is Reason.RANGE
    assert verdict.basis["neighbours"] == RANGE_MIN
    assert verdict.basis["neighbours_ratio"] == float(RANGE_MIN)
    assert after(sender, neighbours=RANGE_MIN).silenced is Reason.RANGE
    assert judge(sender, neighbours=RANGE_MIN - 1).reason is Reason.DESERVED


def test_of_his_first_texts_the_first_informative_one_counts_and_the_first_one_teaches() -> None:
    first, raid = waiting(text="Coucou").deliberation, waiting(text=RAID).deliberation
    assert first is not None
    assert raid is not None
    tokens = first.tokens

    def marks_after(*texts: str | None) -> bytes:
        sender = waiting(text=texts[0])
        for number, text in enumerate(texts[1:]):
            sender = hear(sender, f"n-{number}", at=NOW + MINUTE, text=text).sender
        assert sender.deliberation is not None
        assert sender.deliberation.tokens == tokens
        return sender.deliberation.marks

    other = RAID.replace("minuit", "midi pile")
    assert first.marks == b""
    assert marks_after("Coucou", RAID) == raid.marks
    assert marks_after("Coucou", "ça va ?", RAID) == raid.marks
    assert marks_after("Coucou", RAID, other) == raid.marks
    assert marks_after("Coucou", "ça va ?", "tu fais quoi", RAID) == b""


@given(st.integers(1, RULES.burst), st.integers(0, 9), st.integers(0, 7))
def test_whoever_came_in_no_way_of_an_attack_is_answered(
    texts: int, alike: int, neighbours: int
) -> None:
    """Whatever the texts say: nothing but counts is looked at."""
    sender = waiting(text="Sale folle, tu te prends pour qui, dégage", blocks=blocks_of(1))
    for number in range(1, texts):
        sender = hear(sender, f"n-{number}", text="Vos gueules les féministes").sender
    assert judge(sender, alike, neighbours).reason is Reason.DESERVED


@given(
    st.integers(1, RULES.burst),
    st.timedeltas(timedelta(), 3 * DAY),
    st.integers(0, 9),
    st.integers(0, 7),
)
def test_a_genuine_senders_verdict_never_worsens_because_he_waited(
    texts: int, longer: timedelta, alike: int, neighbours: int
) -> None:
    """Due later, by quiet hours for one, with nothing else happening: the same counts."""
    sender = waiting(text=RAID, blocks=blocks_of(1))
    for number in range(1, texts):
        sender = hear(sender, f"n-{number}").sender
    assert sender.deliberation is not None
    later = replace_struct(
        sender,
        deliberation=replace_struct(
            sender.deliberation, due_at=sender.deliberation.due_at + longer
        ),
    )
    one, other = judge(sender, alike, neighbours), judge(later, alike, neighbours)
    assert one.reason is other.reason is Reason.DESERVED
    assert other.score >= one.score
    assert {**other.basis} == {**one.basis}


@pytest.mark.parametrize("reason", sorted(ATTACKS))
def test_a_silence_gives_way_to_what_he_says_and_the_operator(reason: Reason) -> None:
    silenced = Sender(pseudonym(1), silenced=reason, silenced_at=NOW)
    stopped = hear(silenced, text="STOP").verdict
    assert stopped is not None
    assert stopped.reason is Reason.OPTED_OUT
    at_once = hear(hear_block(silenced, blocked())).verdict
    assert at_once is not None
    assert at_once.reason is Reason.BLOCKED


def test_what_is_left_out_of_the_score_is_not_in_the_basis() -> None:
    sender = waiting()
    sender = hear(sender, "m-2").sender
    assert judge(sender).basis == {"texts": 2, "weight_texts": 0.1}
    rules = replace(RULES, without=frozenset({"texts"}))
    _, verdict = judge_deliberated(sender, ask(sender), NO_LORE, rules, LATER)
    assert (verdict.score, verdict.basis) == (0.0, {"texts": 2})


def test_a_surge_is_told_and_orders_but_silences_nobody() -> None:
    bucket = bucket_of(NOW, RULES.bucket)
    lore = Lore({bucket - 1: 40, bucket: 60}, Learnt())
    sender = waiting()
    _, verdict = judge_deliberated(sender, ask(sender), lore, RULES, LATER)
    assert verdict.reason is Reason.DESERVED
    rate = (40 + 60) * 6 / 6  # of six buckets, an hour
    assert verdict.basis["surge"] == round(rate / USUAL_MIN, 1)
    assert verdict.score < 0
    assert verdict.basis["weight_surge"] == verdict.score


def test_stop_while_waiting_silences_both_and_all_that_follows() -> None:
    sender, verdict = hear(waiting(), "m-2", at=NOW + MINUTE, text="STOP")
    assert verdict is not None
    assert verdict.reason is Reason.OPTED_OUT
    verdict = judge(sender)
    assert verdict.reason is Reason.OPTED_OUT
    sender = after(sender)
    assert (verdict.sender_sealed, sender.answer, sender.silenced) == (None, None, None)
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
    answered = after(waiting())
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
    answered = after(waiting())
    ended = hear_reply(answered, reply_ended(state=state), RULES)
    assert (ended.answer is None) == (state in REOPENING)
    assert {state.value for state in REOPENING} == {"expired", "refused", "failed"}


@pytest.mark.parametrize(
    "fields", [{"reply_id": "another"}, {"kind": ReplyKind.TEST}, {"final": False}]
)
def test_what_is_not_the_end_of_his_reply_opens_nothing(fields: dict[str, Any]) -> None:
    answered = after(waiting())
    assert hear_reply(answered, reply_ended(**fields), RULES) == answered
    assert hear_reply(NOBODY, reply_ended(**fields), RULES) == NOBODY


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
    known = hear_again(backfilled, arrival(text=RAID, at=NOW + MINUTE), RULES)
    case = known.deliberation
    assert case is not None
    assert (case.texts, case.backfilled) == (1, False)
    assert case.marks
    assert backfilled.deliberation is not None
    assert case.tokens != backfilled.deliberation.tokens
    assert hear_again(known, arrival(text="STOP"), RULES) == known
    stopped = hear_again(backfilled, arrival(text="STOP"), RULES)
    assert judge(stopped).reason is Reason.OPTED_OUT


def test_the_text_of_a_backfill_does_not_take_the_place_of_one_that_was_counted() -> None:
    backfilled = waiting(text=None, source=Source.BACKFILL)
    counted = hear(backfilled, "m-2", text=RAID).sender
    assert counted.deliberation is not None
    for text in ("Coucou", RAID.replace("minuit", "midi pile")):
        known = hear_again(counted, arrival(text=text), RULES).deliberation
        assert known is not None
        assert known.marks == counted.deliberation.marks


def test_a_repeat_of_any_other_message_changes_nothing() -> None:
    assert hear_again(waiting(), arrival(), RULES) == waiting()
    assert hear_again(waiting(), arrival("m-2", text="STOP"), RULES) == waiting()
    assert hear_again(NOBODY, arrival(text="STOP"), RULES) == NOBODY
    backfilled = waiting(text=None, source=Source.BACKFILL)
    assert hear_again(backfilled, arrival(text=None, source=Source.BACKFILL), RULES) == backfilled


@pytest.mark.parametrize("state", list(ReplyState))
def test_of_an_sms_that_only_the_log_knew_of_he_is_answered(state: ReplyState) -> None:
    recovered: dict[str, Any] = {"kind": ReplyKind.RECOVERED, "reply_id": "found", "final": False}
    heard = hear_reply(NOBODY, reply_ended(state=state, **recovered), RULES)
    assert is_answered(heard, LATER, RULES) == (state in {"sent", "delivered", "undelivered"})
    answered = after(waiting())
    both = hear_reply(answered, reply_ended(state=state, **recovered), RULES)
    assert both.answer == answered.answer
    # He got that SMS, whatever becomes of the reply that is under way.
    without = hear_reply(both, reply_ended(state=ReplyState.EXPIRED), RULES)
    assert is_answered(without, LATER, RULES) == is_answered(heard, LATER, RULES)


def test_what_the_log_knew_of_while_he_waits_is_his_answer_when_it_is_due() -> None:
    found = reply_ended("found", state=ReplyState.SENT, kind=ReplyKind.RECOVERED, final=False)
    sender = hear_reply(waiting(), found, RULES)
    assert judge(sender).reason is Reason.ALREADY_ANSWERED
    assert after(sender).answer == sender.answer
