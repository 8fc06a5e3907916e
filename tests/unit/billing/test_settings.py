"""What billing takes from the settings, in real time and micro-euros."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.sealing.privacy import new_keypair
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from services.billing.core.tariff import is_over_cap, price_reply
from services.billing.settings import read_settings

_, PUBLIC = new_keypair()


def make(**overrides: Any) -> Settings:
    values: dict[str, Any] = {
        "operator_token": "an-operators-token",
        "pseudonym_key": "00" * 32,
        "sending_public_key": PUBLIC.hex(),
    }
    return load_settings(**values | overrides)


def test_the_defaults_are_the_contracts() -> None:
    own = read_settings(make())
    assert (price_reply(own.tariff), own.tariff.receive_microeuros) == (150_000, 10_000)
    assert not is_over_cap(price_reply(own.tariff), own.tariff)
    assert own.posture.floor_microeuros == 20_000_000
    assert own.posture.daily_cap_microeuros is None
    assert (own.posture.margin_microeuros, own.posture.floor_hours) == (160_000, 6)
    assert own.posture.credit_floor_microeuros == 1_600_000
    assert (own.wait_longest, own.hour) == (timedelta(hours=72), timedelta(hours=1))
    assert (own.ahead_max, own.reappend_after) == (30, timedelta(minutes=10))
    assert own.operator.token == "an-operators-token"


def test_the_longest_text_sets_the_price() -> None:
    texts = ["Bonjour.", "Arrêtez. " * 9]
    own = read_settings(make(reply_texts=texts, cap_per_exchange="0.31"))
    assert price_reply(own.tariff) == 300_000


def test_a_text_that_breaks_the_cap_is_refused_at_the_start_rather_than_every_reply() -> None:
    with pytest.raises(Fatal, match=r"REPLY_TEXTS: the longest is 2 segments.*`antirelou doctor`"):
        read_settings(make(reply_texts=["Bonjour.", "Arrêtez. " * 9]))


@pytest.mark.parametrize(
    ("rate", "speed", "ahead"), [(0.5, 1, 30), (0.001, 1, 1), (0.5, 60, 30), (0.5, 2000, 1000)]
)
def test_a_minute_of_sending_is_at_least_a_second_and_one_reply(
    rate: float, speed: float, ahead: int
) -> None:
    assert read_settings(make(send_rate=rate, clock_speed=speed)).ahead_max == ahead


def test_a_fast_clock_divides_the_houses_own_durations() -> None:
    own = read_settings(make(clock_speed=3600))
    assert own.hour == timedelta(seconds=1)
    assert own.posture.probe_every == timedelta(seconds=0.5)
    assert own.wait_longest == timedelta(seconds=72)
    assert own.reappend_after == timedelta(seconds=10), "telling and hearing takes real time"


@pytest.mark.parametrize("name", ["operator_token", "pseudonym_key", "sending_public_key"])
def test_what_is_missing_is_named(name: str) -> None:
    settings = make().model_copy(update={name: type(getattr(make(), name))("")})
    with pytest.raises(Fatal, match=name.upper()):
        read_settings(settings)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, False),
        ({"release": "person"}, True),
        ({"provider": "smsgate"}, True),
        ({"provider": "smsgate", "release": "auto"}, False),
    ],
)
def test_on_a_phone_a_person_releases_unless_it_is_said(
    *, chosen: dict[str, str], expected: bool
) -> None:
    assert read_settings(make(**chosen)).by_person is expected
