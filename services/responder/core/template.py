"""The texts of the replies: what each costs, and which one a reply gets."""

from collections.abc import Sequence
from dataclasses import dataclass

from kernel.facts.records import derive_id
from kernel.values.text import SUBSTITUTES, Encoding, characters_outside_gsm7, segment_text

SEGMENTS_MAX = {Encoding.GSM7: 10, Encoding.UCS2: 11}
"""1,600 and 737 characters: longer ones the provider refuses (docs/plivo.md §4)."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A text that cannot be sent at its price.

    Attributes:
        index: of the text in ``REPLY_TEXTS``, from 0.
        cost_microeuros: of one exchange with it: receiving one segment, and this reply.
        substitutes: the characters outside GSM-7, each with what to write instead; None: leave
            it out.
    """

    index: int
    encoding: Encoding
    segments: int
    cost_microeuros: int
    cap_microeuros: int
    substitutes: Sequence[tuple[str, str | None]]

    def __str__(self) -> str:
        """One line for the operator, with the fix."""
        said = (
            f"ANTIRELOU_REPLY_TEXTS: text {self.index + 1} is {self.segments} segment(s) of "
            f"{self.encoding.name}: {self.cost_microeuros / 1e6:.3f} an exchange, and "
            f"ANTIRELOU_CAP_PER_EXCHANGE is {self.cap_microeuros / 1e6:.3f}"
        )
        if not self.substitutes:
            return f"{said}; accepted: a shorter text (160 characters are one segment)"
        fixes = ", ".join(
            f"{char!r} -> {_spell(substitute)}" for char, substitute in self.substitutes
        )
        return f"{said}; accepted: GSM-7 characters, 160 to a segment: {fixes}"


def lint_texts(
    texts: Sequence[str],
    *,
    price_reply_microeuros: int,
    price_receive_microeuros: int,
    cap_microeuros: int,
) -> list[Complaint]:
    """Check that each text, with one segment received, stays within the cap.

    Args:
        price_reply_microeuros: for each segment of a reply.
        price_receive_microeuros: for one segment received.

    Returns:
        a complaint for each text that does not.
    """
    complaints = []
    for index, text in enumerate(texts):
        found = segment_text(text)
        cost = found.segments * price_reply_microeuros + price_receive_microeuros
        if cost <= cap_microeuros and found.segments <= SEGMENTS_MAX[found.encoding]:
            continue
        culprits = characters_outside_gsm7(text)
        complaints.append(
            Complaint(
                index,
                found.encoding,
                found.segments,
                cost,
                cap_microeuros,
                tuple((char, SUBSTITUTES.get(char)) for char in culprits),
            )
        )
    return complaints


def pick_text(texts: Sequence[str], reply_id: str, text_index: int | None) -> str:
    """The text of a reply: derived from its id, so that a second look finds the same one.

    Args:
        text_index: which one the operator asked for; beyond the list it begins anew.
    """
    index = text_index if text_index is not None else int(derive_id("text", reply_id), 16)
    return texts[index % len(texts)]


def _spell(substitute: str | None) -> str:
    return "leave it out" if substitute is None else repr(substitute)
