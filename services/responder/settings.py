"""The settings that the responder needs, and the house's own durations."""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from kernel.provider.port import Traits
from kernel.provider.table import entry_of, traits_of
from kernel.sealing.privacy import public_half
from kernel.settings.settings import ProviderName, Settings, read_older, require
from kernel.values.errors import Fatal
from kernel.values.text import segment_text
from services.responder.core.attachment import AttachmentRules
from services.responder.core.backfill import BackfillRules
from services.responder.core.budget import Budget
from services.responder.core.outbox import IMPLAUSIBLE_FACTOR, OutboxRules
from services.responder.core.rate import RateRules
from services.responder.core.template import lint_texts

LEASE = timedelta(seconds=90)
"""Longer than the longest call (``provider.plivo``: waiting for a thread, and the call). A time-out
of the network, so it stays real whatever ``CLOCK_SPEED``."""


WEBHOOK = "webhook"
"""What a phone is linked to: a webhook of ours (``provider.smsgate``)."""

UNLEFT_MAX = 30
"""The number of replies that a phone may have and not have sent: as many as Android itself lets go
in half an hour. More would only run out of time on a phone that sleeps."""

RETRY_AWAY = timedelta(seconds=2)
"""Of the wish about the number, while the provider does not answer: it is to be fulfilled within
five seconds of its return (``core.floor`` of billing), real ones whatever ``CLOCK_SPEED``."""


@dataclass(frozen=True, slots=True)
class ResponderSettings:
    """The responder's part of the settings.

    Attributes:
        number: ours, E.164.
        traits: what the provider can do.
        app_id: the application the number is linked to; empty: attaching is off.
        report_url: where the provider reports; a reply's id is added.
        sending_private_keys: 32 bytes each, the present one first.
        unleft_max: replies that the provider may have and not have sent; None: as many as may be.
        page_pause: between pages of the scan that reads everything, so that it takes no more than
            half of the budget.
        window: ``REPLY_WINDOW``: one answer to a number.
    """

    number: str
    traits: Traits
    app_id: str
    texts: tuple[str, ...]
    report_url: str
    pseudonym_key: bytes = field(repr=False)
    sending_public_key: bytes = field(repr=False)
    sending_private_keys: tuple[bytes, ...] = field(repr=False)
    outbox: OutboxRules
    rate: RateRules
    attachment: AttachmentRules
    backfill: BackfillRules
    page_pause: timedelta
    window: timedelta
    budget: Budget
    unleft_max: int | None = None

    def callback_url(self, reply_id: str) -> str:
        """Where the provider is to report on a reply."""
        return self.report_url + quote(reply_id, safe="")


def read_settings(settings: Settings) -> ResponderSettings:
    """Take what the responder needs, and check the texts.

    Raises:
        Fatal: ``settings``: one is missing, the keys are no pair, or a text breaks the cap.
    """
    entry, traits = entry_of(settings), traits_of(settings)
    require(
        settings, "number", *entry.api, "pseudonym_key", "sending_public_key",
        "sending_private_key",
    )  # fmt: skip
    _check_keys(settings)
    _check_texts(settings)
    app_id = settings.plivo_app_id if settings.provider is ProviderName.PLIVO else WEBHOOK

    def scaled(seconds: float, seconds_min: float) -> timedelta:
        # Work takes real time under any CLOCK_SPEED: no wait is cut below what it waits for.
        return max(settings.scaled(timedelta(seconds=seconds)), timedelta(seconds=seconds_min))

    return ResponderSettings(
        number=settings.number or "",
        traits=traits,
        app_id=app_id,
        texts=settings.reply_texts,
        report_url=settings.public_url + entry.report_path,
        pseudonym_key=bytes.fromhex(settings.pseudonym_key.get_secret_value()),
        sending_public_key=bytes.fromhex(settings.sending_public_key.get_secret_value()),
        sending_private_keys=(
            bytes.fromhex(settings.sending_private_key.get_secret_value()),
            *read_older(settings.sending_private_keys_older),
        ),
        outbox=OutboxRules(
            lease=LEASE,
            search_first=scaled(30, 2),
            unresolved_after=scaled(3600, 20),
            settle_after=scaled(600, 10),
            final_after=scaled(86400, 30),
            retry_first=scaled(10, 1),
            retry_longest=scaled(600, 5),
            give_up_after=max(settings.max_wait, timedelta(seconds=30)),
            amount_max_microunits=IMPLAUSIBLE_FACTOR * _microunits(settings, settings.price_reply),
            amount_min_microunits=_microunits(settings, settings.price_reply),
            segments_min=min(segment_text(text).segments for text in settings.reply_texts),
            repeatable=traits.repeatable,
            tells_leaving=traits.tells_leaving,
        ),
        rate=RateRules(
            per_second=settings.send_rate,
            quiet=settings.quiet,
            hold_first=scaled(10, 0.5),
            hold_longest=scaled(600, 5),
        ),
        attachment=AttachmentRules(
            enabled=bool(app_id),
            check_every=scaled(600, 5),
            retry_first=timedelta(seconds=1),
            retry_longest=scaled(60, 5),
            retry_away=RETRY_AWAY,
            wanted=not traits.detaching_saves,
        ),
        backfill=BackfillRules(every=scaled(600, 2), behind=scaled(600, 5)),
        page_pause=scaled(6, 0.5),
        window=settings.reply_window,
        budget=Budget(count_max=20, window=scaled(60, 1)),
        unleft_max=UNLEFT_MAX * len(settings.smsgate_devices) if traits.cancels else None,
    )


def _microunits(settings: Settings, microeuros: int) -> int:
    """A price in millionths of the provider's currency."""
    return microeuros * 1_000_000 // settings.provider_rate


def _check_keys(settings: Settings) -> None:
    """A pair of two installations seals what nobody opens: every reply would fail."""
    private = bytes.fromhex(settings.sending_private_key.get_secret_value())
    public = bytes.fromhex(settings.sending_public_key.get_secret_value())
    if public_half(private) != public:
        raise Fatal(
            "ANTIRELOU_SENDING_PRIVATE_KEY: is not the private half of "
            "ANTIRELOU_SENDING_PUBLIC_KEY, accepted: a pair as `antirelou init` makes it",
            code="settings",
        )


def _check_texts(settings: Settings) -> None:
    complaints = lint_texts(
        settings.reply_texts,
        price_reply_microeuros=settings.price_reply,
        price_receive_microeuros=settings.price_receive,
        cap_microeuros=settings.cap_per_exchange,
    )
    if complaints:
        raise Fatal("\n".join(str(complaint) for complaint in complaints), code="settings")
