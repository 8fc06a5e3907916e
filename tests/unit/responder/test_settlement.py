"""Finding our own SMS in the provider's log."""

from dataclasses import replace
from datetime import timedelta

from antirelou.provider.port import Uncertain
from services.responder.core.outbox import apply_result
from services.responder.core.settlement import SKEW, match_uncertain, plan_sweep
from tests.unit.responder.cases import NOW, RULES, logged, sending, sent

UNCERTAIN = apply_result(sending(), 1, Uncertain("timeout"), NOW, RULES)


def test_the_one_unknown_message_to_the_number_is_it() -> None:
    ours, older = logged(), logged(message_id="p-0")
    assert match_uncertain(UNCERTAIN, [older, ours], {"p-0"}) == ours


def test_none_or_several_are_no_match() -> None:
    assert match_uncertain(UNCERTAIN, [], set()) is None
    assert match_uncertain(UNCERTAIN, [logged(), logged(message_id="p-2")], set()) is None


def test_what_was_sent_before_it_is_not_it() -> None:
    before = logged(at=NOW - SKEW - timedelta(seconds=1))
    assert match_uncertain(UNCERTAIN, [before], set()) is None
    assert match_uncertain(UNCERTAIN, [logged(at=NOW - SKEW)], set()) is not None


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
