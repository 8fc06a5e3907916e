"""Time comes from here and nowhere else; cores take ``now`` as an argument."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Reads the time. Timestamps are wall-clock UTC, always aware."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back, for measuring and waiting."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See ``Clock``."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that reads it

    def monotonic(self) -> float:
        """See ``Clock``."""
        return time.monotonic()
