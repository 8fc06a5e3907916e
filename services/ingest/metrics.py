"""What the door measures; labels are kinds, outcomes and names of our own fields."""

from collections.abc import Callable

from kernel.telemetry.metrics import Telemetry
from services.ingest.core.webhook import WebhookKind

ACCEPTED = "accepted"
IGNORED = "ignored"
LOG_AWAY = "log_away"
OVERLOADED = "overloaded"


class IngestMetrics:
    """The door's side of the metrics; looks each label up once.

    Args:
        telemetry: of the process.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._seconds = telemetry.histogram("antirelou_webhook_seconds")
        self._answered: dict[tuple[WebhookKind, str], Callable[[], None]] = {}

    def answered(self, kind: WebhookKind, outcome: str, seconds: float) -> None:
        """A webhook was answered."""
        count = self._answered.get((kind, outcome))
        if count is None:
            counter = self._telemetry.counter(
                "antirelou_webhooks_total", kind=kind.value, outcome=outcome
            )
            count = self._answered[kind, outcome] = counter.inc
        count()
        self._seconds.observe(seconds)

    def malformed(self, field: str) -> None:
        """A field could not be read and was taken as missing."""
        self._telemetry.counter("antirelou_fields_malformed_total", field=field).inc()
