"""Talking to a running house from a test: as its operator, and as its provider's crowd."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from antirelou.cli.demo.house import House
from antirelou.cli.demo.run import operate
from antirelou.cli.demo.watch import call
from tests.support.eventually import eventually

NUMBER = "+33937000000"


def status(house: House) -> dict[str, Any]:
    """What ``antirelou status --json`` shows."""
    answer: dict[str, Any] = operate(house, "GET", "/v1/status")
    return answer


def donate(house: House, amount_eur: str, *, id_: str = "gift") -> None:
    """Put money into the fund."""
    operate(house, "POST", "/v1/donations", {"id": id_, "amount_eur": amount_eur, "note": "test"})


def text_in(house: House, sender: str, text: str | None, **more: Any) -> str:
    """Somebody texts the number. Returns the provider's id of it."""
    message = {"from": sender, "to": NUMBER, "text": text, **more}
    answer = call(f"{house.provider_url}/_sim/messages", method="POST", body=message)
    message_id: str = answer["message_uuids"][0]
    return message_id


def sent_by_provider(house: House) -> Sequence[Mapping[str, Any]]:
    """The SMS that the provider sent for us."""
    answer: Sequence[Mapping[str, Any]] = call(
        f"{house.provider_url}/_sim/messages?direction=outbound"
    )["messages"]
    return answer


async def status_when(
    house: House, holds: Callable[[dict[str, Any]], bool], *, seconds_max: float = 30
) -> dict[str, Any]:
    """The first status for which the condition holds."""

    def look() -> dict[str, Any] | None:
        house.check()
        now = status(house)
        return now if holds(now) else None

    try:
        return await eventually(look, seconds_max=seconds_max, every=0.2) or {}
    except AssertionError:
        raise AssertionError(f"not within {seconds_max} s; last: {status(house)}") from None
