"""Keys are made once, kept, and readable by their owner alone."""

import os
import stat
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from kernel.sealing.keys import (
    EVIDENCE_PRIVATE_FILE,
    ensure_keys,
    new_keys,
    read_operator_token,
    write_secret,
)
from kernel.sealing.privacy import Sealer, Unsealer
from kernel.settings.settings import Settings, load_settings, require
from kernel.values.errors import Fatal
from tests.fakes.clock import ManualClock

ALL = (
    "pseudonym_key",
    "sending_public_key",
    "sending_private_key",
    "evidence_public_key",
    "operator_token",
)


def settings_in(folder: Path, **given: str) -> Settings:
    return load_settings(data_dir=folder, **given)


def secrets_of(settings: Settings) -> dict[str, str]:
    return {name: getattr(settings, name).get_secret_value() for name in ALL}


def private_in(folder: Path) -> bytes:
    return bytes.fromhex((folder / EVIDENCE_PRIVATE_FILE).read_text().splitlines()[-1])


def test_missing_keys_are_made_and_are_what_the_settings_take(tmp_path: Path) -> None:
    made = ensure_keys(settings_in(tmp_path))
    require(made, *ALL)
    assert secrets_of(settings_in(tmp_path, **secrets_of(made))) == secrets_of(made)


def test_a_second_start_finds_the_same_keys(tmp_path: Path) -> None:
    first = ensure_keys(settings_in(tmp_path))
    assert secrets_of(ensure_keys(settings_in(tmp_path))) == secrets_of(first)


def test_two_installations_have_nothing_in_common(tmp_path: Path) -> None:
    one = secrets_of(ensure_keys(settings_in(tmp_path / "one")))
    two = secrets_of(ensure_keys(settings_in(tmp_path / "two")))
    assert not set(one.values()) & set(two.values())


def test_nobody_else_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    previous = os.umask(0)
    try:
        ensure_keys(settings_in(folder))
    finally:
        os.umask(previous)
    for path in (folder / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / EVIDENCE_PRIVATE_FILE).stat().st_mode) == 0o600


def test_the_halves_of_each_pair_fit(tmp_path: Path) -> None:
    made = secrets_of(ensure_keys(settings_in(tmp_path)))
    for public, private in (
        (made["sending_public_key"], bytes.fromhex(made["sending_private_key"])),
        (made["evidence_public_key"], private_in(tmp_path)),
    ):
        sealed = Sealer(bytes.fromhex(public), ManualClock()).seal(b"x")
        assert Unsealer(private).unseal(sealed) == b"x"


def test_the_evidence_private_key_stays_away_once_it_was_taken_offline(tmp_path: Path) -> None:
    first = ensure_keys(settings_in(tmp_path))
    private = private_in(tmp_path)
    (tmp_path / EVIDENCE_PRIVATE_FILE).unlink()
    again = ensure_keys(settings_in(tmp_path))
    assert again.evidence_public_key == first.evidence_public_key
    assert not (tmp_path / EVIDENCE_PRIVATE_FILE).exists()
    assert private.hex() not in "".join(p.read_text() for p in (tmp_path / "keys").iterdir())


def test_a_start_cut_short_keeps_the_private_half_it_wrote(tmp_path: Path) -> None:
    ensure_keys(settings_in(tmp_path))
    (tmp_path / "keys" / "evidence_public_key").unlink()
    again = ensure_keys(settings_in(tmp_path))
    fitting = PrivateKey(private_in(tmp_path)).public_key.encode().hex()
    assert again.evidence_public_key.get_secret_value() == fitting


@pytest.mark.parametrize("name", ALL)
def test_a_key_that_is_given_is_taken(tmp_path: Path, name: str) -> None:
    given = "ab" * 32
    made = ensure_keys(settings_in(tmp_path, **{name: given}))
    assert secrets_of(made)[name] == given


@pytest.mark.parametrize("name", ["sending_public_key", "sending_private_key"])
def test_half_a_sending_pair_is_not_completed_by_a_strangers(tmp_path: Path, name: str) -> None:
    made = secrets_of(ensure_keys(settings_in(tmp_path, **{name: "ab" * 32})))
    other = {"sending_public_key", "sending_private_key"} - {name}
    assert made[other.pop()] == ""


def test_the_operator_token_is_found_where_it_is(tmp_path: Path) -> None:
    assert read_operator_token(settings_in(tmp_path)) == ""
    made = ensure_keys(settings_in(tmp_path)).operator_token.get_secret_value()
    assert read_operator_token(settings_in(tmp_path)) == made
    assert read_operator_token(settings_in(tmp_path, operator_token="given-by-hand-1234")) == (
        "given-by-hand-1234"
    )


def test_a_secret_is_never_written_over(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", "first")
    with pytest.raises(Fatal) as caught:
        write_secret(tmp_path / "key", "second")
    assert caught.value.code == "file_exists"
    assert (tmp_path / "key").read_text() == "first"


def test_a_secret_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="no-folder") as caught:
        write_secret(tmp_path / "no-folder" / "key", "x")
    assert caught.value.code == "file"


def test_new_keys_are_new() -> None:
    one, two = new_keys(), new_keys()
    assert not set(one.settings.values()) & set(two.settings.values())
    assert one.evidence_private_key not in one.settings.values()
