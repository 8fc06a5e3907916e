"""HelloAsso: its token, and its payments page by page."""

from urllib.parse import quote, urlencode

from kernel.facts.records import Platform
from kernel.values.clock import Clock
from services.donations.core.helloasso import Page, read_page, read_token
from services.donations.metrics import Metrics
from services.donations.platform import Asker, Away
from services.donations.settings import HelloAssoSettings

PAGE_SIZE = 100
UNAUTHORIZED = 401


class HelloAsso:
    """Reads one association's payments. The token is kept: too many are refused."""

    def __init__(self, settings: HelloAssoSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings, self._clock = settings, clock
        self._asker = Asker(Platform.HELLOASSO, clock, metrics)
        self._token, self._until = "", float("-inf")

    async def page(self, token: str | None) -> Page:
        """A page of payments, the latest changed first.

        Args:
            token: of the page before; None: the first.

        Raises:
            Away: it could not be had.
        """
        try:
            return await self._page(token)
        except Away as away:
            if away.status != UNAUTHORIZED:
                raise
        self._until = float("-inf")  # it was revoked: once more with a new one
        return await self._page(token)

    async def _page(self, token: str | None) -> Page:
        query = {"pageSize": str(PAGE_SIZE), "sortField": "UpdateDate", "sortOrder": "Desc"}
        if token is not None:
            query["continuationToken"] = token
        organization = quote(self._settings.organization, safe="")
        url = f"{self._settings.url}/v5/organizations/{organization}/payments?{urlencode(query)}"
        headers = {
            "Authorization": f"Bearer {await self._authorize()}",
            "Accept": "application/json",
        }
        body = await self._asker.ask("GET", url, headers)
        try:
            return read_page(body)
        except ValueError:
            raise self._asker.unreadable() from None

    async def _authorize(self) -> str:
        """A token that lives; how long is the platform's time, whatever ``CLOCK_SPEED``."""
        if self._clock.monotonic() < self._until:
            return self._token
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
        }
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        asked_at = self._clock.monotonic()
        url = f"{self._settings.url}/oauth2/token"
        body = await self._asker.ask("POST", url, headers, urlencode(form).encode())
        try:
            self._token, seconds = read_token(body)
        except ValueError:
            raise self._asker.unreadable() from None
        self._until = asked_at + seconds
        return self._token
