"""Numbers replaced by identities: what anything but the webhook and the send call may know."""

from kernel.sealing.privacy import Pseudonymizer, Sealer
from kernel.values.clock import Clock
from kernel.values.identity import Identity
from kernel.values.phone import answerable_number, classify_number
from kernel.values.sender import SenderKind


class Identifier:
    """Replaces numbers by identities: the one place where that is done.

    Args:
        pseudonym_key, sending_public_key: 32 bytes each.
        own_number: ours, in E.164.
        clock: renews the sealing keys.
    """

    def __init__(
        self, pseudonym_key: bytes, sending_public_key: bytes, own_number: str, clock: Clock
    ) -> None:
        self._pseudonymizer = Pseudonymizer(pseudonym_key)
        self._sealer = Sealer(sending_public_key, clock)
        self._own_number = own_number

    def identify(self, sender: str, recipient: str) -> Identity:
        """The identity behind a message's From and To, as the provider gives them."""
        facts = classify_number(sender, self._own_number)
        to_ours = classify_number(recipient, self._own_number).kind is SenderKind.OWN
        number = answerable_number(facts, to_ours=to_ours)
        return Identity(
            pseudonym=self._pseudonymizer.pseudonym(facts.canonical),
            facts=facts,
            to_ours=to_ours,
            number_sealed=None if number is None else self._sealer.seal(number.encode()),
            blocks=() if number is None else self._pseudonymizer.blocks(number),
        )

    def pseudonym(self, number: str) -> str:
        """The pseudonym of a number in any spelling."""
        return self._pseudonymizer.pseudonym(classify_number(number, self._own_number).canonical)
