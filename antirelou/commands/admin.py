"""The commands that set up and look after an installation."""

import asyncio
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from antirelou import compose
from antirelou.commands.doctor import examine, examine_live
from antirelou.commands.finding import Finding, tell, term
from antirelou.commands.output import console, say
from kernel.settings.settings import load_settings
from kernel.words.gloss import Language, choose_language

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
    language = choose_language(settings.language, os.environ)
    for finding in findings:
        _say_finding(finding, language)
    wrong = sum(not finding.good for finding in findings)
    say(tell(term("to_mend", count=wrong) if wrong else term("nothing"), language))
    if wrong:
        raise typer.Exit(1)


def _say_finding(finding: Finding, language: Language) -> None:
    mend = tell(term("mend"), language)
    mark = f"[green]{'ok':<{len(mend)}} [/]" if finding.good else f"[red]{mend} [/]"
    console.print(mark, end="")
    colon = " :" if language is Language.FR else ":"
    say(f"{tell(finding.what, language)}{colon} {tell(finding.found, language)}")
    if not finding.good:
        say(f"     -> {tell(finding.fix, language)}")


def _say_changes(lines: Sequence[str], what: str) -> None:
    for line in lines:
        say(line)
    if not lines:
        say(f"{what}: nothing to change.")
