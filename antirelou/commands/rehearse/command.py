"""The command: what can be asked. It loads nothing heavy before it is asked."""

from pathlib import Path
from typing import Annotated

import typer


def rehearse(
    trace: Annotated[Path, typer.Argument(help="one JSON object a line: at, id, from, text")],
    *,
    fund: Annotated[str, typer.Option(metavar="EUR", help="what the fund holds at the start")],
    horizon: Annotated[
        str | None, typer.Option(help="FUND_HORIZON, such as 7d; default: the setting")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="a line for each message")] = None,
    report: Annotated[Path | None, typer.Option(help="a page to look at (.html)")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="try a setting")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="a second policy, beside the first"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """What would this flood have cost me? The real judge and ledger in virtual time."""
    from antirelou.commands.rehearse.run import Request, run

    run(
        Request(
            trace, fund, horizon, out, report, tuple(set_ or ()), tuple(compare or ()), json=json
        )
    )
