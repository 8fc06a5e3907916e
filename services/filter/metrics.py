"""What the filter counts."""

from collections import Counter
from collections.abc import Iterable

from kernel.facts.records import SmsJudged
from kernel.telemetry.metrics import Telemetry


class Metrics:
    """The filter's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self._deliberating = telemetry.gauge("antirelou_deliberating")
        self._absent = telemetry.gauge("antirelou_partitions_absent")

    def judged(self, verdicts: Iterable[SmsJudged]) -> None:
        """These verdicts are new, and committed; told again they are not counted again."""
        counts = Counter((verdict.decision, verdict.reason) for verdict in verdicts)
        for (decision, reason), count in counts.items():
            self.telemetry.counter(
                "antirelou_verdicts_total", decision=decision, reason=reason
            ).inc(count)

    def deliberating(self, count: int) -> None:
        """So many messages of the partitions held are deliberated."""
        self._deliberating.set(count)

    def absent(self, count: int) -> None:
        """For so many partitions of others verdicts do not wait."""
        self._absent.set(count)
