"""The OpenAPI document says of every route what the routes do, and nothing of others."""

import json
import re
from collections.abc import Iterator
from typing import Any

from kernel.facts.records import ReplyState
from kernel.values.clock import SystemClock
from services.billing.api import operator_routes, read_openapi
from services.billing.operator_answers import describe_status
from tests.fakes.log import MemoryLog
from tests.fakes.operator_store import FakeOperatorStore
from tests.support.documents import ROOT
from tests.support.operator_api import SETTINGS

DOCUMENT = read_openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_routes_and_document_are_the_same() -> None:
    routes = operator_routes(
        FakeOperatorStore(), MemoryLog(), SystemClock(), SETTINGS, lambda: None
    )
    assert {(route.method, route.path) for route in routes} == {
        (method, path) for method, path, _ in operations()
    }


def test_every_operation_has_a_name_of_its_own_and_its_refusals() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    for _, path, operation in operations():
        assert operation["summary"].endswith("."), path
        expected = {"401", "503"} | ({"400", "422"} if "requestBody" in operation else set())
        assert expected <= set(operation["responses"]), path


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


async def test_the_contract_shows_the_status_as_it_is() -> None:
    page = (ROOT / "docs" / "contract.md").read_text("utf-8")
    shown = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    status = describe_status(await FakeOperatorStore().read_status(SystemClock().now()), 0)
    assert list(shown) == list(status)
    for part in ("fund", "dear"):
        assert list(shown[part]) == list(status[part])
    assert set(shown["replies"]) == set(status["replies"])


async def test_the_status_has_the_fields_that_its_schema_requires() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    status = describe_status(await FakeOperatorStore().read_status(SystemClock().now()), 0)
    assert list(status) == schemas["Status"]["required"]
    assert list(status["fund"]) == schemas["Fund"]["required"]
    properties = schemas["Status"]["properties"]
    assert set(status["messages"]) == set(properties["messages"]["required"])
    assert set(status["replies"]) == set(properties["replies"]["required"])
    assert set(status["replies"]) == {state.value for state in ReplyState}
    assert json.dumps(status)
