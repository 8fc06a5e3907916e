"""What one rehearsal is worth: measured from its lines and the flood alone. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from bench.survival import policy
from bench.survival.policy import Text
from kernel.facts.records import Reason

MAX_WAIT_SECONDS = 72 * 3600.0
ATTACK_REASONS = frozenset({Reason.BURST, Reason.CAMPAIGN, Reason.RANGE})
"""Reasons that call a sender an attacker; the others are about what he is, or wrote before."""


@dataclass(frozen=True, slots=True)
class Fate:
    """A line of ``rehearse --out`` (docs/contract.md §6); ``replied_at`` in seconds since 1970."""

    decision: str
    reason: str
    score: float | None
    replied_at: float | None
    cost_microeuros: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one flood; money in micro-euros.

    Attributes:
        genuine, attackers: senders.
        answered: genuine senders who got a reply. The waiting room lets go what waits longer than
            ``MAX_WAIT``, by a clock that stands still in quiet hours.
        late: of them, later than 72 hours after the first text, by the clock on the wall.
        blamed: genuine senders who were not answered, with a text silenced as an attack.
        oracle, first_come, in_2017: genuine senders whom these policies answer.
        to_attackers: spent on replies to attackers.
        attackers_answered: senders among them.
        twice: senders with more than one reply. Must be 0.
        wait_p50_hours, wait_p95_hours: from a genuine sender's first text to his reply; None where
            nobody was answered.
        lost_by_reason: genuine senders not answered, by the verdict on their first text.
        attack_by_reason: attackers' texts by verdict.
    """

    texts: int
    genuine: int
    attackers: int
    fund: int
    answered: int
    late: int
    blamed: int
    oracle: int
    first_come: int
    in_2017: int
    to_attackers: int
    attackers_answered: int
    twice: int
    wait_p50_hours: float | None
    wait_p95_hours: float | None
    lost_by_reason: dict[str, int]
    attack_by_reason: dict[str, int]

    @property
    def share_of_all(self) -> float:
        """Of the genuine senders, how many were answered."""
        return _share(self.answered, self.genuine)

    @property
    def share_of_oracle(self) -> float:
        """The measure: as a share of what the oracle answers."""
        return _share(self.answered, self.oracle)

    @property
    def share_of_first_come(self) -> float:
        """As a share of what "one reply a sender, first come first served" answers."""
        return _share(self.answered, self.first_come)

    @property
    def share_of_2017(self) -> float:
        """As a share of what replying to everything answers."""
        return _share(self.answered, self.in_2017)

    @property
    def share_blamed(self) -> float:
        """Of the genuine senders, how many were lost as attackers."""
        return self.blamed / self.genuine if self.genuine else 0.0


def _share(answered: int, of: int) -> float:
    """A share; where there was nobody to answer, nobody is missing."""
    return answered / of if of else 1.0


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]


def measure(texts: Sequence[Text], fates: Mapping[str, Fate], fund: int) -> Outcome:
    """Compare a rehearsal with the three policies.

    Raises:
        KeyError: a text has no line.
    """
    genuine = policy.genuine_senders(texts)
    first: dict[str, Text] = {}
    replies: dict[str, list[float]] = {}
    for text in texts:
        first.setdefault(text.sender, text)
        replied_at = fates[text.id].replied_at
        if replied_at is not None:
            replies.setdefault(text.sender, []).append(replied_at)
    waits = [min(replies[sender]) - first[sender].at for sender in genuine if sender in replies]
    lost = [sender for sender in genuine if sender not in replies]
    attack = [text for text in texts if text.sender not in genuine]
    paid = [text for text in attack if fates[text.id].replied_at is not None]
    return Outcome(
        texts=len(texts),
        genuine=len(genuine),
        attackers=len({text.sender for text in attack}),
        fund=fund,
        answered=len(waits),
        late=sum(wait > MAX_WAIT_SECONDS for wait in waits),
        blamed=len(_blamed(texts, fates) & set(lost)),
        oracle=len(policy.answered_by_oracle(texts, fund)),
        first_come=len(policy.answered_first_come(texts, fund)),
        in_2017=len(policy.answered_in_2017(texts, fund)),
        to_attackers=sum(fates[text.id].cost_microeuros - text.cost for text in paid),
        attackers_answered=len({text.sender for text in paid}),
        twice=sum(len(times) > 1 for times in replies.values()),
        wait_p50_hours=_hours(percentile(waits, 50)),
        wait_p95_hours=_hours(percentile(waits, 95)),
        lost_by_reason=_count(fates[first[sender].id].reason for sender in lost),
        attack_by_reason=_count(fates[text.id].reason for text in attack),
    )


def _blamed(texts: Sequence[Text], fates: Mapping[str, Fate]) -> set[str]:
    return {text.sender for text in texts if fates[text.id].reason in ATTACK_REASONS}


def _count(reasons: Iterable[str]) -> dict[str, int]:
    return dict(Counter(reasons).most_common())


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)
