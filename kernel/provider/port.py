"""The provider port: what the house needs of an SMS provider, and answers sorted by reaction.

Pure. Nothing here raises for what the provider or the network does: every answer is a value that
says what the caller must do. Both the adapter and the fake pass one contract suite
(``tests/contract/test_provider.py``). Reason codes are few and stable (metric labels), and never
quote what the provider said: it may hold a phone number.

Of sending there are three answers and no more:

- ``Accepted``: the provider has it and gave it an id;
- ``NotAccepted``: it is *proved* that the provider took nothing: it answered a definite 4xx, or
  nothing was ever written to it (refused, no such host, no connection in time);
- ``Uncertain``: everything else. It may have been sent; it must not be sent again. Only where the
  provider knows a send by our reference (``Traits.repeatable``) may it be asked for again, under
  the same one.

Amounts are what the house pays, taxes included, in millionths of the provider's currency and never
negative: the adapter makes them so (credits, negative prices, prices without VAT). Free is 0, not
yet told is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Traits:
    """What a provider can do, as far as the house acts on it.

    Attributes:
        repeatable: it takes our reference as the key of a send: asked again under the same one, it
            sends no second SMS.
        searchable: its log of what was sent shows the recipients' numbers, so that an uncertain
            send is found in it by number and time.
        has_inbox: it has a log of what was received.
        detaching_saves: what is received while the number is linked costs money.
        cancels: what it was given and has not sent yet can be called back.
        tells_leaving: its ``sent`` proves that the SMS left: after that, or before it where the
            two come in disorder, ``failed`` means undelivered.
        retry_window: its webhooks are tried again for so long; after that what we did not take is
            in its inbox alone, or lost.
    """

    repeatable: bool
    searchable: bool
    has_inbox: bool
    detaching_saves: bool
    cancels: bool
    tells_leaving: bool
    retry_window: timedelta


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
    """One message in the provider's log.

    Attributes:
        message_id: the provider's id.
        sender, recipient: numbers as the provider writes them, in clear.
        at: the provider's message time, UTC.
        state: as the provider says, lower case.
        segments: as billed; None where it cannot be read.
        amount_microunits: charged so far, millionths of its currency; None where unreadable.
        error_code: None where there is none (or it says 000).
        message_type: ``sms``, ``mms``, …
        text: of a received one, where the log keeps it; it goes into the record and nowhere else.
        ref: our reference, where the log keeps it.
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
    text: str | None = None
    ref: str | None = None

    def __repr__(self) -> str:
        """Without numbers and text: a value may end in an error or a log line."""
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

    traits: Traits

    async def send(self, *, to: str, text: str, callback_url: str, ref: str = "") -> SendResult:
        """Hand over one SMS, once; never tried again in here.

        Args:
            to: E.164.
            callback_url: where to report on it.
            ref: our reference, the reply's id: the same for the same SMS, whatever crashes. Who is
                not ``repeatable`` may ignore it.
        """
        ...

    async def cancel(self, ref: str) -> Done | Away:
        """Call back what was given under a reference, if it has not been sent yet.

        ``Done`` says that it was asked; what became of it, ``read_message`` tells later. Only
        where ``Traits.cancels``.
        """
        ...

    async def read_message(self, message_id: str) -> LoggedMessage | Missing | Away:
        """Read one message of the log. The log lags: missing now is no proof of absence.

        Args:
            message_id: the provider's; or, where it is ``repeatable``, our reference.
        """
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
