"""What a demo shows while it runs: the weekend's clock, the messages, the fund."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kernel.words.gloss import Language, write_euros

ANSWER_SECONDS_MAX = 30.0
SILENT_SHOWN_MAX = 6
UNDER_WAY = ("waiting", "authorized", "sending", "uncertain")
"""States of a reply that will go on by itself."""

euros = partial(write_euros, language=Language.EN)

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(
    url: str, *, token: str = "", method: str = "GET", body: Mapping[str, Any] | None = None
) -> Any:
    """The JSON answer of one of the house's own processes. Raises ``OSError``."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - our own loopback
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with _DIRECT.open(request, timeout=ANSWER_SECONDS_MAX) as answer:
        return json.loads(answer.read() or b"null")


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one look.

    Attributes:
        status: of the operator API.
        delivered, total: webhooks the crowd has sent, and will send.
        weekend_at: the time it is in 2017; None before the first message.
    """

    status: Mapping[str, Any]
    delivered: int
    total: int
    weekend_at: datetime | None


def draw(moment: Moment) -> RenderableType:
    """The moment as a screen of a dozen lines."""
    status = moment.status
    when = f"{moment.weekend_at:%A %H:%M}" if moment.weekend_at else "before the weekend"
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(f"{when:<16}", style="bold"),
        ProgressBar(total=max(moment.total, 1), completed=moment.delivered, width=40),
        Text(f"{moment.delivered:,} of {moment.total:,} texted"),
    )
    return Group(head, _numbers(status), _silences(status), _tell_waiting(moment))


def _tell_waiting(moment: Moment) -> Text:
    """What a full bar waits for."""
    if moment.delivered < moment.total:
        return Text("")
    messages, replies = moment.status["messages"], moment.status["replies"]
    unread = moment.total - messages["received"]
    under_way = sum(replies[name] for name in UNDER_WAY)
    left = {
        "messages to be booked": unread,
        "messages to be judged, once their delay is over": messages["deliberating"],
        "replies to be sent and reported on": under_way,
    }
    told = ", ".join(f"{count:,} {what}" for what, count in left.items() if count > 0)
    return Text(f"all have texted; waiting for {told or 'the books to be closed'}")


def _numbers(status: Mapping[str, Any]) -> Table:
    messages, replies, fund = status["messages"], status["replies"], status["fund"]
    answered = replies["sent"] + replies["delivered"] + replies["undelivered"]
    under_way = replies["authorized"] + replies["sending"] + replies["uncertain"]
    spent = fund["spent_receive_microeuros"] + fund["spent_reply_microeuros"]
    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column(justify="right", min_width=9)
        grid.add_column(style="dim", min_width=12)
    grid.add_row(
        f"{messages['received']:,}", "received",
        f"{messages['deliberating']:,}", "deliberating",
        f"{replies['waiting'] + under_way:,}", "to be answered",
    )  # fmt: skip
    grid.add_row(
        f"{answered:,}", "answered",
        f"{replies['uncertain']:,}", "uncertain",
        str(status["posture"]), "posture",
    )  # fmt: skip
    grid.add_row(
        euros(fund["available_microeuros"]), "available",
        euros(fund["reserved_microeuros"]), "reserved",
        euros(spent), "spent",
    )  # fmt: skip
    return grid


def _silences(status: Mapping[str, Any]) -> Text:
    judged = status["messages"]["judged"]
    silent = sorted(
        ((count, reason) for reason, count in judged.items() if reason != "reply" and count),
        reverse=True,
    )
    shown = ", ".join(f"{reason} {count:,}" for count, reason in silent[:SILENT_SHOWN_MAX])
    return Text(f"silent: {shown or 'none yet'}", style="dim")
