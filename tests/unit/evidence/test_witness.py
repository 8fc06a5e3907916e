"""What a witness answers, in the order of the specification; and its wire, on its own example."""

import base64

import pytest

from services.evidence.core.merkle import plan_consistency
from services.evidence.core.note import Signer, log_signer
from services.evidence.core.verifier import Checkpoint, Malformed, hash_leaf
from services.evidence.core.witness import (
    Answer,
    Request,
    judge_request,
    read_request,
    write_request,
)
from tests.unit.evidence.test_merkle import Grown, numbered
from tests.unit.evidence.test_note import SPEC_CHECKPOINT

# c2sp.org/tlog-witness, its example request.
SPEC_PROOF = """PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0="""
SPEC_REQUEST = f"old 20852014\n{SPEC_PROOF}\n\n{SPEC_CHECKPOINT}".encode()

LOG = log_signer(b"l" * 32)
LOGS = {LOG.name: LOG.key}


def head(size: int, leaves: Grown) -> Checkpoint:
    return Checkpoint(LOG.name, size, leaves.tree.root)


def grown(size: int) -> Grown:
    tree = Grown()
    tree.append(numbered(size))
    return tree


def asked(old: int, size: int, *, signer: Signer = LOG, proof: bool = True) -> Request:
    tree = grown(size)
    spans = plan_consistency(old, size) if proof and old <= size else []
    return Request(old, tuple(tree.hashes(spans)), signer.sign(str(head(size, tree))))


def answer(request: Request, known: int | None) -> Answer:
    last = {} if known is None else {LOG.name: head(known, grown(known))}
    return judge_request(request, LOGS, last)[0]


def test_the_specification_s_request_is_read_and_written_back() -> None:
    request = read_request(SPEC_REQUEST)
    assert request.old_size == 20852014
    assert [base64.b64encode(h).decode() for h in request.proof] == SPEC_PROOF.split("\n")
    assert request.note == SPEC_CHECKPOINT
    assert write_request(request) == SPEC_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 1", b"old 01\n\nx", b"old -1\n\nx", b"new 1\n\nx", b"\xff\n\nx",
        b"old 1\nAAA\n\nx", b"old 1\n" + b"AAAA\n" * 64 + b"\nx",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(body)


def test_the_answers_in_their_order() -> None:
    assert answer(asked(0, 5), None) is Answer.COSIGNED
    assert answer(asked(5, 9), 5) is Answer.COSIGNED
    assert answer(asked(5, 5), 5) is Answer.COSIGNED
    assert answer(Request(0, (), "rubbish"), None) is Answer.MALFORMED
    assert answer(Request(0, (), LOG.sign("not a checkpoint\n")), None) is Answer.MALFORMED
    stranger = log_signer(b"s" * 32)
    tree = grown(3)
    foreign = stranger.sign(str(Checkpoint(stranger.name, 3, tree.tree.root)))
    assert answer(Request(0, (), foreign), None) is Answer.UNKNOWN_LOG
    for key in (Signer(LOG.name, b"f" * 32), stranger):
        assert answer(asked(0, 5, signer=key), None) is Answer.NOT_SIGNED
    spoiled = asked(0, 5).note.replace("\n5\n", "\n6\n")
    assert answer(Request(0, (), spoiled), None) is Answer.NOT_SIGNED
    assert answer(asked(9, 5), 9) is Answer.MALFORMED
    assert answer(asked(0, 9), 5) is Answer.OTHER_SIZE
    assert answer(asked(3, 9), 5) is Answer.OTHER_SIZE
    assert answer(asked(5, 9), None) is Answer.OTHER_SIZE
    assert answer(asked(5, 9, proof=False), 5) is Answer.INCONSISTENT
    extra = Request(0, (b"x" * 32,), asked(0, 5).note)
    assert answer(extra, None) is Answer.INCONSISTENT


def test_a_fork_is_refused_at_every_size() -> None:
    other = Grown()
    other.append([hash_leaf(b"another past"), *numbered(11)[1:]])
    for known in range(1, 12):
        last = {LOG.name: head(known, grown(known))}
        for size in range(known, 12):
            fork = Grown()
            fork.append([hash_leaf(b"another past"), *numbered(size)[1:]])
            proof = fork.hashes(plan_consistency(known, size))
            request = Request(known, tuple(proof), LOG.sign(str(head(size, fork))))
            assert judge_request(request, LOGS, last)[0] in {
                Answer.INCONSISTENT,
                Answer.OTHER_SIZE,
            }
