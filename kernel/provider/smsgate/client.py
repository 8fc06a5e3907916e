"""One call of SMSGate's API: what its answer or its error proves.

The 60 lines that aiohttp leaves: which of its errors come before the first byte is written, and
which status proves that nothing was taken.
"""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

BODY_BYTES_MAX = 1_000_000
PROXY_STATUSES = frozenset({408, 499})
"""4xx by which a proxy between us may tell of a request that it passed on all the same."""
MENDABLE = frozenset({401, 403, 404, 429})
"""What another try can mend: credentials, permissions, a path, too fast."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A status, and its body as JSON; None where it is none.

    Attributes:
        total: of all records, where it is told.
        after_seconds: of ``Retry-After``.
    """

    status: int
    body: Any
    total: int | None = None
    after_seconds: float | None = None

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer.

    Attributes:
        reason: see ``port``.
        untaken: it is proved that nothing was written.
    """

    reason: str
    untaken: bool = False


async def call(
    session: aiohttp.ClientSession, method: str, url: str, *, body: Any = None, **query: str
) -> Answered | Failed:
    """Make one call. Raises nothing of what the network or the server does."""
    try:
        async with session.request(
            method, url, json=body, params=query, allow_redirects=False
        ) as answer:
            raw = await answer.content.read(BODY_BYTES_MAX + 1)
            headers = answer.headers
            return Answered(
                answer.status,
                _decode(raw),
                _count(headers.get("X-Total-Count")),
                _count(headers.get("Retry-After")),
            )
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return describe_error(error)


def describe_error(error: Exception) -> Failed:
    """What an error proves: nothing was taken only if nothing was written."""
    for kind, reason in _UNWRITTEN:
        if isinstance(error, kind):
            return Failed(reason, untaken=True)
    if isinstance(error, TimeoutError):
        return Failed("timeout")
    if isinstance(error, aiohttp.ClientPayloadError):
        return Failed("unreadable")
    return Failed("reset" if isinstance(error, aiohttp.ClientError | OSError) else "unreadable")


_UNWRITTEN: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (aiohttp.ClientConnectorDNSError, "unresolved_host"),
    (aiohttp.ClientConnectorCertificateError, "certificate"),
    (aiohttp.ClientSSLError, "certificate"),
    (aiohttp.ClientConnectorError, "refused"),
    (aiohttp.InvalidURL, "invalid"),
)
"""Errors that come before the first byte of a request is written, first match first."""


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw) if len(raw) <= BODY_BYTES_MAX else None
    except (ValueError, RecursionError):
        return None


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
