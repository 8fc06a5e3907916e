"""One nonce, one thing; and the memory of it is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.core.nonce import NonceMemory, hash_nonce


def test_the_same_thing_may_come_again_and_no_other() -> None:
    memory = NonceMemory()
    assert memory.admit("n", "message:1")
    assert memory.admit("n", "message:1")
    assert not memory.admit("n", "message:2")
    assert memory.admit("n", "message:1")
    assert memory.admit("m", "message:2")


def test_beyond_its_bound_the_oldest_is_forgotten() -> None:
    memory = NonceMemory(nonces_max=2)
    for number in range(3):
        assert memory.admit(f"n{number}", f"message:{number}")
    assert len(memory) == 2
    assert not memory.admit("n2", "message:9")
    assert memory.admit("n0", "message:9")


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3))))
def test_it_agrees_with_a_table(arrivals: list[tuple[int, int]]) -> None:
    memory, table = NonceMemory(nonces_max=5), dict[int, int]()
    for nonce, owner in arrivals:
        if nonce not in table:
            if len(table) == 5:
                del table[next(iter(table))]
            table[nonce] = owner
        assert memory.admit(str(nonce), str(owner)) == (table[nonce] == owner)
        assert len(memory) <= 5


def test_what_is_kept_of_a_nonce_is_a_hash() -> None:
    assert hash_nonce(b"n") != hash_nonce(b"m")
    assert len(hash_nonce(b"\xff" * 999)) == 32
