"""What may be forgotten, and what a verdict still to come goes by."""

from datetime import timedelta

from services.filter.core.retention import Retention, plan_cutoffs
from tests.unit.filter.cases import DAY, HOUR, MINUTE, NOW

RETENTION = Retention(
    messages=30 * DAY, window=180 * DAY, silenced=2 * DAY, deliberated=DAY, bucket=10 * MINUTE
)


def test_an_answer_is_kept_as_long_as_its_window() -> None:
    cutoffs = plan_cutoffs(NOW, NOW, None, RETENTION)
    assert cutoffs.answers == NOW - RETENTION.window
    assert cutoffs.messages == NOW - RETENTION.messages
    assert cutoffs.silences == NOW - RETENTION.silenced


def test_what_was_read_or_is_due_long_ago_is_judged_by_what_was_then() -> None:
    late = 20 * DAY
    lagging = plan_cutoffs(NOW, NOW - late, None, RETENTION)
    overdue = plan_cutoffs(NOW, NOW, NOW - late, RETENTION)
    assert lagging.answers == overdue.answers == NOW - late - RETENTION.window
    assert lagging.contacts == overdue.contacts < plan_cutoffs(NOW, NOW, None, RETENTION).contacts
    ahead = plan_cutoffs(NOW, NOW + HOUR, NOW + timedelta(days=1), RETENTION)
    assert ahead == plan_cutoffs(NOW, NOW, None, RETENTION)
