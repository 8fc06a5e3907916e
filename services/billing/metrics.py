"""What billing counts and shows."""

from collections.abc import Iterable, Mapping

from antirelou.money import MICRO
from antirelou.records import Posture
from antirelou.telemetry import Telemetry
from services.billing.core.reply import ENDED_HERE, Reply
from services.billing.operator import Status

SPENT = {"receive": "spent_receive_microeuros", "reply": "spent_reply_microeuros"}


class Metrics:
    """Billing's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def doubted(self, on: str, count: int) -> None:
        """So many figures were beyond belief: of ``receive`` or ``reply``."""
        if count:
            self._telemetry.counter("antirelou_amounts_implausible_total", on=on).inc(count)

    def ended(self, replies: Iterable[Reply]) -> None:
        """Billing ended replies itself."""
        for reply in replies:
            if reply.state in ENDED_HERE:
                self._telemetry.counter("antirelou_replies_total", outcome=reply.state).inc()

    def show(self, status: Status) -> None:
        """Set the gauges."""
        fund = status.fund
        accounts: Mapping[str, int | None] = {
            name: getattr(fund, f"{name}_microeuros")
            for name in (
                "donated", "available", "reserved", "spent_receive", "spent_reply", "fees",
                "floor", "provider_credit",
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
        if status.attached is not None:
            self._telemetry.gauge("antirelou_number_attached").set(status.attached)
        waiting = status.replies.get("waiting", 0)
        self._telemetry.gauge("antirelou_replies_waiting").set(waiting)
