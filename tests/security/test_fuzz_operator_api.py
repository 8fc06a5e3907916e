"""The operator API, fuzzed from its own two OpenAPI documents, on a house over real PostgreSQL."""

import os
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from antirelou.commands.demo.house import House, embedded_house
from antirelou.commands.demo.watch import call
from tests.security.conftest import own_folder

EXAMPLES = settings(
    max_examples=int(os.environ.get("ANTIRELOU_FUZZ_EXAMPLES", "5")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
DOCUMENTS = ("/v1/openapi.json", "/v1/evidence/openapi.json")
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance,
]  # fmt: skip


@pytest.fixture(scope="module")
def operated() -> Iterator[House]:
    """A house of its own: what is asked of it here pauses it, detaches it, erases."""
    settings = {"clock_speed": "3600", "quiet_hours": "off"}
    with own_folder() as folder, embedded_house(folder, settings) as opened:
        yield opened


def operations(house: House, document: str) -> list[Any]:
    told = call(house.operator_url + document, token=house.operator_token)
    schema = schemathesis.openapi.from_dict(told)
    schema.config.update(base_url=house.operator_url)
    return [cast("Any", result).ok() for result in schema.get_all_operations()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_whatever_is_asked_the_answer_is_as_documented(operated: House, document: str) -> None:
    headers = {"Authorization": f"Bearer {operated.operator_token}"}
    asked = [_ask(operation, headers) for operation in operations(operated, document)]
    assert len(asked) > 8
    assert 0 not in asked
    operated.check()


def _ask(operation: Any, headers: dict[str, str]) -> int:
    """Ask whatever the document allows, and what it does not. Returns how often."""
    asked = 0

    @EXAMPLES
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        nonlocal asked
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=20)
        asked += 1

    ask()
    return asked


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_route_answers_without_the_token(operated: House, document: str) -> None:
    tried = 0
    for operation in operations(operated, document):
        url = operated.operator_url + re.sub(r"\{\w+\}", "x", operation.path)
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}):
            answer = requests.request(operation.method, url, headers=header, json={}, timeout=20)
            assert answer.status_code == 401, url
            tried += 1
    assert tried > 20


RUBBISH = {
    "nested": b"[" * 60_000,
    "nested objects": b'{"id":' * 9_000,
    "a huge number": b'{"id":"x","amount_eur":1e999}',
    "a long number": b'{"id":"x","amount_eur":"1' + b"0" * 400 + b'"}',
    "a lone surrogate": b'{"id":"\\ud800","amount_eur":"1","reason":"\\ud800","number":"\\ud800"}',
    "a NUL": b'{"id":"\\u0000","amount_eur":"1","reason":"\\u0000"}',
    "no UTF-8": b'{"id":"\xff"}',
    "a long phone": b'{"number":"' + b"9" * 9_000 + b'"}',
    "before all time": b'{"since":"0001-01-01T00:00:00+23:59"}',
    "after all time": b'{"since":"9999-12-31T23:59:59-23:59"}',
    "too large": b'{"reason":"' + b"a" * 70_000 + b'"}',
    "nulls": b'{"id":null,"amount_eur":null,"number":null,"reason":null,"since":null}',
    "no object": b"null",
    "nothing": b"",
}
PATHS = (
    "/v1/donations", "/v1/fees", "/v1/pause", "/v1/blocks", "/v1/explain", "/v1/tests",
    "/v1/backfill", "/v1/unresolved/x", "/v1/fund/corrections", "/v1/evidence/cases",
    "/v1/evidence/cases/x/close", "/v1/subjects/show", "/v1/subjects/object", "/v1/subjects/erase",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_rubbish_is_refused_as_json(operated: House, path: str) -> None:
    for what, body in RUBBISH.items():
        answer = requests.post(
            operated.operator_url + path,
            data=body,
            headers={"Authorization": f"Bearer {operated.operator_token}"},
            timeout=20,
        )
        assert 400 <= answer.status_code < 500, (what, answer.text)
        assert answer.headers["content-type"].startswith("application/json"), what
