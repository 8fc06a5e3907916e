"""Talking to a running house from a test: as its operator, and as its provider's crowd."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from antirelou.commands.audit.judge import UNCERTAIN_SMS
from antirelou.commands.demo.house import House, Process, free_port
from antirelou.commands.demo.run import is_at_rest, look, operate
from antirelou.commands.demo.watch import Moment, call
from tests.support.audit import audit_house
from tests.support.eventually import eventually

NUMBER = "+33937000000"


def another_member(house: House, target: str, number: int = 2) -> Process:
    """Another member of a service's group, not started."""
    first = next(one for one in house.services if one.name == target)
    ops = f"127.0.0.1:{free_port()}"
    own = {**first.settings, "ops_listen": ops, "listen": f"127.0.0.1:{free_port()}"}
    name = f"{target}{number}"
    return Process(name, ["serve", target], own, house.folder, f"http://{ops}/readyz")


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


async def at_rest(house: House, *, seconds_max: float) -> int:
    """Wait until the crowd has texted and all that came of it has ended; decide what is left.

    A service that is killed between noting a send and making it leaves a reply that nobody can be
    sure of: it ends unresolved, by design. Where the provider's log has no SMS of it the operator
    says so, as the runbook tells him.

    Returns:
        how many he decided about.

    Raises:
        AssertionError: it did not; says how it stands, and what an audit finds.
    """
    await _rests(house, seconds_max)
    unresolved = operate(house, "GET", "/v1/unresolved")["replies"]
    if unresolved:
        found = {f.what for one in await audit_house(house) for f in one.under_way}
        assert UNCERTAIN_SMS not in found, "the provider's log tells what became of it"
        for reply in unresolved:
            operate(house, "POST", f"/v1/unresolved/{reply['id']}", {"outcome": "void", "why": ""})
        await status_when(house, lambda now: now["replies"]["unresolved"] == 0)
        await _rests(house, seconds_max)
    return len(unresolved)


async def _rests(house: House, seconds_max: float) -> None:
    last: list[Moment] = []

    def rests() -> bool:
        try:
            last[:] = [look(house)]
        except OSError:
            return False  # it is on its way back
        return is_at_rest(without_unresolved(last[0]))

    try:
        await eventually(rests, seconds_max=seconds_max, every=0.5)
    except AssertionError:
        stands = last[0] if last else "it does not answer"
        found = [(f.what, len(f.ids)) for one in await audit_house(house) for f in one.under_way]
        raise AssertionError(f"did not come to rest: {stands}; under way: {found}") from None


def without_unresolved(moment: Moment) -> Moment:
    """Their money is held until a person decides: no rest would come by itself."""
    if not moment.status["replies"]["unresolved"]:
        return moment
    fund = {**moment.status["fund"], "reserved_microeuros": 0}
    return replace(moment, status={**moment.status, "fund": fund})


def with_voided_ended(status: Mapping[str, Any], voided: int) -> dict[str, Any]:
    """A status as the demo's checks read it: what died on its way to the provider has ended, but
    is no SMS, neither theirs nor ours."""
    replies = status["replies"]
    ended = {"failed": replies["failed"] - voided, "expired": replies["expired"] + voided}
    return {**status, "replies": {**replies, **ended}}
