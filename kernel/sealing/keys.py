"""The keys of an installation: made once, kept in ``DATA_DIR/keys``, one file each, mode 0600.

The private half of the evidence key is written to a file of its own, outside ``keys``, to be
taken offline: no running service ever needs it (docs/design.md §6). Likewise that of the backup
key, for whoever restores: another person's hands than the evidence key, so it is another key.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from kernel.sealing.privacy import KEY_BYTES, new_keypair, public_half
from kernel.settings.data_dir import make_data_dir
from kernel.settings.settings import Settings, require
from kernel.settings.values import check_key, check_token
from kernel.values.errors import Fatal

EVIDENCE_PRIVATE_FILE = "evidence-private-key.TAKE-OFFLINE"
OLDER_SENDING_FILES = "sending_private_key.old*"
"""What was put aside so that a new pair is made: still opens what was sealed for it."""

EVIDENCE_PRIVATE_NOTE = (
    "# The private half of the evidence key. Nothing that runs needs it: move it to another\n"
    "# person's offline storage, check that it can be read there, then delete it here.\n"
    "# Without it no evidence can be opened; with it on the server, sealing is worth nothing.\n"
)
BACKUP_PRIVATE_FILE = "backup-private-key.TAKE-OFFLINE"
BACKUP_PRIVATE_NOTE = (
    "# The private half of the backup key. Only `antirelou restore` needs it: keep it where a\n"
    "# burnt or stolen server leaves it to you, and delete it here. Without it no backup opens.\n"
)


@dataclass(frozen=True, slots=True)
class FreshKeys:
    """New keys: what the settings take, and the private halves that go offline."""

    settings: Mapping[str, str]
    evidence_private_key: str
    backup_private_key: str


def new_keys() -> FreshKeys:
    """Make all keys and the operator's token."""
    sending_private, sending_public = new_keypair()
    evidence_private, evidence_public = new_keypair()
    backup_private, backup_public = new_keypair()
    return FreshKeys(
        settings={
            "pseudonym_key": secrets.token_hex(32),
            "sending_public_key": sending_public.hex(),
            "sending_private_key": sending_private.hex(),
            "evidence_public_key": evidence_public.hex(),
            "backup_public_key": backup_public.hex(),
            "evidence_log_key": secrets.token_hex(32),
            "operator_token": secrets.token_urlsafe(32),
        },
        evidence_private_key=evidence_private.hex(),
        backup_private_key=backup_private.hex(),
    )


def write_secret(path: Path, text: str) -> None:
    """Write a new file that its owner alone can read.

    Raises:
        Fatal: ``file_exists`` or ``file``.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Fatal(f"{path} exists; it is not overwritten", code="file_exists") from None
    except OSError as error:
        raise Fatal(f"{path} cannot be written: {error.strerror}", code="file") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # a key that a power cut takes back would be another key later


def evidence_private_text(key: str) -> str:
    """What stands in the file that goes offline."""
    return f"{EVIDENCE_PRIVATE_NOTE}{key}\n"


def backup_private_text(key: str) -> str:
    """Likewise of the backup key."""
    return f"{BACKUP_PRIVATE_NOTE}{key}\n"


def read_private_key(path: Path) -> bytes:
    """A private key that ``init`` or ``serve`` wrote for taking offline.

    Raises:
        Fatal: ``use``: no such file, or no key in it.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        key = bytes.fromhex(next(line for line in lines if line and not line.startswith("#")))
    except (OSError, ValueError, StopIteration):
        key = b""
    if len(key) != KEY_BYTES:
        raise Fatal("--key: not a file with a private key in it", code="use")
    return key


def read_backup_key(settings: Settings) -> bytes:
    """The public half, from the settings or ``DATA_DIR``.

    Raises:
        Fatal: ``settings``: there is none.
    """
    public = settings.backup_public_key.get_secret_value()
    path = settings.data_dir / "keys" / "backup_public_key"
    if not public and path.is_file():
        public = _read_key(path)
    if not public:
        require(settings, "backup_public_key")
    return bytes.fromhex(public)


def ensure_keys(settings: Settings) -> Settings:
    """The settings with every key, from the environment or ``DATA_DIR``; made where missing.

    The sending pair is taken or made whole: a half given alone is not completed by a stranger's.
    """
    folder = make_data_dir(settings.data_dir) / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = new_keys()
    found: dict[str, SecretStr] = {}
    for name in ("pseudonym_key", "operator_token", "evidence_log_key"):
        if not _given(settings, name):
            found[name] = SecretStr(_keep(folder / name, fresh.settings[name]))
    if not (_given(settings, "sending_public_key") or _given(settings, "sending_private_key")):
        private = _keep(folder / "sending_private_key", fresh.settings["sending_private_key"])
        found["sending_private_key"] = SecretStr(private)
        found["sending_public_key"] = SecretStr(_public_half(private))
        if not _given(settings, "sending_private_keys_older"):
            older = [_read_key(path) for path in sorted(folder.glob(OLDER_SENDING_FILES))]
            found["sending_private_keys_older"] = SecretStr(",".join(older))
    if not _given(settings, "evidence_public_key"):
        private_file = settings.data_dir / EVIDENCE_PRIVATE_FILE
        text = evidence_private_text(fresh.evidence_private_key)
        public = _keep_offline_pair(folder / "evidence_public_key", private_file, text)
        found["evidence_public_key"] = SecretStr(public)
    if not _given(settings, "backup_public_key"):
        private_file = settings.data_dir / BACKUP_PRIVATE_FILE
        text = backup_private_text(fresh.backup_private_key)
        public = _keep_offline_pair(folder / "backup_public_key", private_file, text)
        found["backup_public_key"] = SecretStr(public)
    return settings.model_copy(update=found)


def read_operator_token(settings: Settings) -> str:
    """The operator's token, from the settings or ``DATA_DIR``; empty where there is none."""
    if _given(settings, "operator_token"):
        return settings.operator_token.get_secret_value()
    path = settings.data_dir / "keys" / "operator_token"
    return _read_key(path) if path.is_file() else ""


def _keep(path: Path, fresh: str) -> str:
    """What the file holds; written first where there is none."""
    if not path.exists():
        write_secret(path, fresh)
    return _read_key(path)


def _read_key(path: Path) -> str:
    """A key of ``DATA_DIR``, or the operator's token.

    Raises:
        Fatal: ``settings``: the file cannot be read, or was changed.
    """
    check = check_token if path.name == "operator_token" else check_key
    try:
        # Of a key that was taken offline and came back, only the last line is the key.
        lines = path.read_text(encoding="utf-8").splitlines() or [""]
        key = lines[-1].strip()
        check(SecretStr(key or "empty"))
    except OSError as error:
        raise Fatal(f"{path}: cannot be read ({error.strerror})", code="settings") from None
    except ValueError as error:
        accepted = "text in UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise Fatal(
            f"{path}: was changed, accepted: {accepted}; put it back from a copy, for another key "
            "is another house (runbook, Losing things)",
            code="settings",
        ) from None
    return key


def _keep_offline_pair(public_path: Path, private_path: Path, fresh: str) -> str:
    """The public half, kept; the private half is written for taking away, and only once."""
    if not public_path.exists():
        # The private half first: a public key without it would seal for nobody.
        if not private_path.exists():
            write_secret(private_path, fresh)
        write_secret(public_path, _public_half(_read_key(private_path)))
    return _read_key(public_path)


def _public_half(private: str) -> str:
    return public_half(bytes.fromhex(private)).hex()


def _given(settings: Settings, name: str) -> bool:
    value: SecretStr = getattr(settings, name)
    return bool(value.get_secret_value())
