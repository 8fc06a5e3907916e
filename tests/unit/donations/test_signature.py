"""Stripe's signature, held against Stripe's own library."""

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from services.donations.core.signature import TOLERANCE_SECONDS, is_signed
from simulator.stripe import sign

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SECRETS = ("whsec_one_of_two", "whsec_two_of_two")
BODY = '{"id": "evt_1", "amount": 2000, "é": "…"}'.encode()


def oracle(header: str, body: bytes, secret: str) -> bool:
    """What Stripe's library says of the signature, whenever it was made."""
    try:
        return bool(
            stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance=None)
        )
    except stripe.SignatureVerificationError:
        return False


@given(
    st.lists(st.sampled_from([*SECRETS, "whsec_of_another"]), max_size=3),
    st.sampled_from([BODY, BODY + b" ", b"{}"]),
    st.sampled_from(["", ",v0=ab", ",v1=", ",v1=zz", ",x", ",="]),
)
def test_as_the_library_says(signers: list[str], body: bytes, tail: str) -> None:
    header = sign(BODY, signers, NOW) + tail
    for secret in SECRETS:
        assert is_signed(header, body, [secret], NOW) is oracle(header, body, secret)
        assert is_signed(header, body, [secret], NOW) is (secret in signers and body == BODY)


def test_what_makes_the_library_stumble_does_not_make_us() -> None:
    header = "v1=é," + sign(BODY, SECRETS[:1], NOW)
    assert is_signed(header, BODY, SECRETS, NOW)
    assert not is_signed("v1=é,t=1", BODY, SECRETS, NOW)


@pytest.mark.parametrize(
    ("seconds", "taken"),
    [(0, True), (TOLERANCE_SECONDS, True), (TOLERANCE_SECONDS + 1, False), (-10_000, True)],
)
def test_old_ones_are_refused_and_a_clock_that_is_ahead_is_not(
    seconds: int, *, taken: bool
) -> None:
    header = sign(BODY, SECRETS[:1], NOW - timedelta(seconds=seconds))
    assert is_signed(header, BODY, SECRETS, NOW) is taken


def test_either_secret_will_do_and_none_is_no_secret() -> None:
    for secret in SECRETS:
        assert is_signed(sign(BODY, [secret], NOW), BODY, SECRETS, NOW)
    assert is_signed(sign(BODY, ["whsec_older", SECRETS[1]], NOW), BODY, SECRETS, NOW)
    assert not is_signed(sign(BODY, ["whsec_older"], NOW), BODY, SECRETS, NOW)
    assert not is_signed(sign(BODY, SECRETS, NOW), BODY, (), NOW)


@pytest.mark.parametrize(
    "header", ["", "t=", "v1=ab", "t=1e9,v1=ab", "t=9999999999999,v1=a", "t=٣,v1=a", "t=-1,v1=a"]
)
def test_rubbish_is_no_signature(header: str) -> None:
    assert not is_signed(header, BODY, SECRETS, NOW)
