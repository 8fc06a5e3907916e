"""A route as a row, and who calls it. Pure."""

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from kernel.desk.fields import Refused, Wrong, read_words
from kernel.http.client import ACTOR, ROLE

ACTOR_CHARACTERS_MAX = 60
UNNAMED = "operator"
"""The actor of a call that names none: whoever has the token, as the command line."""


class Nothing(msgspec.Struct, frozen=True):
    """A request without fields."""


Q = TypeVar("Q", bound=msgspec.Struct)
A = TypeVar("A")


class Role(enum.StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEW = "view"
    OPERATE = "operate"
    OWNER = "owner"

    def may(self, needed: "Role") -> bool:
        """Whether this is enough."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as said by whoever has the token: the console names the person before it.

    Attributes:
        actor: a name, for what is kept and logged.
    """

    actor: str = UNNAMED
    role: Role = Role.OWNER


def read_caller(headers: Mapping[str, str]) -> Caller:
    """Who calls, by two headers; without them, the holder of the token, who may do all.

    Raises:
        Refused: 403: a header is wrong.
    """
    actor = headers.get(ACTOR, UNNAMED)
    try:
        actor = read_words(actor)
    except Wrong as wrong:
        raise Refused(403, ACTOR, str(wrong)) from None
    if len(actor) > ACTOR_CHARACTERS_MAX:
        raise Refused(403, ACTOR, f"at most {ACTOR_CHARACTERS_MAX} characters")
    try:
        return Caller(actor, Role(headers.get(ROLE, Role.OWNER)))
    except ValueError:
        raise Refused(403, ROLE, f"one of {', '.join(Role)}") from None


@dataclass(frozen=True, slots=True)
class Route(Generic[Q, A]):
    """A row of the table: all that is said of a route.

    Attributes:
        path: what stands in braces is a field of the request; without a body (GET), so is each
            part of the query.
        function: answers, with a status where ``done`` has several. Its name is the
            ``operationId``.
        asks: the request.
        answers: the answer.
        summary: a sentence, for the description.
        role: who may call it.
        done: by status of success, what it means; the first is meant where none is given.
        refuses: by status, when it is refused; beside what every route may answer.
    """

    method: str
    path: str
    function: Callable[[Q, Caller], Awaitable[A | tuple[int, A]]]
    asks: type[Q]
    answers: type[A]
    summary: str
    role: Role = Role.VIEW
    done: Mapping[int, str] = field(default_factory=lambda: {200: "Done."})
    refuses: Mapping[int, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """Of success, where the function says none."""
        return next(iter(self.done))

    @property
    def in_path(self) -> frozenset[str]:
        """The fields that the path holds."""
        names = (field.encode_name for field in msgspec.structs.fields(self.asks))
        return frozenset(name for name in names if f"{{{name}}}" in self.path)

    @property
    def beside_path(self) -> bool:
        """Whether there are fields in the body or the query."""
        return len(self.in_path) < len(msgspec.structs.fields(self.asks))

    @property
    def has_body(self) -> bool:
        """Whether a body is read."""
        return self.method != "GET" and self.beside_path


Rows = tuple[Route[Any, Any], ...]
