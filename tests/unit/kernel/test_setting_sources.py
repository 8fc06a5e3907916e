"""The settings file and the environment: what is read, and what is refused with name and line."""

import os
import string
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antirelou.commands.main import main
from kernel.sealing.keys import ensure_keys
from kernel.settings.settings import Settings, load_settings
from kernel.settings.sources import OTHERS, PREFIX, parse_env_file, read_sources
from kernel.values.errors import Fatal

ROOT = Path(__file__).parents[3]
KNOWN = Settings.model_fields
SECRET = "canary-5up3r-s3cret"
TEXTS = """ANTIRELOU_REPLY_TEXTS=["Ce n'est pas grave, c'était l'été."]"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX) or name == "SETTINGS_FILE":
            monkeypatch.delenv(name)


def read(text: str | bytes, environment: Mapping[str, str] | None = None) -> Mapping[str, str]:
    content = text.encode() if isinstance(text, str) else text
    sources = read_sources(environment or {}, content, label="a.env", known=KNOWN)
    assert sources.complaints == ()
    return sources.values


def complain(text: str | bytes, environment: Mapping[str, str] | None = None) -> str:
    content = text.encode() if isinstance(text, str) else text
    sources = read_sources(environment or {}, content, label="a.env", known=KNOWN)
    return "\n".join(sources.complaints)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ANTIRELOU_BURST=7", "7"),
        ("  ANTIRELOU_BURST=7  ", "7"),
        ("ANTIRELOU_BURST='7'", "7"),
        ('ANTIRELOU_BURST="7"', "7"),
        ("ANTIRELOU_BURST=7\r\n", "7"),
        ("\ufeffANTIRELOU_BURST=7", "7"),
        ("# a comment\n\n  # another\nANTIRELOU_BURST=7\n", "7"),
        ("ANTIRELOU_BURST='${HOME} $x \\u00e9 # no'", "${HOME} $x \\u00e9 # no"),
        ("ANTIRELOU_BURST=a=b#c", "a=b#c"),
        ('ANTIRELOU_BURST=it\'s "so"', 'it\'s "so"'),
    ],
)
def test_a_line_is_read(text: str, value: str) -> None:
    assert read(text) == {"burst": value}


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "COMPOSE_PROFILES", "TZ", "WEEKEND_SPEED"])
def test_what_is_others_in_the_file_is_not_ours_to_judge(name: str) -> None:
    assert read(f"{name}=$x \\ 'y\n{TEXTS}") == {"reply_texts": TEXTS.split("=", 1)[1]}


def test_what_is_empty_is_not_set_and_the_environment_wins() -> None:
    file = "ANTIRELOU_BURST=7\nANTIRELOU_DAILY_CAP=\nANTIRELOU_SEND_RATE=''\n"
    assert read(file) == {"burst": "7"}
    assert read(file, {"ANTIRELOU_BURST": ""}) == {"burst": "7"}
    assert read(file, {"ANTIRELOU_BURST": "9"}) == {"burst": "9"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ANTIRELOU_DAYLY_CAP=5", "ANTIRELOU_DAYLY_CAP: no such setting: did you mean "
         "ANTIRELOU_DAILY_CAP?"),
        ("DAILY_CAP=5", "DAILY_CAP: no such setting: did you mean ANTIRELOU_DAILY_CAP?"),
        ("DAYLY_CAP=5", "DAYLY_CAP: no such setting: did you mean ANTIRELOU_DAILY_CAP?"),
        ("antirelou_daily_cap=5", "did you mean ANTIRELOU_DAILY_CAP?"),
        ("ANTIRELOUDAILY_CAP=5", "did you mean ANTIRELOU_DAILY_CAP?"),
        ("ANTRELOU_DAILY_CAP=5", "did you mean ANTIRELOU_DAILY_CAP?"),
        ("ANTIRELOU_WHATEVER=5", "ANTIRELOU_WHATEVER: no such setting: docs/reference.md"),
        ("export ANTIRELOU_DAILY_CAP=5", "ANTIRELOU_DAILY_CAP: cannot be read"),
        ("ANTIRELOU_DAILY_CAP = 5", "ANTIRELOU_DAILY_CAP: cannot be read"),
        ("ANTIRELOU_DAILY_CAP= 5", "ANTIRELOU_DAILY_CAP: cannot be read"),
        ("ANTIRELOU_DAILY_CAP: 5", "ANTIRELOU_DAILY_CAP: cannot be read"),
        ("ANTIRELOU_DAILY_CAP 5", "ANTIRELOU_DAILY_CAP: cannot be read"),
        ("set ANTIRELOU_DAILY_CAP=5", "cannot be read, accepted: NAME=value"),
        ("ANTIRELOU_DAILY_CAP", "ANTIRELOU_DAILY_CAP: cannot be read"),
        (SECRET, "cannot be read, accepted: NAME=value"),
        ("ANTIRELOU_DAILY_CAP=5 # a day", "ANTIRELOU_DAILY_CAP: a # stands in it"),
        ("ANTIRELOU_DAILY_CAP=# a day", "ANTIRELOU_DAILY_CAP: a # stands in it"),
        ("ANTIRELOU_DAILY_CAP='5' # a day", "no quotes and no comment behind"),
        ("ANTIRELOU_DAILY_CAP='5", "a ' within, or none at the end"),
        ("ANTIRELOU_DAILY_CAP='", "a ' within, or none at the end"),
        ('ANTIRELOU_DAILY_CAP="5', 'a " within, or none at the end'),
        ("""ANTIRELOU_REPLY_TEXTS='["n'y va pas"]'""", "ANTIRELOU_REPLY_TEXTS: a ' within"),
        ("ANTIRELOU_PUBLIC_URL=https://${HOST}", "ANTIRELOU_PUBLIC_URL: a $ or \\ stands in it"),
        ('ANTIRELOU_PUBLIC_URL="https://$HOST"', "the value in single quotes"),
        (r'ANTIRELOU_REPLY_TEXTS=["\u00e9t\u00e9"]', "ANTIRELOU_REPLY_TEXTS: a $ or \\"),
        ("ANTIRELOU_DAILY_CAP=5\0", "ANTIRELOU_DAILY_CAP: a control character"),
        ("ANTIRELOU_DAILY_CAP=5\rANTIRELOU_BURST=1", "ANTIRELOU_DAILY_CAP: a control character"),
        ("ANTIRELOU_DAILY_CAP=5\u0085", "ANTIRELOU_DAILY_CAP: a control character"),
        ("ANTIRELOU_BURST=2", "ANTIRELOU_BURST: stands in line 2 too: keep one"),
    ],
)  # fmt: skip
def test_a_line_that_would_be_silent_is_refused_with_its_number(line: str, said: str) -> None:
    complaint = complain(f"# settings\nANTIRELOU_BURST=1\n{line}\n")
    assert complaint.startswith("a.env, line 3: ")
    assert complaint.count("\n") == 0
    assert said in complaint
    assert SECRET not in complaint


def test_a_file_of_another_encoding_is_refused() -> None:
    assert complain(f"#\n{TEXTS}".encode("latin-1")) == (
        "a.env, line 2: ANTIRELOU_REPLY_TEXTS: not UTF-8, as of a file saved as Latin-1: save it "
        "as UTF-8"
    )
    assert "UTF-16: save it as UTF-8" in complain(TEXTS.encode("utf-16"))
    assert "UTF-16: save it as UTF-8" in complain("ANTIRELOU_BURST=7".encode("utf-16-le"))
    assert read(TEXTS.encode("utf-8-sig"))["reply_texts"].endswith("""l'été."]""")


@pytest.mark.parametrize("name", ["DAYLY_CAP", "daily_cap", "NUMBRE", "TESTS", "CRASH", "X"])
def test_a_name_of_ours_in_the_environment_that_is_no_setting_is_refused(name: str) -> None:
    assert f"{PREFIX}{name}: no such setting" in complain("", {PREFIX + name: SECRET})
    assert SECRET not in complain("", {PREFIX + name: SECRET})


def test_names_of_others_in_the_environment_are_none_of_ours() -> None:
    assert read("", {"NUMBER": "x", "LANGUAGE": "fr", "DATABASE_URL": "x", "LISTEN": "x"}) == {}


def test_every_other_name_with_our_prefix_that_the_project_uses_is_allowed() -> None:
    import re

    said = ["Makefile", "docker-compose.yml", "Dockerfile", "README.md"]
    paths = [ROOT / name for name in said]
    for folder in ("antirelou", "services", "simulator", "tests/support", "tests/faults",
                   "tests/deployed", "deploy", "docs", "bench", "scripts"):  # fmt: skip
        paths += [path for path in (ROOT / folder).rglob("*")
                  if path.suffix in {".py", ".md", ".yaml", ".yml"}]  # fmt: skip
    used = set()
    for path in paths:
        used |= set(re.findall(r"\bANTIRELOU_[A-Z0-9_]*[A-Z0-9]\b", path.read_text("utf-8")))
    settings = {PREFIX + name.upper() for name in KNOWN}
    others = {name for name in used - settings if not any(s.startswith(name) for s in settings)}
    assert len(others) > 8
    assert {name for name in others if not OTHERS.fullmatch(name)} == set()


LINE_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)


@given(st.binary(max_size=200))
@example(b"=\n==\n'=\n")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    lines, troubles = parse_env_file(content)
    numbers = [line.number for line in lines] + [number for number, _ in troubles]
    assert len(set(numbers)) == len(numbers)


@given(LINE_TEXT)
def test_in_single_quotes_a_value_is_what_it_is(text: str) -> None:
    text = text.replace("'", "")
    lines, troubles = parse_env_file(f"ANTIRELOU_X='{text}'\n".encode())
    assert (troubles, [line.value for line in lines]) == ([], [text])


@given(LINE_TEXT)
def test_a_bare_value_is_what_it_is_or_refused(text: str) -> None:
    lines, troubles = parse_env_file(f"ANTIRELOU_X={text}\n".encode())
    assert len(lines) + len(troubles) == 1
    if lines and text[:1] not in {"'", '"'}:
        assert lines[0].value == text.rstrip(" \t")
    for _, said in troubles:
        assert len(text) < 5 or text not in said


@given(st.sampled_from(sorted(KNOWN)), st.sampled_from("dst"), st.data())
def test_a_misspelt_setting_is_never_silent(name: str, how: str, data: st.DataObject) -> None:
    """One letter lost, doubled or two swapped, in file and environment."""
    place = data.draw(st.integers(0, len(name) - 2))
    changed = {
        "d": name[:place] + name[place + 1 :],
        "s": name[:place] + name[place + 1] + name[place] + name[place + 2 :],
        "t": name[: place + 1] + name[place:],
    }[how]
    if changed in KNOWN:
        return
    wrong = PREFIX + changed.upper()
    assert f"{wrong}: no such setting" in complain(f"{wrong}=1")
    assert f"{wrong}: no such setting" in complain("", {wrong: "1"})


def test_a_wrong_value_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "house.env"
    file.write_text("ANTIRELOU_BURST=0\n\nANTIRELOU_OPERATOR_TOKEN=short\nANTIRELOU_DAYLY_CAP=1\n")
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    with pytest.raises(Fatal) as refused:
        load_settings()
    said = str(refused.value).splitlines()
    assert len(said) == 3
    assert said[0].startswith("house.env, line 4: ANTIRELOU_DAYLY_CAP: ")
    assert any(line.startswith("house.env, line 1: ANTIRELOU_BURST: was '0'") for line in said)
    assert any(line.startswith("house.env, line 3: ANTIRELOU_OPERATOR_TOKEN: ") for line in said)
    monkeypatch.setenv("ANTIRELOU_BURST", "-1")
    with pytest.raises(Fatal, match=r"(?m)^ANTIRELOU_BURST: was '-1'"):
        load_settings()


@pytest.mark.parametrize("command", ["doctor", "serve", "status"])
def test_every_command_refuses_a_misspelt_setting(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "house.env"
    file.write_text("ANTIRELOU_DAYLY_CAP=5.00\n")
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    assert main([command]) == 2
    said = capsys.readouterr().err
    assert "house.env, line 1: ANTIRELOU_DAYLY_CAP: no such setting: did you mean" in said


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTINGS_FILE", str(tmp_path))
    with pytest.raises(Fatal, match=r"SETTINGS_FILE: .* cannot be read") as refused:
        load_settings()
    assert refused.value.code == "settings"


def test_the_file_is_found_in_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house.env").write_text("ANTIRELOU_BURST=7\nANTIRELOU_DATA_DIR=~/data\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SETTINGS_FILE", "~/house.env")
    settings = load_settings()
    assert (settings.burst, settings.data_dir) == (7, tmp_path / "data")


@pytest.mark.parametrize("harm", ["", "zz", "é", "0" * 63, "'" + "0" * 64 + "'", "\0" * 64, SECRET])
@pytest.mark.parametrize(
    "name", ["pseudonym_key", "operator_token", "sending_private_key", "evidence_public_key"]
)
def test_a_key_file_that_was_changed_is_named(tmp_path: Path, name: str, harm: str) -> None:
    given = load_settings(data_dir=tmp_path)
    ensure_keys(given)
    path = tmp_path / "keys" / name
    path.chmod(0o600)
    path.write_bytes(harm.encode("latin-1"))
    if name == "operator_token" and len(harm) > 16 and set(harm) <= set(string.printable):
        return  # a token may be any text
    with pytest.raises(Fatal) as refused:
        ensure_keys(given)
    assert str(path) in str(refused.value)
    assert refused.value.code == "settings"
    assert len(harm) < 3 or harm not in str(refused.value)
