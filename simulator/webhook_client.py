"""The HTTP client of webhooks: waits as long as the provider does, and follows no redirect."""

from collections.abc import Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from yarl import URL

TIMEOUT_SECONDS = 8.0
"""The time that the provider waits for an answer, in real seconds: no speed divides it."""

NO_ANSWER = (0, b"")


class WebhookClient:
    """Sends requests while the context is open; waits where too many are open.

    Args:
        open_max: connections at a time.
    """

    def __init__(self, open_max: int) -> None:
        self._open_max = open_max
        self._session: ClientSession | None = None

    def open(self) -> None:
        """Be ready to send; in the event loop that sends."""
        connector = TCPConnector(limit=self._open_max, limit_per_host=0)
        # Waiting for a connection of ours is not waiting for the answer.
        timeout = ClientTimeout(total=None, sock_connect=TIMEOUT_SECONDS, sock_read=TIMEOUT_SECONDS)
        self._session = ClientSession(connector=connector, timeout=timeout)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one request.

        Args:
            url: sent as it is written, for it is signed so.

        Returns:
            status and body; status 0 where no answer came within ``TIMEOUT_SECONDS``.
        """
        assert self._session is not None
        try:
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except (ClientError, OSError, TimeoutError):
            return NO_ANSWER

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
