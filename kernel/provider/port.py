"""The provider port: what the house needs of an SMS provider, and answers sorted by reaction.

Pure. Nothing here raises for what the provider or the network does: every answer is a value that
says what the caller must do. Both the adapter and the fake pass one contract suite
(``tests/contract/test_provider.py``). Reason codes are few and stable (metric labels), and never
quote what the provider said: it may hold a phone number.

Of sending there are three answers and no more:

- ``Accepted``: the provider has it and gave it an id;
- ``NotAccepted``: it is *proved* that the provider took nothing: it answered a definite 4xx, or
  nothing was ever written to it (refused, no such host, no connection in time);
- ``Uncertain``: everything else. It may have been sent; it must not be sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the SMS.

    Attributes:
        message_id: its id for it.
    """

    message_id: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The provider provably did not take the SMS.

    Attributes:
        reason: the HTTP status (``"429"``), or ``refused``, ``unresolved_host``,
            ``connect_timeout``, ``certificate``, ``invalid``, ``stale``.
        retry: the same SMS may be accepted later (no credit, too fast, away, misconfigured).
        after_seconds: not before this, if the provider said so.
    """

    reason: str
    retry: bool
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody knows whether the provider took the SMS.

    Attributes:
        reason: ``timeout``, ``reset``, ``unreadable``, ``redirected``, ``cancelled``, or the HTTP
            status.
    """

    reason: str


SendResult = Accepted | NotAccepted | Uncertain


@dataclass(frozen=True, slots=True)
class Away:
    """A question was not answered. Nothing was changed; ask again later.

    Attributes:
        reason: as of ``NotAccepted`` and ``Uncertain``.
        after_seconds: not before this, if the provider said so.
    """

    reason: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider has no such thing (404)."""


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """One message in the provider's log. It holds no text.

    Attributes:
        message_id: the provider's id.
        sender, recipient: numbers as the provider writes them, in clear.
        at: the provider's message time, UTC.
        state: as the provider says, lower case.
        segments: as billed; None where it cannot be read.
        amount_microunits: charged so far, millionths of its currency; None where unreadable.
        error_code: None where there is none (or it says 000).
        message_type: ``sms``, ``mms``, …
    """

    message_id: str
    sender: str
    recipient: str
    at: datetime
    state: str
    segments: int | None
    amount_microunits: int | None
    error_code: str | None
    message_type: str = "sms"

    def __repr__(self) -> str:
        """Without the numbers: a value may end in an error or a log line."""
        return f"LoggedMessage({self.message_id}, {self.state})"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the log.

    Attributes:
        messages: those that could be read, in the provider's order.
        more: there may be another page.
        unreadable: how many on it could not be read.
    """

    messages: Sequence[LoggedMessage]
    more: bool
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """What the number is linked to.

    Attributes:
        app_id: the application; None: to none, nothing is delivered to us.
    """

    app_id: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The account.

    Attributes:
        credit_microunits: prepaid credit, millionths of the provider's currency; None: unreadable.
        auto_recharge: it fills itself from a card: then no fund bounds what is spent.
    """

    credit_microunits: int | None
    auto_recharge: bool | None


@dataclass(frozen=True, slots=True)
class Done:
    """The provider says it did it; believe only what it says when asked later."""


PAGE_MAX = 20
"""The most messages on a page (docs/plivo.md §5)."""


class Provider(Protocol):
    """An SMS provider. Safe to share between tasks of one event loop; nothing here raises."""

    async def send(self, *, to: str, text: str, callback_url: str) -> SendResult:
        """Hand over one SMS, once; never tried again in here.

        Args:
            to: E.164.
            callback_url: where to report on it.
        """
        ...

    async def read_message(self, message_id: str) -> LoggedMessage | Missing | Away:
        """Read one message of the log. The log lags: missing now is no proof of absence."""
        ...

    async def list_sent(
        self, *, to: str | None, since: datetime, until: datetime | None = None, offset: int = 0
    ) -> Page | Away:
        """List what was sent from our number, a page at a time.

        Args:
            to: E.164; None for all.
            since, until: bounds of the provider's message time, both included, whole seconds.
        """
        ...

    async def list_received(
        self, *, since: datetime, until: datetime, undelivered: bool, offset: int = 0
    ) -> Page | Away:
        """List what was sent to our number, a page at a time.

        Args:
            undelivered: only what our webhook did not take (answered anything but 2xx).
        """
        ...

    async def read_link(self) -> Link | Away:
        """What the number is linked to now."""
        ...

    async def link(self, app_id: str) -> Done | Away:
        """Link the number to an application; empty: to none."""
        ...

    async def read_account(self) -> Account | Away:
        """The account's credit."""
        ...
