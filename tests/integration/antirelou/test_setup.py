"""``antirelou setup`` through a pipe: what it writes is a house."""

import getpass
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from antirelou.commands.main import main
from kernel.settings.settings import load_settings
from tests.support.documents import read_lines
from tests.unit.test_documents import parse

SECONDS_MAX = 90
TEXT = 'Non. Inutile d\'insister : 5 $ # "jamais".'
ANSWERS = (
    "", "33", "+33937000000", "MA'XXXXXXXXXXXXXXXXX", "MAXXXXXXXXXXXXXXXXXX",
    "0123456789abcdef0123456789abcdef01234567", "1234567890", "12,50", "https://sms",
    "sms.example.org", "é" * 400, TEXT, "",
)  # fmt: skip
"""Four of them are wrong, and asked again."""


def set_up(folder: Path, answers: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "antirelou", "setup", str(folder)],
        input="\n".join(answers) + "\n",
        capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip


def test_what_setup_writes_is_a_house(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "house"
    done = set_up(folder, ANSWERS)
    assert done.returncode == 0, done.stderr
    assert f"GSM7, {len(TEXT)} unités, 1 segment(s), 0,15 €" in done.stdout
    assert "3 segment(s) of GSM7" in done.stdout
    settings = folder / "antirelou.env"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    typed = read_lines("setup", done.stdout.splitlines())
    assert len(typed) == 3
    for written in typed:
        parse(written)

    monkeypatch.setenv("SETTINGS_FILE", str(settings))
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")

    def to_mend() -> list[str]:
        main(["doctor"])
        found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MEND")]
        # Run by root it says so; a house has an account of its own.
        return [line for line in found if not line.startswith("MEND account: root")]

    assert len(to_mend()) == 2  # the two keys that go offline
    for key in folder.glob("*.TAKE-OFFLINE"):
        key.unlink()
    assert to_mend() == []
    loaded = load_settings()
    assert loaded.reply_texts == (TEXT,)
    assert loaded.fund_floor == 12_500_000
    assert loaded.public_url == "https://sms.example.org"
    assert "\nANTIRELOU_LANGUAGE='fr'\n" in settings.read_text()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    assert set_up(folder, ANSWERS).returncode == 0
    units = sorted(map(str, [*folder.glob("*.service"), *folder.glob("*.timer")]))
    assert len(units) == 5
    try:
        found = subprocess.run(
            ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no systemd-analyze here")
    assert (found.returncode, found.stderr) == (0, "")


def test_the_house_is_nobodys_who_could_do_all(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    done = set_up(folder, ANSWERS)
    user = re.search(r"^User=(.+)$", (folder / "antirelou.service").read_text(), re.MULTILINE)
    assert user
    assert user[1] == ("antirelou" if os.geteuid() == 0 else getpass.getuser())
    assert (f"chown -R antirelou: {folder}" in done.stdout) == (os.geteuid() == 0)


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    assert set_up(folder, ANSWERS).returncode == 0
    command = ["caddy", "adapt", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no caddy here")
    assert found.returncode == 0, found.stderr
    routes = found.stdout
    assert '"dial":"127.0.0.1:8080"' in routes
    assert "/webhooks/*" in routes
    assert '"status_code":404' in routes


def test_a_phone_is_asked_for_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "house"
    answers = (
        "twilio", "smsgate", "+33639989999", "192.168.1.7", "https://phones.example.org/api", "us",
        "a word", "Ey6ECgOkVVFjz3CL48B8C, aB3dEfGhIjKlMnOpQrStU", "", "sms.example.org", "",
    )  # fmt: skip
    done = set_up(folder, answers)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("SETTINGS_FILE", str(folder / "antirelou.env"))
    settings = load_settings()
    assert settings.provider == "smsgate"
    assert settings.smsgate_devices == ("Ey6ECgOkVVFjz3CL48B8C", "aB3dEfGhIjKlMnOpQrStU")
    assert len(settings.smsgate_signing_key.get_secret_value()) >= 32
    assert (settings.price_reply, settings.price_receive, settings.fund_floor) == (0, 0, 0)
    assert settings.plivo_auth_id is None


def test_setup_writes_over_nothing_and_needs_answers(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter").write_text("x")
    done = set_up(taken, ANSWERS)
    assert done.returncode == 2
    assert "rien n'y est écrit" in done.stderr
    assert [path.name for path in taken.iterdir()] == ["letter"]
    unanswered = set_up(tmp_path / "new", ANSWERS[:5])
    assert unanswered.returncode == 2
    assert "les réponses manquent" in unanswered.stderr
    assert not (tmp_path / "new").exists()
