"""Calls of a JSON API of ours, with its token."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from kernel.http.server import Unanswered

ANSWER_SECONDS_MAX = 20.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
ACTOR, ROLE = "Antirelou-Actor", "Antirelou-Role"
"""The headers that say who calls, to the operator API."""


class JsonApi:
    """A JSON API of ours. Made by ``open_api``."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        caller: tuple[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Call it once. Returns the status, and the object it answered with.

        Args:
            caller: for whom: a name and a role; None: for the bearer of the token.

        Raises:
            Unanswered: there was no answer in time, or none of JSON.
        """
        headers = {ACTOR: caller[0], ROLE: caller[1]} if caller else {}
        try:
            async with self._session.request(
                method, self._url + path, json=body, headers=headers, allow_redirects=False
            ) as answer:
                told = await answer.content.read(ANSWER_BYTES_MAX)
                while not answer.content.at_eof() and len(told) < ANSWER_BYTES_MAX:
                    told += await answer.content.read(ANSWER_BYTES_MAX - len(told))
                found = msgspec.json.decode(told or b"{}", type=dict[str, Any])
                return answer.status, found
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError):
            raise Unanswered("there was no answer", code="unanswered") from None


@asynccontextmanager
async def open_api(url: str, token: str) -> AsyncIterator[JsonApi]:
    """The API at a URL, for who bears the token. Nothing is called yet."""
    async with ClientSession(
        timeout=ClientTimeout(total=ANSWER_SECONDS_MAX),
        headers={"Authorization": f"Bearer {token}"},
    ) as session:
        yield JsonApi(session, url)
