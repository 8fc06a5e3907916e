"""Which stretches of the log are read, and what of them is passed on."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import SmsReceived, decode_as
from kernel.provider.port import Page
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
    ("kind", "state", "amount", "passed"),
    [
        (ScanKind.WHOLE, "delivered", 10_000, False),
        (ScanKind.WHOLE, "delivered", 10_001, True),
        (ScanKind.WHOLE, "delivered", 0, True),
        (ScanKind.WHOLE, "delivered", None, False),
        (ScanKind.WHOLE, "undelivered", 10_000, True),
        (ScanKind.WHOLE, "received", None, True),
        (ScanKind.UNDELIVERED, "undelivered", 10_000, True),
        (ScanKind.ORDERED, "delivered", 10_000, True),
    ],
)
def test_what_is_passed_on(kind: ScanKind, state: str, amount: int | None, passed: object) -> None:
    assert is_passed_on(kind, logged(state, amount), 10_000) is passed


def test_segments_are_allowed_for() -> None:
    assert not is_passed_on(ScanKind.WHOLE, logged("delivered", 20_000, segments=2), 10_000)
    assert is_passed_on(ScanKind.WHOLE, logged("delivered", 10_000, segments=2), 10_000)


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
    [record] = Backfiller(SETTINGS, ManualClock()).records(SCAN, page)
    told = decode_as(SmsReceived, record.value)
    assert told.blocks == blocks
    assert (told.sender_sealed is None) == (blocks == ())
