"""A rehearsal from what was asked to what is said: the shell around ``house``."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from antirelou.commands.output import say, say_json, table
from antirelou.commands.rehearse.course import Course
from antirelou.commands.rehearse.house import RehearsalHouse
from antirelou.commands.rehearse.outcome import (
    Summary,
    describe_fates,
    describe_summary,
    summarize,
)
from antirelou.commands.rehearse.page import GROUP, Policy, draw_page, name_silence
from antirelou.commands.rehearse.trace import parse_trace
from antirelou.commands.voice import settle_amount, voice_of
from antirelou.files import follow_links, writing
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from kernel.words.gloss import UNKNOWN, Voice

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
    voice = voice_of(_read_settings({}))
    amount = settle_amount(asked.fund, voice, argument="--fund", zero=True)
    chosen = _read_assignments("--set", asked.chosen)
    if asked.horizon is not None:
        chosen["fund_horizon"] = asked.horizon
    tried = {voice.word(GROUP, "as_set"): _read_settings(chosen)}
    if asked.compare:
        other = chosen | _read_assignments("--compare", asked.compare)
        tried[", ".join(asked.compare)] = _read_settings(other)
    for path in filter(None, (asked.out, asked.report)):
        _check_place(path, asked.trace)
    policies = [
        _rehearse(name, asked.trace, amount, settings, voice) for name, settings in tried.items()
    ]
    if asked.out is not None:
        _write(asked.out, (line + "\n" for line in describe_fates(policies[0].course)))
    if asked.report is not None:
        _write(asked.report, [draw_page(policies, voice)])
    if asked.json:
        summaries = [describe_summary(policy.summary) for policy in policies]
        say_json(summaries[0] if len(summaries) == 1 else summaries)
    else:
        _print(policies, voice)


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


def _rehearse(name: str, trace: Path, fund: int, settings: Settings, voice: Voice) -> Policy:
    course = asyncio.run(_pass(trace, RehearsalHouse(settings, fund), voice))
    return Policy(name, settings, course, summarize(course, fund, settings.price_reply))


async def _pass(trace: Path, house: RehearsalHouse, voice: Voice) -> Course:
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
            task = progress.add_task(
                voice.word(GROUP, "passes"), total=os.fstat(lines.fileno()).st_size
            )
            await house.feed(parse_trace(_counted(lines, lambda n: progress.advance(task, n))))
            progress.update(task, description=voice.word(GROUP, "settles"))
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


def _print(policies: Sequence[Policy], voice: Voice) -> None:
    columns = [_rows(policy.summary, voice) for policy in policies]
    names = list(dict.fromkeys(name for column in columns for name in column))
    if len(policies) > 1:
        say(voice.word(GROUP, "left_right", name=policies[1].name))
    width = max(len(value) for column in columns for value in column.values())
    rows = {name: [column.get(name, UNKNOWN) for column in columns] for name in names}
    table(
        voice.word(GROUP, "the_rehearsal"),
        {name: "   ".join(value.rjust(width) for value in row) for name, row in rows.items()},
    )
    for policy in policies:
        say("")
        say(f"{voice.word(GROUP, 'the_fund')}  {draw_fund(policy.summary)}")


def _rows(summary: Summary, voice: Voice) -> dict[str, str]:
    waited = summary.waited_seconds
    left, fund = voice.euros(summary.available_microeuros), voice.euros(summary.fund_microeuros)
    told = {
        "messages": voice.figure(summary.messages),
        "from_senders": voice.figure(summary.senders),
        "to_be_answered": voice.figure(summary.replies),
        "answered": voice.figure(summary.answered),
        "waited_median": _duration(waited["p50"]),
        "waited_most": _duration(waited["p95"]),
        "spent_receive": voice.euros(summary.spent_receive_microeuros),
        "spent_reply": voice.euros(summary.spent_reply_microeuros),
        "left_of_fund": voice.word(GROUP, "left_of", left=left, fund=fund),
        "to_answer_all": voice.euros(summary.waiting_microeuros),
    }
    silent = {
        voice.word(GROUP, "silent_for", reason=name_silence(reason, voice)): voice.figure(count)
        for reason, count in summary.silent.items()
    }
    postures = {
        voice.word(GROUP, "hours", posture=voice.word("posture", posture)): voice.figure(
            hours, decimals=1
        )
        for posture, hours in summary.postures.items()
    }
    return {voice.word(GROUP, code): value for code, value in told.items()} | silent | postures


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
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
