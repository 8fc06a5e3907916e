"""What the operator API answers: values as JSON. Pure. No text, no number is in any of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from kernel.facts.records import Decision, Reason, ReplyState
from services.billing.core.gift import Part
from services.billing.operator import Entry, Fund, ReplyWay, Restoration, Status, Way

SILENCES = tuple(reason.value for reason in Reason if reason is not Reason.DESERVED)


def describe_time(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def describe_fund(fund: Fund) -> dict[str, int | None]:
    """The accounts, as in docs/contract.md §3."""
    return asdict(fund)


def describe_status(status: Status, dead: int | None) -> dict[str, Any]:
    """The status, as in docs/contract.md §3.

    Args:
        dead: records on the dead topics that were not put back; None: the log is away.
    """
    watched = status.watched
    judged = dict.fromkeys((Decision.REPLY.value, *SILENCES), 0) | dict(status.judged)
    return {
        "posture": status.posture.value,
        "posture_cause": status.posture_cause,
        "attached": status.attached,
        "last_webhook_at": describe_time(status.last_webhook_at),
        "fund": describe_fund(status.fund),
        "messages": {
            "received": status.received,
            # A verdict may be read before the message that it is about.
            "deliberating": max(status.received - sum(judged.values()), 0),
            "judged": judged,
        },
        "replies": dict.fromkeys((state.value for state in ReplyState), 0) | dict(status.replies),
        "dead": dead,
        # Asked for a segment within a day; null: within the tariff.
        "dear": {name: price or None for name, price in watched.dear._asdict().items()},
    }


def describe_restoration(found: Restoration) -> dict[str, Any]:
    """The latest restore from a backup."""
    times = ("backup_at", "restored_at", "reconciled_at")
    return asdict(found) | {name: describe_time(getattr(found, name)) for name in times}


def describe_entries(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The book's entries."""
    return [
        {
            "at": describe_time(entry.at),
            "kind": entry.kind.value,
            "amount_microeuros": entry.amount_microeuros,
            "id": entry.id,
            "note": entry.note,
        }
        for entry in entries
    ]


def describe_parts(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What platforms reported; of a giver nothing is known."""
    return [
        {
            "at": describe_time(part.at),
            "source": part.source.value,
            "kind": part.kind.value,
            "amount_minor": part.amount_minor,
            "currency": part.currency,
            "holds": part.holds,
            "id": part.id,
            "payment": part.payment,
            "uncounted": part.uncounted,
        }
        for part in parts
    ]


def describe_way(way: Way) -> dict[str, Any]:
    """The way of one message."""
    return {
        "id": way.id,
        "kind": way.kind,
        "received_at": describe_time(way.received_at),
        "receive_cost_microeuros": way.cost_microeuros,
        "verdict": way.verdict,
        "reason": way.reason,
        "basis": dict(way.basis),
        "due_at": describe_time(way.due_at),
        "reply": None if way.reply is None else _describe_reply(way.reply),
    }


def _describe_reply(reply: ReplyWay) -> Mapping[str, Any]:
    steps = [
        {"at": describe_time(step.at), "state": step.state, "reason": step.reason}
        for step in reply.steps
    ]
    return {
        "state": steps[-1]["state"] if steps else None,
        "states": steps,
        "price_microeuros": reply.price_microeuros,
        "cost_microeuros": reply.cost_microeuros,
    }
