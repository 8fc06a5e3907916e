"""V2 signs no body: what a captured signature is worth to a forger, and what it is not."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from antirelou.commands.demo.house import House
from antirelou.commands.demo.run import operate
from tests.security.webhooks import Caller
from tests.support.eventually import eventually
from tests.support.house import NUMBER, donate, status, status_when
from tests.support.webhooks import message_form

TARIFF = 10_000
"""Micro-euros: ``PRICE_RECEIVE``."""


@pytest.fixture
async def caller(house: House) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(house, session)


def form_of(message_id: str, **more: str) -> dict[str, str]:
    sender = f"3363998{secrets.randbelow(10_000):04d}"
    return message_form(message_id, From=sender, To=NUMBER.lstrip("+"), **more)


def spent(house: House) -> int:
    found: int = status(house)["fund"]["spent_receive_microeuros"]
    return found


def implausible(house: House) -> float:
    metrics = _read(house.services[0].ready_url.replace("/readyz", "/metrics"))
    name = 'antirelou_amounts_implausible_total{on="receive"} '
    return sum(float(line.split()[1]) for line in metrics.splitlines() if line.startswith(name))


def _read(url: str) -> str:
    import urllib.request

    with urllib.request.urlopen(url) as answer:
        text: str = answer.read().decode()
        return text


def explain(house: House, message_id: str) -> dict[str, Any] | None:
    try:
        (found,) = operate(house, "POST", "/v1/explain", {"id": message_id})["messages"]
    except OSError:
        return None  # not known yet
    message: dict[str, Any] = found
    return message


@pytest.mark.parametrize("amount", ["0.031", "99.00", "999999999.999999"])
async def test_a_forged_amount_is_booked_at_the_tariff_with_an_alarm(
    house: House, caller: Caller, amount: str
) -> None:
    donate(house, "5.00", id_=f"forged-{amount}")
    before, alarms = spent(house), implausible(house)
    message_id = f"forged-{secrets.token_hex(6)}"
    # Signed once, for another body: V2 does not tell.
    nonce = secrets.token_hex(8)
    headers = caller.sign("message", form_of(message_id), nonce=nonce)
    assert await caller.post("message", form_of(message_id, TotalAmount=amount), headers) == 200
    await eventually(lambda: spent(house) > before, seconds_max=30, every=0.2)
    assert spent(house) == before + TARIFF
    await eventually(lambda: implausible(house) > alarms, seconds_max=10, every=0.2)


async def test_an_amount_of_three_times_the_tariff_is_booked_as_it_is(
    house: House, caller: Caller
) -> None:
    donate(house, "5.00", id_="three-times")
    before, alarms = spent(house), implausible(house)
    message_id = f"three-{secrets.token_hex(6)}"
    form = form_of(message_id, TotalAmount="0.03")
    headers = caller.sign("message", form, nonce=secrets.token_hex(8))
    assert await caller.post("message", form, headers) == 200
    await eventually(lambda: spent(house) > before, seconds_max=30, every=0.2)
    assert spent(house) == before + 3 * TARIFF
    assert implausible(house) == alarms


async def test_a_nonce_is_good_for_one_message(house: House, caller: Caller) -> None:
    before = status(house)["messages"]["received"]
    first, other = (f"nonce-{secrets.token_hex(6)}" for _ in range(2))
    form = form_of(first)
    headers = caller.sign("message", form, nonce=secrets.token_hex(8))
    assert await caller.post("message", form, headers) == 200
    assert await caller.post("message", form, headers) == 200  # the provider's retry
    assert await caller.post("message", form_of(other), headers) == 403
    await status_when(house, lambda now: now["messages"]["received"] == before + 1)


async def test_a_nonce_replayed_to_another_replica_is_judged_replayed(
    house: House, caller: Caller
) -> None:
    """A replica that did not see the first takes the second; the filter knows both."""
    first, forged = (f"replica-{secrets.token_hex(6)}" for _ in range(2))
    nonce = secrets.token_hex(8)
    await _through_a_second_door(house, form_of(first), nonce)
    await eventually(lambda: explain(house, first), seconds_max=30, every=0.2)
    form = form_of(forged)
    assert await caller.post("message", form, caller.sign("message", form, nonce=nonce)) == 200
    found = await eventually(
        lambda: (explain(house, forged) or {}).get("reason"), seconds_max=30, every=0.2
    )
    assert found == "replayed"


async def _through_a_second_door(house: House, form: dict[str, str], nonce: str) -> None:
    """As a second replica of ingest takes it: its own memory of nonces, the same log."""
    from prometheus_client import CollectorRegistry

    from kernel.service.port import Ports
    from kernel.settings.settings import load_settings
    from kernel.telemetry.metrics import Telemetry
    from kernel.values.clock import SystemClock
    from services.ingest.service import open_ingest
    from tests.support.scan import reading

    own = {
        name: house.settings[name]
        for name in ("number", "plivo_auth_token", "public_url", "pseudonym_key",
                     "sending_public_key", "evidence_public_key")
    }  # fmt: skip
    settings = load_settings(**own, listen="127.0.0.1:0")
    async with reading(house) as (log, _):
        ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
        async with open_ingest(settings, ports) as door, aiohttp.ClientSession() as session:
            second = Caller(house, session)
            headers = second.sign("message", form, nonce=nonce)
            second.url = door.url
            assert await second.post("message", form, headers) == 200
