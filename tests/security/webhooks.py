"""A provider, or who claims to be it, in front of a running house."""

from collections.abc import Mapping

import aiohttp

from antirelou.commands.demo.house import House
from tests.support.webhooks import encode_form, sign


class Caller:
    """Calls the webhooks of a house.

    Args:
        session: of the test.
    """

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self.url = house.settings["public_url"]
        self._token = house.settings["plivo_auth_token"]
        self._session = session

    def sign(
        self, kind: str, form: Mapping[str, str], *, nonce: str, mode: str = "v2"
    ) -> dict[str, str]:
        """The headers of a request that the provider makes."""
        return sign(kind, form, mode=mode, nonce=nonce, token=self._token, public_url=self.url)

    async def post(self, kind: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
        """The status of the answer."""
        url = f"{self.url}/webhooks/plivo/{kind}"
        kept = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        async with self._session.post(url, data=encode_form(form), headers=kept) as answer:
            await answer.read()
            return answer.status
