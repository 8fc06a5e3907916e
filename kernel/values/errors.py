"""Errors, sorted by what the caller must do about them. ``code`` is a metric label: few, stable."""


class AntirelouError(Exception):
    """A failure with a stable code.

    Args:
        message: for a person; never a phone number or a text.
        code: a short snake_case word, used as a metric label.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Transient(AntirelouError):
    """Something we depend on is away or slow: keep the place, wait, try again."""


class Fenced(Transient):
    """This member lost the partition to another: drop the batch, the other reads it again."""


class Rejected(AntirelouError):
    """This one record or request can never be handled: dead topic, or a refusal to the caller."""


class Fatal(AntirelouError):
    """Nothing can go on until a person mends something: stop with this message."""
