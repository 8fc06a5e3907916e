"""What a rehearsal saw: the fate of each message, and the house now and then."""

from dataclasses import dataclass, field
from datetime import datetime

from kernel.facts.records import Decision


@dataclass(slots=True)
class Fate:
    """What became of one message.

    Attributes:
        reason: of the verdict; ``detached``: it never arrived.
        score: as the verdict said.
        due_at: when its reply was due.
    """

    id: str
    at: datetime
    decision: str = Decision.SILENT.value
    reason: str = ""
    score: float = 0.0
    due_at: datetime | None = None
    replied_at: datetime | None = None
    cost_microeuros: int = 0


@dataclass(frozen=True, slots=True)
class Glance:
    """The state of the house at an instant; money in micro-euros."""

    at: datetime
    received: int
    waiting: int
    posture: str
    cause: str
    attached: bool
    available: int
    spent_receive: int
    spent_reply: int
    reserved: int


@dataclass(slots=True)
class Course:
    """What a rehearsal saw.

    Attributes:
        fates: by message id, in the order of arrival.
        glances: one a quarter of an hour while something goes on, and at each change of posture.
        senders: pseudonyms.
        repeated: lines with an id that was there before.
    """

    fates: dict[str, Fate] = field(default_factory=dict)
    glances: list[Glance] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)
    repeated: int = 0
