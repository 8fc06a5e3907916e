"""Who may do what, for how long, and how often somebody may try to get in. Pure."""

import enum
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
"""A session ends so long after it began, whatever is done in it."""
SESSION_IDLE = timedelta(hours=2)
"""A session that nobody used for so long has ended."""
SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is noted at most so often."""
CHALLENGE_LASTS = timedelta(minutes=5)
ATTEMPTS_MAX = 20
ATTEMPTS_WITHIN = timedelta(minutes=1)

SAFE_METHODS = frozenset({"GET", "HEAD"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}", re.ASCII)
_ADDRESS = re.compile(r"[\d.]+|.*:.*", re.ASCII)


class Role(enum.StrEnum):
    """What an operator may do; each one all that the one before may."""

    VIEW = "view"
    OPERATE = "operate"
    OWNER = "owner"

    def may(self, needed: "Role") -> bool:
        """Whether this role does for what needs the other."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


def is_name(text: str) -> bool:
    """Whether an operator may be called so: it stands in the log beside what he did."""
    return bool(_NAME.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in.

    Attributes:
        id: for lists; no secret.
        way: ``link`` or ``passkey``.
        agent: what the browser calls itself.
    """

    id: int
    operator: str
    role: Role
    language: str | None
    way: str
    made_at: datetime
    seen_at: datetime
    agent: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return now < self.made_at + SESSION_LASTS and now < self.seen_at + SESSION_IDLE


class Attempts:
    """How many attempts to get in failed lately; too many, and none is looked at."""

    def __init__(self) -> None:
        self._times: deque[datetime] = deque()

    def allow(self, now: datetime) -> bool:
        """Whether one more may be tried; if so, it counts."""
        while self._times and self._times[0] <= now - ATTEMPTS_WITHIN:
            self._times.popleft()
        if len(self._times) >= ATTEMPTS_MAX:
            return False
        self._times.append(now)
        return True

    def take_back(self) -> None:
        """The latest did get in: it is none."""
        if self._times:
            self._times.pop()


def is_ours(method: str, headers: Mapping[str, str], origin: str) -> bool:
    """Whether a request comes from a page of ours, by what every browser says of itself.

    Args:
        headers: of the request.
        origin: how browsers reach us, ``CONSOLE_URL``.
    """
    if headers.get("Host", "") != urlsplit(origin).netloc:
        return False  # a name that leads here today, and that somebody else owns
    site = headers.get("Sec-Fetch-Site")
    if method in SAFE_METHODS:
        return True
    return headers.get("Origin") == origin and site in {None, "same-origin"}


def passkey_domain(origin: str) -> str:
    """The domain that passkeys are made for; empty: they are made for no bare address."""
    host = urlsplit(origin).hostname or ""
    return "" if _ADDRESS.fullmatch(host) else host
