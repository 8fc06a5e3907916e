"""What the responder counts."""

from collections.abc import Iterable

from kernel.facts.records import ReplyKind, ReplyState
from kernel.telemetry.metrics import Telemetry
from services.responder.core.outbox import Reply


class Metrics:
    """The responder's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._lateness = telemetry.histogram("antirelou_reply_lateness_seconds")

    def changed(self, before: Reply, after: Reply) -> None:
        """A reply went on, and it is committed."""
        if before.state is after.state:
            return
        self._telemetry.counter("antirelou_replies_total", outcome=after.state).inc()
        handed_over = before.state in {
            ReplyState.SENDING,
            ReplyState.UNCERTAIN,
        } and after.state in {
            ReplyState.SENT,
            ReplyState.DELIVERED,
            ReplyState.UNDELIVERED,
        }
        if handed_over and after.kind is ReplyKind.REPLY and after.sending_at is not None:
            lateness = (after.sending_at - after.due_at).total_seconds()
            self._lateness.observe(max(lateness, 0.0))

    def changed_all(self, pairs: Iterable[tuple[Reply, Reply]]) -> None:
        """As ``changed``, for many."""
        for before, after in pairs:
            self.changed(before, after)

    def ignored(self, reason: str) -> None:
        """A report was about no reply of ours."""
        self._telemetry.counter("antirelou_reports_ignored_total", reason=reason).inc()
