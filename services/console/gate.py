"""The gate: who comes, whether from a page of ours, and what every answer carries.

No handler is reached but through here. What goes wrong is a page too, and quotes nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from kernel.values.clock import Clock
from kernel.values.errors import Fatal, Rejected, Transient
from kernel.words.gloss import Language, Voice
from services.console.core.access import SAFE_METHODS, SESSION_LASTS, Role, Session, is_ours
from services.console.house import House
from services.console.metrics import Metrics
from services.console.render import Renderer
from services.console.settings import ConsoleSettings
from services.console.store import Store

LOG = structlog.get_logger("console")

AGENT_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Parts:
    """What every page is made with."""

    settings: ConsoleSettings
    store: Store
    house: House
    clock: Clock
    renderer: Renderer
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Visit:
    """One request, and who makes it.

    Attributes:
        session: None: nobody is signed in.
        secret: of the session; empty: there is none.
        nonce: of this answer's scripts.
        form: the fields of its body.
    """

    request: web.Request
    session: Session | None
    secret: str
    nonce: str
    voice: Voice
    form: Mapping[str, str]

    @property
    def agent(self) -> str:
        """What the browser calls itself."""
        return agent_of(self.request)

    @property
    def actor(self) -> Session:
        """Who is signed in: behind a role there is somebody."""
        assert self.session is not None
        return self.session


class Denied(Exception):
    """A request that is not taken.

    Args:
        code: of the group ``denied`` of the catalogue.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]


class Gate:
    """Lets requests through to handlers."""

    def __init__(self, parts: Parts) -> None:
        self._settings, self._store, self._clock = parts.settings, parts.store, parts.clock
        self._renderer, self._metrics = parts.renderer, parts.metrics
        # By http some browsers take a Secure cookie from localhost, and others from nobody.
        self.cookie = "__Host-antirelou" if self._settings.secure else "antirelou"

    def guard(
        self, handler: Handler, role: Role | None
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler behind the gate.

        Args:
            role: who may come; None: everybody.
        """

        async def answer(request: web.Request) -> web.StreamResponse:
            began = self._clock.monotonic()
            nonce = secrets.token_urlsafe(16)
            visit = Visit(request, None, "", nonce, self._voice(request, None), {})
            try:
                visit = await self._receive(visit)
                response = self._check(visit, role) or await handler(visit)
            except web.HTTPRequestEntityTooLarge:
                response = self.deny(visit, Denied(413, "too_large"))
            except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a page
                response = self.deny(visit, _read_failure(error))
            self._metrics.answered(self._clock.monotonic() - began)
            if not response.prepared:
                self.dress(response, nonce)
            return response

        return answer

    async def _receive(self, visit: Visit) -> Visit:
        """Who it is, and what he sends."""
        request = visit.request
        if not is_ours(request.method, request.headers, self._settings.url):
            raise Denied(403, "not_ours")
        secret = request.cookies.get(self.cookie, "")
        session = await self._find_session(visit, secret)
        form: dict[str, str] = {}
        if request.method not in SAFE_METHODS:
            form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        voice = self._voice(request, session)
        return Visit(request, session, secret if session else "", visit.nonce, voice, form)

    def _check(self, visit: Visit, role: Role | None) -> web.Response | None:
        """Whether he may. Returns where to go instead; None: he may."""
        if role is None:
            return None
        safe = visit.request.method in SAFE_METHODS
        if visit.session is None:
            if safe:
                return see_other("/sign-in")
            raise Denied(401, "signed_out")
        if not visit.session.role.may(role):
            raise Denied(403, "role")
        given = visit.form.get("token", "").encode("utf-8", "replace")
        if not safe and not hmac.compare_digest(given, form_token(visit.secret).encode()):
            raise Denied(403, "not_ours")
        return None

    async def _find_session(self, visit: Visit, secret: str) -> Session | None:
        """The session, which is the browser's that it was made for and no other's."""
        if not secret:
            return None
        now = self._clock.now()
        session = await self._store.load_session(secret, now)
        if session is not None and session.agent != visit.agent:
            await self._store.end_session(secret)
            await self._store.note(session.operator, "stolen", now)
            LOG.warning("console_cookie_elsewhere")
            return None
        return session

    def _voice(self, request: web.Request, session: Session | None) -> Voice:
        chosen = session.language if session else None
        if chosen is None:
            asked = request.headers.get("Accept-Language", "").strip().lower()[:2]
            chosen = asked if asked in {"fr", "en"} else self._settings.language.value
        return Voice(Language(chosen), self._settings.zone)

    # -- answers --------------------------------------------------------------------------------

    def page(
        self, visit: Visit, template: str, *, http_status: int = 200, **values: Any
    ) -> web.Response:
        """A page."""
        token = form_token(visit.secret) if visit.session else ""
        html = self._renderer.page(
            template, visit.voice, nonce=visit.nonce, token=token, session=visit.session,
            path=visit.request.path, Role=Role, **values,
        )  # fmt: skip
        return web.Response(text=html, status=http_status, content_type="text/html")

    def deny(self, visit: Visit, denied: Denied) -> web.Response:
        """A page that says what is not taken, and what to do."""
        response = self.page(visit, "denied.html", http_status=denied.status, code=denied.code)
        if denied.status in {429, 503}:
            response.headers["Retry-After"] = "60" if denied.status == 429 else "5"
        return response

    def dress(self, response: web.StreamResponse, nonce: str) -> None:
        """The headers that every answer carries."""
        headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; "
                "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
                "frame-ancestors 'none'; base-uri 'none'; "
                "require-trusted-types-for 'script'; trusted-types htmx"
            ),
            "X-Content-Type-Options": "nosniff",
            # Not no-referrer: with it a browser says of no form where it comes from.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Cache-Control": "no-store",
        }
        if self._settings.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        for name, value in headers.items():
            response.headers.setdefault(name, value)

    def sign_in(self, response: web.StreamResponse, secret: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self.cookie, secret, path="/", httponly=True, samesite="Strict",
            secure=self._settings.secure, max_age=int(SESSION_LASTS.total_seconds()),
        )  # fmt: skip

    def sign_out(self, response: web.StreamResponse) -> None:
        """Take it away."""
        response.del_cookie(
            self.cookie, path="/", httponly=True, samesite="Strict", secure=self._settings.secure
        )


def form_token(secret: str) -> str:
    """What a form of this session carries, so that it is no other page's."""
    return hashlib.sha256(b"form:" + secret.encode("utf-8", "replace")).hexdigest()


def agent_of(request: web.Request) -> str:
    """What a browser calls itself, as much as is kept."""
    said = request.headers.get("User-Agent", "")[:AGENT_CHARACTERS_MAX]
    return "".join(char if char.isprintable() else "?" for char in said)


def _read_failure(error: Exception) -> Denied:
    """What went wrong, as it is told: nothing of it is quoted."""
    match error:
        case Denied():
            return error
        case Transient() | Rejected() | Fatal():
            LOG.warning("console_away", code=error.code)
            return Denied(503, "away")
        case _:
            LOG.error("console_failed", exc_info=error)
            return Denied(500, "defect")


def see_other(path: str) -> web.Response:
    """Go there, with a GET."""
    return web.Response(status=303, headers={"Location": path})
