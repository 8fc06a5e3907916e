"""The operator API, from the command line."""

import http.client
import json
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from kernel.sealing.keys import read_operator_token
from kernel.settings.settings import Settings
from kernel.values.errors import Fatal

ANSWER_SECONDS_MAX = 30.0
LONG_SECONDS_MAX = 600.0
"""For what reads whole topics."""

ARGUMENTS = {
    "amount_eur": "AMOUNT",
    "number": "NUMBER",
    "entry": "ENTRY",
    "id": "ID",
    "note": "--note",
    "reason": "--why",
    "why": "--why",
    "below_zero": "--yes",
    "since": "--since",
    "actor": "--actor",
}
"""What a field of the API is called on the command line."""


class Operator:
    """Calls the operator API of this installation.

    Args:
        settings: where it listens (``OPERATOR_URL``, else ``OPS_LISTEN``) and its token.
        seconds_max: how long an answer may take.
    """

    def __init__(self, settings: Settings, *, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self.url = settings.operator_url or f"http://{settings.ops_listen}"
        self._token = read_operator_token(settings)
        # Straight to the address: a proxy of the environment has no business with the token.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """The JSON answer to a GET. Raises as ``call``."""
        return self.call("GET", path)[1]

    def post(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Status and JSON answer to a POST. Raises as ``call``."""
        return self.call("POST", path, body or {})

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """Call the API.

        Raises:
            Fatal: it cannot be reached, refuses the token, or refuses the request; says the fix.
        """
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise Fatal("ANTIRELOU_OPERATOR_URL: http or https", code="settings")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # noqa: S310
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=self._seconds_max) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (ValueError, http.client.HTTPException):
            raise Fatal(
                f"{self.url} is not antirelou's operator API; is ANTIRELOU_OPS_LISTEN (or "
                "ANTIRELOU_OPERATOR_URL) its address?",
                code="unreachable",
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise Fatal(
                f"{self.url} does not answer ({reason}); is `antirelou serve` running, and is "
                "ANTIRELOU_OPS_LISTEN (or ANTIRELOU_OPERATOR_URL) its address?",
                code="unreachable",
            ) from None


def _refused(error: urllib.error.HTTPError) -> Fatal:
    """The refusal in the command line's words; what the user can mend is an error of use."""
    try:
        answer = json.loads(error.read())
        said, field = str(answer.get("error", "")), str(answer.get("field", ""))
    except (ValueError, AttributeError):
        said = field = ""
    if error.code == HTTPStatus.UNAUTHORIZED:
        return Fatal(
            "the operator's token is missing or wrong; set ANTIRELOU_OPERATOR_TOKEN, or run this "
            "with the ANTIRELOU_DATA_DIR of the installation",
            code="settings",
        )
    if field in ARGUMENTS:
        said = ARGUMENTS[field] + said.removeprefix(field)
    wrong = error.code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
    return Fatal(
        said or f"refused with HTTP {error.code}", code="use" if wrong else f"http_{error.code}"
    )
