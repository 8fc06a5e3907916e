"""The desk over a table of its own: who may, what is asked, one way of answering, a description."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs
from structlog.typing import EventDict

from kernel.desk.desk import describe_rows, open_desk
from kernel.desk.fields import Handle, Id, Refused, Whole, Words
from kernel.desk.openapi import name_operation
from kernel.desk.route import Caller, Nothing, Role, Route, Rows
from kernel.http.server import listening
from kernel.values.errors import Rejected, Transient

TOKEN = "an-operators-token"
PHONE = "+33639980001"


class GiftRequest(msgspec.Struct, frozen=True):
    """A gift.

    Attributes:
        id: the same twice
            counts once.
    """

    id: Id
    why: Words | None = None


class PageRequest(msgspec.Struct, frozen=True):
    """A page of a case."""

    case: Handle
    after: Whole
    limit: Whole = 10


class NotedRequest(msgspec.Struct, frozen=True):
    """A note on a case."""

    case: Handle
    why: Words


class Answer(msgspec.Struct, frozen=True):
    """What was asked, and by whom.

    Attributes:
        asked, actor: as they came.
        role: null: never.
    """

    asked: str
    actor: str
    role: Role | None


async def add_gift(asked: GiftRequest, caller: Caller) -> tuple[int, Answer]:
    if asked.id == "busy":
        raise Refused(429, "id", "one at a time")
    if asked.id == "away":
        raise Transient("the database is away", code="database_away")
    if asked.id == "odd":
        raise Rejected("no", code="odd")
    return (200 if asked.id == "again" else 201), answered(asked, caller)


async def list_page(asked: PageRequest, caller: Caller) -> Answer:
    return answered(asked, caller)


async def note(asked: NotedRequest, caller: Caller) -> Answer:
    return answered(asked, caller)


async def erase_all(asked: Nothing, caller: Caller) -> Answer:
    return answered(asked, caller)


def answered(asked: msgspec.Struct, caller: Caller) -> Answer:
    return Answer(json.dumps(msgspec.to_builtins(asked)), caller.actor, caller.role)


ROWS: Rows = describe_rows(
    (
        Route("POST", "/v1/gifts", add_gift, GiftRequest, Answer, "Add a gift.", Role.OPERATE,
              {201: "Added.", 200: "Was there."}, {429: "Another is being added."}),
        Route("GET", "/v1/cases/{case}", list_page, PageRequest, Answer, "A page."),
        Route("POST", "/v1/cases/{case}", note, NotedRequest, Answer, "Note.", Role.OPERATE),
        Route("POST", "/v1/erase", erase_all, Nothing, Answer, "Erase all.", Role.OWNER),
    ),
    "/v1/described", "a desk", "For a test.",
)  # fmt: skip


class Client:
    """Calls the desk, and sees the log."""

    def __init__(self, url: str, session: ClientSession, lines: list[EventDict]) -> None:
        self.url, self.session, self.lines = url, session, lines

    async def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        """Status, JSON answer, headers."""
        sent = {"Authorization": f"Bearer {TOKEN}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw: Any = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(method, self.url + path, headers=sent, **raw) as answer:
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
            return answer.status, await answer.json(), answer.headers


@pytest.fixture
async def desk() -> AsyncIterator[Client]:
    app = web.Application(client_max_size=65_536)
    app.router.add_routes(open_desk(ROWS, TOKEN))
    with capture_logs() as lines:
        async with (
            listening(app, "127.0.0.1:0", name="OPS_LISTEN", shutdown_seconds=0.1) as url,
            ClientSession() as session,
        ):
            yield Client(url, session, lines)


async def test_nobody_is_let_in_without_the_token(desk: Client) -> None:
    for row in ROWS:
        status, _, headers = await desk.call(
            row.method, row.path.replace("{case}", "x"), Authorization="Bearer wrong"
        )
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_without_headers_the_holder_of_the_token_may_do_all(desk: Client) -> None:
    status, said, _ = await desk.call("POST", "/v1/erase")
    assert (status, said) == (200, {"asked": "{}", "actor": "operator", "role": "owner"})


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("view", [200, 403, 403]), ("operate", [200, 201, 403]), ("owner", [200, 201, 200])],
)
async def test_a_role_may_what_its_row_says(desk: Client, role: str, statuses: list[int]) -> None:
    who = {"Antirelou_Role": role, "Antirelou_Actor": "Zoé"}
    calls = [
        await desk.call("GET", "/v1/cases/c?after=0", **who),
        await desk.call("POST", "/v1/gifts", {"id": "a"}, **who),
        await desk.call("POST", "/v1/erase", **who),
    ]
    assert [status for status, _, _ in calls] == statuses
    for status, said, _ in calls:
        if status == 403:
            assert role in said["error"]
        else:
            assert (said["actor"], said["role"]) == ("Zoé", role)


@pytest.mark.parametrize(
    ("header", "value"),
    [("Antirelou_Role", "admin"), ("Antirelou_Role", ""), ("Antirelou_Actor", " "),
     ("Antirelou_Actor", "x" * 61), ("Antirelou_Actor", PHONE)],
)  # fmt: skip
async def test_a_header_that_is_wrong_lets_nobody_in(desk: Client, header: str, value: str) -> None:
    status, said, _ = await desk.call("GET", "/v1/cases/c?after=0", **{header: value})
    assert (status, said["field"]) == (403, header.replace("_", "-"))
    assert PHONE not in json.dumps([said, desk.lines])


async def test_fields_come_from_path_query_and_body(desk: Client) -> None:
    _, said, _ = await desk.call("GET", "/v1/cases/a%2Fb?after=7&case=other")
    assert json.loads(said["asked"]) == {"case": "a/b", "after": 7, "limit": 10}
    _, said, _ = await desk.call("POST", "/v1/cases/c?why=query", {"why": "body", "case": "x"})
    assert json.loads(said["asked"]) == {"case": "c", "why": "body"}
    status, said, _ = await desk.call("GET", "/v1/cases/c")
    assert (status, said["field"]) == (422, "after")


async def test_a_request_without_fields_reads_no_body(desk: Client) -> None:
    assert (await desk.call("POST", "/v1/erase", b"rubbish"))[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"id": "again"}, 200, None),
        ({"id": "new"}, 201, None),
        (b"[", 400, None),
        ({}, 422, "id"),
        ({"id": "a", "why": f"call {PHONE}"}, 422, "why"),
        ({"id": PHONE}, 422, "id"),
        ({"id": "odd"}, 422, None),
        (b"x" * 70_000, 413, None),
        ({"id": "busy"}, 429, "id"),
        ({"id": "away"}, 503, None),
    ],
)
async def test_one_way_of_answering(
    desk: Client, body: Any, status: int, field: str | None
) -> None:
    answered_with, said, headers = await desk.call("POST", "/v1/gifts", body)
    assert (answered_with, said.get("field")) == (status, field)
    assert headers.get("Retry-After") == ("5" if status in (429, 503) else None)
    if status >= 400:
        assert set(said) == {"error"} | ({"field"} if field else set())
        assert said["error"].startswith(f"{field}: " if field else "")
        assert len(said["error"]) > 10
    assert PHONE not in json.dumps(said)


async def test_an_act_and_a_refusal_leave_a_line_without_what_was_asked(desk: Client) -> None:
    await desk.call("POST", "/v1/cases/secret", {"why": "secret"}, Antirelou_Actor="Zoé")
    await desk.call("GET", "/v1/cases/secret?after=0")
    await desk.call("GET", "/v1/cases/secret?after=x")
    lines = [line for line in desk.lines if line["event"] == "operator_call"]
    assert [(one["method"], one["status"], one["actor"]) for one in lines] == [
        ("POST", 200, "Zoé"), ("GET", 422, "operator"),
    ]  # fmt: skip
    assert {line["path"] for line in lines} == {"/v1/cases/{case}"}
    assert "secret" not in json.dumps(desk.lines)


# -- the description ------------------------------------------------------------------------------


async def read_document() -> Any:
    return await ROWS[-1].function(Nothing(), Caller())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


async def test_the_description_is_served_and_every_reference_leads_somewhere(
    desk: Client,
) -> None:
    _, document, _ = await desk.call("GET", "/v1/described")
    assert document == json.loads(json.dumps(await read_document()))
    told = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert told == {(row.method, row.path) for row in ROWS}
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


async def test_of_a_struct_the_docstring_describes_the_fields() -> None:
    schemas = (await read_document())["components"]["schemas"]
    gift, answer = schemas["GiftRequest"], schemas["Answer"]
    assert gift["description"] == "A gift."
    assert gift["properties"]["id"]["description"] == "the same twice counts once."
    assert gift["required"] == ["id"]
    assert answer["properties"]["asked"]["description"] == "as they came."
    assert answer["properties"]["role"]["description"] == "null: never."


async def test_a_route_says_its_parameters_its_body_and_its_refusals() -> None:
    document = await read_document()
    page = document["paths"]["/v1/cases/{case}"]["get"]
    assert [(p["name"], p["in"], p["required"]) for p in page["parameters"]] == [
        ("case", "path", True), ("after", "query", True), ("limit", "query", False),
    ]  # fmt: skip
    assert set(page["responses"]) == {"200", "401", "403", "422", "503"}
    noted = document["paths"]["/v1/cases/{case}"]["post"]
    assert [p["name"] for p in noted["parameters"]] == ["case"]
    assert list(document["components"]["schemas"]["NotedRequest"]["properties"]) == ["why"]
    gift = document["paths"]["/v1/gifts"]["post"]
    assert gift["requestBody"]["required"]
    assert set(gift["responses"]) == {
        "200", "201", "400", "401", "403", "413", "422", "429", "503",
    }  # fmt: skip
    assert set(document["paths"]["/v1/erase"]["post"]["responses"]) == {"200", "401", "403", "503"}
    assert [name_operation(row) for row in ROWS] == [
        "addGift", "listPage", "note", "eraseAll", "getOpenapi",
    ]  # fmt: skip
