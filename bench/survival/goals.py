"""What issue 5 asks of each kind of flood. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.survival.outcome import Outcome
from simulator.floods.arrival import FloodKind

Measure = Callable[[Outcome], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the mean over the seeds.

    Attributes:
        name: as a reader should see it.
        measure: what is bounded.
        bound: the least that meets it; with ``at_most`` the most.
    """

    name: str
    measure: Measure
    bound: float
    at_most: bool = False

    def is_met(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the mean over these meets it."""
        mean = fmean(map(self.measure, outcomes))
        return mean <= self.bound if self.at_most else mean >= self.bound


def _of_oracle(bound: float) -> Goal:
    return Goal("oracle", lambda outcome: outcome.share_of_oracle, bound)


_OF_ALL = Goal("all", lambda outcome: outcome.share_of_all, 0.99)
_BLAMED = Goal("blamed", lambda outcome: outcome.share_blamed, 0.01, at_most=True)

GOALS: dict[FloodKind, tuple[Goal, ...]] = {
    FloodKind.CALM: (_OF_ALL, _BLAMED),
    FloodKind.HEAVY: (_of_oracle(0.98),),
    FloodKind.RAID: (_of_oracle(0.90),),
    FloodKind.COPY_PASTE: (_of_oracle(0.98),),
    FloodKind.GATEWAY: (_of_oracle(0.98),),
    FloodKind.DRIP: (Goal("FCFS", lambda outcome: outcome.share_of_first_come, 1.0),),
    FloodKind.MIXTURE: (_of_oracle(0.95),),
    FloodKind.WEEKEND: (_of_oracle(0.95),),
    FloodKind.VIRALITY: (_OF_ALL, _BLAMED),
}
