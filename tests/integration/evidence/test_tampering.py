"""Whatever is changed in a folder is found, whoever changed it: a thief, or who made the folder."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kernel.facts.records import SignatureMode, Source
from services.evidence.core.note import Signer, export_signer, log_signer
from services.evidence.core.verifier import (
    MANIFEST,
    Checkpoint,
    check_folder,
    hash_leaf,
    list_messages,
    main,
    read_checkpoint,
    read_key,
    read_note,
    render_messages,
)
from tests.support.evidence import open_desk
from tests.unit.evidence.cases import LOG_KEY, PRIVATE_KEY, SIGNER, received, weekend

Files = dict[str, bytes]

SIGNED_FAST: dict[tuple[bytes, bytes, bytes], bool] = {}


@pytest.fixture
async def files() -> Files:
    """A small case, as exported."""
    async with open_desk() as desk:
        await desk.keep(weekend(4))
        signed = await desk.handler.sign(desk.clock.now())
        assert signed is not None
        await desk.store.stamp_checkpoint(signed.size, _stamp(signed.note), desk.clock.now())
        for late in (9, 10):  # after the case: in the log, not in the folder
            await desk.keep([received(late, 9, at=datetime(2019, 1, 1, tzinfo=UTC))])
        return await desk.export()


def _stamp(note: str) -> bytes:
    """What the lone verifier looks for in a stamp; a real one is in test_notary.py."""
    text = read_note(note.encode()).text.encode()
    return b"0\x82\x01\x00\x04\x20" + hashlib.sha256(text).digest()


def wrong(files: Mapping[str, bytes], **trusted: str) -> list[str]:
    return check_folder(files, trusted).wrong


def resigned(files: Files) -> Files:
    """With a manifest that its maker signed anew: what a dishonest exporter would hand over."""
    old = read_note(files[MANIFEST]).text.split("\n")[:3]
    lines = [
        f"{hashlib.sha256(data).hexdigest()} {name}"
        for name, data in sorted(files.items())
        if name != MANIFEST
    ]
    text = "\n".join([*old, *lines]) + "\n"
    return {**files, MANIFEST: export_signer(PRIVATE_KEY).sign(text).encode()}


def with_lines(files: Files, change: Callable[[list[bytes]], list[bytes]]) -> Files:
    lines = files["records.jsonl"].splitlines(keepends=True)
    return {**files, "records.jsonl": b"".join(change(lines))}


def test_the_folder_as_it_was_exported_is_right(files: Files) -> None:
    findings = check_folder(files, {"log": str(SIGNER.key)})
    assert findings.wrong == []
    assert any("11 leaves" in line for line in findings.checked)
    assert any("has a time stamp" in line for line in findings.checked)
    assert wrong(resigned(files)) == []


def before(name: str) -> Files:
    """A folder that an earlier version exported."""
    with zipfile.ZipFile(Path(__file__).with_name(name)) as folder:
        return {one: folder.read(one) for one in folder.namelist()}


def test_a_folder_of_before_is_still_right_and_no_byte_less_watched() -> None:
    files = before("case-v1.zip")
    assert b"," + b"'," in files["messages.csv"]  # as it wrote an empty text
    assert wrong(files, log=str(SIGNER.key)) == []
    for name in ("messages.csv", "messages.json"):
        changed = files[name].replace(b"Texte 1", b"Texte 2", 1)
        assert wrong(resigned({**files, name: changed})) == [f"{name}: not what the records say"]


def test_a_folder_of_before_that_hides_a_request_is_found() -> None:
    """A backfill had taken the place of the signed webhook, and the folder was called right."""
    files = before("case-v1-poorer.zip")
    (line,) = wrong(files)
    assert line.startswith("messages.json: a message is told by record 6, not by record 4")


async def test_an_exporter_who_tells_a_message_by_its_poorer_record_is_found() -> None:
    poor = received(0, 1, source=Source.BACKFILL, amount_microunits=12_000, evidence_sealed=None,
                    evidence_digest=None, signature=SignatureMode.NONE)  # fmt: skip
    async with open_desk() as desk:
        await desk.keep([received(0), poor])
        files = await desk.export()
    assert wrong(files) == []
    row = json.loads(files["messages.json"])[0]
    assert (row["text"], row["signature"], row["cost_microunits"]) == ("Bonjour", "v3", 12_000)
    entries = [json.loads(line) for line in files["records.jsonl"].splitlines()]
    opened = [{**entry, "record": json.loads(entry["record"])} for entry in entries]
    for form, head in ((2, "v2"), (1, "v1")):
        hidden = render_messages(list_messages([opened[0], opened[2]], form), form)
        forged = {**files, **hidden}
        forged[MANIFEST] = files[MANIFEST].replace(
            b"antirelou-case/v2", f"antirelou-case/{head}".encode()
        )
        assert wrong(resigned(forged))


def test_each_byte_flipped_is_found_and_its_file_named(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    _remember_signatures(monkeypatch)
    assert wrong(files) == []
    for name, data in files.items():
        # Of the code that checks, every hundredth byte: it is a constant to this case.
        step = 100 if name == "verify.py" else 1
        for place in range(0, len(data), step):
            flipped = bytearray(data)
            flipped[place] ^= 1 << place % 8
            found = wrong({**files, name: bytes(flipped)})
            assert any(name in line for line in found), (name, place, found)


def _remember_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """One signature takes milliseconds: each distinct one is verified once."""
    from services.evidence.core import verifier

    plain = verifier.verify_ed25519

    def remembered(public: bytes, message: bytes, signature: bytes) -> bool:
        key = (public, message, signature)
        if key not in SIGNED_FAST:
            SIGNED_FAST[key] = plain(*key)
        return SIGNED_FAST[key]

    monkeypatch.setattr(verifier, "verify_ed25519", remembered)


def test_each_file_removed_is_found_and_named(files: Files) -> None:
    for name in files:
        found = wrong({key: data for key, data in files.items() if key != name})
        assert any(name in line for line in found), (name, found)


def test_a_file_added_is_found_and_named(files: Files) -> None:
    for name in ("note.txt", "checkpoints/0.txt", "a/b"):
        assert any(name in line for line in wrong({**files, name: b""}))


def test_every_two_records_swapped_are_found_whoever_signs(files: Files) -> None:
    count = len(files["records.jsonl"].splitlines())
    for first in range(count):
        for second in range(first):

            def swap(lines: list[bytes], a: int = first, b: int = second) -> list[bytes]:
                lines[a], lines[b] = lines[b], lines[a]
                return lines

            assert wrong(with_lines(files, swap))
            found = wrong(resigned(with_lines(files, swap)))
            assert any("out of order" in line for line in found)


def test_two_records_that_swap_their_contents_are_found(files: Files) -> None:
    def swap(lines: list[bytes]) -> list[bytes]:
        one, two = json.loads(lines[1]), json.loads(lines[4])
        one["index"], two["index"] = two["index"], one["index"]
        swapped = [json.dumps(two).encode() + b"\n", json.dumps(one).encode() + b"\n"]
        return [lines[0], swapped[0], *lines[2:4], swapped[1], *lines[5:]]

    found = wrong(resigned(with_lines(files, swap)))
    assert any("not the records that the checkpoint" in line for line in found)


def test_every_record_taken_away_is_found_whoever_signs(files: Files) -> None:
    for place in range(len(files["records.jsonl"].splitlines())):
        taken = with_lines(files, lambda lines, n=place: lines[:n] + lines[n + 1 :])  # type: ignore[misc]
        assert wrong(taken)
        assert wrong(resigned(taken))


def test_a_record_added_is_found_whoever_signs(files: Files) -> None:
    last = json.loads(files["records.jsonl"].splitlines()[-1])
    for index in (last["index"] + 1, last["index"] + 2, 99):
        added = json.dumps({**last, "index": index}).encode() + b"\n"
        assert wrong(resigned(with_lines(files, lambda lines, a=added: [*lines, a])))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("record", lambda text: text.replace('"sender_kind":"mobile"', '"sender_kind":"fixed"')),
        ("salt", lambda text: text[::-1]),
        ("request", lambda text: text.replace("Texte", "Autre")),
        ("sealed", lambda text: text[:-8] + "AAAAAAA="),
    ],
)
def test_what_a_record_says_cannot_be_changed_by_its_exporter(
    files: Files, field: str, change: Callable[[str], str]
) -> None:
    def spoil(lines: list[bytes]) -> list[bytes]:
        told = json.loads(lines[1])
        assert change(told[field]) != told[field]
        told[field] = change(told[field])
        return [lines[0], json.dumps(told).encode() + b"\n", *lines[2:]]

    assert wrong(resigned(with_lines(files, spoil)))


def test_messages_that_say_something_else_than_the_records_are_found(files: Files) -> None:
    for name in ("messages.csv", "messages.json"):
        changed = files[name].replace(b"Texte 1", b"Texte 2", 1)
        assert changed != files[name]
        found = wrong(resigned({**files, name: changed}))
        assert found == [f"{name}: not what the records say"]


def test_an_erasure_that_never_was_is_found(files: Files) -> None:
    told = json.loads(files["records.jsonl"].splitlines()[1])
    leaf = hash_leaf(b"something else")
    erased = [{"index": told["index"], "leaf": leaf.hex(), "at": "", "why": "request"}]
    forged = with_lines(files, lambda lines: [lines[0], *lines[2:]])
    forged["erased.json"] = json.dumps(erased).encode()
    assert wrong(resigned(forged))


def test_a_forged_checkpoint_is_found(files: Files) -> None:
    head = read_checkpoint(read_note(files["checkpoint.txt"]).text)
    other = Checkpoint(head.origin, head.size, hash_leaf(b"another tree"))
    for signer in (Signer(head.origin, b"f" * 32), log_signer(b"f" * 32)):
        forged = signer.sign(str(other)).encode()
        assert wrong(resigned({**files, "checkpoint.txt": forged}))
    # Even the log's own key does not help: the records lead to another root.
    forged = log_signer(LOG_KEY).sign(str(other)).encode()
    found = wrong(resigned({**files, "checkpoint.txt": forged}))
    assert any("not the records that the checkpoint" in line for line in found)
    assert any("forked, or forged" in line for line in found)  # the stamped one of before


def test_a_whole_log_made_up_afterwards_is_found_by_who_knows_the_key(files: Files) -> None:
    forger = log_signer(b"f" * 32)
    keys = {**json.loads(files["keys.json"]), "log": str(forger.key)}
    head = read_checkpoint(read_note(files["checkpoint.txt"]).text)
    made = {name: data for name, data in files.items() if "checkpoints/" not in name}
    made["checkpoint.txt"] = forger.sign(
        str(Checkpoint(forger.name, head.size, head.root))
    ).encode()
    made["keys.json"] = json.dumps(keys).encode()
    made = resigned(made)
    assert wrong(made) == []  # consistent in itself: so the key must be known from elsewhere
    assert wrong(made, log=str(SIGNER.key))
    assert wrong(files, log=str(SIGNER.key)) == []
    assert wrong(files, signer=str(export_signer(b"x" * 32).key))


def test_an_earlier_checkpoint_of_another_log_is_found(files: Files) -> None:
    (name,) = [name for name in files if re.fullmatch(r"checkpoints/.*\.txt", name)]
    earlier = read_checkpoint(read_note(files[name]).text)
    fork = Checkpoint(earlier.origin, earlier.size, hash_leaf(b"fork"))
    forged = log_signer(LOG_KEY).sign(str(fork)).encode()
    found = wrong(resigned({**files, name: forged}))
    assert any("forked, or forged" in line for line in found)
    assert any("stamps something else" in line for line in found)


def test_rubbish_is_no_traceback(files: Files, tmp_path: Path) -> None:
    for name in files:
        for rubbish in (b"", b"\xff", b"[]", b"null", b"{}\n"):
            assert wrong({**files, name: rubbish})
            if name == MANIFEST:
                continue
            # What its maker may say as he likes, and no erasures where there are none.
            his = name in {"report.html", "verify.py", "case.json"}
            none = name == "erased.json" and rubbish in {b"[]", b"{}\n"}
            assert wrong(resigned({**files, name: rubbish})) or his or none, name
    assert main([str(tmp_path)]) == 1
    assert str(read_key(str(SIGNER.key))) == str(SIGNER.key)


def test_a_folder_does_nothing_to_the_terminal_of_who_checks_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in before("case-v1.zip").items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "\x1b[2J\u202etxt.ko").write_bytes(b"")
    Path(str(tmp_path) + "/\udcff").write_bytes(b"")
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "[U+001B][2J[U+202E]txt.ko: added" in said
    assert "[U+DCFF]: added" in said
