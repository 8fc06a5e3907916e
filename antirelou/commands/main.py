"""The commands of docs/contract.md §1. Each parses, calls, prints; no rule lives here.

Errors of use exit 2 with one line that names the setting or argument and the fix; failures exit
1; no traceback reaches a user.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from antirelou.commands import (
    admin,
    dead,
    evidence,
    operate,
    operators,
    page,
    release,
    simulate,
    subject,
    witness,
)
from antirelou.commands.audit.command import audit
from antirelou.commands.backup.command import backup, restore
from antirelou.commands.rehearse.command import rehearse
from kernel import __version__
from kernel.database.environment import forget_postgres
from kernel.settings.settings import load_settings
from kernel.telemetry.streams import hold_streams, settle
from kernel.values.errors import AntirelouError, Fatal

USE_ERRORS = ("settings", "use")

app = typer.Typer(
    name="antirelou",
    help="The anti-harassment number that stays up under a flood.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"antirelou {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="The version."),
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    target: Annotated[
        str,
        typer.Argument(
            help="all, ingest, filter, billing, responder, evidence or console",
            show_default=True,
        ),
    ] = "all",
) -> None:
    """Run the system: everything in one process, or one service of it. SIGTERM and SIGHUP drain."""
    from antirelou.compose import TARGETS
    from antirelou.serve import serve as run_target

    if target not in TARGETS:
        raise Fatal(f"TARGET: was {target!r}, accepted: {', '.join(TARGETS)}", code="use")
    raise typer.Exit(run_target(target, load_settings()))


@app.command("try")
def try_out() -> None:
    """A house to play with: write as anybody, see the SMS, the fund and the reasons."""
    from antirelou.commands.try_out import try_out as run_prompt

    raise typer.Exit(run_prompt())


@app.command()
def demo(
    log: Annotated[str, typer.Option(help="embedded, or kafka: five processes")] = "embedded",
    scale: Annotated[float, typer.Option(help="the share of the weekend's crowd")] = 1.0,
    seconds: Annotated[float, typer.Option(help="how long the weekend may take")] = 60.0,
) -> None:
    """The weekend of October 2017 through the real system, against a simulated provider."""
    from antirelou.commands.demo import run_demo

    if log not in {"embedded", "kafka"}:
        raise Fatal(f"--log: was {log!r}, accepted: embedded, kafka", code="use")
    raise typer.Exit(run_demo(log=log, scale=scale, seconds=seconds))


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="the file to write")] = Path("antirelou.env"),
    *,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="for Compose's simulated Plivo, to try it out")
    ] = False,
    provider: Annotated[
        str, typer.Option(help="plivo, or smsgate for a phone of your own")
    ] = "plivo",
) -> None:
    """Write a commented settings file with fresh keys; never over an existing one."""
    from antirelou.commands.init import QUESTIONS, write_settings_file
    from kernel.settings.settings import ProviderName

    if provider not in set(QUESTIONS):
        accepted = ", ".join(QUESTIONS)
        raise Fatal(f"--provider: was {provider!r}, accepted: {accepted}", code="use")
    write_settings_file(file, simulated=simulated, provider=ProviderName(provider))


@app.command()
def setup(
    folder: Annotated[Path, typer.Argument(help="the folder to write")] = Path("antirelou-house"),
) -> None:
    """Ask, then write settings, units for systemd and a Caddyfile; nothing is installed."""
    from antirelou.commands.setup import set_up

    set_up(folder)


app.command()(rehearse)
app.command()(admin.migrate)
app.add_typer(admin.topics, name="topics")
app.command()(admin.doctor)
app.command()(audit)
app.command()(backup)
app.command()(restore)
app.add_typer(simulate.simulate, name="simulate")
operate.register(app)
app.command()(release.release)
app.add_typer(dead.dead, name="dead")
app.add_typer(evidence.evidence, name="evidence")
app.add_typer(subject.subject, name="subject")
app.command()(witness.witness)
app.add_typer(operators.operator, name="operator")
app.command()(operators.console)
app.add_typer(page.page, name="page")


def run() -> None:
    """The console script: run a command, and turn what goes wrong into one line and a code."""
    hold_streams()
    forget_postgres(os.environ)
    sys.exit(settle(main(sys.argv[1:])))


def main(arguments: list[str]) -> int:
    """Run a command. Returns the exit code."""
    try:
        return _run(arguments)
    except Exception as error:  # noqa: BLE001 - no traceback reaches a user
        return _complain(_describe_defect(error), 1)


def _run(arguments: list[str]) -> int:
    """Run a command; what it means by an error becomes a line and a code."""
    try:
        result = app(arguments, standalone_mode=False)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        if not error.format_message():  # no arguments: the help was printed
            return error.exit_code
        return _complain(f"{error.format_message()} (antirelou --help)", error.exit_code)
    except AntirelouError as error:
        return _complain(str(error), 2 if error.code in USE_ERRORS else 1)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", 130)
    return result if isinstance(result, int) else 0


def _describe_defect(error: Exception) -> str:
    """What and where, for a report; not what it says, which may quote a number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    file = Path(frame.f_code.co_filename).name
    return f"a defect of antirelou ({type(error).__name__} at {file}:{line}): please report it"


def _complain(message: str, code: int) -> int:
    print(f"antirelou: {message}", file=sys.stderr)
    return code
