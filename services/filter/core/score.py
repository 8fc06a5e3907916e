"""The score: log-odds that a sender is genuine, summed from a table of features.

It only orders whom to pay for first while money is short; alone it silences nobody
(docs/design.md §5).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log

from services.filter.core.campaign import Alike
from services.filter.core.neighbours import NONE, Neighbours
from services.filter.core.surge import Surge

INSISTENT_MAX = 6
"""A man who insists texts six times an hour: up to so many speak for a person.

docs/design.md §1.
"""
AGAIN, AGAIN_MINUTES = 0.4, 3.0
"""Log-odds for who wrote again so many minutes after his first text; sooner, a part of it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a sender when his reply is due: counts, never a text.

    Attributes:
        texts: sent while waiting, the first included.
        learnt: log-odds of his first text, by what the attack taught (``learner``).
        repeated: how many times the usual its runs are lately written, in nats (``phrases``).
        habitual: how many times the usual as many texts as his are lately sent, in nats
            (``habits``).
        spread: minutes from his first text to his last.
    """

    texts: int
    alike: Alike = field(default_factory=Alike)
    neighbours: Neighbours = NONE
    surge: Surge = field(default_factory=lambda: Surge(1.0, 1.0))
    learnt: float = 0.0
    repeated: float = 0.0
    habitual: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the table: a name for people, and what it adds to the log-odds."""

    name: str
    log_odds: Callable[[Evidence], float]


def weigh_surge(evidence: Evidence) -> float:
    """He came while more came than usually do: the more, the likelier he is one of those."""
    return _clip(0.1 * evidence.surge.log_odds, -0.25, 0.0)


def weigh_text(evidence: Evidence) -> float:
    """He writes as this attack writes. To write as others do earns nothing: it can be taught."""
    return _clip(0.7 * evidence.learnt, -2.8, 0.0)


def weigh_alike(evidence: Evidence) -> float:
    """Others wrote nearly the same, more than is usual, yet too few to make a campaign."""
    if evidence.alike.senders < 3:
        return 0.0
    return _clip(-log(max(evidence.alike.ratio, 1.0)), -3.0, 0.0)


def weigh_neighbours(evidence: Evidence) -> float:
    """Numbers next to his wrote as well, more than chance brings."""
    return _clip(-log(max(evidence.neighbours.ratio, 1.0)), -3.0, 0.0)


def weigh_phrases(evidence: Evidence) -> float:
    """What he wrote, far more write lately than people do."""
    return _clip(-evidence.repeated, -3.0, 0.0)


def weigh_habit(evidence: Evidence) -> float:
    """Far more send as many texts as he did than people do."""
    return _clip(-evidence.habitual, -2.5, 0.0)


def weigh_texts(evidence: Evidence) -> float:
    """A few texts while waiting speak for a person, some minutes apart more so; many against."""
    few = min(evidence.texts, INSISTENT_MAX) - 1
    again = AGAIN * min(evidence.spread / AGAIN_MINUTES, 1.0) if few else 0.0
    return _clip(0.1 * few + again - 0.15 * max(evidence.texts - INSISTENT_MAX, 0), -3.0, 0.9)


FEATURES: tuple[Feature, ...] = (
    Feature("surge", weigh_surge),
    Feature("text", weigh_text),
    Feature("phrases", weigh_phrases),
    Feature("alike", weigh_alike),
    Feature("neighbours", weigh_neighbours),
    Feature("texts", weigh_texts),
    Feature("habit", weigh_habit),
)


def weigh_evidence(evidence: Evidence, left_out: frozenset[str] = frozenset()) -> dict[str, float]:
    """What each feature says, by its name.

    Args:
        left_out: names of features that say nothing (``JUDGE_WITHOUT``).
    """
    return {
        feature.name: round(feature.log_odds(evidence), 3)
        for feature in FEATURES
        if feature.name not in left_out
    }


def _clip(value: float, least: float, most: float) -> float:
    return max(least, min(value, most))
