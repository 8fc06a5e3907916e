"""One call of Plivo's SDK: what its answer or its error proves (docs/plivo.md §4, §5).

The SDK sorts errors by its own taste: 402, 429 and 503 are a bare error with the status in its
text, a list with a JSON error body is a ``TypeError``, an unreadable 2xx is ``None``. So the
status is noted where the response passes through, and the SDK's exceptions are never interpreted.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import plivo
import requests
import urllib3.exceptions
from plivo.exceptions import PlivoRestError

CLIENT_SECONDS_MAX = 5.0
"""To connect, and for each read; real time, whatever ``CLOCK_SPEED``."""

IDLE_SECONDS_MAX = 15.0
"""A connection that idled for longer is not used again: what stands between may have forgotten it
without a word, and a send over it would be uncertain for nothing."""

PROXY_STATUSES = frozenset({408, 499})
"""4xx by which a proxy between us may tell of a request that it passed on all the same."""


class Client(plivo.RestClient):  # type: ignore[misc] # the SDK has no types
    """The SDK's client, with an address of its own, no redirects, and the last answer's status.

    Not for use by several threads at once.

    Args:
        api_url: scheme, host and port.
    """

    def __init__(self, auth_id: str, auth_token: str, api_url: str, seconds_max: float) -> None:
        super().__init__(auth_id, auth_token, timeout=seconds_max)
        self._own_uri = f"{api_url}/v1/Account"
        # A POST that is redirected becomes a GET: nobody knows then what was taken.
        self.session.max_redirects = 0
        self.status: int | None = None
        self.after_seconds: float | None = None
        self._answered_at = time.monotonic()

    def begin(self, failed_at: float) -> None:
        """Before a call: there is no answer yet, and its connection must be one to trust.

        Args:
            failed_at: when any client last got no answer, in monotonic time.
        """
        self.status, self.after_seconds = None, None
        if self._answered_at < max(failed_at, time.monotonic() - IDLE_SECONDS_MAX):
            self.session.close()  # its connections; it opens others

    def create_request(self, *arguments: Any, **options: Any) -> Any:
        """As the SDK's, which resets ``base_uri`` to its module's before each request."""
        self.base_uri = self._own_uri
        return super().create_request(*arguments, **options)

    def send_request(self, request: Any, **options: Any) -> Any:
        """As the SDK's; notes the status and ``Retry-After``."""
        response = super().send_request(request, **options)
        self._answered_at = time.monotonic()
        self.status = response.status_code
        self.after_seconds = _read_seconds(response.headers.get("Retry-After"))
        return response


@dataclass(frozen=True, slots=True)
class Answered:
    """The provider answered 2xx, and the SDK could read it."""

    body: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer.

    Attributes:
        reason: see ``port``.
        untaken: it is proved that the provider took nothing.
        retry: the same may be taken later.
        status: the HTTP status, where there was an answer.
    """

    reason: str
    untaken: bool = False
    retry: bool = True
    status: int | None = None
    after_seconds: float | None = None


def call(client: Client, ask: Callable[[Client], Any], failed_at: float = 0.0) -> Answered | Failed:
    """Make one call. Raises nothing, whatever the provider, the network or the SDK does.

    Args:
        failed_at: see ``Client.begin``.
    """
    client.begin(failed_at)
    try:
        body = ask(client)
    except requests.RequestException as error:
        return describe_network_error(error)
    except Exception as error:  # noqa: BLE001 - the SDK raises anything on a strange body
        if client.status is None:
            # Before a response there is only the SDK's own validation of the arguments.
            local = isinstance(error, PlivoRestError)
            return Failed("invalid" if local else "unreadable", untaken=local, retry=False)
        return _credit_gone(describe_status(client.status, client.after_seconds), str(error))
    if body is None:
        return Failed("unreadable", status=client.status)
    return Answered(body)


def _credit_gone(failed: Failed, said: str) -> Failed:
    """Without credit the provider refuses for minutes, with which status is not documented."""
    if failed.untaken and "insufficient credit" in said.lower():
        return replace(failed, reason="402", retry=True)
    return failed


def describe_status(status: int, after_seconds: float | None = None) -> Failed:
    """What a status proves. 2xx here is one whose body could not be read."""
    if 200 <= status < 300:
        return Failed("unreadable", status=status)
    untaken = 400 <= status < 500 and status not in PROXY_STATUSES
    # What another try can mend: credentials, credit, permissions, too fast. Not: this request.
    retry = not untaken or status in {401, 402, 403, 404, 429}
    return Failed(str(status), untaken, retry, status, after_seconds)


def describe_network_error(error: requests.RequestException) -> Failed:
    """What an error of the network proves: nothing was taken only if nothing was written."""
    if isinstance(error, _INVALID):
        return Failed("invalid", untaken=True, retry=False)
    causes = list(_causes(error))
    for kind, reason in _UNWRITTEN:
        if any(isinstance(cause, kind) for cause in causes):
            return Failed(reason, untaken=True)
    for kind, reason in _UNKNOWN:
        if isinstance(error, kind):
            return Failed(reason)
    return Failed("unreadable")


_UNWRITTEN: tuple[tuple[type[BaseException], str], ...] = (
    (requests.ConnectTimeout, "connect_timeout"),
    (urllib3.exceptions.NameResolutionError, "unresolved_host"),
    (urllib3.exceptions.NewConnectionError, "refused"),
    (urllib3.exceptions.ConnectTimeoutError, "connect_timeout"),
    (ssl.SSLCertVerificationError, "certificate"),
)
"""Errors that come before the first byte of a request is written, first match first."""


_UNKNOWN: tuple[tuple[type[BaseException], str], ...] = (
    (requests.TooManyRedirects, "redirected"),
    (requests.Timeout, "timeout"),
    (requests.ConnectionError, "reset"),
)
"""Errors that may come after the provider took it."""

_INVALID = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
)
"""Found before a connection is made."""


def _causes(error: BaseException) -> Any:
    """The error and all that it wraps; requests and urllib3 wrap by argument, not by cause."""
    waiting: list[BaseException] = [error]
    for _ in range(16):
        if not waiting:
            return
        current = waiting.pop()
        yield current
        inner = [*current.args, getattr(current, "reason", None), current.__cause__]
        waiting += [each for each in inner if isinstance(each, BaseException)]


def _read_seconds(text: str | None) -> float | None:
    """``Retry-After`` in seconds; the form with a date is ignored."""
    if text is None or not text.strip().isascii() or not text.strip().isdigit():
        return None
    return min(float(text.strip()), 3600.0)
