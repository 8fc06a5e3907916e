"""What a simulated Plivo does wrong, on demand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any, Literal, get_args

Detached = Literal["charged", "rejected"]
Unlink = Literal["empty", "other", "any"]
REPRICED_PERCENT = 150
"""Below three times the tariff, from where on we doubt a price."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong: for certain the next ``count`` times, then by chance.

    Attributes:
        probability: from 0 to 1.
        count: how many times more for certain.
    """

    probability: float = 0.0
    count: int = 0

    def strikes(self, random: Random) -> bool:
        """Whether it happens this time."""
        if self.count > 0:
            self.count -= 1
            return True
        return self.probability > 0 and random.random() < self.probability


def _never() -> Fault:
    return Fault()


@dataclass(slots=True)
class Faults:
    """Everything that can go wrong, all of it off; change it while the server runs.

    Attributes:
        too_many_requests, no_credit, server_error, bad_gateway, unavailable: a send is answered
            429, 402, 500, 502, 503 and not accepted.
        connection_reset: the connection of a send breaks, and it is not accepted.
        accept_then_timeout: a send is accepted, its answer never comes.
        accept_then_502, accept_then_reset: a send is accepted, its answer is a 502, or none.
        rubbish: a send is accepted; its answer is a 202 that is no JSON (the SDK returns None).
        slow: an API request is answered ``slow_seconds`` late.
        query_error: any other API request is answered 500.
        query_rubbish: any other API request is answered 200, with a body that is no JSON.
        undelivered: the carrier does not deliver (charged).
        failed: the SMS never leaves Plivo (not charged).
        report_duplicate, report_late, report_lost, report_out_of_order: of status reports.
        webhook_duplicate: an inbound message is delivered twice, with the same id.
        webhook_late: an inbound message is first delivered ``webhook_late_seconds`` late, so that
            others overtake it.
        webhook_lost: an attempt to deliver an inbound message does not arrive.
        repriced: an SMS, either way, is billed at ``REPRICED_PERCENT`` of the tariff.
        repriced_late: an SMS that we send is, but only after its first report told the tariff.
        wrong_amount: a webhook's or report's ``TotalAmount`` is ten times what is billed.
        detached: whether a message to a detached number is charged (and logged), or rejected.
        unlink_by: what detaches the number: the empty app_id, another application's, or any;
            whatever else is answered 202 and changes nothing.
        list_lag_seconds: how old a message is before the log lists it, at speed 1.
        report_late_seconds, webhook_late_seconds: how late a late one is, at speed 1.
        slow_seconds: network time, which no speed divides.
    """

    too_many_requests: Fault = field(default_factory=_never)
    no_credit: Fault = field(default_factory=_never)
    server_error: Fault = field(default_factory=_never)
    bad_gateway: Fault = field(default_factory=_never)
    unavailable: Fault = field(default_factory=_never)
    connection_reset: Fault = field(default_factory=_never)
    accept_then_timeout: Fault = field(default_factory=_never)
    accept_then_502: Fault = field(default_factory=_never)
    accept_then_reset: Fault = field(default_factory=_never)
    rubbish: Fault = field(default_factory=_never)
    slow: Fault = field(default_factory=_never)
    query_error: Fault = field(default_factory=_never)
    query_rubbish: Fault = field(default_factory=_never)
    undelivered: Fault = field(default_factory=_never)
    failed: Fault = field(default_factory=_never)
    report_duplicate: Fault = field(default_factory=_never)
    report_late: Fault = field(default_factory=_never)
    report_lost: Fault = field(default_factory=_never)
    report_out_of_order: Fault = field(default_factory=_never)
    webhook_duplicate: Fault = field(default_factory=_never)
    webhook_late: Fault = field(default_factory=_never)
    webhook_lost: Fault = field(default_factory=_never)
    repriced: Fault = field(default_factory=_never)
    repriced_late: Fault = field(default_factory=_never)
    wrong_amount: Fault = field(default_factory=_never)
    detached: Detached = "charged"
    unlink_by: Unlink = "any"
    list_lag_seconds: float = 5.0
    report_late_seconds: float = 900.0
    webhook_late_seconds: float = 900.0
    slow_seconds: float = 3.0

    def update(self, changes: Mapping[str, Any]) -> None:
        """Apply changes read from JSON; all or none.

        Args:
            changes: by name; a fault is a number (its probability) or
                ``{"probability": 0.1, "count": 2}``.

        Raises:
            ValueError: an unknown name or a value that does not fit, named.
        """
        read = {name: self._read(name, value) for name, value in changes.items()}
        for name, value in read.items():
            setattr(self, name, value)

    def _read(self, name: str, value: Any) -> Any:
        if name not in {one.name for one in fields(self)}:
            raise ValueError(f"{name}: no such fault")
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise ValueError(f"{name}: accepted: {', '.join(_CHOICES[name])}")
            return value
        if name.endswith("_seconds"):
            return _read_number(name, value)
        return _read_fault(name, value)


_CHOICES = {"detached": get_args(Detached), "unlink_by": get_args(Unlink)}


def _read_number(name: str, value: Any, maximum: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        raise ValueError(f"{name}: a number from 0 to {maximum}")
    return float(value)


def _read_fault(name: str, value: Any) -> Fault:
    if not isinstance(value, Mapping):
        return Fault(_read_number(name, value, 1))
    if value.keys() - {"probability", "count"}:
        raise ValueError(f"{name}: accepted: probability, count")
    probability = _read_number(f"{name}.probability", value.get("probability", 0), 1)
    count = value.get("count", 0)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError(f"{name}.count: a whole number from 0")
    return Fault(probability, count)
