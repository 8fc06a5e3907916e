"""What a person sees of it: a line for each generator and kind; and the JSON of everything."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.survival.goals import GOALS
from bench.survival.outcome import Outcome
from simulator.floods.arrival import FloodKind

SHARES = ("share_of_all", "share_of_oracle", "share_of_first_come", "share_of_2017", "share_blamed")
COLUMNS = (
    "flood", "texts", "genuine", "attack", "fund €", "all", "oracle (min)", "FCFS", "2017",
    "€ lost", "p50 h", "p95 h", "late", "blamed", "goal",
)  # fmt: skip
NOTE = (
    "Genuine senders answered: of all; as a share of what the oracle (min: in the worst seed), "
    "FCFS (one reply a sender, first come first served) and 2017's policy answer; means over the "
    "seeds. Attack: senders. € lost: replies to them. Waits run from the first text, by the clock "
    "on the wall; late: more than 72 h of it (MAX_WAIT's own clock stands still in quiet hours). "
    "Blamed: genuine senders lost to a reason of attack. The fund: receiving, a reply for "
    "max(genuine, 0.6 of all senders), and FUND_FLOOR."
)


@dataclass(frozen=True, slots=True)
class Run:
    """One rehearsal. ``variant``: a setting tried alone, besides those of all; empty: none."""

    generator: str
    kind: FloodKind
    seed: int
    variant: str
    seconds: float
    outcome: Outcome


def print_runs(console: Console, runs: Sequence[Run]) -> bool:
    """Print the tables, one a variant. Says whether every goal is met without variants."""
    variants = list(dict.fromkeys(run.variant for run in runs))
    met = [_print_variant(console, variant, runs) for variant in variants]
    console.print(NOTE, style="dim")
    for generator, outcome in _invalid(runs):
        console.print(f"{generator}: {outcome.twice} senders were answered twice", style="red")
    return met[0] and not list(_invalid(runs))


def _invalid(runs: Iterable[Run]) -> Iterable[tuple[str, Outcome]]:
    return [(f"{run.generator} {run.kind}", run.outcome) for run in runs if run.outcome.twice]


def _print_variant(console: Console, variant: str, runs: Sequence[Run]) -> bool:
    table = Table(title=f"fund survival{f', {variant}' if variant else ''}")
    for column in COLUMNS:
        numeric = column not in {"flood", "goal"}
        table.add_column(column, justify="right" if numeric else "left")
    all_met = True
    for (generator, kind), cell in _cells(runs, variant).items():
        outcomes = [run.outcome for run in cell]
        said, met = _judge_goals(kind, outcomes)
        all_met = all_met and met
        difference = "" if not variant else _difference(runs, generator, kind, outcomes)
        table.add_row(f"{generator} {kind}", *_figures(outcomes), said + difference)
    console.print(table)
    return all_met


def _cells(runs: Iterable[Run], variant: str) -> dict[tuple[str, FloodKind], list[Run]]:
    cells: dict[tuple[str, FloodKind], list[Run]] = {}
    for run in runs:
        if run.variant == variant:
            cells.setdefault((run.generator, run.kind), []).append(run)
    return cells


def _figures(outcomes: Sequence[Outcome]) -> list[str]:
    def mean(measure: Callable[[Outcome], float]) -> float:
        return fmean(map(measure, outcomes))

    least = min(outcome.share_of_oracle for outcome in outcomes)
    return [
        f"{mean(lambda o: o.texts):,.0f}",
        f"{mean(lambda o: o.genuine):,.0f}",
        f"{mean(lambda o: o.attackers):,.0f}",
        f"{mean(lambda o: o.fund) / 1e6:,.0f}",
        f"{mean(lambda o: o.share_of_all):.3f}",
        f"{mean(lambda o: o.share_of_oracle):.3f} ({least:.3f})",
        f"{mean(lambda o: o.share_of_first_come):.2f}",
        f"{mean(lambda o: o.share_of_2017):.2f}",
        f"{mean(lambda o: o.to_attackers) / 1e6:,.0f}",
        f"{mean(lambda o: o.wait_p50_hours or 0):.1f}",
        f"{mean(lambda o: o.wait_p95_hours or 0):.1f}",
        f"{mean(lambda o: o.late):,.0f}",
        f"{mean(lambda o: o.share_blamed):.1%}",
    ]


def _judge_goals(kind: FloodKind, outcomes: Sequence[Outcome]) -> tuple[str, bool]:
    said, all_met = [], True
    for goal in GOALS[kind]:
        met = goal.is_met(outcomes)
        all_met = all_met and met
        sign = "≤" if goal.at_most else "≥"
        colour, word = ("green", "met") if met else ("red", "missed")
        said.append(f"[{colour}]{word}[/] {goal.name} {sign} {goal.bound:g}")
    return "; ".join(said), all_met


def _difference(
    runs: Iterable[Run], generator: str, kind: FloodKind, outcomes: Sequence[Outcome]
) -> str:
    """How much of the oracle's share the variant changes."""
    base = [run.outcome.share_of_oracle for run in _cells(runs, "")[generator, kind]]
    change = fmean(outcome.share_of_oracle for outcome in outcomes) - fmean(base)
    return f"; {change:+.3f}"


def runs_as_json(runs: Iterable[Run], options: dict[str, Any]) -> dict[str, Any]:
    """Every rehearsal with all that was measured."""
    return {"options": options, "runs": [_run_as_json(run) for run in runs]}


def _run_as_json(run: Run) -> dict[str, Any]:
    shares = {name: round(getattr(run.outcome, name), 5) for name in SHARES}
    return asdict(run) | {"shares": shares}
