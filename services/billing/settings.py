"""The settings that billing needs, and the house's own durations."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kernel.provider.table import traits_of
from kernel.settings.settings import QuietHours, Release, Settings, require
from kernel.values.errors import Fatal
from kernel.values.text import segment_text
from kernel.words.gloss import Language, choose_language
from services.billing.core.alert import AlertRules
from services.billing.core.gift import GiftRules
from services.billing.core.pace import PaceRules
from services.billing.core.posture import PostureRules, Standing, advance_clock
from services.billing.core.price import PriceRules
from services.billing.core.room import RoomRules
from services.billing.core.tariff import Tariff, is_over_cap, price_reply

CREDIT_EXCHANGES = 10
"""Exchanges for which the provider's credit must reach, or no reply is authorised."""
FLOOR_HOURS = 6
BURN_FAST, BURN_SLOW = 14.4, 6.0
"""So many times the even pace, in an hour and in six, is too fast: the figures that SRE practice
takes for error budgets."""
AGE = timedelta(hours=48)
"""Who has waited so much longer is one nat of score better."""
MARGIN = 0.3
"""Nats by which one who is to come must be better for money to be kept for him."""
UNLOOKED_MAX = timedelta(minutes=10)
UNREAD_MAX = 500
"""Receipts that may wait unread while replies are authorised; each is taken to cost the tariff."""


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What the operator API needs of the settings.

    Attributes:
        token: bearer token; empty: nobody is let in.
        number: ours, E.164; empty where it is not set.
        send_rate: SMS a second.
        pseudonym_key, sending_public_key: 32 bytes each.
    """

    token: str = field(repr=False)
    number: str
    send_rate: float
    pseudonym_key: bytes = field(repr=False)
    sending_public_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Whom to tell, and how.

    Attributes:
        url: an ntfy topic or any other webhook; empty: nobody is told.
    """

    url: str
    rules: AlertRules
    language: Language


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """Billing's part of the settings.

    Attributes:
        hour: in which receiving is counted for the floor under a flood; a minute is its sixtieth.
        wait_longest: ``MAX_WAIT``.
        unlooked_max: so long without a look still counts as waiting.
        age: of waiting that counts as one nat of score.
        ahead_max: replies authorised and not yet handed over: a minute of sending.
        unread_max: ``UNREAD_MAX``.
        by_person: a person releases each reply.
        reappend_after: an authorisation that nobody answered for so long is told again.
    """

    tariff: Tariff
    posture: PostureRules
    quiet: QuietHours | None
    zone: ZoneInfo
    hour: timedelta
    wait_longest: timedelta
    unlooked_max: timedelta
    age: timedelta
    ahead_max: int
    unread_max: int
    reappend_after: timedelta
    operator: OperatorSettings
    alerts: AlertSettings
    gifts: GiftRules = field(default_factory=GiftRules)
    by_person: bool = False

    def advance(self, standing: Standing, now: datetime) -> Standing:
        """Let the waiting clock go on."""
        return advance_clock(standing, self.quiet, now, self.unlooked_max)

    @property
    def room(self) -> RoomRules:
        """What the waiting room goes by."""
        return RoomRules(self.posture, self.tariff, self.price)

    @property
    def price(self) -> PriceRules:
        """How a euro is priced."""
        return PriceRules(self.hour, self.age, MARGIN, self.quiet)


def read_settings(settings: Settings) -> BillingSettings:
    """Take what billing needs.

    Raises:
        Fatal: ``settings``: one is missing, or a text breaks the cap.
    """
    require(settings, "operator_token", "pseudonym_key", "sending_public_key")
    tariff = Tariff(
        receive_microeuros=settings.price_receive,
        reply_microeuros=settings.price_reply,
        reply_segments=max(segment_text(text).segments for text in settings.reply_texts),
        cap_microeuros=settings.cap_per_exchange,
        rate_micro=settings.provider_rate,
    )
    # Refused for good is each reply then: better nobody is, and whoever set it is told.
    if is_over_cap(price_reply(tariff), tariff):
        raise Fatal(
            f"ANTIRELOU_REPLY_TEXTS: the longest is {tariff.reply_segments} segments, and "
            "PRICE_RECEIVE + PRICE_REPLY for each is above ANTIRELOU_CAP_PER_EXCHANGE; `antirelou "
            "doctor` names the text, its characters outside GSM-7 and what to write instead",
            code="settings",
        )
    exchange = settings.cap_per_exchange
    minute = settings.scaled(timedelta(minutes=1))
    return BillingSettings(
        tariff=tariff,
        posture=PostureRules(
            floor_microeuros=settings.fund_floor,
            daily_cap_microeuros=settings.daily_cap,
            margin_microeuros=exchange,
            credit_floor_microeuros=CREDIT_EXCHANGES * exchange,
            floor_hours=FLOOR_HOURS,
            probe_every=settings.scaled(timedelta(minutes=30)),
            pace=PaceRules(
                horizon=settings.fund_horizon,
                hour=settings.scaled(timedelta(hours=1)),
                fast=BURN_FAST,
                slow=BURN_SLOW,
            ),
            detaching_saves=traits_of(settings).detaching_saves,
        ),
        quiet=settings.quiet,
        zone=ZoneInfo(settings.timezone),
        hour=settings.scaled(timedelta(hours=1)),
        wait_longest=settings.max_wait,
        unlooked_max=max(settings.scaled(UNLOOKED_MAX), timedelta(seconds=10)),  # looks are real
        age=settings.scaled(AGE),
        # Telling and hearing takes real time: under a fast clock a minute is too short for it.
        ahead_max=max(int(settings.send_rate * max(minute.total_seconds(), 1.0)), 1),
        unread_max=UNREAD_MAX,
        reappend_after=max(settings.scaled(timedelta(minutes=10)), timedelta(seconds=10)),
        operator=OperatorSettings(
            token=settings.operator_token.get_secret_value(),
            number=settings.number or "",
            send_rate=settings.send_rate,
            pseudonym_key=bytes.fromhex(settings.pseudonym_key.get_secret_value()),
            sending_public_key=bytes.fromhex(settings.sending_public_key.get_secret_value()),
        ),
        alerts=AlertSettings(
            url=settings.alert_url.get_secret_value(),
            rules=_read_alert_rules(settings),
            language=choose_language(settings.language, os.environ),
        ),
        gifts=_read_gift_rules(settings),
        by_person=settings.release is Release.PERSON,
    )


def _read_gift_rules(settings: Settings) -> GiftRules:
    hold = settings.gift_hold
    if hold is None:
        return GiftRules(settings.gifts_count)
    return GiftRules(settings.gifts_count, hold.amount_microeuros, hold.after)


def _read_alert_rules(settings: Settings) -> AlertRules:
    usual = AlertRules()
    return AlertRules(
        raise_after=settings.scaled(usual.raise_after),
        clear_after=settings.scaled(usual.clear_after),
        horizon=settings.fund_horizon,
        # Asking the provider takes real time.
        provider_after=max(settings.scaled(usual.provider_after), timedelta(minutes=1)),
        uncertain_after=settings.scaled(usual.uncertain_after),
        unread_after=max(settings.scaled(usual.unread_after), timedelta(minutes=1)),  # reads too
        a_day_max=usual.a_day_max,
    )
