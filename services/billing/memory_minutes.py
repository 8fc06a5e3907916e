"""What was asked of the fund, by the minute, of the store in memory: sums of a stretch at once."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from services.billing.core.books import Interval


@dataclass(slots=True)
class Minutes:
    """Intervals in order, and their running totals.

    Attributes:
        starts: in ascending order.
        rows: the intervals.
        totals: of all rows before each, and of all; those after ``summed`` are stale.
    """

    starts: list[datetime] = field(default_factory=list)
    rows: list[Interval] = field(default_factory=list)
    totals: list[tuple[int, int, int, int]] = field(default_factory=lambda: [(0,) * 4])
    summed: int = 0

    def copy(self) -> "Minutes":
        """A snapshot."""
        return Minutes(list(self.starts), list(self.rows), list(self.totals), self.summed)

    def add(self, new: Interval) -> None:
        """Add to its minute."""
        place = bisect_left(self.starts, new.since)
        if place < len(self.starts) and self.starts[place] == new.since:
            self.rows[place] = self.rows[place].plus(new)
        else:
            self.starts.insert(place, new.since)
            self.rows.insert(place, new)
        self.summed = min(self.summed, place)

    def since(self, at: datetime) -> Interval:
        """The sum of what came after an instant."""
        self._sum()
        place = bisect_right(self.starts, at)
        pairs = zip(self.totals[-1], self.totals[place], strict=True)
        spent, asked, surged, replied = (total - before for total, before in pairs)
        rows = self.rows[place:]
        return Interval(
            at,
            spent,
            asked,
            surged,
            replied_microeuros=replied,
            receive_price_microeuros=max((r.receive_price_microeuros for r in rows), default=0),
            reply_price_microeuros=max((r.reply_price_microeuros for r in rows), default=0),
        )

    def prune(self, before: datetime) -> None:
        """Forget what is older, but the latest webhook's minute."""
        heard = [row.since for row in self.rows if row.webhook_at is not None]
        if not heard:
            return
        self.rows = [row for row in self.rows if row.since >= before or row.since >= heard[-1]]
        self.starts = [row.since for row in self.rows]
        self.summed = 0

    def _sum(self) -> None:
        del self.totals[self.summed + 1 :]
        for row in self.rows[self.summed :]:
            spent, asked, surged, replied = self.totals[-1]
            self.totals.append(
                (
                    spent + row.spent_microeuros,
                    asked + row.asked_microeuros,
                    surged + row.surged,
                    replied + row.replied_microeuros,
                )
            )
        self.summed = len(self.rows)
