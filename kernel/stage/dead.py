"""Records that cannot be handled: how they are put aside, how they are told of, what they mean."""

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import structlog

from kernel.facts.records import DeadRecord
from kernel.facts.topics import dead
from kernel.log.port import LogRecord, Outgoing
from kernel.values.clock import Clock
from kernel.values.errors import Rejected

LOG = structlog.get_logger("stage")

TELL_SECONDS = 10.0
"""Of one topic and reason a line is written so often at most, whatever dies meanwhile."""


DEAD_RUN_MAX = 250
"""So many deaths one after the other are no longer the records' fault: it is ours."""
DEAD_SHARE_MAX = 0.1
"""Nor is a larger share of the latest ``TOLL_RECORDS_MAX`` records, from ``DEAD_SHARE_MIN`` on."""
DEAD_SHARE_MIN = 500
TOLL_RECORDS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a reason means to the person on call, and what is to be done."""

    meaning: str
    fix: str


EXPLANATIONS = {
    "unreadable": Explanation(
        "it is no record of this topic: no JSON, or a field is missing or of another type",
        "nothing of ours writes such: find out who else may write to the topic. Was it a version "
        "of ours, run the version that reads it, then replay; else let it expire with its topic",
    ),
    "unknown_version": Explanation(
        "a newer version of antirelou wrote it than the one that read it",
        "update every service to the newer version, then replay",
    ),
    "bad_value": Explanation(
        "a value that PostgreSQL cannot store, such as a NUL or a number out of range",
        "a defect at the door, which should have refused it: report it; replay after the update",
    ),
    "handler_failed": Explanation(
        "the service's handler broke on it, though it is well-formed: a defect or a database that "
        "refuses the row; the log line `record_dead` names the place in the code",
        "mend or update the service, then replay: what was handled meanwhile stays as it is",
    ),
    "unreadable_corpse": Explanation(
        "what stands on the dead topic is no dead record of ours",
        "find out who writes there; a replay drops it",
    ),
}
"""By reason. Each is a ``Rejected`` code, or one of the stage's and the list's own."""

UNKNOWN = Explanation(
    "the service refused it, for the reason it names",
    "look the reason up in the service's log, mend it, then replay",
)


def explain(reason: str) -> Explanation:
    """What a reason means, and what to do."""
    return EXPLANATIONS.get(reason, UNKNOWN)


def describe_error(error: Exception) -> tuple[str, str]:
    """Reason and words of an error; only our own errors promise to quote no number, no text."""
    if isinstance(error, Rejected):
        return error.code, str(error)
    return "handler_failed", type(error).__name__


def bury(record: LogRecord, *, service: str, reason: str, error: str, at: datetime) -> Outgoing:
    """What goes to the dead topic for a record: its original bytes, why, and where it was."""
    corpse = DeadRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        service=service,
        reason=reason,
        error=error,
        at=at,
    )
    return Outgoing(dead(record.topic), record.key, msgspec.json.encode(corpse))


@dataclass(frozen=True, slots=True)
class Death:
    """A record that could not be handled, and the error it died of."""

    record: LogRecord
    error: Exception


class _Versioned(msgspec.Struct):
    """What every record of ours says of itself."""

    v: int


def is_foreign(death: Death) -> bool:
    """Whether what died was no record of ours at all, which says nothing of our own health."""
    try:
        msgspec.json.decode(death.record.value, type=_Versioned)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return False


@dataclass(frozen=True, slots=True)
class Toll:
    """How many of our own records died of late, and how many did not.

    A broken version of ours would bury every record, and the oldest would go when the dead topic is
    full. Foreign bytes (``is_foreign``) are not counted: a flood of them stops nobody.

    Attributes:
        lived, died: of the latest records; the older ones weigh less.
        run: how many have died since the last that lived.
    """

    lived: int = 0
    died: int = 0
    run: int = 0

    def after(self, *, lived: int = 0, died: int = 0) -> "Toll":
        """The toll when so many more have died, and after these so many have lived."""
        run = 0 if lived else self.run + died
        after = Toll(self.lived + lived, self.died + died, run)
        if after.lived + after.died > TOLL_RECORDS_MAX:
            after = replace(after, lived=after.lived // 2, died=after.died // 2)
        return after

    @property
    def is_too_high(self) -> bool:
        """Whether nothing more may be buried."""
        share = self.died > DEAD_SHARE_MAX * (self.lived + self.died)
        return self.run > DEAD_RUN_MAX or (share and self.died > DEAD_SHARE_MIN)


class Obituaries:
    """Tells of deaths in the log: a line a topic and reason at once, then the sum now and then.

    Args:
        service: whose handler gave up.
        clock: spaces the lines.
    """

    def __init__(self, service: str, clock: Clock) -> None:
        self._service, self._clock = service, clock
        self._untold: dict[tuple[str, str], tuple[Death, int]] = {}
        self._told_at: dict[tuple[str, str], float] = {}

    def note(self, death: Death) -> None:
        """One more."""
        about = (death.record.topic, describe_error(death.error)[0])
        first, count = self._untold.get(about, (death, 0))
        self._untold[about] = (first, count + 1)

    def tell(self, *, all_of_it: bool = False) -> None:
        """Write what it is time for; at the end, whatever is left."""
        now = self._clock.monotonic()
        for about, (first, count) in list(self._untold.items()):
            told_at = self._told_at.get(about)
            if told_at is not None and now < told_at + TELL_SECONDS and not all_of_it:
                continue
            self._told_at[about] = now
            del self._untold[about]
            reason, said = describe_error(first.error)
            LOG.error(
                "record_dead",
                service=self._service,
                topic=first.record.topic,
                partition=first.record.partition,
                offset=first.record.offset,
                records=count,
                reason=reason,
                error=said,
                exc_info=first.error,
            )
