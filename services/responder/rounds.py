"""Work that is done round by round: when it is woken, or when its pause is over, until drained."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from kernel.values.errors import Fatal, Transient

LOG = structlog.get_logger("responder")


class Rounds:
    """Does one round after the other.

    Args:
        name: of the work, for the log.
        work: does a round and returns the seconds to the next; ``Transient`` of it is waited out,
            and so is a defect, which is not to end the process: others share it.
        pause_seconds: after trouble.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[float]], pause_seconds: float
    ) -> None:
        self._name, self._work, self._pause_seconds = name, work, pause_seconds
        self._woken, self._draining = asyncio.Event(), asyncio.Event()
        self.trouble: str | None = None

    @property
    def is_draining(self) -> bool:
        """Whether no more is to be begun."""
        return self._draining.is_set()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def drain(self) -> None:
        """Begin nothing more."""
        self._draining.set()
        self._woken.set()

    async def run(self) -> None:
        """Work until drained."""
        while not self._draining.is_set():
            self._woken.clear()
            try:
                seconds = await self._work()
                self.trouble = None
            except Transient as trouble:
                self.trouble = trouble.code
                LOG.warning("work_waits", work=self._name, code=trouble.code)
                seconds = self._pause_seconds
            except Fatal:
                raise
            except Exception:
                self.trouble = "work_failed"
                LOG.exception("work_failed", work=self._name)
                seconds = self._pause_seconds
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # ``wait_for`` may lose a cancellation in 3.11
                    await self._woken.wait()
