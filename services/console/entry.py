"""Getting in and out: by a link made on the server, then by a passkey."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from services.console.core.access import Attempts
from services.console.gate import Denied, Gate, Parts, Visit, see_other
from services.console.passkeys import Passkeys, Refused


class Entry:
    """The pages of whoever is not in yet, and the way out.

    Every attempt counts, whoever makes it: behind a proxy all come from one address.
    """

    def __init__(self, gate: Gate, parts: Parts, passkeys: Passkeys) -> None:
        self._gate, self._passkeys = gate, passkeys
        self._store, self._clock, self._metrics = parts.store, parts.clock, parts.metrics
        self._attempts = Attempts()

    async def sign_in(self, visit: Visit) -> web.StreamResponse:
        """Where one signs in."""
        if visit.session is not None:
            return see_other("/")
        return self._gate.page(visit, "sign_in.html", passkeys=bool(self._passkeys.domain))

    async def ask_enter(self, visit: Visit) -> web.StreamResponse:
        """What a link opens: a button. A preview of the link uses nothing up."""
        self._count()
        secret = visit.request.match_info["secret"]
        name = await self._store.find_link(secret, self._clock.now())
        if name is None:
            raise self._refuse("link")
        self._attempts.take_back()
        return self._gate.page(visit, "enter.html", operator=name, action=visit.request.path)

    async def enter(self, visit: Visit) -> web.StreamResponse:
        """The button: the link is used up, the browser is in."""
        self._count()
        now = self._clock.now()
        entered = await self._store.take_link(visit.request.match_info["secret"], visit.agent, now)
        if entered is None:
            raise self._refuse("link")
        return await self._let_in(visit, *entered, way="link", goes="/passkey")

    async def _let_in(
        self, visit: Visit, name: str, secret: str, *, way: str, goes: str
    ) -> web.Response:
        await self._store.note(name, "signed_in", self._clock.now(), subject=way)
        self._metrics.entered(way)
        self._attempts.take_back()
        if visit.secret:  # who was in before in this browser
            await self._store.end_session(visit.secret)
        response = see_other(goes)
        self._gate.sign_in(response, secret)
        return response

    async def sign_out(self, visit: Visit) -> web.StreamResponse:
        """The way out: the session ends here, not in the browser alone."""
        await self._store.end_session(visit.secret)
        response = see_other("/sign-in")
        self._gate.sign_out(response)
        return response

    # -- passkeys -------------------------------------------------------------------------------

    async def passkey(self, visit: Visit) -> web.StreamResponse:
        """Where a passkey is made."""
        known = await self._store.list_passkeys(visit.actor.operator)
        return self._gate.page(
            visit, "passkey.html", count=len(known), passkeys=bool(self._passkeys.domain)
        )

    async def ask_new(self, visit: Visit) -> web.StreamResponse:
        """What a new passkey is to sign."""
        operator = await self._store.load_operator(visit.actor.operator)
        if operator is None or not self._passkeys.domain:
            raise Denied(403, "role")
        known = await self._store.list_passkeys(operator.name)
        options, state = self._passkeys.ask_new(operator, known)
        return await self._answer_asked(operator.name, options, state)

    async def add(self, visit: Visit) -> web.StreamResponse:
        """A new passkey."""
        found = await self._store.take_challenge(visit.form.get("challenge", ""), self._clock.now())
        name = visit.actor.operator
        if found is None or found[0] != name:
            raise self._refuse("passkey")
        try:
            made = self._passkeys.read_new(found[1], visit.form.get("credential", ""))
        except Refused:
            raise self._refuse("passkey") from None
        now = self._clock.now()
        if not await self._store.add_passkey(made[0], name, made[1], made[2], now):
            raise self._refuse("passkey")
        await self._store.note(name, "passkey_added", now)
        return web.json_response({"goes": "/"})

    async def ask(self, _: Visit) -> web.StreamResponse:
        """What somebody's passkey is to sign."""
        self._count()
        options, state = self._passkeys.ask()
        return await self._answer_asked(None, options, state)

    async def _answer_asked(
        self, name: str | None, options: dict[str, Any], state: Mapping[str, Any]
    ) -> web.Response:
        challenge = await self._store.add_challenge(name, state, self._clock.now())
        told = json.dumps({"challenge": challenge, "options": options})
        return web.Response(text=told, content_type="application/json")

    async def enter_by_passkey(self, visit: Visit) -> web.StreamResponse:
        """Somebody's passkey signed."""
        self._count()
        credential = visit.form.get("credential", "")
        try:
            passkey_id, counter = await self._check_signed(visit, credential)
        except Refused:
            raise self._refuse("passkey") from None
        entered = await self._store.enter_by_passkey(
            passkey_id, counter, visit.agent, self._clock.now()
        )
        if entered is None:  # its counter went back: there are two of it
            raise self._refuse("passkey")
        response = await self._let_in(visit, *entered, way="passkey", goes="/")
        response.set_status(200)
        del response.headers["Location"]
        response.text = json.dumps({"goes": "/"})
        response.content_type = "application/json"
        return response

    async def _check_signed(self, visit: Visit, credential: str) -> tuple[bytes, int]:
        """The passkey that signed, and its counter. Raises ``Refused``."""
        found = await self._store.take_challenge(visit.form.get("challenge", ""), self._clock.now())
        passkey_id = self._passkeys.id_of(credential)
        passkey = await self._store.load_passkey(passkey_id)
        if passkey is None or found is None or found[0] is not None:
            raise Refused("unknown")
        return passkey_id, self._passkeys.check(found[1], passkey, credential)

    def _count(self) -> None:
        if not self._attempts.allow(self._clock.now()):
            self._metrics.entered("too_many")
            raise Denied(429, "too_many")

    def _refuse(self, code: str) -> Denied:
        self._metrics.entered("refused")
        return Denied(403, code)
