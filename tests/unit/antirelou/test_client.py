"""The client of the operator API: what it sends, and what it makes of refusals."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from antirelou.commands.client import Operator
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal

TOKEN = "an-operators-token"


class _Answering(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        server = self.server
        assert isinstance(server, Canned)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.asked = (self.command, self.path, self.headers["Authorization"], body)
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Canned(HTTPServer):
    """Answers every request alike."""

    status, body = 200, b"{}"
    asked: tuple[str, str, str | None, bytes] = ("", "", None, b"")


@pytest.fixture
def canned() -> Iterator[Canned]:
    server = Canned(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def settings_for(canned: Canned, **more: str) -> Settings:
    return load_settings(
        **{"ops_listen": f"127.0.0.1:{canned.server_port}", "operator_token": TOKEN} | more
    )


def test_it_bears_the_token_and_sends_json(canned: Canned) -> None:
    canned.status, canned.body = 201, b'{"id": "gift"}'
    operator = Operator(settings_for(canned))
    assert operator.post("/v1/donations", {"id": "gift"}) == (201, {"id": "gift"})
    method, path, authorization, body = canned.asked
    assert (method, path, authorization) == ("POST", "/v1/donations", f"Bearer {TOKEN}")
    assert json.loads(body) == {"id": "gift"}
    assert operator.get("/v1/fund") == {"id": "gift"}
    assert canned.asked[0] == "GET"


def test_the_token_is_that_of_the_data_dir_where_none_is_set(
    canned: Canned, tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "operator_token").write_text("kept-in-the-data-dir\n")
    settings = settings_for(canned, operator_token="", data_dir=str(tmp_path))
    Operator(settings).get("/v1/status")
    assert canned.asked[2] == "Bearer kept-in-the-data-dir"


def test_a_url_of_its_own_comes_before_the_listening_address(canned: Canned) -> None:
    url = f"http://127.0.0.1:{canned.server_port}"
    Operator(settings_for(canned, ops_listen="127.0.0.1:1", operator_url=url)).get("/v1/status")
    assert canned.asked[1] == "/v1/status"


def test_a_proxy_of_the_environment_never_sees_the_token(
    canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert Operator(settings_for(canned)).get("/v1/status") == {}


@pytest.mark.parametrize(
    ("status", "body", "said", "code"),
    [
        (401, b"{}", "ANTIRELOU_OPERATOR_TOKEN", "settings"),
        (422, b'{"error": "amount_eur: above zero", "field": "amount_eur"}',
         "AMOUNT: above zero", "use"),
        (422, b'{"error": "reason: too long", "field": "reason"}', "--why: too long", "use"),
        (400, b'{"error": "send a JSON object"}', "send a JSON object", "use"),
        (409, b'{"error": "id: used before", "field": "id"}', "ID: used before", "http_409"),
        (404, b'{"error": "entry: unknown", "field": "entry"}', "ENTRY: unknown", "http_404"),
        (503, b'{"error": "the log is away"}', "the log is away", "http_503"),
        (500, b"<html>oops", "HTTP 500", "http_500"),
        (502, b"[1]", "HTTP 502", "http_502"),
        (404, b'"text"', "HTTP 404", "http_404"),
    ],
)  # fmt: skip
def test_refusals_are_said_in_the_commands_words(
    canned: Canned, status: int, body: bytes, said: str, code: str
) -> None:
    canned.status, canned.body = status, body
    with pytest.raises(Fatal) as refused:
        Operator(settings_for(canned)).post("/v1/donations")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.code == code


def test_an_address_where_nobody_listens_is_said_with_the_setting(canned: Canned) -> None:
    with pytest.raises(Fatal, match="ANTIRELOU_OPS_LISTEN") as refused:
        Operator(settings_for(canned, ops_listen="127.0.0.1:1")).get("/v1/status")
    assert refused.value.code == "unreachable"


def test_something_else_that_answers_there_is_said(canned: Canned) -> None:
    canned.body = b"<html>hello"
    with pytest.raises(Fatal, match="not antirelou's operator API"):
        Operator(settings_for(canned)).get("/v1/status")
