"""``antirelou audit``: says, invariant by invariant, whether it holds, and where it does not."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from antirelou.commands.audit.facts import Finding, Judgement
from antirelou.commands.client import Operator
from antirelou.commands.output import console, say, say_json
from kernel.settings.settings import load_settings
from kernel.settings.values import parse_duration
from kernel.values.errors import Fatal

IDS_SHOWN_MAX = 10


def audit(
    *,
    since: Annotated[str, typer.Option(help="how far back in the provider's log")] = "24h",
    no_provider: Annotated[
        bool, typer.Option("--no-provider", help="do not ask the provider")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="for machines; every id")] = False,
    tell: Annotated[
        bool, typer.Option("--tell", help="note the outcome with the system, for its alerts")
    ] = False,
) -> None:
    """Whether every invariant holds: stores, topics and the provider's log against each other."""
    from antirelou.commands.audit.run import Scope
    from antirelou.commands.audit.run import audit as run_audit

    settings = load_settings()
    try:
        back = parse_duration(since)
    except ValueError as error:
        raise Fatal(f"--since: was {since!r}, accepted: {error}", code="use") from None
    scope = Scope(since=None if no_provider else back)
    with _progress() as progress:
        task = progress.add_task("", total=None)
        judgements = asyncio.run(
            run_audit(settings, scope, lambda what: progress.update(task, description=what))
        )
    if json:
        say_json([{**asdict(judgement), "holds": judgement.holds} for judgement in judgements])
    else:
        show(judgements)
    if tell:
        Operator(settings).post("/v1/audits", {"broken": count_broken(judgements)})
    if not all(judgement.holds for judgement in judgements):
        raise typer.Exit(1)


def count_broken(judgements: Sequence[Judgement]) -> dict[str, int]:
    """Violations by invariant."""
    return {
        judgement.invariant: sum(len(finding.ids) for finding in judgement.violations)
        for judgement in judgements
    }


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("reading {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def show(judgements: Sequence[Judgement]) -> None:
    """Print them for a person."""
    for judgement in judgements:
        console.print("[green]holds  [/]" if judgement.holds else "[red]BROKEN [/]", end="")
        say(f"{judgement.invariant} {judgement.claim} ({judgement.examined:,} examined)")
        for finding in judgement.violations:
            say(f"       {_tell(finding)}")
        for finding in judgement.under_way:
            say(f"       under way: {len(finding.ids):,} {finding.what}")
    broken = [judgement.invariant for judgement in judgements if not judgement.holds]
    say(f"Broken: {', '.join(broken)}." if broken else "Every invariant holds.")


def _tell(finding: Finding) -> str:
    shown = ", ".join(finding.ids[:IDS_SHOWN_MAX])
    more = len(finding.ids) - IDS_SHOWN_MAX
    return f"{finding.what}: {shown}" + (f" and {more:,} more (--json)" if more > 0 else "")
