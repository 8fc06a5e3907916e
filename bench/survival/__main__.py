"""Measure fund survival; exit 1 if a goal of issue 5 is missed.

- ``python -m bench.survival``: everything, three seeds; some minutes
- ``… --quick``: a third of the size, one seed; a few minutes
- ``… --kinds raid,drip --generator second --seeds 1,2,3,4,5``: a choice
- ``… --set NAME=VALUE``: with that setting; ``… --ablate NAME=VALUE``: without and with it
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.survival.goals import GOALS
from bench.survival.outcome import measure
from bench.survival.page import Run, print_runs, runs_as_json
from bench.survival.policy import price_fund, price_texts
from bench.survival.rehearsal import RehearsalError, Rehearse, read_fates, rehearse, write_trace
from simulator.floods import first, second, third
from simulator.floods.arrival import Arrival, FloodKind

GENERATORS: dict[str, Callable[[str, int, float], Iterator[Arrival]]] = {
    "first": first.flood,
    "second": second.flood,
    "third": third.flood,
}
_ELSE = frozenset(FloodKind).difference(third.KINDS)
MADE_BY = {"first": _ELSE, "second": _ELSE, "third": frozenset(third.KINDS)}
"""The kinds of flood that each generator makes."""

QUICK_SCALE, QUICK_VIRALITY = 0.3, 0.2
"""``--quick``: the size of each flood, and of virality once more, which is ten times as large."""

WIDTH = 150
"""Columns of the tables where nothing says how many there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. ``variants``: settings each tried alone; the empty one is none."""

    generators: Sequence[str]
    kinds: Sequence[FloodKind]
    seeds: Sequence[int]
    scale: float
    quick: bool
    settings: Sequence[str]
    variants: Sequence[str]

    @property
    def rehearsals(self) -> int:
        """How many there will be."""
        return len(self.floods) * len(self.seeds) * len(self.variants)

    @property
    def floods(self) -> list[tuple[str, FloodKind]]:
        """Generators with each kind of these that they make."""
        pairs = product(self.generators, self.kinds)
        return [(maker, kind) for maker, kind in pairs if kind in MADE_BY[maker]]

    def scale_of(self, kind: FloodKind) -> float:
        """The size of a flood of this kind."""
        return self.scale * (QUICK_VIRALITY if self.quick and kind is FloodKind.VIRALITY else 1)


def run_plan(plan: Plan, folder: Path, rehearse: Rehearse) -> Iterator[Run]:
    """Rehearse one flood after the other; traces live in ``folder``, one at a time."""
    for (generator, kind), seed in product(plan.floods, plan.seeds):
        arrivals = list(GENERATORS[generator](kind, seed, plan.scale_of(kind)))
        trace, out = folder / "trace.jsonl", folder / "out.jsonl"
        write_trace(trace, arrivals)
        texts = price_texts(arrivals)
        fund = price_fund(texts)
        for variant in plan.variants:
            began = time.monotonic()
            rehearse(trace, fund, out, [*plan.settings, *([variant] if variant else [])])
            seconds = round(time.monotonic() - began, 1)
            outcome = measure(texts, read_fates(out), fund)
            yield Run(generator, kind, seed, variant, seconds, outcome)


def _read_plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    seeds = arguments.seeds or ("1" if quick else "1,2,3")
    return Plan(
        generators=[arguments.generator] if arguments.generator else list(GENERATORS),
        kinds=[FloodKind(kind) for kind in arguments.kinds.split(",")],
        seeds=[int(seed) for seed in seeds.split(",")],
        scale=arguments.scale or (QUICK_SCALE if quick else 1.0),
        quick=quick,
        settings=arguments.set,
        variants=["", *arguments.ablate],
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.survival",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kinds", default=",".join(FloodKind), help="of %(default)s")
    parser.add_argument("--seeds", help="default: 1,2,3; with --quick: 1")
    parser.add_argument("--generator", choices=list(GENERATORS), help="default: all")
    parser.add_argument("--scale", type=float, help="the size of each flood; default: 1")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--ablate", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("build/survival.json"))
    return parser


def _run_shown(plan: Plan, console: Console) -> list[Run]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    runs: list[Run] = []
    with (
        tempfile.TemporaryDirectory(prefix="antirelou-survival-") as folder,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        task = progress.add_task("rehearsing", total=plan.rehearsals)
        for run in run_plan(plan, Path(folder), rehearse):
            runs.append(run)
            shown = f"{run.generator} {run.kind} seed {run.seed} {run.variant}".strip()
            share = f"{run.outcome.share_of_oracle:.3f} of the oracle, {run.seconds:.0f} s"
            progress.console.print(f"{shown}: {share}", highlight=False)
            progress.advance(task)
    return runs


def main() -> None:
    """Measure, print, write."""
    parser = _parser()
    arguments = parser.parse_args()
    try:
        plan = _read_plan(arguments)
    except ValueError as error:
        parser.error(str(error))
    if not plan.floods:
        parser.error(f"none of these kinds is made by {' or '.join(plan.generators)}")
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    try:
        runs = _run_shown(plan, console)
    except RehearsalError as error:
        console.print(f"antirelou rehearse: {error}", style="red", markup=False)
        raise SystemExit(1) from None
    judged = [run for run in runs if run.kind in GOALS]
    met = print_runs(console, judged) if judged else True
    if others := sorted({run.kind for run in runs}.difference(GOALS)):
        console.print(f"measured, without a goal: {', '.join(others)}", highlight=False)
    options = {"scale": plan.scale, "set": plan.settings, "quick": plan.quick}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(runs_as_json(runs, options), indent=1), encoding="utf-8")
    console.print(f"all of it: {arguments.out}")
    if not met:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
