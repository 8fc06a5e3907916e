"""Which stretches of the log are read, and what of them is passed on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import LoggedCost, ProviderChecked, SmsReceived, decode_as
from kernel.provider.port import Page
from kernel.provider.smsgate.wire import content_id, read_received
from kernel.sealing.keys import new_keys
from kernel.sealing.privacy import Pseudonymizer
from kernel.settings.settings import load_settings
from services.responder.backfiller import Backfiller
from services.responder.core.backfill import (
    BackfillRules,
    Scan,
    ScanKind,
    apply_page,
    is_over,
    is_passed_on,
    list_costs,
    open_scan,
)
from services.responder.settings import read_settings
from tests.fakes.clock import ManualClock
from tests.unit.responder.cases import MINUTE, NOW, logged

RULES = BackfillRules(every=10 * MINUTE, behind=10 * MINUTE)
SCAN = Scan("whole", ScanKind.WHOLE, NOW, None, 0, NOW)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 45)), max_size=30))
def test_no_second_is_left_out(rounds: list[tuple[int, int]]) -> None:
    scan, now = SCAN, NOW
    for seconds, count in rounds:
        now += timedelta(seconds=seconds)
        before, scan = scan, open_scan(scan, RULES, now)
        if scan.until is None:
            assert scan.since == before.since
            continue
        assert scan.until <= now - RULES.behind
        end, read, more = scan.until, 0, True
        while more:
            assert (scan.since, scan.until, scan.offset) == (before.since, end, read)
            page = min(20, count - read)
            more = read + page < count
            scan = apply_page(scan, page, more=more, rules=RULES, now=now)
            read += page
        assert read == count
        assert (scan.since, scan.until) == (end, None)
        assert scan.look_at == now + RULES.every


def test_an_empty_page_ends_a_stretch_whatever_it_says() -> None:
    opened = open_scan(SCAN, RULES, NOW + timedelta(hours=1))
    assert apply_page(opened, 0, more=True, rules=RULES, now=NOW).until is None


def test_only_what_was_ordered_ends() -> None:
    ordered = replace(SCAN, kind=ScanKind.ORDERED)
    opened = open_scan(ordered, RULES, NOW + timedelta(hours=1))
    assert not is_over(opened)
    assert is_over(apply_page(opened, 3, more=False, rules=RULES, now=NOW))
    assert not is_over(SCAN)


@pytest.mark.parametrize(
    ("kind", "state", "passed"),
    [
        (ScanKind.WHOLE, "delivered", False),
        (ScanKind.WHOLE, "undelivered", True),
        (ScanKind.WHOLE, "received", True),
        (ScanKind.UNDELIVERED, "undelivered", True),
        (ScanKind.ORDERED, "delivered", True),
    ],
)
@pytest.mark.parametrize("amount", [None, 0, 5_000, 10_000, 90_000])
def test_each_message_is_passed_on_or_its_cost_is(
    kind: ScanKind, state: str, amount: int | None, passed: object
) -> None:
    """Whatever the price: one that is not the tariff passes nothing on a second time."""
    message = logged(state, amount, segments=2)
    assert is_passed_on(kind, message) is passed
    cost = LoggedCost(message_id="p-1", segments=2, amount_microunits=amount or 0)
    told = () if passed or amount is None else (cost,)
    assert list_costs(kind, [message]) == told


def test_a_page_tells_in_one_record_what_its_messages_cost() -> None:
    page = Page([logged("delivered", n, message_id=f"p-{n}") for n in range(20)], more=True)
    whole = replace(SCAN, kind=ScanKind.WHOLE)
    [record] = Backfiller(SETTINGS, ManualClock()).records(whole, page, NOW)
    told = decode_as(ProviderChecked, record.value)
    assert [(cost.message_id, cost.amount_microunits) for cost in told.received] == [
        (f"p-{n}", n) for n in range(20)
    ]
    assert (told.credit_microunits, told.attached, told.reconciled) == (None, None, None)


SENDER = "33639980001"
SETTINGS = read_settings(
    load_settings(
        number="+33937000000",
        plivo_auth_id="MA" + "X" * 18,
        plivo_auth_token="token",
        **new_keys().settings,
    )
)
BLOCKS = Pseudonymizer(SETTINGS.pseudonym_key).blocks("+" + SENDER)


@pytest.mark.parametrize(
    ("sender", "recipient", "blocks"),
    [
        (SENDER, "33937000000", BLOCKS),
        ("+" + SENDER, "33937000000", BLOCKS),
        (SENDER, "33937000001", ()),
        ("33937000000", "33937000000", ()),
        ("33199001234", "33937000000", ()),
        ("36105", "33937000000", ()),
        ("INFO-SMS", "33937000000", ()),
    ],
)
def test_blocks_are_told_of_a_mobile_that_can_be_answered_and_of_nobody_else(
    sender: str, recipient: str, blocks: tuple[bytes, ...]
) -> None:
    page = Page([logged("undelivered", sender=sender, recipient=recipient)], more=False)
    [record] = Backfiller(SETTINGS, ManualClock()).records(SCAN, page, NOW)
    told = decode_as(SmsReceived, record.value)
    assert told.blocks == blocks
    assert (told.sender_sealed is None) == (blocks == ())


def test_what_a_phones_inbox_holds_is_the_text_that_its_webhook_told() -> None:
    item = {"id": "-7", "type": "SMS", "sender": "+" + SENDER, "contentPreview": "Salut",
            "createdAt": "2026-06-22T15:46:11.000+02:00"}  # fmt: skip
    found = read_received(item, "+33937000000")
    assert found is not None
    scan = replace(SCAN, kind=ScanKind.WHOLE)
    [record] = Backfiller(SETTINGS, ManualClock()).records(scan, Page([found], more=False), NOW)
    told = decode_as(SmsReceived, record.value)
    pseudonym = Pseudonymizer(SETTINGS.pseudonym_key).pseudonym("+" + SENDER)
    assert told.id == content_id(pseudonym, found.at, "Salut"), "as the door tells it apart"
    assert (told.text, told.at, told.amount_microunits) == ("Salut", found.at, 0)
    assert told.to_ours
    assert "Salut" not in repr(found)
