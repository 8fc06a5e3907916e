"""The settings that donations needs, and the house's own durations."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from kernel.settings.settings import Settings
from kernel.settings.values import read_secrets
from services.donations.core.helloasso import Forms
from services.donations.core.walk import Rhythm

POLL_EVERY = timedelta(minutes=10)
BELL_EVERY = timedelta(seconds=60)
EVENTS_EVERY = timedelta(hours=1)
NIGHTLY = timedelta(hours=24)
"""How often all is read again, and compared."""
UNDER_WAY = timedelta(hours=1)
"""What is younger is not compared yet."""


@dataclass(frozen=True, slots=True)
class HelloAssoSettings:
    """How HelloAsso is read.

    Attributes:
        organization: the association's slug.
        url: scheme and host.
        bell: secret segment of the bell's path; empty: there is no bell.
    """

    organization: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    url: str
    bell: str = field(repr=False)
    forms: Forms
    rhythm: Rhythm


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How Stripe is heard and read.

    Attributes:
        secrets: of the webhook; none: there is no webhook.
        api_key: empty: nothing is asked.
        live: ``STRIPE_LIVE``: gifts in earnest, or tests, never both.
    """

    secrets: tuple[str, ...] = field(repr=False)
    api_key: str = field(repr=False)
    url: str
    live: bool
    rhythm: Rhythm
    under_way: timedelta


@dataclass(frozen=True, slots=True)
class DonationsSettings:
    """Donations' part of the settings.

    Attributes:
        since: ``GIFTS_SINCE``; None: the first start.
        nightly: how often all is read again.
        helloasso: None: it is off.
    """

    listen: str
    since: datetime | None
    nightly: timedelta
    helloasso: HelloAssoSettings | None
    stripe: StripeSettings

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Take them out of all settings."""
        scaled = settings.scaled
        helloasso = None
        if settings.helloasso_organization:
            helloasso = HelloAssoSettings(
                organization=settings.helloasso_organization,
                client_id=settings.helloasso_client_id,
                client_secret=settings.helloasso_client_secret.get_secret_value(),
                url=settings.helloasso_api_url,
                bell=settings.helloasso_bell.get_secret_value(),
                forms=Forms(frozenset(settings.helloasso_forms)),
                rhythm=Rhythm(scaled(POLL_EVERY), scaled(BELL_EVERY)),
            )
        return cls(
            listen=settings.listen,
            since=settings.gifts_since,
            nightly=scaled(NIGHTLY),
            helloasso=helloasso,
            stripe=StripeSettings(
                secrets=read_secrets(settings.stripe_webhook_secrets),
                api_key=settings.stripe_api_key.get_secret_value(),
                url=settings.stripe_api_url,
                live=settings.stripe_live,
                rhythm=Rhythm(scaled(EVENTS_EVERY), scaled(BELL_EVERY)),
                under_way=scaled(UNDER_WAY),
            ),
        )
