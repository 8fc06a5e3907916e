"""What a rehearsal came to: a line a message, and the whole in a few figures. Pure."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from antirelou.commands.rehearse.course import Course, Glance
from kernel.facts.records import Decision

POINTS_MAX = 240
"""Points of the fund's course in the summary."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A rehearsal in figures; money in micro-euros, times in seconds.

    Attributes:
        messages: distinct ids; ``repeated`` lines told one of them again.
        senders: distinct, of what arrived.
        silent: by reason.
        replies: how many verdicts said so; ``answered`` of them were sent.
        waited_seconds: from due to sent, of those answered: median, 95 of 100, the longest.
        fund_over_time: at most ``POINTS_MAX`` instants, with posture.
    """

    messages: int
    repeated: int
    senders: int
    silent: dict[str, int]
    replies: int
    answered: int
    waited_seconds: dict[str, float]
    fund_microeuros: int
    spent_receive_microeuros: int
    spent_reply_microeuros: int
    available_microeuros: int
    waiting_microeuros: int
    postures: dict[str, float]
    fund_over_time: list[dict[str, Any]]


def describe_fates(course: Course) -> Iterator[str]:
    """A line for each distinct message, in the order of arrival (docs/contract.md §6)."""
    for fate in course.fates.values():
        yield json.dumps(
            {
                "id": fate.id,
                "decision": fate.decision,
                "reason": fate.reason,
                "score": round(fate.score, 6),
                "replied_at": describe_time(fate.replied_at),
                "cost_microeuros": fate.cost_microeuros,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )


def summarize(course: Course, fund_microeuros: int, price_microeuros: int) -> Summary:
    """The whole in figures.

    Args:
        price_microeuros: of a reply: what those still waiting would cost.
    """
    fates = course.fates.values()
    replies = [fate for fate in fates if fate.decision == Decision.REPLY]
    waited = sorted(
        (fate.replied_at - fate.due_at).total_seconds()
        for fate in replies
        if fate.replied_at is not None and fate.due_at is not None
    )
    last = course.glances[-1] if course.glances else None
    silent = Counter(fate.reason for fate in fates if fate.decision != Decision.REPLY)
    return Summary(
        messages=len(fates),
        repeated=course.repeated,
        senders=len(course.senders),
        silent=dict(sorted(silent.items(), key=lambda item: (-item[1], item[0]))),
        replies=len(replies),
        answered=len(waited),
        waited_seconds={
            "p50": _quantile(waited, 0.5), "p95": _quantile(waited, 0.95),
            "max": waited[-1] if waited else 0.0,
        },
        fund_microeuros=fund_microeuros,
        spent_receive_microeuros=last.spent_receive if last else 0,
        spent_reply_microeuros=last.spent_reply if last else 0,
        available_microeuros=last.available if last else fund_microeuros,
        waiting_microeuros=(last.waiting if last else 0) * price_microeuros,
        postures=count_hours(course.glances),
        fund_over_time=[_describe_glance(glance) for glance in thin_out(course.glances)],
    )  # fmt: skip


def describe_summary(summary: Summary) -> dict[str, Any]:
    """For machines."""
    return asdict(summary)


def describe_time(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def count_hours(glances: Sequence[Glance]) -> dict[str, float]:
    """How many hours each posture lasted."""
    hours: dict[str, float] = {}
    for before, after in pairwise(glances):
        lasted = (after.at - before.at) / timedelta(hours=1)
        hours[before.posture] = hours.get(before.posture, 0.0) + lasted
    return {posture: round(lasted, 2) for posture, lasted in sorted(hours.items())}


def thin_out(glances: Sequence[Glance]) -> list[Glance]:
    """At most ``POINTS_MAX`` of them, the last one included."""
    step = max(len(glances) / POINTS_MAX, 1.0)
    kept = {round(i * step) for i in range(int(len(glances) / step))}
    kept |= {len(glances) - 1} if glances else set()
    return [glance for number, glance in enumerate(glances) if number in kept]


def _describe_glance(glance: Glance) -> dict[str, Any]:
    return {
        "at": describe_time(glance.at),
        "available_microeuros": glance.available,
        "waiting": glance.waiting,
        "posture": glance.posture,
        "cause": glance.cause,
        "attached": glance.attached,
    }


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
