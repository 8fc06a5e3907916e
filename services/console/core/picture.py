"""What *Now* shows: is it safe to give the number, and what needs a hand. Pure."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Safety(enum.StrEnum):
    """Whether the number may be given."""

    YES = "yes"
    SLOWLY = "slowly"
    """The most sincere first; money is kept for those who will come."""
    SILENT = "silent"
    """It is received, and not answered."""
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that may need a hand.

    Attributes:
        code: in the catalogue.
        well: it does not.
        act: the act that mends it; empty: there is none.
        command: to type; empty: there is none.
        values: for the words' braces.
    """

    code: str
    well: bool
    act: str = ""
    command: str = ""
    values: Mapping[str, int] = field(default_factory=dict)


def judge_safety(status: Mapping[str, Any]) -> Safety:
    """Of the answer of ``/v1/status``."""
    if status["attached"] is None:
        return Safety.UNKNOWN
    if not status["attached"]:
        return Safety.NO
    postures = {"normal": Safety.YES, "guarded": Safety.SLOWLY, "suspended": Safety.SILENT}
    return postures.get(status["posture"], Safety.UNKNOWN)


def list_needs(status: Mapping[str, Any]) -> Sequence[Need]:
    """What needs a hand first, then what is well; each in the order of its weight."""
    needs = list(_needs(status))
    return [need for need in needs if not need.well] + [need for need in needs if need.well]


def _needs(status: Mapping[str, Any]) -> Iterator[Need]:
    fund, replies = status["fund"], status["replies"]
    credit, available = fund["provider_credit_microeuros"], fund["available_microeuros"]
    yield Need("attached", status["attached"] is True, act="attach")
    yield Need("paused", status["posture_cause"] not in {"operator", "restored"}, act="resume")
    yield Need("fund", available > fund["floor_microeuros"], act="give")
    yield Need(
        "credit", credit is None or credit >= min(available, fund["floor_microeuros"]),
        command="antirelou doctor --live",
    )  # fmt: skip
    count = replies["unresolved"]
    yield Need("unresolved", not count, command="antirelou unresolved list",
               values={"count": count})  # fmt: skip
    count = replies["uncertain"]
    yield Need("uncertain", not count, command="antirelou status", values={"count": count})
    dead = status["dead"]
    yield Need("dead", dead == 0, command="antirelou dead list", values={"count": dead or 0})
    dear = any(price is not None for price in (status.get("dear") or {}).values())
    yield Need("dear", not dear, command="antirelou status")
    came = replies["delivered"] + replies["undelivered"]
    yield Need("delivery", came < DELIVERIES_MIN or 2 * replies["delivered"] >= came,
               command="antirelou doctor --live")  # fmt: skip


DELIVERIES_MIN = 20
"""Reports below which their share says nothing."""


def delivered_share(status: Mapping[str, Any]) -> float | None:
    """The share of reported replies that arrived; None: none was reported on."""
    replies = status["replies"]
    came = replies["delivered"] + replies["undelivered"]
    return replies["delivered"] / came if came else None
