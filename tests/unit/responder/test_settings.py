"""What the responder takes from the settings, and what stops its start."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.sealing.privacy import new_keypair
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from services.responder.settings import read_settings

PRIVATE, PUBLIC = new_keypair()


def make(**overrides: Any) -> Settings:
    values: dict[str, Any] = {
        "number": "+33937000000",
        "plivo_auth_id": "MA" + "X" * 18,
        "plivo_auth_token": "token",
        "pseudonym_key": "00" * 32,
        "sending_public_key": PUBLIC.hex(),
        "sending_private_key": PRIVATE.hex(),
    }
    return load_settings(**values | overrides)


def test_a_text_over_the_cap_stops_the_start_with_its_characters() -> None:
    with pytest.raises(Fatal, match=r"REPLY_TEXTS.*'ê' -> 'e'"):
        read_settings(make(reply_texts=["Arrêtez. " * 9]))


@pytest.mark.parametrize("name", ["number", "plivo_auth_token", "sending_private_key"])
def test_what_is_missing_is_named(name: str) -> None:
    settings = make().model_copy(update={name: type(getattr(make(), name))("")})
    with pytest.raises(Fatal, match=name.upper()):
        read_settings(settings)


def test_keys_of_two_pairs_stop_the_start() -> None:
    _, another = new_keypair()
    with pytest.raises(Fatal, match="SENDING_PRIVATE_KEY: is not the private half") as refusal:
        read_settings(make(sending_public_key=another.hex()))
    assert PRIVATE.hex() not in str(refusal.value)


def test_a_fast_clock_cuts_waits_but_not_below_what_they_wait_for() -> None:
    slow, fast = read_settings(make()), read_settings(make(clock_speed=4000))
    assert slow.outbox.settle_after == timedelta(minutes=10)
    assert slow.outbox.final_after == timedelta(days=1)
    assert fast.outbox.settle_after == timedelta(seconds=10)
    assert fast.outbox.final_after == timedelta(seconds=30)
    assert fast.outbox.lease == slow.outbox.lease
    assert fast.rate.per_second == 2000
    # The number is off within five seconds of the provider's return, in life as well.
    assert slow.attachment.retry_away == fast.attachment.retry_away == timedelta(seconds=2)


def test_the_reference_is_in_the_callback_whatever_it_holds() -> None:
    url = read_settings(make(public_url="https://sms.example.org")).callback_url("a/b&c=d é")
    assert url == "https://sms.example.org/webhooks/plivo/report?ref=a%2Fb%26c%3Dd%20%C3%A9"


def test_the_tariff_is_in_the_providers_currency() -> None:
    settings = read_settings(make(provider_currency="USD", provider_rate="0.8"))
    assert settings.outbox.amount_min_microunits == 187_500
    assert settings.outbox.amount_max_microunits == 3 * 187_500
