"""Signatures, notes, keys and checkpoints, against the specifications' own examples."""

import base64
from datetime import UTC, datetime

import pytest
from nacl.signing import SigningKey

from services.evidence.core.note import Signer, export_signer, log_signer
from services.evidence.core.verifier import (
    COSIGNATURE,
    Checkpoint,
    Malformed,
    cosigned,
    read_checkpoint,
    read_key,
    read_note,
    verify_ed25519,
    verify_note,
)

# RFC 8032 §7.1: public key, message, signature.
RFC8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)  # fmt: skip

# golang.org/x/mod/sumdb/note, the example of its documentation.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

# c2sp.org/signed-note and tlog-cosignature; they publish no keys for these.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_COSIGNATURE_KEY = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
SPEC_CHECKPOINT = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2o"
    "yin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)

NOW = datetime(2017, 10, 27, 14, tzinfo=UTC)


@pytest.mark.parametrize("vector", RFC8032)
def test_ed25519_as_rfc_8032_has_it(vector: tuple[str, str, str]) -> None:
    public, message, signature = map(bytes.fromhex, vector)
    assert verify_ed25519(public, message, signature)
    assert not verify_ed25519(public, message + b"x", signature)
    for place in range(0, 64, 7):
        spoiled = bytearray(signature)
        spoiled[place] ^= 1
        assert not verify_ed25519(public, message, bytes(spoiled))


def test_ed25519_refuses_what_libsodium_refuses() -> None:
    key = SigningKey(bytes(range(32)))
    public, signature = key.verify_key.encode(), key.sign(b"m").signature
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signature[32:], "little")
    malleable = signature[:32] + (scalar + order).to_bytes(32, "little")
    assert verify_ed25519(public, b"m", signature)
    assert not verify_ed25519(public, b"m", malleable)
    assert not verify_ed25519(public[:31], b"m", signature)
    assert not verify_ed25519(public, b"m", signature[:63])
    assert not verify_ed25519(b"\xff" * 32, b"m", signature)
    assert not verify_ed25519((2).to_bytes(32, "little"), b"m", signature)


def test_a_note_of_go_is_verified_and_made_to_the_byte() -> None:
    note, key = read_note(GO_NOTE.encode()), read_key(GO_KEY)
    assert note.text == GO_TEXT
    assert verify_note(note, key) == 0
    assert str(key) == GO_KEY
    assert Signer("PeterNeumann", GO_SEED).sign(GO_TEXT) == GO_NOTE
    assert verify_note(note, read_key(SPEC_KEY)) is None
    with pytest.raises(Malformed):
        verify_note(read_note(GO_NOTE.replace("answer", "reason").encode()), key)


def test_the_checkpoint_of_the_specification_is_read() -> None:
    note = read_note(SPEC_CHECKPOINT.encode())
    checkpoint = read_checkpoint(note.text)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert str(checkpoint) == note.text
    name, key_id, signature = note.signatures[1]
    assert (name, key_id.hex(), len(signature)) == ("witness.example.com/w1", "8d66cf3f", 72)
    at = int.from_bytes(signature[:8], "big")
    assert cosigned(at, note.text).startswith(b"cosignature/v1\ntime 1679315147\nexample.com/")


def test_keys_of_the_specifications_are_read() -> None:
    for text in (GO_KEY, SPEC_KEY, SPEC_COSIGNATURE_KEY):
        assert str(read_key(text)) == text
    assert read_key(SPEC_COSIGNATURE_KEY).kind == COSIGNATURE
    for wrong in ("", "a+b", SPEC_KEY[:-1] + "l", SPEC_KEY.replace("530d", "530e"), SPEC_KEY + "="):
        with pytest.raises(Malformed):
            read_key(wrong)


def test_a_cosignature_says_when_and_holds_for_its_text_alone() -> None:
    witness = Signer("w.example", b"w" * 32, COSIGNATURE)
    log = log_signer(b"l" * 32)
    signed = log.sign(str(Checkpoint(log.name, 3, b"r" * 32)))
    text = read_note(signed.encode()).text
    note = read_note((signed + witness.cosign(text, NOW)).encode())
    assert verify_note(note, log.key) == 0
    assert verify_note(note, witness.key) == int(NOW.timestamp())
    other = str(Checkpoint(log.name, 4, b"r" * 32))
    forged = read_note(f"{other}\n{witness.cosign(text, NOW)}".encode())
    with pytest.raises(Malformed):
        verify_note(forged, witness.key)


@pytest.mark.parametrize(
    "wrong",
    [
        b"", b"text\n", b"text\n\n", b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", GO_NOTE.encode()[:-1],
        GO_NOTE.replace("— ", "- ").encode(), GO_NOTE.replace("nAM=", "nAN=").encode(),
        GO_NOTE.replace("then", "then\t").encode(), GO_NOTE.replace("x08go/", "x08go!").encode(),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(wrong: bytes) -> None:
    with pytest.raises(Malformed):
        read_note(wrong)


@pytest.mark.parametrize(
    "text",
    ["", "a\n1\n", "a\n01\nAAAA\n", "a\n1\nAAAA\n", "\n1\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nA\nx\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        read_checkpoint(text)


def test_a_log_is_named_by_its_key_and_an_exporter_by_what_he_opens() -> None:
    assert log_signer(b"a" * 32).name != log_signer(b"b" * 32).name
    assert export_signer(b"a" * 32) == export_signer(b"a" * 32)
    assert export_signer(b"a" * 32).seed != b"a" * 32
