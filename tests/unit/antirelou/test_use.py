"""Errors of use: exit 2 and one line that names the setting or argument and the fix."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antirelou.commands.main import main
from kernel import __version__
from kernel.telemetry.metrics import configure_logging


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("ANTIRELOU_OPS_LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("ANTIRELOU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    yield
    configure_logging()  # `serve` sets it to a stream that ends with its test


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nosuch"], "nosuch"),
        (["--bogus"], "--bogus"),
        (["serve", "nope"], "TARGET: was 'nope', accepted: ingest"),
        (["serve", "filter"], "ANTIRELOU_NUMBER"),
        (["demo", "--log", "rabbit"], "--log"),
        (["demo", "--scale", "much"], "--scale"),
        (["pause"], "--why"),
        (["block", "Chloé"], "NUMBER: not a number; write it in E.164"),
        (["unblock", "36000"], "NUMBER"),
        (["test", "06"], "NUMBER"),
        (["explain"], "NUMBER|ID"),
        (["backfill"], "--since"),
        (["fund", "add"], "amount"),
        (["fund", "add", "10"], "--note"),
        (["fund", "add", "ten", "--note", "x"], "AMOUNT: decimal euros above zero, such as 12.50"),
        (["fund", "fee", "0", "--note", "x"], "AMOUNT: decimal euros above zero"),
        (["fund", "add", "1.500", "--note", "x"], "AMOUNT: 1.500 may be 1.50 € or 1,500.00 €"),
        (["fund", "fee", "12,500", "--note", "x"], "write 12.50 or 12500"),
        (
            ["fund", "fee", "1.505", "--note", "x"],
            "may be 1.505 € or 1,505.00 €; write 1.505 or 1505",
        ),
        (["fund", "correct", "gift"], "--why"),
        (["unresolved", "sent"], "ID"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert named.lower() in said.err.lower()
    assert said.err.count("\n") == 1
    assert said.err.startswith("antirelou: ")
    assert said.out == ""


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("ANTIRELOU_BURST", "many", "ANTIRELOU_BURST: was 'many', accepted:"),
        ("ANTIRELOU_OPS_LISTEN", "9100", "ANTIRELOU_OPS_LISTEN: was '9100', accepted: HOST:PORT"),
        ("SETTINGS_FILE", "/nowhere.env", "SETTINGS_FILE: no file at /nowhere.env"),
    ],
)
def test_wrong_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    setting: str, value: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(setting, value)
    assert main(["status"]) == 2
    assert said in capsys.readouterr().err


def test_a_failure_exits_1_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert said.count("\n") == 1


def test_init_never_over_an_existing_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert (tmp_path / "antirelou.env").exists()
    capsys.readouterr()
    assert main(["init"]) == 2
    assert capsys.readouterr().err.startswith("antirelou: FILE: antirelou.env exists")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fund", "add", "--help"]])
def test_asking_for_help_is_no_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"antirelou {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["fund"], ["unresolved"], ["dead"]])
def test_a_group_alone_shows_its_commands(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "Commands" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["migrate"], ["topics", "apply"], ["serve"], ["doctor"], ["serve", "all"]]
)
def test_a_data_folder_that_cannot_be_made_is_named(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ANTIRELOU_DATA_DIR", str(tmp_path / "file" / "data"))
    monkeypatch.setenv("ANTIRELOU_NUMBER", "+33937000000")
    monkeypatch.setenv("ANTIRELOU_PLIVO_AUTH_ID", "MA" + "X" * 18)
    monkeypatch.setenv("ANTIRELOU_PLIVO_AUTH_TOKEN", "token")
    assert main(arguments) == (1 if arguments == ["doctor"] else 2)
    said = capsys.readouterr()
    assert "ANTIRELOU_DATA_DIR: was " in said.out + said.err
    assert "Traceback" not in said.err


def test_a_defect_is_one_line_that_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("+33639980001")

    monkeypatch.setattr("antirelou.commands.operate.load_settings", fail)
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("antirelou: a defect of antirelou (RuntimeError at test_use.py:")
    assert "+336" not in said


def test_a_reader_who_has_enough_is_no_defect() -> None:
    command = [sys.executable, "-m", "antirelou", "simulate", "weekend", "--scale", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 1


def test_the_weekend_is_a_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "weekend.jsonl"
    assert main(["simulate", "weekend", "--scale", "0.001", "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [set(line) for line in lines] == [{"at", "id", "from", "text"}] * len(lines)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert main(["simulate", "weekend", "--out", str(tmp_path / "no" / "file")]) == 2
    assert "--out: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["simulate", "plivo"], "NUMBER, PLIVO_AUTH_ID"),
        (["simulate", "plivo", "--signature", "v9"], "--signature: was 'v9'"),
        (["simulate", "weekend", "--scale", "0"], "--scale"),
        (["simulate", "weekend", "--live", "http://127.0.0.1:1"], "--live: http://127.0.0.1:1"),
    ],
)
def test_wrong_arguments_of_the_simulator(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert named in capsys.readouterr().err
