"""One message, all the way: webhook, verdict, reservation, SMS, report, settlement."""

import json
from collections.abc import Iterator
from typing import Any

from kernel.facts.records import derive_trace
from tests.e2e.conftest import Built
from tests.support.house import donate, sent_by_provider, status_when, text_in

SENDER = "+33639980001"


async def test_a_message_is_answered_once_and_settled(built: Built) -> None:
    donate(built.house, "100.00")
    message_id = text_in(built.house, SENDER, "Coucou c'est Thomas")
    text_in(built.house, SENDER, "tu es là ?")

    end = await status_when(
        built.house,
        lambda now: (
            now["replies"]["delivered"] == 1
            and not now["fund"]["reserved_microeuros"]
            and now["messages"]["received"] == 2
        ),
    )

    judged = {reason: count for reason, count in end["messages"]["judged"].items() if count}
    assert judged == {"reply": 1, "already_deliberating": 1}
    assert end["fund"]["spent_receive_microeuros"] == 20_000
    assert end["fund"]["spent_reply_microeuros"] == 150_000
    assert end["fund"]["available_microeuros"] == 100_000_000 - 170_000
    expect_followed(built, derive_trace(message_id))
    assert [sent["to"].lstrip("+") for sent in sent_by_provider(built.house)] == [SENDER[1:]]

    text_in(built.house, SENDER, "alors ?")
    end = await status_when(built.house, lambda now: sum(now["messages"]["judged"].values()) == 3)
    assert end["messages"]["judged"]["already_answered"] == 1


def expect_followed(built: Built, trace: str) -> None:
    """Its trace alone finds it at every stage of the log."""
    way = {(line["service"], line["topic"]) for line in lines_of(built) if line["trace"] == trace}
    assert way >= {
        ("ingest", "sms.received"),
        ("filter", "sms.received"),
        ("billing", "sms.received"),
        ("billing", "sms.judged"),
        ("responder", "replies.authorized"),
        ("ingest", "sms.reported"),
        ("responder", "sms.reported"),
        ("billing", "replies.changed"),
    }


def lines_of(built: Built) -> Iterator[dict[str, Any]]:
    """What the services wrote of records."""
    for process in built.house.services:
        for line in (built.house.folder / f"{process.name}.log").read_text().splitlines():
            said = json.loads(line)
            if said.get("event") == "handled":
                yield said
