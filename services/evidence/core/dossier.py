"""The folder of an export, made from what the server handed out and the key that opens it. Pure."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.evidence.core.note import Signer
from services.evidence.core.verifier import (
    FORM,
    MANIFEST,
    MANIFEST_HEADS,
    list_messages,
    render_messages,
)

VERIFIER = "verify.py"
REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the operator API handed out for one case, at one checkpoint (``api.EvidenceApi``).

    Attributes:
        head: the answer of ``…/head``.
        records: of all pages.
        inclusion: the answer of ``…/inclusion``.
    """

    head: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    inclusion: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dossier:
    """What an export tells, before it is written down.

    Attributes:
        entries: as in ``records.jsonl``, ``record`` decoded.
        messages: a row each (``verifier.COLUMNS``).
        unopened: sealed requests that the key does not open.
        signer: who signs the export.
    """

    gathered: Gathered
    entries: Sequence[Mapping[str, Any]]
    messages: Sequence[Mapping[str, Any]]
    unopened: int
    signer: Signer
    exported_at: datetime

    @property
    def erased(self) -> Counter[str]:
        """Records that were erased between the first and the last of the case, by why."""
        return Counter(gone["why"] for gone in self.gathered.inclusion["erased"])


def open_records(
    gathered: Gathered, unseal: Callable[[bytes], bytes | None], signer: Signer, now: datetime
) -> Dossier:
    """Open the requests.

    Args:
        unseal: gives None for what another key was sealed for.
    """
    entries, unopened = [], 0
    for told in gathered.records:
        sealed = told["sealed"]
        request = _open(unseal(base64.b64decode(sealed))) if sealed else None
        unopened += sealed is not None and request is None
        entries.append({**told, "request": request, "record": json.loads(told["record"])})
    return Dossier(gathered, entries, list_messages(entries), unopened, signer, now)


def _open(plain: bytes | None) -> str | None:
    """A request as text; what is none stays sealed, as what another key was sealed for."""
    try:
        return None if plain is None else plain.decode()
    except UnicodeDecodeError:
        return None


def write_files(dossier: Dossier, *, report: str, verifier: bytes) -> dict[str, bytes]:
    """All files of the folder by name, the signed manifest among them."""
    gathered, head = dossier.gathered, dossier.gathered.head
    keys = {
        "log": head["log_key"],
        "signer": str(dossier.signer.key),
        "witness": head["witness_key"],
    }
    files = {
        REPORT: report.encode(),
        VERIFIER: verifier,
        "keys.json": _json(keys),
        "case.json": _json(head["case"]),
        "checkpoint.txt": head["checkpoint"].encode(),
        "records.jsonl": _lines(gathered.records, dossier.entries),
        "erased.json": _json(gathered.inclusion["erased"]),
        "inclusion.txt": _hashes(gathered.inclusion["proof"]),
        **render_messages(dossier.messages),
    }
    for earlier in head["earlier"]:
        name = f"checkpoints/{earlier['size']:012d}"
        files[f"{name}.txt"] = earlier["note"].encode()
        files[f"{name}.proof"] = _hashes(earlier["proof"])
        files[f"{name}.tsr"] = base64.b64decode(earlier["stamp"])
    files[MANIFEST] = sign_manifest(files, dossier)
    return files


def sign_manifest(files: Mapping[str, bytes], dossier: Dossier) -> bytes:
    """What the folder holds, signed by who made it."""
    lines = [
        next(head for head, form in MANIFEST_HEADS.items() if form == FORM),
        dossier.gathered.head["case"]["id"],
        dossier.exported_at.isoformat(timespec="seconds"),
        *(f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in sorted(files.items())),
    ]
    return dossier.signer.sign("\n".join(lines) + "\n").encode()


def _lines(records: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> bytes:
    lines = [
        json.dumps({**told, "request": entry["request"]}, ensure_ascii=False)
        for told, entry in zip(records, entries, strict=True)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _hashes(hashes: Sequence[str]) -> bytes:
    return "".join(f"{one}\n" for one in hashes).encode()
