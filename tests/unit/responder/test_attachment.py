"""The number is linked as billing wishes, once a later look says so."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import Posture, PostureChanged
from services.responder.core.attachment import (
    Attachment,
    AttachmentRules,
    apply_away,
    apply_seen,
    apply_try,
    apply_wish,
)
from tests.unit.responder.cases import MINUTE, NOW

RULES = AttachmentRules(
    enabled=True,
    check_every=10 * MINUTE,
    retry_first=MINUTE / 60,
    retry_longest=MINUTE,
    retry_away=MINUTE / 30,
)
OFF = AttachmentRules(
    enabled=False,
    check_every=10 * MINUTE,
    retry_first=MINUTE / 60,
    retry_longest=MINUTE,
    retry_away=MINUTE / 30,
)
LINKED = Attachment(NOW, attached=True)


def wish(sequence: int, *, attach: bool) -> PostureChanged:
    return PostureChanged(
        id=f"posture-{sequence}", trace="t", at=NOW, sequence=sequence,
        posture=Posture.SUSPENDED, cause="floor", attach=attach,
    )  # fmt: skip


def seen(attachment: Attachment, attached: object, rules: AttachmentRules = RULES) -> Attachment:
    assert attached is None or isinstance(attached, bool)
    return apply_seen(attachment, attached=attached, rules=rules, now=NOW)


def test_a_wish_is_tried_at_once_and_ever_later_until_confirmed() -> None:
    wished = apply_wish(LINKED, wish(1, attach=False), RULES, NOW)
    assert wished.link_at == NOW
    pauses = []
    for _ in range(8):
        wished = seen(apply_try(wished, RULES, NOW), True)
        assert wished.link_at is not None
        pauses.append((wished.link_at - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    confirmed = seen(wished, False)
    assert (confirmed.link_at, confirmed.tries) == (None, 0)


def test_while_nobody_answers_it_is_tried_every_two_seconds_for_as_long_as_it_takes() -> None:
    wished = apply_wish(LINKED, wish(1, attach=False), RULES, NOW)
    pauses = []
    for _ in range(50):
        away = apply_away(apply_try(wished, RULES, NOW), RULES, NOW, None)
        wished = seen(away, None)
        assert wished.link_at is not None
        pauses.append((wished.link_at - NOW).total_seconds())
    assert set(pauses) == {2}
    patient = apply_away(apply_try(wished, RULES, NOW), RULES, NOW, 30.0)
    assert patient.link_at == NOW + timedelta(seconds=30)


def test_an_answer_that_was_lost_does_not_bring_back_a_wish_that_is_fulfilled() -> None:
    wished = apply_wish(LINKED, wish(1, attach=False), RULES, NOW)
    fulfilled = seen(apply_try(wished, RULES, NOW), False)
    assert apply_away(fulfilled, RULES, NOW, None).link_at is None


def test_what_cannot_be_read_confirms_nothing_and_starts_nothing() -> None:
    wished = apply_wish(LINKED, wish(1, attach=False), RULES, NOW)
    assert seen(wished, None).link_at is not None
    calm = seen(apply_wish(LINKED, wish(1, attach=True), RULES, NOW), True)
    assert seen(calm, None).link_at is None


def test_somebody_else_unlinking_it_is_mended() -> None:
    calm = seen(apply_wish(LINKED, wish(1, attach=True), RULES, NOW), True)
    assert seen(calm, False).link_at == NOW


def test_before_a_first_wish_nothing_is_touched() -> None:
    for attached in (True, False, None):
        assert seen(Attachment(NOW), attached).link_at is None
    first = apply_wish(Attachment(NOW + MINUTE), wish(0, attach=True), RULES, NOW)
    assert (first.link_at, first.check_at) == (None, NOW)


def test_without_an_application_detaching_is_off() -> None:
    wished = apply_wish(LINKED, wish(1, attach=False), OFF, NOW)
    assert wished.link_at is None
    assert seen(wished, True, OFF).link_at is None


def test_it_is_looked_at_again_in_time() -> None:
    assert seen(LINKED, True).check_at == NOW + timedelta(minutes=10)
    assert seen(LINKED, None).check_at == NOW + timedelta(minutes=1)


@given(st.permutations([wish(n, attach=n % 3 == 0) for n in range(1, 6)]))
def test_the_highest_sequence_counts_in_any_order(wishes: list[PostureChanged]) -> None:
    attachment = LINKED
    for each in [*wishes, *wishes]:
        attachment = apply_wish(attachment, each, RULES, NOW)
    assert (attachment.sequence, attachment.attach) == (5, False)
    assert attachment.link_at == NOW
