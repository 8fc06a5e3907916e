"""HelloAsso's payments: what they are worth by their present state, and what is never read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.facts.records import DonationKind, encode
from services.donations.core.helloasso import (
    DISPUTED,
    NEVER,
    TAKEN_BACK,
    WORTH,
    WORTHLESS,
    Forms,
    Payment,
    read_page,
    read_time,
    read_token,
    report_payment,
)

AT = datetime(2026, 6, 7, 12, 11, 15, 80_000, tzinfo=UTC)
READ_AT = AT + timedelta(days=1)
STATES = (
    "Pending", "Authorized", "Refused", "Unknown", "Registered", "Error", "Refunded", "Refunding",
    "Waiting", "Canceled", "Contested", "WaitingBankValidation", "WaitingBankWithdraw",
    "Abandoned", "WaitingAuthentication", "AuthorizedPreprod", "Corrected", "Deleted",
    "Inconsistent", "NoDonation", "Init",
)  # fmt: skip
"""All that the platform's OpenAPI document names."""


def payment(**more: Any) -> dict[str, Any]:
    return {
        "id": 13790, "amount": 2000, "amountTip": 0, "state": "Authorized", "type": "Credit",
        "date": "2026-06-07T14:11:15.08+02:00", "paymentMeans": "Card",
        "order": {"id": 1, "formSlug": "3", "formType": "Donation", "isAnonymous": False},
        "payer": {"firstName": "Prénom", "lastName": "Secret", "email": "secret@example.org",
                  "dateOfBirth": "1971-02-03T00:00:00+01:00"},
        "items": [{"id": 1, "amount": 2000, "shareAmount": 2000, "type": "Donation"}],
        "refundOperations": [], "meta": {"updatedAt": "2026-06-07T14:11:15.0812345+02:00"},
    } | more  # fmt: skip


def read(*payments: Any) -> list[Payment]:
    body = json.dumps({"data": payments, "pagination": {"continuationToken": "x"}}).encode()
    return list(read_page(body).payments)


def worth(**more: Any) -> int | None:
    """What it is worth, by what is told of it; None: nothing is told."""
    facts = report_payment(read(payment(**more))[0], READ_AT)
    signs = {DonationKind.GIFT: 1}
    told = [signs.get(f.kind, -1) * f.amount_minor for f in facts if f.holds]
    return sum(told) if facts else None


EXPECTED: dict[str, int | None] = {
    **dict.fromkeys(("Authorized", "Registered", "Corrected", "Refunding"), 1500),
    "Unknown": None, "AuthorizedPreprod": None,
}  # fmt: skip


@pytest.mark.parametrize("state", [*STATES, "OfTomorrow"])
def test_the_worth_of_each_state(state: str) -> None:
    refunds = [{"id": 1, "amount": 500, "status": "Processed"},
               {"id": 1, "amount": 500, "status": "Processed"},
               {"id": 2, "amount": 700, "status": "Processing"}]  # fmt: skip
    expected = EXPECTED.get(state, 0 if state in STATES else None)
    assert worth(state=state, refundOperations=refunds) == expected


def test_every_state_of_the_document_has_one_meaning() -> None:
    meant = [WORTH, TAKEN_BACK, DISPUTED, WORTHLESS, NEVER, frozenset({"Unknown"})]
    assert sorted(state for states in meant for state in states) == sorted(STATES)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"amountTip": 300}, 2000),
        ({"amountTip": 300, "amount": 2300}, 2000),
        ({"amountTip": None, "items": None, "refundOperations": None}, 2000),
        ({"amountTip": 300, "amount": 2300,
          "refundOperations": [{"id": 1, "amount": 2300, "amountTip": 300, "status": "Processed"}]},
         0),
        ({"refundOperations": [{"id": 1, "amount": 9999, "status": "Processed"}]}, 0),
        ({"type": "Offline", "state": "Registered"}, None),
        ({"amount": 0, "items": []}, 0),
        ({"state": "Contested",
          "refundOperations": [{"id": 1, "amount": 500, "status": "Processed"}]}, 0),
    ],
)  # fmt: skip
def test_the_tip_is_not_ours_and_refunds_take_no_more_than_was_given(
    more: dict[str, Any], expected: int | None
) -> None:
    assert worth(**more) == expected


def test_a_payment_has_one_name_and_the_later_reading_counts() -> None:
    [found] = read(payment())
    gift, refund, contest = report_payment(found, READ_AT)
    assert gift.id == "helloasso:payment:13790"
    assert {gift.about, refund.about, contest.about} == {("helloasso:payment:13790",)}
    assert (gift.amount_minor, gift.currency, gift.at, gift.card) == (2000, "EUR", AT, True)
    assert (refund.holds, contest.holds) == (False, False)
    later = report_payment(found, READ_AT + timedelta(seconds=1))[0]
    assert later.version > gift.version


@pytest.mark.parametrize(
    ("slugs", "form", "taken"),
    [
        ((), ("Donation", "3"), True), ((), ("CrowdFunding", "pot"), True),
        ((), ("Membership", "3"), False), ((), ("Event", "3"), False), ((), ("Shop", "3"), False),
        ((), ("PaymentForm", "3"), False), (("pot",), ("CrowdFunding", "pot"), True),
        (("pot",), ("Donation", "3"), False), (("3",), ("Membership", "3"), False),
        (("3",), ("PaymentForm", "3"), True),
    ],
)  # fmt: skip
def test_forms_of_gifts_alone_are_counted(
    slugs: tuple[str, ...], form: tuple[str, str], *, taken: bool
) -> None:
    [found] = read(payment())
    found = replace(found, form_type=form[0], form_slug=form[1])
    assert Forms(frozenset(slugs)).take(found) is taken


def test_one_that_cannot_be_read_costs_no_other() -> None:
    body = json.dumps({"data": [payment(), payment(date="yesterday"), {"id": 3}, 5, payment(id=9)]})
    page = read_page(body.encode())
    assert ([p.id for p in page.payments], page.count, page.unreadable) == ([13790, 9], 5, 3)
    for rubbish in (b"", b"[]", b'{"data": 5}', b"\xff"):
        with pytest.raises(ValueError, match="page"):
            read_page(rubbish)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=5))
def test_whatever_a_payment_holds_it_is_read_or_left_out(noise: dict[str, Any]) -> None:
    page = read_page(json.dumps({"data": [payment() | noise]}).encode())
    assert len(page.payments) + page.unreadable == 1


def test_nothing_of_a_giver_is_told() -> None:
    told = b"".join(encode(fact) for fact in report_payment(read(payment())[0], READ_AT))
    assert not [word for word in (b"Secret", b"secret", b"1971", "Prénom".encode()) if word in told]


def test_times_are_read_with_their_offset() -> None:
    assert read_time("2026-06-07T14:11:15.08+02:00") == AT
    assert read_time("2026-06-07T12:11:15.0800000Z") == AT
    assert read_time("2026-06-07T12:11:15.08") == AT


def test_a_token_is_used_for_nine_tenths_of_its_life() -> None:
    assert read_token(b'{"access_token": "t", "expires_in": 1800}') == ("t", 1620)
    assert read_token(b'{"access_token": "t"}')[1] > 0
    with pytest.raises(ValueError, match="token"):
        read_token(b"{}")
