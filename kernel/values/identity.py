"""Who a message is from, without his number."""

from dataclasses import dataclass

from kernel.values.phone import NumberFacts


@dataclass(frozen=True, slots=True)
class Identity:
    """A sender without his number.

    Attributes:
        pseudonym: of every spelling of one number the same.
        facts: what his number says of its holder; still in clear, for the caller alone.
        to_ours: whether he wrote to our number.
        number_sealed: for sending; None where he cannot be answered.
        blocks: of a number that can be answered (``Pseudonymizer.blocks``).
    """

    pseudonym: str
    facts: NumberFacts
    to_ours: bool
    number_sealed: bytes | None
    blocks: tuple[bytes, ...] = ()
