"""What the console counts."""

from kernel.telemetry.metrics import Telemetry


class Metrics:
    """The console's side of ``telemetry.METRICS``."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self._seconds = telemetry.histogram("antirelou_console_seconds")
        self._streams = telemetry.gauge("antirelou_console_streams")

    def entered(self, outcome: str) -> None:
        """Somebody tried to get in: ``link``, ``passkey``, ``refused`` or ``too_many``."""
        self.telemetry.counter("antirelou_console_entries_total", outcome=outcome).inc()

    def acted(self, act: str, outcome: str) -> None:
        """An act was ``done`` or ``refused``."""
        self.telemetry.counter("antirelou_console_acts_total", act=act, outcome=outcome).inc()

    def answered(self, seconds: float) -> None:
        """A page took so long."""
        self._seconds.observe(seconds)

    def looking(self, count: int) -> None:
        """So many look on."""
        self._streams.set(count)
