"""What the doctor found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, what was found, and the fix if it is wrong."""

    what: str
    good: bool
    found: str
    fix: str = ""
