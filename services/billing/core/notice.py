"""What an alert says: what is so, what still costs money, and the one command to type. Pure.

Figures of the house alone: no number, no text, no id of anybody is in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from kernel.facts.records import Posture
from kernel.words.gloss import Language, gloss, write_euros, write_figure
from services.billing.core.alert import Alarm, Alert, Situation
from services.billing.core.posture import Cause
from services.billing.core.tariff import Tariff

DONATION = 'antirelou fund add 50.00 --note "…"'
COMMANDS = {
    Alarm.DETACHED: DONATION,
    Alarm.FUND_LOW: DONATION,
    Alarm.PROVIDER_AWAY: "antirelou doctor --live",
    Alarm.AUDIT: "antirelou audit",
    Alarm.UNCERTAIN: "antirelou doctor --live",
    Alarm.DEAD: "antirelou dead list",
    Alarm.UNREAD: "antirelou doctor",
    Alarm.PRICE: "antirelou status",
    Alarm.GIFTS: "antirelou fund show",
    Alarm.GUARDED: "antirelou status",
}
CAUSES = {
    Cause.OPERATOR: "antirelou resume",
    Cause.RESTORED: "antirelou resume",
    Cause.FLOOR: DONATION,
    Cause.CREDIT: "antirelou doctor --live",
    Cause.DELIVERIES_FAILING: "antirelou doctor --live",
    Cause.DAILY_CAP: "antirelou status",
}
"""What to type while replies are suspended, by why they are."""

URGENT = frozenset(
    {Alarm.SUSPENDED, Alarm.DETACHED, Alarm.PROVIDER_AWAY, Alarm.AUDIT, Alarm.UNREAD}
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to a person.

    Attributes:
        title: one line.
        body: a few lines.
        urgent: worth a sound at night.
    """

    title: str
    body: str
    urgent: bool


def write_notice(alert: Alert, now_is: Situation, tariff: Tariff, language: Language) -> Notice:
    """The message for an alert, as things stand when it is sent."""
    what = gloss("alert", alert.alarm, language)
    if alert.cause is not None:
        what += f" ({gloss('cause', alert.cause, language)})"
    title = gloss("alert_line", "over", language, what=what) if alert.over else what
    lines = [_tell_fund(now_is, language)]
    if alert.alarm is Alarm.FUND_LOW and now_is.lasts is not None:
        days = write_figure(now_is.lasts / timedelta(days=1), language, decimals=1)
        lines.append(gloss("alert_line", "lasts", language, days=days))
    if alert.alarm is Alarm.PRICE:
        lines += _tell_prices(now_is, tariff, language)
    lines += [_tell_costs(now_is, tariff, language), _tell_command(alert, language)]
    if alert.last:
        lines.append(gloss("alert_line", "last_today", language))
    urgent = alert.alarm in URGENT and not alert.over and alert.cause is not Cause.OPERATOR
    return Notice(f"antirelou: {title}", "\n".join(lines), urgent)


def _tell_fund(now_is: Situation, language: Language) -> str:
    return gloss(
        "alert_line", "fund", language,
        available=write_euros(now_is.available, language),
        floor=write_euros(now_is.floor, language),
        waiting=write_figure(now_is.waiting, language),
        cost=write_euros(now_is.waiting_cost, language),
    )  # fmt: skip


def _tell_costs(now_is: Situation, tariff: Tariff, language: Language) -> str:
    receive = write_euros(tariff.receive_microeuros, language)
    if now_is.attached is False:
        return gloss("alert_line", "costs_nothing", language)
    if now_is.posture is Posture.SUSPENDED:
        return gloss("alert_line", "costs_receiving", language, receive=receive)
    reply = write_euros(tariff.reply_microeuros, language)
    return gloss("alert_line", "costs_all", language, receive=receive, reply=reply)


def _tell_prices(now_is: Situation, tariff: Tariff, language: Language) -> Iterator[str]:
    expected = (tariff.receive_microeuros, tariff.reply_microeuros)
    for on, price, usual in zip(("receive", "reply"), now_is.dear, expected, strict=True):
        if price:
            yield gloss(
                "alert_line", f"dear_{on}", language,
                price=write_euros(price, language, decimals=4),
                tariff=write_euros(usual, language, decimals=4),
            )  # fmt: skip


def _tell_command(alert: Alert, language: Language) -> str:
    if alert.over:
        return gloss("alert_line", "no_command", language)
    command = CAUSES[alert.cause] if alert.cause in CAUSES else COMMANDS[alert.alarm]
    return gloss("alert_line", "command", language, command=command)
