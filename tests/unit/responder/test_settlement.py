"""Finding our own SMS in the provider's log."""

from dataclasses import replace
from datetime import timedelta

from kernel.provider.port import LoggedMessage, Uncertain
from services.responder.core.outbox import Search, apply_result
from services.responder.core.settlement import SKEW, match_uncertain, plan_sweep
from tests.unit.responder.cases import NOW, RULES, logged, sending, sent

UNCERTAIN = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)


def test_the_one_unknown_message_to_the_number_is_it() -> None:
    ours, older = logged(), logged(message_id="p-0")
    assert match_uncertain(UNCERTAIN, [older, ours], {"p-0"}, RULES.lease) == ours


def match(*logged_: LoggedMessage) -> LoggedMessage | Search:
    return match_uncertain(UNCERTAIN, logged_, set(), RULES.lease)


def test_none_or_several_are_no_match() -> None:
    assert match() is Search.ABSENT
    assert match(logged(), logged(message_id="p-2")) is Search.AMBIGUOUS


def test_what_was_sent_before_it_or_later_than_any_send_takes_is_not_it() -> None:
    second, latest = timedelta(seconds=1), NOW + RULES.lease + SKEW
    for at in (NOW - SKEW - second, latest + second):
        assert match(logged(at=at)) is Search.ABSENT
    for at in (NOW - SKEW, latest):
        assert isinstance(match(logged(at=at)), LoggedMessage)


def test_pages_are_read_where_that_asks_less() -> None:
    replies = [replace(sent(), sending_at=NOW + timedelta(seconds=n)) for n in range(10)]
    sweep = plan_sweep(replies, sent_between=100)
    assert sweep is not None
    assert sweep.since == NOW - SKEW
    assert sweep.until == NOW + timedelta(seconds=9) + SKEW
    assert plan_sweep(replies, sent_between=180) is None
    assert plan_sweep(replies[:1], sent_between=1) is None


def test_a_sweep_concludes_nothing_about_what_it_did_not_read() -> None:
    """Else a reply of yesterday would end without its amount because a sweep of now ended."""
    replies = [replace(sent(), sending_at=NOW + timedelta(seconds=n)) for n in range(10)]
    sweep = plan_sweep(replies, sent_between=100)
    assert sweep is not None
    assert all(sweep.covers(reply) for reply in replies)
    for seconds in (-1, 10):
        assert not sweep.covers(replace(sent(), sending_at=NOW + timedelta(seconds=seconds)))
    assert not sweep.covers(replace(sent(), sending_at=None))
