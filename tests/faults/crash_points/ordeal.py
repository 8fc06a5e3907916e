"""Letting the real processes die at their crash points, one after the other, under a flood."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from antirelou.commands.demo.house import House, Process

DEATH_SECONDS_MAX = 45.0
"""How long a point may take to be passed, from the start of the process on."""
POLL_SECONDS = 0.05
COUNT_MAX = 3
RARE = 10
"""A point is taken at its first passing, or its second or third where it is passed often."""
LEAVING = "log.leave:"
"""Passed only by a process that drains."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point as seen in a trace.

    Attributes:
        count: at which passing to die.
        passed: how often it was passed in the trace.
    """

    name: str
    count: int
    passed: int

    def __str__(self) -> str:
        return f"{self.name}#{self.count}"


@dataclass
class Deaths:
    """What came of it.

    Attributes:
        died: points at which a process was seen to die.
        missed: points that were not passed in time.
    """

    died: list[Point] = field(default_factory=list)
    missed: list[Point] = field(default_factory=list)


def trace_of(process: Process) -> Path:
    """Where a process notes the points that it passes."""
    return process.folder / f"{process.name}.points"


@contextmanager
def with_points(process: Process, at: str) -> Iterator[None]:
    """What is started in here traces its points, and dies at one."""
    plain = process.program
    process.program = ("-m", "tests.support.crash_points", at, str(trace_of(process)))
    try:
        yield
    finally:
        process.program = plain


def start_tracing(house: House) -> None:
    """Start every service again, noting its points."""
    for process in house.services:
        process.stop()
        trace_of(process).unlink(missing_ok=True)
        with with_points(process, ""):
            process.start()
    for process in house.services:
        process.wait_ready()


def stop_tracing(house: House) -> None:
    """Let every service drain, which passes points as well, and start it again."""
    codes = {process.name: process.stop() for process in reversed(house.services)}
    assert set(codes.values()) == {0}, codes
    for process in house.services:
        process.start()
    for process in house.services:
        process.wait_ready()


def read_points(process: Process, chance: random.Random) -> list[Point]:
    """The points that a process has passed, in an order of chance."""
    passed = Counter(trace_of(process).read_text().splitlines())
    points = [
        Point(name, chance.randint(1, min(1 + count // RARE, COUNT_MAX)), count)
        for name, count in sorted(passed.items())
    ]
    chance.shuffle(points)
    return points


def sample(points: Sequence[Point], count: int) -> list[Point]:
    """Some of the points that are passed often, of every port as many as of the others."""
    often = [point for point in points if point.passed > RARE]
    ports: dict[str, list[Point]] = {}
    for point in often:
        ports.setdefault(point.name.partition(".")[0], []).append(point)
    chosen: list[Point] = []
    while len(chosen) < min(count, len(often)):
        chosen += [waiting.pop() for waiting in ports.values() if waiting]
    return chosen[:count]


async def die_in_turn(
    process: Process, points: Sequence[Point], say: Callable[[str], None]
) -> Deaths:
    """Let a process die at each point in turn, as the one that was started after the last death.

    It runs again, without points, when this returns.

    Args:
        say: told of each, as it comes.
    """
    deaths = Deaths()
    await asyncio.to_thread(process.stop)
    for point in points:
        if await _die(process, point):
            deaths.died.append(point)
            say(f"{process.name} died at {point}")
        else:
            say(f"{process.name} did not pass {point} in time")
            deaths.missed.append(point)
            await asyncio.to_thread(process.stop)
    process.start()
    await asyncio.to_thread(process.wait_ready)
    return deaths


async def _die(process: Process, point: Point) -> bool:
    """Start the process and wait until it is dead. Returns whether it died at the point.

    Raises:
        AssertionError: it ended otherwise.
    """
    trace = trace_of(process)
    trace.unlink(missing_ok=True)
    with with_points(process, str(point)):
        process.start()
    if point.name.startswith(LEAVING):
        await asyncio.to_thread(process.wait_ready)
        os.kill(process.pid, signal.SIGTERM)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEATH_SECONDS_MAX
    while (code := process.exit_code) is None:
        if loop.time() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    passed = trace.read_text().splitlines()
    assert code == -signal.SIGKILL, f"{process.name} at {point} ended with {code}"
    assert passed[-1] == point.name, f"{process.name} died at {passed[-1]}, not at {point}"
    assert passed.count(point.name) == point.count
    return True
