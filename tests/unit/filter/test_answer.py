"""Nobody is answered twice, whatever is heard of a reply, how often and in what order (I3)."""

from collections.abc import Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kernel.facts.records import Reason, ReplyChanged, ReplyKind, ReplyState
from services.filter.core.answer import OTHERS_MAX, Answer
from services.filter.core.sender import Sender, hear_message, hear_reply, is_answered
from tests.unit.filter.cases import DAY, HOUR, NOW, RULES, SECOND, arrival, pseudonym, reply_ended

LATER = NOW + DAY
GIVEN = Sender(pseudonym(1), answer=Answer("m-1", NOW))
"""His reply is under way."""
LEFT = (ReplyState.DELIVERED, ReplyState.UNDELIVERED)
BILLINGS = (ReplyState.EXPIRED, ReplyState.REFUSED)


def tell(
    state: ReplyState, sequence: int = 1, *, final: bool = True, reply_id: str = "m-1"
) -> ReplyChanged:
    by = "billing" if state in BILLINGS else "responder"
    return replace(reply_ended(reply_id, state=state, final=final), by=by, sequence=sequence)


def hear(sender: Sender, *words: ReplyChanged) -> Sender:
    for word in words:
        sender = hear_reply(sender, word, RULES)
    return sender


def is_open(sender: Sender) -> bool:
    """Whether a text is deliberated."""
    return hear_message(sender, arrival("next", at=LATER), RULES, LATER).verdict is None


STATES = [
    (ReplyState.SENT, False),  # taken by the provider
    (ReplyState.SENT, True),  # the operator says so, or a day has passed
    (ReplyState.DELIVERED, True),
    (ReplyState.FAILED, True),  # the operator's void, or the provider's word
    (ReplyState.EXPIRED, True),
    (ReplyState.UNRESOLVED, False),
]
"""All that differ in what they prove."""
states = st.sampled_from([
    *STATES, (ReplyState.UNDELIVERED, True), (ReplyState.REFUSED, True), (ReplyState.FAILED, False),
])  # fmt: skip


@st.composite
def heard_words(draw: st.DrawFn) -> list[ReplyChanged]:
    """Words about one reply, each with a place of its own; any of them, in any order, repeated."""
    drawn = draw(st.lists(states, min_size=1, max_size=6))
    words = [tell(state, n, final=final) for n, (state, final) in enumerate(drawn, start=1)]
    return draw(st.lists(st.sampled_from(words), min_size=1, max_size=12))


def expect_answered(words: Sequence[ReplyChanged]) -> bool:
    """What a person would say who has read all of these."""
    if any(w.state in LEFT or (w.state is ReplyState.SENT and w.final) for w in words):
        return True
    ours = [
        (w.sequence, w.state is ReplyState.SENT)
        for w in words
        if w.state is ReplyState.SENT or (w.state is ReplyState.FAILED and w.final)
    ]
    if ours:
        return max(ours)[1]
    return not any(w.state in BILLINGS and w.final for w in words)


def test_all_histories_of_three_words_heard_in_any_order_and_repeated() -> None:
    for history in product(STATES, repeat=3):
        words = [tell(state, n, final=final) for n, (state, final) in enumerate(history, start=1)]
        for heard in product(words, repeat=4):
            answered = is_answered(hear(GIVEN, *heard), LATER, RULES)
            assert answered == expect_answered(heard), [(w.sequence, w.state) for w in heard]


@given(heard_words())
def test_who_got_an_sms_is_answered_from_then_on_and_who_got_none_is_not(
    words: list[ReplyChanged],
) -> None:
    sender = GIVEN
    for count, word in enumerate(words, start=1):
        sender = hear_reply(sender, word, RULES)
        answered = expect_answered(words[:count])
        assert is_answered(sender, LATER, RULES) == answered
        assert is_open(sender) == (not answered)
        if answered:
            assert is_answered(sender, NOW + RULES.window - SECOND, RULES)
            assert not is_answered(sender, NOW + RULES.window, RULES)


@given(heard_words(), st.randoms(use_true_random=False))
def test_what_is_known_at_the_end_does_not_depend_on_the_order(
    words: list[ReplyChanged], chance: Random
) -> None:
    other = list(words)
    chance.shuffle(other)
    one, two = hear(GIVEN, *words), hear(GIVEN, *other)
    assert is_answered(one, LATER, RULES) == is_answered(two, LATER, RULES)


@given(heard_words(), heard_words(), st.randoms(use_true_random=False))
def test_of_two_replies_the_one_that_left_counts_whatever_becomes_of_the_other(
    old: list[ReplyChanged], new: list[ReplyChanged], chance: Random
) -> None:
    """The old one was taken for never sent when the new one was given."""
    sender = hear(GIVEN, tell(ReplyState.FAILED, 1))
    sender = replace(sender, answer=Answer("m-2", NOW + HOUR))
    news = [replace(word, reply_id="m-2", due_at=NOW + HOUR) for word in new]
    old = [replace(word, sequence=word.sequence + 1) for word in old]
    words = [*old, *news]
    chance.shuffle(words)
    sender = hear(sender, *words)
    by_old = expect_answered([tell(ReplyState.FAILED, 1), *old])
    by_new = expect_answered(news)
    assert is_answered(sender, LATER, RULES) == (by_old or by_new)
    assert is_answered(sender, NOW + RULES.window, RULES) == by_new


@pytest.mark.parametrize("state", [ReplyState.SENT, *LEFT])
def test_a_void_that_was_wrong_gives_him_his_answer_back(state: ReplyState) -> None:
    void = hear(GIVEN, tell(ReplyState.FAILED, 3))
    assert is_open(void)
    back = hear(void, tell(state, 4, final=state is not ReplyState.SENT))
    verdict = hear_message(back, arrival("next", at=LATER), RULES, LATER).verdict
    assert verdict is not None
    assert verdict.reason is Reason.ALREADY_ANSWERED
    # Read again after a crash, from the void on.
    assert not is_open(hear(back, tell(ReplyState.FAILED, 3)))


def test_what_the_provider_took_and_then_failed_is_no_answer() -> None:
    taken = hear(GIVEN, tell(ReplyState.SENT, 2, final=False))
    assert not is_open(taken)
    failed = hear(taken, tell(ReplyState.FAILED, 3))
    assert is_open(failed)
    assert is_open(hear(failed, tell(ReplyState.SENT, 2, final=False)))  # read again


def test_a_reply_of_which_no_verdict_is_known_answers_too_and_a_test_never() -> None:
    nobody = Sender(pseudonym(1))
    assert not is_open(hear(nobody, tell(ReplyState.DELIVERED)))
    test = replace(tell(ReplyState.DELIVERED), kind=ReplyKind.TEST)
    assert hear(nobody, test) == nobody
    assert hear(GIVEN, replace(tell(ReplyState.FAILED), kind=ReplyKind.TEST)) == GIVEN


def test_a_message_that_a_restored_store_has_lost_is_not_silenced_by_its_own_reply() -> None:
    """It was judged once: its second verdict must be the first."""
    told = hear(Sender(pseudonym(1)), tell(ReplyState.DELIVERED))
    own = hear_message(told, arrival("m-1", at=NOW), RULES, LATER)
    assert own.verdict is None
    assert not is_open(told)


def test_of_replies_that_never_left_the_latest_are_remembered() -> None:
    sender = GIVEN
    for number in range(3 * OTHERS_MAX):
        failed = tell(ReplyState.FAILED, 3, reply_id=f"r-{number}")
        sender = hear(sender, replace(failed, due_at=NOW + number * HOUR))
    assert sender.answer == GIVEN.answer
    latest = range(2 * OTHERS_MAX, 3 * OTHERS_MAX)
    assert [other.message_id for other in sender.others] == [f"r-{n}" for n in latest]
