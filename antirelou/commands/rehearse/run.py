"""A rehearsal from what was asked to what is said: the shell around ``house``."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from antirelou.commands.output import euros, say, say_json, table
from antirelou.commands.rehearse.course import Course
from antirelou.commands.rehearse.house import RehearsalHouse
from antirelou.commands.rehearse.outcome import (
    Summary,
    describe_fates,
    describe_summary,
    summarize,
)
from antirelou.commands.rehearse.page import Policy, draw_page
from antirelou.commands.rehearse.trace import parse_trace
from antirelou.files import follow_links, writing
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from kernel.values.money import parse_micro

COLUMNS = 60
LEVELS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as typed."""

    trace: Path
    fund: str
    horizon: str | None
    out: Path | None
    report: Path | None
    chosen: tuple[str, ...]
    compare: tuple[str, ...]
    json: bool


def run(asked: Request) -> None:
    """Rehearse, write what was asked for, and say what it came to.

    Raises:
        Fatal: ``use``: what was asked, or a line of the trace, is wrong.
    """
    amount = _read_amount(asked.fund)
    chosen = _read_assignments("--set", asked.chosen)
    if asked.horizon is not None:
        chosen["fund_horizon"] = asked.horizon
    tried = {"as set": _read_settings(chosen)}
    if asked.compare:
        other = chosen | _read_assignments("--compare", asked.compare)
        tried[", ".join(asked.compare)] = _read_settings(other)
    for path in filter(None, (asked.out, asked.report)):
        _check_place(path, asked.trace)
    policies = [_rehearse(name, asked.trace, amount, settings) for name, settings in tried.items()]
    if asked.out is not None:
        _write(asked.out, (line + "\n" for line in describe_fates(policies[0].course)))
    if asked.report is not None:
        _write(asked.report, [draw_page(policies)])
    if asked.json:
        summaries = [describe_summary(policy.summary) for policy in policies]
        say_json(summaries[0] if len(summaries) == 1 else summaries)
    else:
        _print(policies)


def _read_amount(text: str) -> int:
    try:
        amount = parse_micro(text)
    except ValueError:
        amount = -1
    if amount < 0:
        raise Fatal("--fund: accepted: decimal euros such as 1500.00", code="use")
    return amount


def _read_assignments(option: str, given: Sequence[str]) -> dict[str, Any]:
    chosen = {}
    for assignment in given:
        name, separator, value = assignment.partition("=")
        name = name.strip().lower().removeprefix("antirelou_")
        if not separator or name not in Settings.model_fields:
            raise Fatal(
                f"{option}: was {assignment!r}, accepted: NAME=VALUE with a setting's name, such "
                "as REPLY_DELAY=2h",
                code="use",
            )
        chosen[name] = value
    return chosen


def _read_settings(chosen: dict[str, Any]) -> Settings:
    return load_settings(**chosen | {"clock_speed": 1})


def _rehearse(name: str, trace: Path, fund: int, settings: Settings) -> Policy:
    course = asyncio.run(_pass(trace, RehearsalHouse(settings, fund)))
    return Policy(name, settings, course, summarize(course, fund, settings.price_reply))


async def _pass(trace: Path, house: RehearsalHouse) -> Course:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
               TimeRemainingColumn())  # fmt: skip
    try:
        with (
            trace.open("rb") as lines,
            Progress(
                *columns, console=console, transient=True, disable=not console.is_terminal
            ) as progress,
        ):
            task = progress.add_task("the flood passes", total=os.fstat(lines.fileno()).st_size)
            await house.feed(parse_trace(_counted(lines, lambda n: progress.advance(task, n))))
            progress.update(task, description="what waits is paid or expires")
            return await house.finish()
    except OSError as error:
        raise Fatal(f"TRACE: {trace}: {error.strerror}", code="use") from None


def _counted(lines: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    """The lines, telling now and then how many bytes were read."""
    read = 0
    for line in lines:
        read += len(line)
        if read > 1 << 16:
            advance(read)
            read = 0
        yield line


def _check_place(asked: Path, trace: Path) -> None:
    """Whether a file may be written there; to be known before a long rehearsal."""
    try:
        path = follow_links(asked)
    except OSError as error:
        raise Fatal(f"{asked}: {error.strerror}", code="use") from None
    if path.is_dir():
        raise Fatal(f"{asked}: is a folder; name a file in it", code="use")
    if not path.parent.is_dir():
        folder = path.parent if asked.is_symlink() else asked.parent
        raise Fatal(f"{asked}: no folder {folder}; make it", code="use")
    if path.exists() and trace.exists() and path.samefile(trace):
        raise Fatal(f"{asked}: this is TRACE itself; name another file", code="use")


def _write(path: Path, parts: Iterable[str]) -> None:
    try:
        with writing(path) as file:
            file.writelines(part.encode() for part in parts)
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}", code="use") from None


def _print(policies: Sequence[Policy]) -> None:
    columns = [_rows(policy.summary) for policy in policies]
    names = list(dict.fromkeys(name for column in columns for name in column))
    if len(policies) > 1:
        say(f"left: as set; right: {policies[1].name}")
    table(
        "The rehearsal",
        {name: "   ".join(f"{column.get(name, '–'):>18}" for column in columns) for name in names},
    )
    for policy in policies:
        say("")
        say(f"the fund  {draw_fund(policy.summary)}")


def _rows(summary: Summary) -> dict[str, str]:
    waited = summary.waited_seconds
    return {
        "messages": f"{summary.messages:,}",
        "from senders": f"{summary.senders:,}",
        "to be answered": f"{summary.replies:,}",
        "answered": f"{summary.answered:,}",
        **{f"silent: {reason}": f"{count:,}" for reason, count in summary.silent.items()},
        "waited past due, median": _duration(waited["p50"]),
        "waited past due, 95 of 100": _duration(waited["p95"]),
        "spent on receiving": euros(summary.spent_receive_microeuros),
        "spent on replies": euros(summary.spent_reply_microeuros),
        "left of the fund": f"{euros(summary.available_microeuros)} of "
        f"{euros(summary.fund_microeuros)}",
        "to answer all who still wait": euros(summary.waiting_microeuros),
        **{f"hours {posture}": f"{hours:g}" for posture, hours in summary.postures.items()},
    }


def draw_fund(summary: Summary) -> str:
    """The fund's course as one line of blocks."""
    points = summary.fund_over_time
    if not points or summary.fund_microeuros <= 0:
        return ""
    step = max(len(points) / COLUMNS, 1)
    shown = [points[int(i * step)] for i in range(min(COLUMNS, len(points)))]
    top = len(LEVELS) - 1
    shares = (max(p["available_microeuros"], 0) / summary.fund_microeuros for p in shown)
    return "".join(LEVELS[min(round(share * top), top)] for share in shares)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004
