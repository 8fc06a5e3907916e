"""Values and their rows in PostgreSQL: the half of ``store`` that knows columns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from kernel.database import store as sql_store
from kernel.database.store import Row
from kernel.facts.records import Posture, ReplyKind, ReplyState
from services.billing.core.books import PostureStep
from services.billing.core.ledger import Account, Balances, Receipt
from services.billing.core.posture import Cause, Standing
from services.billing.core.release import Act, Action, Card
from services.billing.core.reply import Reply, Reservation
from services.billing.core.tariff import Basis

REPLY_COLUMNS = tuple(field.name for field in fields(Reply))
REPLY_SAVED = (
    "reply_id", "state", "reason", "rank", "sender_sealed", "changed_at", "reservation",
    "price_microeuros", "cost_microeuros", "basis", "revision", "sequence", "told_at",
)  # fmt: skip
RECEIPT_COLUMNS = tuple(field.name for field in fields(Receipt))
STANDING_COLUMNS = tuple(field.name for field in fields(Standing))


def read_queries() -> dict[str, str]:
    """The queries by their names. In them, ``{columns}`` is the columns of a reply."""
    return sql_store.read_queries("services.billing", columns=", ".join(REPLY_COLUMNS))


def to_arrays(rows: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    """Values column by column, for ``unnest``."""
    return [[getattr(row, name) for row in rows] for name in names]


def to_receipt(row: Row) -> Receipt:
    """A row of ``receipts``."""
    values = dict(row)
    return Receipt(**values | {"sender": row["sender"].hex, "basis": Basis(row["basis"])})


def to_reply(row: Row | Mapping[str, Any]) -> Reply:
    """A row of ``replies``."""
    values = dict(row)
    values |= {
        "sender": row["sender"].hex,
        "kind": ReplyKind(row["kind"]),
        "state": ReplyState(row["state"]),
        "reservation": Reservation(row["reservation"]),
        "basis": None if row["basis"] is None else Basis(row["basis"]),
    }
    return Reply(**values)


def to_card(row: Row) -> Card:
    """A row of ``load_cards``."""
    reply = to_reply({name: row[name] for name in REPLY_COLUMNS})
    basis = json.loads(row["judged_by"] or "{}")
    return Card(reply, row["last_at"] or reply.received_at, row["texts"], basis)


def to_act(row: Row) -> Act:
    """A row of ``releases``."""
    return Act(**dict(row) | {"action": Action(row["action"])})


def to_standing(row: Row) -> Standing:
    """The row of ``standing``."""
    values = dict(row)
    return Standing(**values | {"posture": Posture(row["posture"]), "cause": Cause(row["cause"])})


def to_balances(rows: Sequence[Row]) -> Balances:
    """The rows of ``accounts``."""
    return {Account(row["name"]): row["balance_microeuros"] for row in rows}


def to_posture(row: Row) -> PostureStep:
    """A row of ``postures``."""
    posture, cause = Posture(row["posture"]), Cause(row["cause"])
    return PostureStep(row["sequence"], row["at"], posture, cause, row["attach"], row["detail"])
