"""What evidence counts."""

from kernel.telemetry.metrics import Telemetry


class Metrics:
    """The service's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def grown(self, size: int) -> None:
        """The log has so many leaves."""
        self._telemetry.gauge("antirelou_evidence_leaves").set(size)

    def erased(self, why: str, count: int) -> None:
        """Records were erased."""
        self._telemetry.counter("antirelou_evidence_erased_total", why=why).inc(count)

    def swept(self, outcome: str) -> None:
        """A part of the erasure of what is past its time: ``done`` or ``failed``."""
        self._telemetry.counter(
            "antirelou_upkeep_total", service="evidence", chore="erase", outcome=outcome
        ).inc()

    def attended(self, by: str, outcome: str) -> None:
        """The time-stamping authority or the witness was asked."""
        self._telemetry.counter("antirelou_evidence_attended_total", by=by, outcome=outcome).inc()

    def failed(self) -> None:
        """The service stopped on a defect and is started again."""
        self._telemetry.counter("antirelou_evidence_failed_total").inc()
