"""Waiting for something to become true, bounded; the one way a test waits."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any


async def eventually(check: Callable[[], Any], *, seconds_max: float, every: float = 0.02) -> Any:
    """Call ``check`` until it returns something true; give that back.

    Args:
        check: plain or async; an ``AssertionError`` of it means not yet, any other error is real.
        seconds_max: how long to try.
        every: seconds between two tries.

    Raises:
        AssertionError: it did not come true in time; the last one of ``check``, if it raised.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds_max
    while True:
        trouble: AssertionError | None = None
        result: Any = None
        try:
            given = check()
            result = await given if inspect.isawaitable(given) else given
        except AssertionError as error:
            trouble = error
        if result:
            return result
        if loop.time() >= deadline:
            raise trouble or AssertionError(f"not within {seconds_max} s: {check}, gave {result!r}")
        await asyncio.sleep(every)
