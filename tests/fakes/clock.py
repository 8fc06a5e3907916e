"""A clock that goes when it is told to."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A ``Clock`` that stands still.

    Args:
        now: where it starts; default the Friday of October 2017, 16:00 in Paris.
    """

    def __init__(self, now: datetime = datetime(2017, 10, 27, 14, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 0.0

    def now(self) -> datetime:
        """See ``Clock``."""
        return self._now

    def monotonic(self) -> float:
        """See ``Clock``."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let that much time pass, on the wall and otherwise."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds
