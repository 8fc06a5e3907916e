"""Which signals ask a running program to stop in order."""

import asyncio
import signal


def told_to_stop() -> asyncio.Event:
    """An event that is set once this process is told to stop.

    SIGHUP, which a terminal sends when it closes, is one of them, but under ``nohup``, where it is
    ignored from the start: then it is meant to be.
    """
    stopping = asyncio.Event()
    numbers = {signal.SIGTERM, signal.SIGINT}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.add(signal.SIGHUP)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping
