"""What billing counts and shows."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf

from kernel.facts.records import Posture
from kernel.telemetry.metrics import Telemetry
from kernel.values.money import MICRO
from services.billing.core.posture import Cause
from services.billing.core.reply import ENDED_HERE, Reply
from services.billing.operator import Status

SPENT = {"receive": "spent_receive_microeuros", "reply": "spent_reply_microeuros"}


class Metrics:
    """Billing's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        for on in SPENT:  # from the start, so that the first is seen as an increase
            telemetry.counter("antirelou_amounts_implausible_total", on=on)

    def doubted(self, on: str, count: int) -> None:
        """So many figures were beyond belief: of ``receive`` or ``reply``."""
        if count:
            self._telemetry.counter("antirelou_amounts_implausible_total", on=on).inc(count)

    def ended(self, replies: Iterable[Reply]) -> None:
        """Billing ended replies itself."""
        for reply in replies:
            if reply.state in ENDED_HERE:
                self._telemetry.counter("antirelou_replies_total", outcome=reply.state).inc()

    def dead(self, count: int) -> None:
        """So many records are dead."""
        self._telemetry.gauge("antirelou_dead_records").set(count)

    def alerted(self, outcome: str) -> None:
        """A message to ``ALERT_URL`` was ``told``, ``refused``, or nobody was there."""
        self._telemetry.counter("antirelou_alerts_total", outcome=outcome).inc()

    def show(self, status: Status, horizon: timedelta, now: datetime) -> None:
        """Set the gauges.

        Args:
            horizon: ``FUND_HORIZON``.
        """
        self._show_watched(status, horizon, now)
        fund = status.fund
        accounts: Mapping[str, int | None] = {
            name: getattr(fund, f"{name}_microeuros")
            for name in (
                "donated", "available", "reserved", "spent_receive", "spent_reply", "fees",
                "floor", "provider_credit", "raised", "transferred", "held",
            )
        }  # fmt: skip
        for account, amount in accounts.items():
            if amount is not None:
                gauge = self._telemetry.gauge("antirelou_fund_euros", account=account)
                gauge.set(amount / MICRO)
        for on, name in SPENT.items():
            self._telemetry.gauge("antirelou_spent_euros", on=on).set(getattr(fund, name) / MICRO)
        for posture in Posture:
            gauge = self._telemetry.gauge("antirelou_posture", posture=posture)
            gauge.set(posture is status.posture)
        for cause in Cause:
            gauge = self._telemetry.gauge("antirelou_posture_cause", cause=cause)
            gauge.set(cause == status.posture_cause)
        if status.attached is not None:
            self._telemetry.gauge("antirelou_number_attached").set(status.attached)
        waiting = status.replies.get("waiting", 0)
        self._telemetry.gauge("antirelou_replies_waiting").set(waiting)

    def _show_watched(self, status: Status, horizon: timedelta, now: datetime) -> None:
        watched, gauge = status.watched, self._telemetry.gauge
        gauge("antirelou_gifts_uncounted").set(watched.uncounted)
        lasts = watched.outlook.lasts
        gauge("antirelou_fund_lasts_seconds").set(inf if lasts is None else lasts.total_seconds())
        gauge("antirelou_fund_horizon_seconds").set(horizon.total_seconds())
        gauge("antirelou_fund_pace_euros_per_second").set(watched.outlook.pace / MICRO)
        since = watched.uncertain_since or now
        uncertain = max((now - since).total_seconds(), 0.0)
        gauge("antirelou_replies_uncertain_oldest_seconds").set(uncertain)
        times = {
            "antirelou_provider_checked_timestamp_seconds": watched.provider_checked_at,
            "antirelou_webhook_last_timestamp_seconds": status.last_webhook_at,
            "antirelou_unread_known_timestamp_seconds": watched.unread_at,
            "antirelou_audit_timestamp_seconds": watched.audit.at if watched.audit else None,
        }
        for name, at in times.items():
            if at is not None:
                gauge(name).set(at.timestamp())
        for on, price in zip(SPENT, watched.dear, strict=True):
            gauge("antirelou_price_above_tariff_euros", on=on).set(price / MICRO)
        if watched.audit is not None:
            for invariant, count in watched.audit.broken.items():
                gauge("antirelou_audit_violations", invariant=invariant).set(count)
