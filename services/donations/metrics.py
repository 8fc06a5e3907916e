"""What donations measures; labels are platforms, kinds and outcomes of our own."""

from datetime import datetime

from kernel.facts.records import Platform
from kernel.telemetry.metrics import Telemetry

WEBHOOKS = ("helloasso", "stripe")


class Metrics:
    """Donations' side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def answered(self, source: Platform, outcome: str) -> None:
        """A webhook was answered."""
        self._telemetry.counter(
            "antirelou_webhooks_total", kind=f"donations_{source}", outcome=outcome
        ).inc()

    def asked(self, source: Platform, outcome: str) -> None:
        """A platform was asked for something: ``done``, ``refused``, ``away``, ``unreadable``."""
        self._telemetry.counter(
            "antirelou_platform_requests_total", source=source, outcome=outcome
        ).inc()

    def watched(self, source: Platform, now: datetime) -> None:
        """A platform is set up: from now on it is missed."""
        gauge = self._telemetry.gauge("antirelou_platform_read_timestamp_seconds", source=source)
        gauge.set(now.timestamp())

    def unreadable(self, source: Platform, count: int) -> None:
        """So many things of a platform could not be read."""
        if count:
            self._telemetry.counter("antirelou_gifts_unreadable_total", source=source).inc(count)

    def told(self, source: Platform, count: int) -> None:
        """So many facts were told."""
        if count:
            self._telemetry.counter("antirelou_gifts_told_total", source=source).inc(count)

    def compared(self, source: Platform, difference_euros: float) -> None:
        """A platform and what was told of it differ by so much."""
        gauge = self._telemetry.gauge("antirelou_gifts_difference_euros", source=source)
        gauge.set(difference_euros)
