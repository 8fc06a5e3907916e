"""The score: log-odds that a sender is genuine, summed from a table of features.

It only orders the waiting room while money is short; alone it silences nobody (DESIGN §5). The
table is empty for now, so everyone scores 0.0: first come, first served.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct


class Evidence(Struct, frozen=True):
    """What is known of a sender when his reply is due: counts, never a text.

    Attributes:
        texts: sent while waiting, the first included.
        campaign_senders: distinct senders of the same informative text; 0: not informative.
    """

    texts: int
    campaign_senders: int


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the table: a name for people, and what it adds to the log-odds."""

    name: str
    log_odds: Callable[[Evidence], float]


FEATURES: tuple[Feature, ...] = ()


def score_evidence(evidence: Evidence) -> float:
    """The sum of what the features say."""
    return sum((feature.log_odds(evidence) for feature in FEATURES), 0.0)
