"""After a restore: which SMS of the provider's log is whose, and what is sent no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.facts.records import ReplyKind, ReplyState
from services.responder.core.outbox import Reply, describe_change, plan_reply
from services.responder.core.restoration import (
    UNSENT,
    Restoration,
    apply_found,
    hold_older,
    is_answered_by,
    is_held,
    plan_recovered,
    release_held,
    take_over_all,
)
from services.responder.core.settlement import SKEW
from tests.unit.responder.cases import (
    MINUTE,
    NOW,
    RULES,
    SENDER,
    authorization,
    logged,
    sending,
    waiting,
)

WINDOW = timedelta(days=180)
RESTORED = Restoration("r-1", NOW - 60 * MINUTE, NOW + MINUTE, base=7)
LATER = NOW + 2 * MINUTE


def recovered(**fields: object) -> Reply:
    reply = plan_recovered(logged("delivered"), SENDER, RESTORED.base, LATER, RULES)
    assert reply is not None
    return replace(reply, **fields)  # type: ignore[arg-type]


def test_an_authorisation_from_before_the_restore_waits_for_another() -> None:
    old = authorization()
    held = hold_older(plan_reply(old, LATER), old, RESTORED)
    assert is_held(held)
    assert held.sequence == 0  # nothing of it is told
    assert release_held(held, old, RESTORED, LATER) == held
    anew = authorization(at=RESTORED.restored_at)
    released = release_held(held, anew, RESTORED, LATER)
    assert (released.look_at, released.sequence) == (LATER, RESTORED.base + 1)
    assert hold_older(plan_reply(anew, LATER), anew, RESTORED).look_at == LATER


def test_one_that_was_in_the_backup_is_not_held() -> None:
    assert not is_held(waiting())
    assert not is_held(sending())


@pytest.mark.parametrize(("state", "amount"), [("delivered", 65_000), ("sent", 65_000),
                                               ("undelivered", 65_000), ("failed", 0)])  # fmt: skip
def test_what_was_sent_ends_as_the_log_says(state: str, amount: int) -> None:
    for reply in (waiting(), sending(), replace(sending(), state=ReplyState.UNRESOLVED)):
        assert reply.state in UNSENT
        found = apply_found(reply, logged(state, amount), RESTORED.base, LATER, RULES)
        assert found.state == state
        assert found.message_id == "p-1"
        assert found.sender_sealed is None
        assert found.attempts == 1
        assert found.sequence > RESTORED.base
        told = describe_change(found)
        assert told.amount_microunits == amount
        assert told.amount_confirmed
        assert told.nothing_charged == (state == "failed")


def test_an_sms_of_nobody_is_a_reply_of_its_own() -> None:
    reply = recovered()
    told = describe_change(reply)
    assert (told.kind, told.state, told.sender) == ("recovered", "delivered", SENDER)
    assert told.amount_microunits == 65_000
    assert told.sequence > RESTORED.base
    assert recovered() == reply


def test_an_sms_that_never_left_is_nothing() -> None:
    assert plan_recovered(logged("failed", 0), SENDER, 0, LATER, RULES) is None
    assert plan_recovered(logged("failed", 65_000), SENDER, 0, LATER, RULES) is not None


def test_a_reply_takes_over_the_sms_that_was_sent_for_it() -> None:
    reply, other = waiting(), recovered()
    changed = take_over_all([reply], [other], RESTORED, WINDOW, LATER)
    assert changed.keys() == {reply.reply_id, other.reply_id}
    taken, gone = changed[reply.reply_id], changed[other.reply_id]
    assert (taken.state, taken.message_id, taken.kind) == ("delivered", "p-1", "reply")
    assert (taken.amount_microunits, taken.sender_sealed) == (65_000, None)
    assert describe_change(gone).amount_microunits == 0
    assert (gone.state, gone.message_id, gone.final) == ("failed", None, True)
    assert describe_change(taken).sequence == other.sequence + 1
    assert describe_change(gone).sequence == other.sequence + 1


def test_one_sms_stands_for_one_reply_and_one_number_gets_one() -> None:
    first, second = waiting(), replace(waiting(), reply_id="m-2")
    changed = take_over_all([first, second], [recovered()], RESTORED, WINDOW, LATER)
    assert changed["m-1"].state is ReplyState.DELIVERED
    assert (changed["m-2"].state, changed["m-2"].reason) == ("failed", "already_answered")
    assert describe_change(changed["m-2"]).nothing_charged


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": "cd" * 16},
        {"state": ReplyState.FAILED},
        {"sending_at": NOW - WINDOW},
    ],
)
def test_what_is_not_for_it_is_not_taken(fields: dict[str, object]) -> None:
    assert take_over_all([waiting()], [recovered(**fields)], RESTORED, WINDOW, LATER) == {}


def test_who_writes_after_the_restore_is_answered_as_ever() -> None:
    """The guard is for what waited through it: the filter keeps the window of the others."""
    answered = replace(recovered(), kind=ReplyKind.REPLY, reply_id="m-0")
    fresh = replace(waiting(), due_at=RESTORED.restored_at)
    assert take_over_all([fresh], [answered], RESTORED, WINDOW, LATER) == {}
    assert take_over_all([waiting()], [answered], RESTORED, WINDOW, LATER).keys() == {"m-1"}


@pytest.mark.parametrize(
    ("kind", "sent_at", "answered"),
    [
        (ReplyKind.REPLY, NOW - WINDOW, False),
        (ReplyKind.REPLY, NOW - WINDOW + MINUTE, True),
        (ReplyKind.REPLY, NOW + MINUTE, True),
        (ReplyKind.TEST, NOW - SKEW - MINUTE, False),
        (ReplyKind.TEST, NOW - SKEW, True),
    ],
)
def test_a_reply_is_its_windows_a_test_is_asked_for(
    kind: ReplyKind, sent_at: object, answered: object
) -> None:
    reply = replace(waiting(), kind=kind)
    assert is_answered_by(reply, sent_at, WINDOW) is answered  # type: ignore[arg-type]
