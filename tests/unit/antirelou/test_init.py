"""``antirelou init``: what it writes, and that it never writes over anything."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from antirelou.commands.init import next_steps, write_settings, write_settings_file
from kernel.sealing.keys import EVIDENCE_PRIVATE_FILE
from kernel.sealing.privacy import Sealer, Unsealer
from kernel.settings.settings import Settings, load_settings, require
from kernel.settings.sources import PREFIX
from kernel.values.errors import Fatal
from tests.fakes.clock import ManualClock

ROOT = Path(__file__).parents[3]
SECRETS = (
    "pseudonym_key", "sending_public_key", "sending_private_key", "evidence_public_key",
    "operator_token",
)  # fmt: skip


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "antirelou.env"
    write_settings_file(path)
    monkeypatch.setenv("SETTINGS_FILE", str(path))
    return path


def lines(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {name: value for name, value in pairs if name.startswith(PREFIX)}


def test_both_files_are_their_owners_alone(written: Path) -> None:
    for path in (written, written.with_name(EVIDENCE_PRIVATE_FILE)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_read_as_it_is_and_lacks_only_what_it_asks_for(written: Path) -> None:
    settings = load_settings()
    require(settings, *SECRETS)
    with pytest.raises(Fatal) as missing:
        require(settings, "number", "plivo_auth_id", "plivo_auth_token", *SECRETS)
    for name in ("NUMBER", "PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN"):
        assert PREFIX + name in str(missing.value)
        assert lines(written)[PREFIX + name] == ""
    assert "PSEUDONYM_KEY" not in str(missing.value)


def test_its_comments_show_the_defaults(written: Path) -> None:
    shown = [line[1:] for line in written.read_text().splitlines() if line.startswith("#ANTI")]
    assert len(shown) > 10
    for line in shown:
        name = line.split("=", 1)[0].removeprefix(PREFIX).lower()
        assert name in Settings.model_fields


@pytest.mark.parametrize(
    "name", ["reply_delay", "price_receive", "price_reply", "cap_per_exchange", "fund_floor"]
)
def test_a_commented_default_is_the_default(
    written: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    default = getattr(load_settings(), name)
    setting = PREFIX + name.upper()
    [line] = [x for x in written.read_text().splitlines() if x.startswith(f"#{setting}=")]
    monkeypatch.setenv(setting, line.split("=", 1)[1])
    assert getattr(load_settings(), name) == default


def test_the_pairs_belong_together_and_the_evidence_key_is_only_in_its_own_file(
    written: Path,
) -> None:
    found = lines(written)
    evidence = written.with_name(EVIDENCE_PRIVATE_FILE).read_text().splitlines()[-1]
    for public, private in (
        (found[PREFIX + "SENDING_PUBLIC_KEY"], found[PREFIX + "SENDING_PRIVATE_KEY"]),
        (found[PREFIX + "EVIDENCE_PUBLIC_KEY"], evidence),
    ):
        sealed = Sealer(bytes.fromhex(public), ManualClock()).seal(b"x")
        assert Unsealer(bytes.fromhex(private)).unseal(sealed) == b"x"
    assert evidence not in written.read_text()


def test_two_installations_share_no_key(tmp_path: Path, written: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "antirelou.env"
    write_settings_file(other)
    secret = {PREFIX + name.upper() for name in SECRETS}
    for name in secret:
        assert lines(written)[name] != lines(other)[name]


@pytest.mark.parametrize("here", ["project", "elsewhere"])
def test_what_it_says_to_do_next_works_as_it_is_printed(
    here: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.chdir(ROOT if here == "project" else folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    write_settings_file(folder / "a.env")
    said = capsys.readouterr().out
    steps = [line.strip() for line in said.splitlines() if line.startswith("  SETTINGS_FILE=")]
    assert [step.rsplit(" ", 1)[1] for step in steps] == ["doctor", "serve"]
    for step in steps:
        done = subprocess.run(step, shell=True, capture_output=True, text=True, check=False)
        # Nothing is filled in yet: it is our program that says so.
        assert done.returncode in {1, 2}
        assert "ANTIRELOU_NUMBER, ANTIRELOU_PLIVO_AUTH_ID" in done.stdout + done.stderr


def test_it_is_called_by_its_name_where_that_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert next_steps(tmp_path / "a.env")[1] == f"SETTINGS_FILE={tmp_path}/a.env antirelou serve"


def test_the_file_of_compose_is_followed_by_commands_of_compose(tmp_path: Path) -> None:
    assert all(step.startswith("docker compose ") for step in next_steps(tmp_path / ".env"))


def test_no_key_that_goes_offline_can_be_committed(tmp_path: Path) -> None:
    write_settings_file(tmp_path / "antirelou.env")
    for path in tmp_path.iterdir():
        asked = subprocess.run(["git", "check-ignore", path.name], cwd=ROOT, check=False)
        assert asked.returncode == 0, path.name


def test_it_says_what_to_take_offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_settings_file(tmp_path / "a.env")
    said = capsys.readouterr().out
    assert f"Take offline now: {tmp_path / EVIDENCE_PRIVATE_FILE}" in said


def test_a_simulated_house_lacks_nothing_and_its_provider_signs_with_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "simulated.env"
    write_settings_file(path, simulated=True)
    monkeypatch.setenv("SETTINGS_FILE", str(path))
    settings = load_settings()
    require(settings, "number", "plivo_auth_id", "plivo_auth_token", "plivo_app_id", *SECRETS)
    token = settings.plivo_auth_token.get_secret_value()
    assert f"SIMULATED_PLIVO_AUTH_TOKEN={token}" in path.read_text().splitlines()
    assert "api.plivo.com" not in settings.plivo_api_url


def test_a_real_house_has_no_token_for_the_simulated_provider(written: Path) -> None:
    assert "SIMULATED_" not in written.read_text()


@pytest.mark.parametrize("existing", ["antirelou.env", EVIDENCE_PRIVATE_FILE])
def test_nothing_is_written_over(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(Fatal, match=r"FILE: .* exists") as refused:
        write_settings_file(tmp_path / "antirelou.env")
    assert refused.value.code == "use"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(existing, "precious")]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="cannot be written"):
        write_settings_file(tmp_path / "nowhere" / "antirelou.env")


def test_each_answer_stands_once_and_on_its_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for, commented out, and not in the template at all."""
    path = tmp_path / "antirelou.env"
    answers = {
        "ANTIRELOU_NUMBER": "'+33937000000'", "ANTIRELOU_FUND_FLOOR": "'12.50'",
        "ANTIRELOU_REPLY_TEXTS": "'[\"Non.\"]'",
    }  # fmt: skip
    write_settings(path, answers)
    lines = path.read_text("utf-8").splitlines()
    for name, value in answers.items():
        assert [line for line in lines if f"{name}=" in line] == [f"{name}={value}"]
    monkeypatch.setenv("SETTINGS_FILE", str(path))
    loaded = load_settings()
    assert (loaded.number, loaded.reply_texts) == ("+33937000000", ("Non.",))
    assert loaded.fund_floor == 12_500_000
    assert loaded.pseudonym_key.get_secret_value()
