"""What kind of sender somebody is."""

import enum


class SenderKind(enum.StrEnum):
    """What a sender is, by his number alone (the country is a field of its own)."""

    MOBILE = "mobile"
    FIXED = "fixed"
    OTHER = "other"
    """A valid number that is neither: premium, shared cost, voice over IP, pager…"""
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"
    OWN = "own"
    UNKNOWN = "unknown"
    """Not a number that any plan knows, hidden, or empty."""
