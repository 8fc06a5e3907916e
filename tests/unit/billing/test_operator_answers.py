"""The operator API's answers and its description: as the contract shows them."""

import json
import re
from typing import Any, cast

import msgspec

from kernel.desk.openapi import name_operation
from kernel.desk.route import Caller, Nothing, Role
from kernel.facts.records import Posture, ReplyState
from services.billing.api import operator_rows
from services.billing.operator import Fund, Status
from services.billing.operator_answers import StatusAnswer, describe_status
from services.billing.operator_api import OperatorApi
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog
from tests.support.documents import ROOT
from tests.support.operator_api import SETTINGS


def status(received: int = 0, **judged: int) -> StatusAnswer:
    fund = Fund(0, 0, 0, 0, 0, 0, 20_000_000, None)
    known = Status(Posture.NORMAL, "calm", None, None, fund, received, judged, {"sent": 4})
    return describe_status(known, 0)


def test_messages_add_up_and_every_reason_is_there() -> None:
    messages = status(10, reply=3, already_answered=2).messages
    assert (messages.received, messages.deliberating) == (10, 5)
    assert (messages.judged["reply"], messages.judged["burst"]) == (3, 0)
    assert "deserved" not in messages.judged
    assert sum(messages.judged.values()) + messages.deliberating == 10


def test_a_verdict_read_before_its_message_makes_nothing_negative() -> None:
    assert status(1, reply=2).messages.deliberating == 0


def test_the_contract_shows_the_status_as_it_is() -> None:
    page = (ROOT / "docs" / "contract.md").read_text("utf-8")
    shown = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    told: Any = msgspec.to_builtins(status())
    assert list(shown) == list(told)
    for part in ("fund", "dear"):
        assert list(shown[part]) == list(told[part])
    assert list(shown["replies"]) == list(told["replies"]) == [s.value for s in ReplyState]
    assert told["replies"]["sent"] == 4


async def test_every_route_is_described_under_a_name_of_its_own(log: MemoryLog) -> None:
    api = OperatorApi(cast("Any", None), log, ManualClock(), SETTINGS, lambda: None)
    rows = operator_rows(api)
    document: Any = await rows[-1].function(Nothing(), Caller())
    names = [name_operation(row) for row in rows]
    assert len(names) == len(set(names))
    for row in rows:
        operation = document["paths"][row.path][row.method.lower()]
        assert operation["summary"].endswith("."), row.path
        assert row.role is Role.VIEW or row.method != "GET"
    described = document["components"]["schemas"]["StatusAnswer"]
    assert described["required"] == list(StatusAnswer.__struct_fields__)
    assert set(described["properties"]["replies"]["required"]) == {s.value for s in ReplyState}
