"""The commands that set up and look after an installation."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from antirelou import compose
from antirelou.commands.doctor import examine, examine_live
from antirelou.commands.finding import Finding
from antirelou.commands.output import console, say
from kernel.settings.settings import load_settings

topics = typer.Typer(help="The topics.", no_args_is_help=True)


@topics.callback()
def _topics() -> None:
    pass


@topics.command("apply")
def topics_apply() -> None:
    """Create the topics that are missing, set the retention of all; idempotent."""
    settings = load_settings()

    async def apply() -> Sequence[str]:
        async with compose.open_log_alone(settings) as log:
            return await compose.apply_topics(log, settings)

    _say_changes(asyncio.run(apply()), "Topics")


def migrate() -> None:
    """Create or update the database schemas; idempotent."""
    from kernel.database.migrations import migrate as migrate_database

    settings = load_settings()

    async def apply() -> Sequence[str]:
        async with compose.open_database(settings) as url:
            return await migrate_database(url, compose.schemas())

    _say_changes(asyncio.run(apply()), "Schemas")


def doctor(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="also through the public URL and the provider's API")
    ] = False,
) -> None:
    """What is wrong with this installation, line by line, with the fix."""
    settings = load_settings()
    findings = asyncio.run(examine(settings))
    if live:
        findings += asyncio.run(examine_live(settings))
    for finding in findings:
        _say_finding(finding)
    wrong = sum(not finding.good for finding in findings)
    say(f"{wrong} to mend." if wrong else "Nothing to mend.")
    if wrong:
        raise typer.Exit(1)


def _say_finding(finding: Finding) -> None:
    mark = "[green]ok   [/]" if finding.good else "[red]MEND [/]"
    console.print(mark, end="")
    say(f"{finding.what}: {finding.found}")
    if not finding.good:
        say(f"     -> {finding.fix}")


def _say_changes(lines: Sequence[str], what: str) -> None:
    for line in lines:
        say(line)
    if not lines:
        say(f"{what}: nothing to change.")
