"""Check an evidence folder, offline, with Python alone: no network, nothing to install.

``python3 verify.py [FOLDER]`` says ``OK`` and exits 0, or names what was changed and exits 1. This
one file is also what antirelou itself verifies with. It follows public specifications: RFC 6962
(Merkle trees), RFC 8032 (Ed25519), c2sp.org/signed-note, tlog-checkpoint and tlog-cosignature.

What it proves: every record was in the log when the checkpoint was signed, as it is shown here, and
the checkpoint is the log's. Whose keys these are it cannot know: compare them with a copy that was
not handed over with the folder (``--log``, ``--signer``, ``--witness``).
"""

import argparse
import base64
import binascii
import csv
import hashlib
import io
import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

SIGNATURE = 0x01
COSIGNATURE = 0x04
"""Signature types of c2sp.org/signed-note."""

MANIFEST = "MANIFEST"
FORM = 2
"""The form of the messages that is written today; every earlier one is still read."""
MANIFEST_HEADS = {"antirelou-case/v1": 1, "antirelou-case/v2": 2}
"""The first line of a manifest, and which form its messages have.

Form 1 told a message by the last record of it, though it had no request, dropped what was recorded
before it, and wrote ``'`` for an empty text. A folder of it that hides a request is found.
"""

# -- Ed25519 (RFC 8032 §5.1.7), verification only ---------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def _add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c, d = 2 * one[3] * two[3] * D % P, 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def _multiply(scalar: int, point: Point) -> Point:
    product = NEUTRAL
    while scalar:
        if scalar & 1:
            product = _add(product, point)
        point, scalar = _add(point, point), scalar >> 1
    return product


def _decompress(packed: bytes) -> Point | None:
    y = int.from_bytes(packed, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


_BASE = _decompress((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of the message is the key's."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, nonce = _decompress(public), _decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or _BASE is None or scalar >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % Q
    left, right = _multiply(scalar, _BASE), _add(nonce, _multiply(challenge, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# -- Merkle trees (RFC 6962 §2.1) -------------------------------------------------------------

EMPTY_ROOT = hashlib.sha256(b"").digest()


def hash_leaf(data: bytes) -> bytes:
    """A leaf's hash."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def commit(salt: bytes, record: bytes) -> bytes:
    """What a leaf holds: says nothing of the record once its 32 random bytes are gone."""
    return hashlib.sha256(salt + record).digest()


def split(size: int) -> int:
    """The largest power of two below ``size``: the leaves of the left subtree."""
    return 1 << (size - 1).bit_length() - 1


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to; None: it is no proof of that shape."""
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            return None
        if node & 1 or node == last:
            root = hash_node(sibling, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = hash_node(root, sibling)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> bool:
    """Whether the tree of the second size begins with the tree of the first (RFC 9162 §2.1.4.2)."""
    if not 0 <= first <= second or any(len(item) != 32 for item in proof):
        return False
    if first in (0, second):
        return not proof and (first == 0 or first_root == second_root)
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    node, last = first - 1, second - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    return bool(path) and _climb_both(node, last, path) == (first_root, second_root)


def _climb_both(node: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that a consistency proof leads to; None: it is no proof of that shape."""
    old = new = path[0]
    for item in path[1:]:
        if last == 0:
            return None
        if node & 1 or node == last:
            old, new = hash_node(item, old), hash_node(item, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = hash_node(new, item)
        node, last = node >> 1, last >> 1
    return (old, new) if last == 0 else None


def root_of_many(leaves: Mapping[int, bytes], size: int, others: Iterator[bytes]) -> bytes:
    """The root of a tree of which some leaves are known.

    Args:
        leaves: their hashes by index.
        others: of the largest subtrees without a known leaf, from left to right; used up.

    Raises:
        StopIteration: there are too few.
    """
    known = sorted(leaves)

    def climb(low: int, high: int, first: int, last: int) -> bytes:
        """The hash of leaves low to high, of which known[first:last] are in it."""
        if first == last:
            return next(others)
        if high - low == 1:
            return leaves[low]
        middle = low + split(high - low)
        cut = first
        if first < last:
            cut = _first_from(known, middle, first, last)
        return hash_node(climb(low, middle, first, cut), climb(middle, high, cut, last))

    return climb(0, size, 0, len(known)) if size else EMPTY_ROOT


def _first_from(known: Sequence[int], index: int, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if known[middle] < index:
            low = middle + 1
        else:
            high = middle
    return low


# -- Signed notes and checkpoints (c2sp.org) --------------------------------------------------


class Malformed(ValueError):
    """Bytes that are not what they should be; says what."""


def decode64(text: str) -> bytes:
    """Base64, in its one canonical spelling."""
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Malformed("not base64") from None
    if base64.b64encode(found).decode() != text:
        raise Malformed("not canonical base64")
    return found


@dataclass(frozen=True)
class Key:
    """A verifier key: ``<name>+<key id>+<base64 of type and public key>``."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names it."""
        return hashlib.sha256(
            self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        ).digest()[:4]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{material}"


def read_key(text: str) -> Key:
    """Read a verifier key."""
    name, _, rest = text.partition("+")
    key_id, _, material = rest.partition("+")
    found = decode64(material)
    if not name or len(found) != 33 or found[0] not in (SIGNATURE, COSIGNATURE):
        raise Malformed("not a verifier key of Ed25519")
    key = Key(name, found[0], found[1:])
    if key.id.hex() != key_id:
        raise Malformed("a verifier key whose id is another's")
    return key


@dataclass(frozen=True)
class Note:
    """A signed note; ``signatures`` are name and key id with the rest of the bytes."""

    text: str
    signatures: Sequence[tuple[str, bytes, bytes]]


def read_note(data: bytes) -> Note:
    """Read a signed note; its signatures are not checked."""
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise Malformed("control characters")
    text, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise Malformed("no signatures")
    signatures = []
    for line in tail[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        packed = decode64(match[2]) if match else b""
        if not match or len(packed) <= 4:
            raise Malformed("a signature line that is none")
        signatures.append((match[1], packed[:4], packed[4:]))
    return Note(text + "\n", signatures)


def verify_note(note: Note, key: Key) -> int | None:
    """Whether the key signed: the time of a cosignature, else 0; None: it did not.

    Raises:
        Malformed: a signature names the key and is not its.
    """
    found = None
    for name, key_id, signature in note.signatures:
        if (name, key_id) != (key.name, key.id):
            continue
        message, at = note.text.encode(), 0
        if key.kind == COSIGNATURE:
            at, signature = int.from_bytes(signature[:8], "big"), signature[8:]  # noqa: PLW2901
            message = cosigned(at, note.text)
        if not verify_ed25519(key.public, message, signature):
            raise Malformed(f"the signature of {name} is not its")
        found = at
    return found


def cosigned(at: int, text: str) -> bytes:
    """The message of a cosignature/v1."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


@dataclass(frozen=True)
class Checkpoint:
    """The log's head at a size."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's note text."""
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0] or lines[3]:
        raise Malformed("not a checkpoint of three lines")
    if not re.fullmatch(r"0|[1-9]\d{0,18}", lines[1], re.ASCII):
        raise Malformed("not a tree size")
    root = decode64(lines[2])
    if len(root) != 32:
        raise Malformed("not a root hash")
    return Checkpoint(lines[0], int(lines[1]), root)


# -- What the messages are, made from the records ---------------------------------------------

COLUMNS_1 = (
    "record", "id", "received_at", "from", "text", "sender", "kind", "signature", "body_signed",
    "segments", "cost_microunits", "decision", "reason", "campaign", "reply", "reply_at",
    "reply_text", "reply_cost_microunits",
)  # fmt: skip
COLUMNS = (
    *COLUMNS_1[:11], "contradicted_by", *COLUMNS_1[11:15], "reply_reason", *COLUMNS_1[15:],
)  # fmt: skip


def list_messages(entries: Sequence[Mapping[str, Any]], form: int = FORM) -> list[dict[str, Any]]:
    """One row a message, as the records tell it.

    The first record with a request tells it. ``contradicted_by`` lists the records of further
    requests of the same id that say something else, or that are not opened here.

    Args:
        entries: of ``records.jsonl``, in order; ``record`` and ``request`` decoded.
    """
    if form == 1:
        return _list_messages_1(entries)
    rows: dict[str, dict[str, Any]] = {}
    told_by: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry["record"]["kind"] == "received":
            _tell(entry, rows, told_by)
    _charge(entries, rows)
    _add_later(entries, rows)
    return list(rows.values())


def _tell(
    entry: Mapping[str, Any],
    rows: dict[str, dict[str, Any]],
    told_by: dict[str, Mapping[str, Any]],
) -> None:
    """What one ``received`` adds to the row of its message."""
    record = entry["record"]
    first = told_by.get(record["id"])
    if first is None:
        row = rows[record["id"]] = dict.fromkeys(COLUMNS)
        row["contradicted_by"] = []
    row = rows[record["id"]]
    if first is None or (request_told(record) and not request_told(first["record"])):
        told_by[record["id"]] = entry
        row.update(_received(entry))
    elif request_told(record) and _says(entry) != _says(first):
        row["contradicted_by"].append(entry["index"])


def _charge(entries: Sequence[Mapping[str, Any]], rows: Mapping[str, dict[str, Any]]) -> None:
    """What the provider's own log says of the charge counts, whenever it was read."""
    for entry in entries:
        record = entry["record"]
        told = record["kind"] == "received" and record["source"] == "backfill"
        if told and record["amount_microunits"] is not None:
            rows[record["id"]]["cost_microunits"] = record["amount_microunits"]


def request_told(record: Mapping[str, Any]) -> str | None:
    """What names the request that a ``received`` was told by; None: it has none."""
    found = record["request_sha256"] or record["request_sealed_sha256"]
    return None if found is None else str(found)


def _says(entry: Mapping[str, Any]) -> object:
    """What a request says; of one that is not opened nobody can say that it says the same."""
    return read_form(entry["request"]) or entry["index"]


def _list_messages_1(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    texts: Sequence[str] = ()
    for entry in entries:
        record = entry["record"]
        if record["kind"] == "terms":
            texts = record["reply_texts"]
        elif record["kind"] == "received":
            row = rows.setdefault(record["id"], dict.fromkeys(COLUMNS_1))
            row.update(_received(entry), text=read_form(entry["request"]).get("Text"))
        elif record["message_id"] in rows:
            later = _later(record, texts)
            later.pop("reply_reason", None)
            rows[record["message_id"]].update(later)
    return list(rows.values())


def _add_later(entries: Sequence[Mapping[str, Any]], rows: Mapping[str, dict[str, Any]]) -> None:
    """Verdicts and replies; they may have been recorded before their message was."""
    texts: Sequence[str] = ()
    for entry in entries:
        record = entry["record"]
        if record["kind"] == "terms":
            texts = record["reply_texts"]
        elif record["kind"] != "received" and record["message_id"] in rows:
            rows[record["message_id"]].update(_later(record, texts))


def _received(entry: Mapping[str, Any]) -> dict[str, Any]:
    record, form = entry["record"], read_form(entry["request"])
    return {
        "record": entry["index"], "id": record["id"], "received_at": record["at"],
        "from": form.get("From"), "text": text_of(form), "sender": record["sender"],
        "kind": record["what"], "signature": record["signature"],
        "body_signed": record["body_signed"], "segments": record["segments"],
        "cost_microunits": record["amount_microunits"],
    }  # fmt: skip


def _later(record: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    if record["kind"] == "judged":
        return {
            "decision": record["decision"],
            "reason": record["reason"],
            "campaign": record["basis"].get("campaign"),
        }
    changed = {"reply": record["state"], "reply_at": record["at"], "reply_reason": record["reason"]}
    if texts and record["state"] in ("sent", "delivered", "undelivered"):
        # Which text a reply has is derived from its id.
        number = hashlib.sha256(f"text\x1f{record['message_id']}".encode()).hexdigest()[:32]
        changed["reply_text"] = texts[int(number, 16) % len(texts)]
    if record["amount_microunits"] is not None:
        changed["reply_cost_microunits"] = record["amount_microunits"]
    return changed


def read_form(request: str | None) -> dict[str, str]:
    """The fields of the request's form, as the provider sent it; none of what is no request."""
    if not request:
        return {}
    try:
        told = json.loads(request)
        body = told.get("body") or base64.b64decode(told.get("body_base64") or "")
        if body[:1] in ("{", b"{"):
            return _read_event(json.loads(body))
        pairs = parse_qsl(body if isinstance(body, str) else body.decode("latin-1"),
                          keep_blank_values=True, errors="replace")  # fmt: skip
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}
    return dict(reversed(pairs))


def _read_event(event: Mapping[str, Any]) -> dict[str, str]:
    """A phone's event, under the names that a form has."""
    told = event["payload"]
    named = {"MessageUUID": event["id"], "From": told.get("sender") or told["phoneNumber"],
             "Text": told.get("message")}  # fmt: skip
    return {name: value for name, value in named.items() if isinstance(value, str)}


def text_of(form: Mapping[str, str]) -> str | None:
    """What was written; the provider names it in two ways."""
    return form.get("Text", form.get("Body"))


def render_messages(rows: Sequence[Mapping[str, Any]], form: int = FORM) -> dict[str, bytes]:
    """``messages.json`` and ``messages.csv``; what is no character becomes ``?``."""
    columns, cell = (COLUMNS_1, _cell_1) if form == 1 else (COLUMNS, _cell)
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return {
        "messages.json": f"[\n{lines}\n]\n".encode("utf-8", "replace"),
        "messages.csv": b"\xef\xbb\xbf" + sheet.getvalue().encode("utf-8", "replace"),
    }


def _cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, behind a ``'``; so is one that begins so."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, str) and value.startswith(tuple("'=+-@＝＋－＠\t\r\n")):
        return value if re.fullmatch(r"\+[0-9]+", value) else "'" + value
    return value


def _cell_1(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and not value[1:].isdigit():
        return "'" + value
    return value


def reveal(text: str) -> str:
    """A text of anybody's, in which what is not seen or turns the writing round is named."""
    return "".join(f"[U+{ord(sign):04X}]" if _hides(sign) else sign for sign in text)


def _hides(sign: str) -> bool:
    if sign in "\n\t\u200d":  # the last one joins signs into one
        return False
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


# -- The folder -------------------------------------------------------------------------------


@dataclass
class Findings:
    """What was found wrong, each a line that names the file; and what was checked.

    Attributes:
        reading: the file that is being read.
    """

    wrong: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    reading: str = ""

    def lines(self) -> list[str]:
        """What to tell a person, the outcome last."""
        outcome = f"{len(self.wrong)} things are wrong" if self.wrong else "OK"
        told = (*(f"  {line}" for line in self.checked), *(f"WRONG  {line}" for line in self.wrong))
        return [reveal(line) for line in (*told, outcome)]

    def expect(self, holds: object, name: str, said: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(f"{name}: {said}")


def check_folder(files: Mapping[str, bytes], trusted: Mapping[str, str]) -> Findings:
    """Check an evidence folder.

    Args:
        files: by name, with ``/``.
        trusted: verifier keys known from elsewhere: ``log``, ``signer``, ``witness``.
    """
    findings = Findings()
    try:
        keys = _read_keys(files, trusted, findings)
        form = _check_manifest(files, keys, findings)
        head = _check_head(files, keys, findings)
        entries = _check_records(files, findings)
        _check_inclusion(files, head, entries, findings)
        _check_messages(files, entries, form, findings)
        for name in sorted(files):
            if name.startswith("checkpoints/") and name.endswith(".txt"):
                _check_earlier(name, files, keys, head, findings)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        said = str(error) if isinstance(error, Malformed) else type(error).__name__
        said = "missing" if findings.reading not in files else f"cannot be read: {said}"
        findings.wrong.append(f"{findings.reading}: {said}; what follows was not checked")
    return findings


def _take(files: Mapping[str, bytes], name: str, findings: Findings) -> bytes:
    """A file, noted as the one that is being read. Raises KeyError: it is missing."""
    findings.reading = name
    return files[name]


def _read_keys(
    files: Mapping[str, bytes], trusted: Mapping[str, str], findings: Findings
) -> dict[str, Key]:
    told = json.loads(_take(files, "keys.json", findings))
    for name, vkey in trusted.items():
        findings.expect(told.get(name) == vkey, "keys.json", f"the {name} key is not yours")
    keys = {name: read_key(vkey) for name, vkey in {**told, **trusted}.items() if vkey}
    for name in ("log", "signer"):
        findings.expect(name in keys, "keys.json", f"no {name} key")
        if name in keys and name not in trusted:
            findings.checked.append(f"{name} key, compare it: {keys[name]}")
    return keys


def _check_manifest(files: Mapping[str, bytes], keys: Mapping[str, Key], findings: Findings) -> int:
    """Check what it lists. Returns the form of the messages."""
    note = read_note(_take(files, MANIFEST, findings))
    _expect_signed(note, keys["signer"], MANIFEST, findings)
    lines = note.text.split("\n")
    findings.expect(lines[0] in MANIFEST_HEADS, MANIFEST, "another format")
    listed = {line.split(" ", 1)[1]: line.split(" ", 1)[0] for line in lines[3:-1]}
    for name, digest in listed.items():
        data = files.get(name)
        if data is None:
            findings.wrong.append(f"{name}: missing")
        elif _digest(data) != digest:
            findings.wrong.append(f"{name}: changed")
    for name in sorted(set(files) - set(listed) - {MANIFEST}):
        findings.wrong.append(f"{name}: added")
    findings.checked.append(f"{len(listed)} files as they were exported")
    return MANIFEST_HEADS.get(lines[0], FORM)


def _expect_signed(note: Note, key: Key, name: str, findings: Findings) -> int | None:
    try:
        at = verify_note(note, key)
    except Malformed as error:
        findings.wrong.append(f"{name}: {error}")
        return None
    findings.expect(at is not None, name, f"not signed by {key.name}")
    return at


def _check_head(
    files: Mapping[str, bytes], keys: Mapping[str, Key], findings: Findings
) -> Checkpoint:
    note = read_note(_take(files, "checkpoint.txt", findings))
    head = read_checkpoint(note.text)
    _expect_signed(note, keys["log"], "checkpoint.txt", findings)
    findings.expect(
        head.origin == keys["log"].name, "checkpoint.txt", "the origin is another log's"
    )
    findings.checked.append(f"checkpoint of {head.size} leaves, signed by the log")
    if "witness" in keys and verify_note(note, keys["witness"]) is not None:
        findings.checked.append(f"… and cosigned by the witness {keys['witness'].name}")
    return head


def _check_records(files: Mapping[str, bytes], findings: Findings) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    before = -1
    for number, line in enumerate(
        _take(files, "records.jsonl", findings).split(b"\n")[:-1], start=1
    ):
        where = f"records.jsonl, line {number}"
        entry = json.loads(line)
        record = entry["record"].encode()
        entry["leaf"] = hash_leaf(commit(bytes.fromhex(entry["salt"]), record))
        entry["record"] = json.loads(record)
        findings.expect(len(entry["salt"]) == 64, where, "not a salt")
        findings.expect(entry["index"] > before, where, "out of order")
        before = entry["index"]
        if entry["record"]["kind"] == "received":
            _check_request(entry, where, findings)
        entries.append(entry)
    findings.checked.append(f"{len(entries)} records")
    return entries


def _check_request(entry: Mapping[str, Any], where: str, findings: Findings) -> None:
    record, request, sealed = entry["record"], entry["request"], entry["sealed"]
    opened = record["request_sha256"] if request is None else _digest(request.encode())
    findings.expect(
        opened == record["request_sha256"], where, "the request is not the one that was recorded"
    )
    given = None if sealed is None else _digest(decode64(sealed))
    findings.expect(
        given == record["request_sealed_sha256"], where, "the sealed request is another"
    )


def _digest(data: bytes | None) -> str | None:
    return None if data is None else hashlib.sha256(data).hexdigest()


def _check_inclusion(
    files: Mapping[str, bytes],
    head: Checkpoint,
    entries: Sequence[Mapping[str, Any]],
    findings: Findings,
) -> None:
    leaves = {entry["index"]: entry["leaf"] for entry in entries}
    for gone in json.loads(_take(files, "erased.json", findings)):
        findings.expect(gone["index"] not in leaves, "erased.json", "a record is there and erased")
        leaves[gone["index"]] = bytes.fromhex(gone["leaf"])
    findings.expect(
        all(0 <= index < head.size for index in leaves), "records.jsonl", "beyond the checkpoint"
    )
    others = iter(
        [
            decode64(line)
            for line in _take(files, "inclusion.txt", findings).decode().split("\n")[:-1]
        ]
    )
    try:
        root = root_of_many(leaves, head.size, others)
    except StopIteration:
        root = b""
    findings.expect(next(others, None) is None, "inclusion.txt", "more hashes than there are")
    findings.expect(
        root == head.root, "records.jsonl", "not the records that the checkpoint was signed over"
    )
    findings.checked.append(f"{len(leaves)} leaves lead to the checkpoint's root")


def _check_messages(
    files: Mapping[str, bytes],
    entries: Sequence[Mapping[str, Any]],
    form: int,
    findings: Findings,
) -> None:
    rows = list_messages(entries, form)
    for name, made in render_messages(rows, form).items():
        given = _take(files, name, findings)
        findings.expect(given == made, name, "not what the records say")
    told_by = {row["id"]: row["record"] for row in list_messages(entries)}
    for row in rows:
        better = told_by[row["id"]]
        findings.expect(
            row["record"] == better, "messages.json",
            f"a message is told by record {row['record']}, not by record {better}, which has the "
            "request: export the case again",
        )  # fmt: skip
    sealed = sum(1 for entry in entries if entry["sealed"] and entry["request"] is None)
    findings.checked.append(f"{len(rows)} messages, as the records tell them")
    if sealed:
        findings.checked.append(f"… and {sealed} requests that are still sealed: not read here")


def _check_earlier(
    name: str,
    files: Mapping[str, bytes],
    keys: Mapping[str, Key],
    head: Checkpoint,
    findings: Findings,
) -> None:
    """An earlier checkpoint: the log's, the beginning of the head, and named by its time stamp."""
    note = read_note(_take(files, name, findings))
    earlier = read_checkpoint(note.text)
    _expect_signed(note, keys["log"], name, findings)
    proof = [
        decode64(line)
        for line in _take(files, f"{name[:-4]}.proof", findings).decode().split("\n")[:-1]
    ]
    findings.expect(
        earlier.origin == head.origin
        and verify_consistency(earlier.size, head.size, proof, earlier.root, head.root),
        name, "the log was another then: it was forked, or forged",
    )  # fmt: skip
    stamp = files.get(f"{name[:-4]}.tsr")
    if stamp is not None:
        imprint = b"\x04\x20" + hashlib.sha256(note.text.encode()).digest()
        findings.expect(imprint in stamp, f"{name[:-4]}.tsr", "stamps something else")
        findings.checked.append(
            f"{name} has a time stamp (the authority's own signature: openssl ts -verify)"
        )


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files of a folder by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def main(arguments: Sequence[str]) -> int:
    """Check a folder and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    for name in ("log", "signer", "witness"):
        parser.add_argument(f"--{name}", metavar="KEY", help=f"the {name}'s verifier key")
    given = vars(parser.parse_args(arguments))
    folder = given.pop("folder")
    if not folder.is_dir():
        parser.error("FOLDER: no such folder")
    findings = check_folder(read_folder(folder), {k: v for k, v in given.items() if v})
    for line in findings.lines():
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
