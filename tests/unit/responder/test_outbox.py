"""The outbox's state machine: no path sends twice, and the provider's word counts in any order."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kernel.facts.records import OperatorAction, ReplyKind, ReplyState
from kernel.provider.plivo.client import describe_status
from kernel.provider.port import Accepted, NotAccepted, SendResult, Uncertain
from services.responder.core.outbox import (
    OPEN,
    OutboxRules,
    Reply,
    Search,
    apply_absence,
    apply_claim,
    apply_decision,
    apply_lapse,
    apply_observation,
    apply_repeat,
    apply_result,
    describe_change,
    is_about,
    may_ask_again,
    needs_log,
    plan_reply,
)
from services.responder.core.status import Observation, observe_logged, observe_report
from tests.unit.responder.cases import (
    MINUTE,
    NOW,
    RULES,
    authorization,
    logged,
    report,
    sending,
    sent,
    waiting,
)

REFUSALS = [NotAccepted("429", retry=True), NotAccepted("400", retry=False)]
ANSWERS: list[SendResult] = [Accepted("p-1"), Uncertain("timeout"), *REFUSALS]
STATUSES = ["queued", "sent", "delivered", "undelivered", "failed", "rejected", "read"]


def observed(*arguments: Any, **fields: Any) -> Observation:
    found = observe_report(report(*arguments, **fields))
    assert found is not None
    return found


def see(reply: Reply, *observations: Observation, rules: OutboxRules = RULES) -> Reply:
    for each in observations:
        reply = apply_observation(reply, each, NOW, rules)
    return reply


reports = st.builds(
    observed,
    st.sampled_from(STATUSES),
    st.none() | st.integers(0, 5),
    st.none() | st.integers(0, 3).map(lambda n: n * 10_000),
)
logs = st.builds(
    lambda state, amount: observe_logged(logged(state, amount)),
    st.sampled_from([*STATUSES, "received", "strange"]),
    st.sampled_from([None, 50_000]),
)
events = st.one_of(
    st.just("claim"),
    st.just("lapse"),
    st.just("absence"),
    st.just("repeat"),
    st.sampled_from(list(OperatorAction)),
    st.tuples(st.sampled_from(ANSWERS), st.integers(0, 2)),
    reports,
    logs,
)


def apply_event(reply: Reply, event: Any, now: Any) -> Reply:  # noqa: PLR0911 - a line an event
    match event:
        case "claim":
            ready = reply.state is ReplyState.AUTHORIZED
            return apply_claim(reply, now, RULES) if ready else reply
        case "lapse":
            return apply_lapse(reply, now, RULES)
        case "absence":
            return apply_absence(reply, now, RULES)
        case "repeat":
            return apply_repeat(reply, now)
        case OperatorAction():
            return apply_decision(reply, event, now)
        case (answer, back):
            return apply_result(reply, reply.attempts - back, answer, now, RULES)
        case _:
            return apply_observation(reply, event, now, RULES)


@example([("claim", 1), ((Uncertain("timeout"), 0), 1), ("claim", 5000)])
@example([("claim", 1), ("lapse", 5000), ("claim", 5000)])
@given(st.lists(st.tuples(events, st.integers(0, 5000)), max_size=25))
def test_whatever_comes_nothing_is_sent_twice(steps: list[tuple[Any, int]]) -> None:
    reply, now, refuted = waiting(), NOW, set[int]()
    for event, seconds in steps:
        now += timedelta(seconds=seconds)
        before, reply = reply, apply_event(reply, event, now)
        if isinstance(event, tuple) and isinstance(event[0], NotAccepted):
            refuted.add(before.attempts - event[1])
        if reply.attempts > before.attempts:
            # It is claimed again only if each send before it provably came to nothing.
            assert event == "claim"
            assert set(range(1, reply.attempts)) <= refuted
        assert reply.sequence - before.sequence in {0, 1}
        if reply.sequence == before.sequence and reply.sequence:
            assert describe_change(reply) == describe_change(before)
        assert (reply.state is before.state) or reply.sequence > before.sequence
        if reply.final:
            assert reply.sender_sealed is None
            assert reply.look_at is None or needs_log(reply, RULES)
        if reply.state in OPEN or reply.state is ReplyState.AUTHORIZED:
            assert reply.sender_sealed is not None
            assert reply.look_at is not None
        if reply.nothing_charged:
            assert not reply.amount_microunits


@given(st.lists(reports | logs, max_size=6), st.randoms(use_true_random=False))
def test_reports_count_alike_in_any_order_and_repeated(
    observations: list[Observation], shuffle: Any
) -> None:
    def outcome(reply: Reply) -> tuple[Any, ...]:
        return (reply.state, reply.amount_microunits, reply.nothing_charged, reply.final)

    again = [*observations, *observations]
    shuffle.shuffle(again)
    for start in (sent(), sending(), apply_result(sending(), 1, Uncertain("x"), NOW, RULES)):
        assert outcome(see(start, *observations)) == outcome(see(start, *again))


@given(st.lists(reports, min_size=1, max_size=6), st.sampled_from(ANSWERS[:2]))
def test_a_report_may_be_faster_than_the_answer(
    observations: list[Observation], answer: SendResult
) -> None:
    late = apply_result(see(sending(), *observations), 1, answer, NOW, RULES)
    early = see(apply_result(sending(), 1, answer, NOW, RULES), *observations)
    assert (late.state, late.message_id) == (early.state, early.message_id)
    assert late.amount_microunits == early.amount_microunits


@pytest.mark.parametrize(
    ("answer", "state", "reason", "final", "void"),
    [
        (Accepted("p-1"), ReplyState.SENT, "", False, False),
        (Uncertain("timeout"), ReplyState.UNCERTAIN, "timeout", False, False),
        (NotAccepted("429", retry=True), ReplyState.AUTHORIZED, "429", False, False),
        (NotAccepted("402", retry=True), ReplyState.AUTHORIZED, "402", False, False),
        (NotAccepted("400", retry=False), ReplyState.FAILED, "400", True, True),
    ],
)
def test_what_an_answer_means(
    answer: SendResult, state: ReplyState, reason: str, final: Any, void: Any
) -> None:
    reply = apply_result(sending(), 1, answer, NOW, RULES)
    assert (reply.state, reply.reason, reply.final) == (state, reason, final)
    change = describe_change(reply)
    assert change.nothing_charged is void
    assert change.amount_microunits == (0 if void else None)
    assert apply_result(reply, 1, answer, NOW, RULES) == reply


def test_an_answer_to_an_earlier_attempt_means_nothing() -> None:
    refused = apply_result(sending(), 1, REFUSALS[0], NOW, RULES)
    again = apply_claim(refused, NOW + MINUTE, RULES)
    for answer in ANSWERS:
        assert apply_result(again, 1, answer, NOW + MINUTE, RULES) == again


def test_refusals_are_tried_again_ever_later_and_given_up_on() -> None:
    reply, pauses, now = waiting(), [], NOW
    for _ in range(9):
        reply = apply_claim(reply, now, RULES)
        reply = apply_result(reply, reply.attempts, REFUSALS[0], now, RULES)
        assert reply.look_at is not None
        pauses.append((reply.look_at - now).total_seconds())
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    patient = apply_result(
        sending(), 1, NotAccepted("429", retry=True, after_seconds=99), now, RULES
    )
    assert patient.look_at == now + timedelta(seconds=99)
    late = apply_claim(reply, NOW + RULES.give_up_after, RULES)
    late = apply_result(late, late.attempts, REFUSALS[0], NOW + RULES.give_up_after, RULES)
    assert (late.state, late.nothing_charged, late.final) == (ReplyState.FAILED, True, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 451])
def test_a_test_that_is_refused_ends_at_once(status: int) -> None:
    """A person waits for it: what nobody mends meanwhile is not tried again for days."""
    failed = describe_status(status)
    assert failed.untaken
    refused = NotAccepted(failed.reason, failed.retry, failed.after_seconds)
    test = apply_claim(plan_reply(authorization(kind=ReplyKind.TEST), NOW), NOW, RULES)
    ended = apply_result(test, 1, refused, NOW, RULES)
    assert (ended.state, ended.reason) == (ReplyState.FAILED, str(status))
    assert (ended.final, ended.nothing_charged, ended.look_at) == (True, True, None)


@pytest.mark.parametrize("reason", ["402", "429", "refused", "unresolved_host", "connect_timeout"])
def test_a_test_is_tried_again_for_minutes_where_that_may_help(reason: str) -> None:
    test, now = plan_reply(authorization(kind=ReplyKind.TEST), NOW), NOW
    tries = 0
    while test.state is ReplyState.AUTHORIZED:
        test = apply_claim(test, now, RULES)
        test = apply_result(test, test.attempts, NotAccepted(reason, retry=True), now, RULES)
        now, tries = test.look_at or now, tries + 1
    assert (test.state, test.reason) == (ReplyState.FAILED, reason)
    assert tries > 3
    assert now - NOW < 2 * RULES.retry_longest


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429])
def test_a_reply_waits_until_a_person_has_mended_what_refuses_it(status: int) -> None:
    failed = describe_status(status)
    refused = NotAccepted(failed.reason, failed.retry)
    reply = apply_result(sending(), 1, refused, NOW, RULES)
    assert (reply.state, reply.reason) == (ReplyState.AUTHORIZED, str(status))


def test_a_send_nobody_speaks_of_lapses_and_is_never_sent_again() -> None:
    reply = sending()
    assert apply_lapse(reply, NOW + RULES.lease - MINUTE / 60, RULES) is reply
    lapsed = apply_lapse(reply, NOW + RULES.lease, RULES)
    assert (lapsed.state, lapsed.reason) == (ReplyState.UNCERTAIN, "lapsed")
    # The answer comes after all.
    assert apply_result(lapsed, 1, Accepted("p-1"), NOW, RULES).state is ReplyState.SENT
    assert apply_result(lapsed, 1, REFUSALS[0], NOW, RULES).state is ReplyState.AUTHORIZED


def test_an_uncertain_send_is_looked_for_ever_later_then_left_to_the_operator() -> None:
    reply = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    looks = []
    while reply.state is ReplyState.UNCERTAIN:
        assert reply.look_at is not None
        looks.append((reply.look_at - NOW).total_seconds())
        reply = apply_absence(reply, reply.look_at, RULES)
    assert looks == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert (reply.state, reply.reason) == (ReplyState.UNRESOLVED, "absent")
    assert not reply.final
    assert reply.sender_sealed is not None
    assert not reply.nothing_charged


def test_an_unresolved_send_is_looked_for_on_as_the_log_may_lag() -> None:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    reply = apply_absence(uncertain, NOW + RULES.unresolved_after, RULES)
    told, looks = reply.sequence, 0
    while reply.look_at is not None and reply.look_at < NOW + RULES.final_after:
        reply, looks = apply_absence(reply, reply.look_at, RULES), looks + 1
    assert looks > 3
    assert (reply.state, reply.sequence) == (ReplyState.UNRESOLVED, told), "nothing new to tell"
    ambiguous = apply_absence(
        uncertain, NOW + RULES.unresolved_after, RULES, search=Search.AMBIGUOUS
    )
    assert ambiguous.reason == "ambiguous"
    found = see(reply, observed("sent", -1, 65_000))
    assert (found.state, found.amount_microunits) == (ReplyState.SENT, 65_000)


def unresolved(search: Search = Search.ABSENT) -> Reply:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    return apply_absence(uncertain, NOW + RULES.unresolved_after, RULES, search=search)


DAY = NOW + RULES.final_after


def test_what_a_log_that_went_on_does_not_show_after_a_day_never_left() -> None:
    gone = apply_absence(unresolved(), DAY, RULES, log_went_on=True)
    assert (gone.state, gone.reason) == (ReplyState.FAILED, "absent")
    assert (gone.final, gone.nothing_charged, gone.look_at) == (True, True, None)
    assert gone.sender_sealed is None
    # A house that was down for a day: the first look is the last.
    lapsed = apply_lapse(sending(), NOW + RULES.lease, RULES)
    assert apply_absence(lapsed, DAY, RULES, log_went_on=True).state is ReplyState.FAILED


@pytest.mark.parametrize(("search", "at", "log_went_on"), [
    (Search.ABSENT, DAY - timedelta(seconds=1), True),
    (Search.ABSENT, DAY, False),
    (Search.AMBIGUOUS, DAY, True),
    (Search.UNSEALABLE, DAY, True),
])  # fmt: skip
def test_nothing_less_makes_it_void(search: Search, at: datetime, log_went_on: bool) -> None:
    left = apply_absence(unresolved(search), at, RULES, search=search, log_went_on=log_went_on)
    assert left.state is ReplyState.UNRESOLVED
    assert not left.nothing_charged
    looked_for_on = search is Search.ABSENT
    assert (left.look_at is not None) is looked_for_on, "a person decides what no log will tell"


def test_what_is_seen_after_it_was_void_is_booked_and_its_sender_answered() -> None:
    gone = apply_absence(unresolved(), DAY, RULES, log_went_on=True)
    seen = see(gone, observed("delivered", 3, 65_000))
    assert (seen.state, seen.amount_microunits) == (ReplyState.DELIVERED, 65_000)
    assert not seen.nothing_charged
    assert seen.sequence > gone.sequence
    change = describe_change(seen)
    assert (change.due_at, change.final) == (gone.due_at, True), "his window is that of before"


def test_an_uncertain_send_is_asked_for_again_by_its_reference_alone_and_not_for_ever() -> None:
    rules = replace(RULES, repeatable=True)
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    assert may_ask_again(uncertain, NOW, rules)
    assert not may_ask_again(uncertain, NOW, RULES), "this provider takes no reference"
    assert not may_ask_again(uncertain, NOW + RULES.unresolved_after, rules)
    for other in (sending(), unresolved(), replace(uncertain, sender_sealed=None)):
        assert not may_ask_again(other, NOW, rules)


@pytest.mark.parametrize(
    "statuses",
    [
        ("sent", "failed"),
        ("failed", "sent"),
        ("sent", "failed", "sent"),
        ("failed", "sent", "failed"),
    ],
)
def test_what_left_and_failed_was_not_delivered_in_whichever_order(
    statuses: tuple[str, ...],
) -> None:
    rules = replace(RULES, tells_leaving=True)
    reply = apply_result(sending(), 1, Accepted("p-1"), NOW, rules)
    for status in statuses:
        reply = see(reply, observed(status, None, 0), rules=rules)
    assert reply.state is ReplyState.UNDELIVERED
    assert not reply.nothing_charged


def test_what_never_left_is_free_and_what_was_called_back_may_have_left() -> None:
    rules = replace(RULES, tells_leaving=True)
    reply = apply_result(sending(), 1, Accepted("p-1"), NOW, rules)
    failed = see(reply, observed("failed", None, 0), rules=rules)
    assert (failed.state, failed.nothing_charged) == (ReplyState.FAILED, True)
    cancelled = see(reply, observed("cancelled", None, 0), rules=rules)
    assert (cancelled.state, cancelled.reason) == (ReplyState.FAILED, "cancelled")
    assert see(cancelled, observed("sent", None, 0), rules=rules).state is ReplyState.SENT


@pytest.mark.parametrize(
    ("action", "state", "void"),
    [
        (OperatorAction.REPLY_SENT, ReplyState.SENT, False),
        (OperatorAction.REPLY_VOID, ReplyState.FAILED, True),
        (OperatorAction.BACKFILL, ReplyState.UNRESOLVED, False),
    ],
)
def test_the_operator_decides_about_what_is_unresolved(
    action: OperatorAction, state: ReplyState, void: Any
) -> None:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    unresolved = apply_absence(uncertain, NOW + RULES.unresolved_after, RULES)
    decided = apply_decision(unresolved, action, NOW)
    assert (decided.state, decided.nothing_charged) == (state, void)
    assert decided.final is (state is not ReplyState.UNRESOLVED)
    assert apply_decision(decided, OperatorAction.REPLY_VOID, NOW).state in {
        state,
        ReplyState.FAILED,
    }
    for other in (waiting(), sending(), sent(), uncertain):
        assert apply_decision(other, action, NOW) is other


def test_what_the_operator_voided_is_booked_when_it_is_charged_after_all() -> None:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    unresolved = apply_absence(uncertain, NOW + RULES.unresolved_after, RULES)
    void = apply_decision(unresolved, OperatorAction.REPLY_VOID, NOW)
    charged = see(void, observed("delivered", 3, 65_000))
    assert charged.state is ReplyState.DELIVERED
    assert (charged.amount_microunits, charged.nothing_charged) == (65_000, False)


def test_it_settles_at_the_first_charged_status_and_adjusts_later() -> None:
    queued = see(sent(), observed("queued", 1, 99))
    assert queued.amount_microunits is None
    charged = see(queued, observed("sent", 2, 65_000))
    assert (charged.state, charged.amount_microunits) == (ReplyState.SENT, 65_000)
    assert charged.look_at == NOW + RULES.final_after
    adjusted = see(charged, observed("delivered", 3, 70_000))
    assert (adjusted.state, adjusted.amount_microunits) == (ReplyState.DELIVERED, 70_000)
    assert adjusted.sequence == charged.sequence + 1
    assert adjusted.final


def test_failed_is_not_charged() -> None:
    failed = see(sent(), observed("failed", 2, None, error_code="420"))
    assert (failed.state, failed.reason, failed.nothing_charged) == (
        ReplyState.FAILED,
        "420",
        True,
    )
    assert describe_change(failed).amount_microunits == 0
    charged = see(failed, observed("failed", 3, 65_000))
    assert (charged.nothing_charged, charged.amount_microunits) == (False, 65_000)


def test_what_the_operator_voided_is_sent_where_the_provider_took_it_after_all() -> None:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    unresolved = apply_absence(uncertain, NOW + RULES.unresolved_after, RULES)
    void = apply_decision(unresolved, OperatorAction.REPLY_VOID, NOW)
    taken = apply_result(void, 1, Accepted("p-1"), NOW + MINUTE, RULES)
    told = describe_change(taken)
    assert (told.state, told.final, told.nothing_charged) == (ReplyState.SENT, False, False)
    assert told.sequence > describe_change(void).sequence
    # Of one that the provider itself reported as failed, it had its answer before.
    failed = see(void, observed("failed", 3))
    assert apply_result(failed, 1, Accepted("p-1"), NOW, RULES).state is ReplyState.FAILED


def test_sent_is_final_after_a_day() -> None:
    reply = see(sent(), observed("sent", 2, 65_000))
    assert apply_absence(reply, NOW + MINUTE, RULES).final is False
    ended = apply_absence(reply, NOW + RULES.final_after, RULES)
    assert (ended.state, ended.final, ended.amount_microunits) == (ReplyState.SENT, True, 65_000)
    assert see(ended, observed("delivered", 3, 65_000)).state is ReplyState.DELIVERED


def test_a_report_on_another_message_or_before_any_send_is_about_nothing() -> None:
    other = observed("delivered", 3, 65_000, message_id="p-2")
    assert not is_about(sent(), other)
    assert see(sent(), other) == sent()
    assert see(waiting(), observed("delivered", 3)) == waiting()


def test_a_refused_reply_that_is_reported_on_is_not_sent_again() -> None:
    refused = apply_result(sending(), 1, REFUSALS[0], NOW, RULES)
    assert see(refused, observed("queued", 1)).state is ReplyState.SENT


def test_whoever_authorises_again_hears_where_it_stands() -> None:
    told = apply_repeat(waiting(), NOW)
    assert describe_change(told).state is ReplyState.AUTHORIZED
    assert apply_repeat(told, NOW + MINUTE) is told
    assert describe_change(apply_repeat(sent(), NOW)).state is ReplyState.SENT


def test_the_number_is_forgotten_as_soon_as_the_provider_has_an_id() -> None:
    assert sending().sender_sealed is not None
    assert sent().sender_sealed is None
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    assert uncertain.sender_sealed is not None


def test_only_an_authorised_reply_with_a_number_can_be_claimed() -> None:
    for reply in (sending(), sent(), replace(waiting(), sender_sealed=None)):
        with pytest.raises(AssertionError):
            apply_claim(reply, NOW, RULES)


def test_an_end_stands_whatever_is_numbered_after_it() -> None:
    for end in ("delivered", "undelivered", "failed"):
        ended = see(sent(), observed(end, 3, 0))
        assert see(ended, observed("sent", 5), observed("queued", 6)).state == ended.state


def test_what_is_known_to_be_sent_is_not_unsent_by_an_answer() -> None:
    uncertain = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)
    unresolved = apply_absence(uncertain, NOW + RULES.unresolved_after, RULES)
    for reply in (see(sending(), observed("delivered", 3)), sent(), unresolved):
        for refusal in REFUSALS:
            assert apply_result(reply, 1, refusal, NOW, RULES) is reply


def test_an_implausible_amount_is_checked_in_the_log_whose_word_counts() -> None:
    dear = see(sent(), observed("delivered", 3, 650_000))
    assert (dear.amount_microunits, dear.final) == (650_000, True)
    assert dear.look_at == NOW + RULES.search_first
    assert needs_log(dear, RULES)
    wrong = see(dear, observe_logged(logged("delivered", 65_000)))
    assert (wrong.amount_microunits, wrong.look_at) == (65_000, None)
    right = see(dear, observe_logged(logged("delivered", 650_000)))
    assert (right.amount_microunits, right.look_at) == (650_000, None)
    for checked in (wrong, right):
        assert describe_change(checked).amount_confirmed
        assert checked.sequence == dear.sequence + 1
    assert not describe_change(dear).amount_confirmed


@pytest.mark.parametrize("end", ["sent", "delivered", "undelivered"])
@pytest.mark.parametrize("told", [0, 1, 5_000, 64_999])
def test_an_amount_told_too_low_is_read_in_the_log_once_whose_word_is_final(
    end: str, told: int
) -> None:
    cheap = see(sent(), observed(end, 3, told))
    assert needs_log(cheap, RULES)
    assert cheap.look_at is not None
    assert NOW + RULES.search_first <= cheap.look_at
    assert cheap.look_at <= NOW + RULES.search_first + RULES.settle_after
    for said in (65_000, told):
        checked = see(cheap, observe_logged(logged(end, said)))
        assert (checked.amount_microunits, needs_log(checked, RULES)) == (said, False)
        assert describe_change(checked).amount_confirmed
        assert checked.look_at == (None if checked.final else NOW + RULES.final_after)


def test_two_segments_at_the_price_of_one_are_read_in_the_log() -> None:
    two = replace(RULES, segments_min=2)
    reply = apply_observation(sent(), observed("delivered", 3, 65_000), NOW, two)
    assert needs_log(reply, two)
    reply = apply_observation(sent(), observed("delivered", 3, 130_000), NOW, two)
    assert not needs_log(reply, two)


def test_what_was_told_too_low_is_looked_up_with_others_of_its_time() -> None:
    looks = {
        apply_observation(sent(), observed("delivered", 3, 0), NOW + n * MINUTE / 6, RULES).look_at
        for n in range(60)
    }
    assert len(looks) <= 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["sent", "delivered", "undelivered"]),
            st.one_of(st.none(), st.integers(0, 9)),
            st.sampled_from([None, 0, 5_000, 65_000, 650_000]),
        ),
        max_size=6,
    )
)
@example([("delivered", None, 65_000), ("delivered", None, 650_000)])
@example([("delivered", None, None), ("delivered", 5, None)])
def test_whatever_is_reported_what_may_be_wrong_is_looked_up(reports: Any) -> None:
    reply = sent()
    for status, sequence, amount in reports:
        reply = see(reply, observed(status, sequence, amount))
    if reply.amount_microunits != 65_000:
        assert reply.look_at is not None
    reply = see(reply, observe_logged(logged("delivered", 65_000)))
    assert (reply.amount_microunits, needs_log(reply, RULES)) == (65_000, False)


def test_a_report_that_contradicts_the_log_has_it_read_again() -> None:
    settled = see(sent(), observe_logged(logged("delivered", 65_000)))
    assert settled.look_at is None
    doubted = see(settled, observed("delivered", 3, 70_000))
    assert (doubted.amount_microunits, doubted.look_at) == (65_000, NOW + RULES.search_first)
    adjusted = see(doubted, observe_logged(logged("delivered", 70_000)))
    assert (adjusted.amount_microunits, adjusted.look_at) == (70_000, None)
    assert see(adjusted, observe_logged(logged("delivered", 9))).amount_microunits == 9
    assert see(settled, observed("delivered", 3, 65_000)).look_at is None


def test_delivered_without_an_amount_is_priced_by_the_log() -> None:
    reply = see(sent(), observed("delivered", 3))
    assert reply.final
    assert reply.look_at == NOW + RULES.search_first
    assert see(reply, observed("sent", 2, 65_000)).look_at is None
    later = apply_absence(reply, NOW + MINUTE, RULES)
    assert later.look_at == NOW + MINUTE + RULES.settle_after
    assert apply_absence(reply, NOW + RULES.final_after, RULES).look_at is None
