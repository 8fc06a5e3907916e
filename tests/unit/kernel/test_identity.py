"""One sender, one identity, whoever meets him."""

from hypothesis import given
from hypothesis import strategies as st

from kernel.sealing.identity import Identifier
from kernel.sealing.privacy import Unsealer, new_keypair
from kernel.values.clock import SystemClock
from kernel.values.sender import SenderKind

OWN = "+33937000000"
PRIVATE, PUBLIC = new_keypair()
IDENTIFIER = Identifier(bytes(32), PUBLIC, OWN, SystemClock())
MOBILE = st.integers(0, 9999).map(lambda number: f"3363998{number:04}")


@given(MOBILE)
def test_every_spelling_of_a_number_is_one_sender(digits: str) -> None:
    spellings = [digits, f"+{digits}", f"00{digits}", f"0{digits[2:]}"]
    found = [IDENTIFIER.identify(spelling, OWN) for spelling in spellings]
    assert len({(one.pseudonym, one.blocks, one.to_ours) for one in found}) == 1
    assert {IDENTIFIER.pseudonym(spelling) for spelling in spellings} == {found[0].pseudonym}
    for one in found:
        assert one.number_sealed is not None
        assert Unsealer(PRIVATE).unseal(one.number_sealed) == f"+{digits}".encode()


@given(MOBILE, st.sampled_from(["33937000001", "", "36180"]))
def test_who_wrote_to_another_number_cannot_be_answered(digits: str, recipient: str) -> None:
    found = IDENTIFIER.identify(digits, recipient)
    assert not found.to_ours
    assert found.number_sealed is None
    assert found.blocks == ()


@given(st.sampled_from(["RELOU", "36180", "+33100000000", "", OWN]))
def test_what_is_no_mobile_cannot_be_answered(sender: str) -> None:
    found = IDENTIFIER.identify(sender, OWN)
    assert found.facts.kind is not SenderKind.MOBILE
    assert found.number_sealed is None
