"""The waiting clock: how long replies have waited for money.

It stands still in quiet hours and while suspended: a reply that came in when it showed 3 h, and is
looked at when it shows 70 h, has waited 67 h. Past ``MAX_WAIT`` it expires.
"""

from datetime import datetime, timedelta

from kernel.settings.settings import QuietHours


def waited_between(since: datetime, until: datetime, quiet: QuietHours | None) -> timedelta:
    """How far the waiting clock goes between two instants, quiet hours left out."""
    if until <= since:
        return timedelta()
    if quiet is None:
        return until - since
    loud = timedelta()
    at = quiet.next_loud(since)
    while at < until:
        end = quiet.next_quiet(at)
        if end is None or end >= until:
            return loud + (until - at)
        loud += end - at
        at = quiet.next_loud(end)
    return loud


def when_waited(since: datetime, waited: timedelta, quiet: QuietHours | None) -> datetime:
    """When the waiting clock will have gone so far since then: ``waited_between`` turned round."""
    if quiet is None:
        return since + waited
    at = quiet.next_loud(since)
    while (end := quiet.next_quiet(at)) is not None and end - at < waited:
        waited -= end - at
        at = quiet.next_loud(end)
    return at + max(waited, timedelta())


def next_quiet_or_loud(at: datetime, quiet: QuietHours | None) -> datetime | None:
    """When it next becomes loud or quiet; None: never."""
    if quiet is None:
        return None
    return quiet.next_loud(at) if quiet.covers(at) else quiet.next_quiet(at)
