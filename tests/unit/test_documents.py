"""What the documents say to type can be typed, and what they point to is there."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from antirelou.commands.init import write_settings_file
from antirelou.commands.main import app
from kernel.settings.settings import Settings
from kernel.values.clock import SystemClock
from kernel.values.money import read_typed_amount
from services.billing.operator_requests import read_past
from tests.support.documents import (
    DOCUMENTS,
    ROOT,
    Written,
    commands_written,
    headings,
    links,
    read_lines,
)

PROGRAM: Any = get_command(app)
AMOUNTS = {"amount", "fund"}
COMMANDS = commands_written()


def parse(written: Written) -> None:
    """Follow the words through the real program, without running anything.

    Raises:
        AssertionError, typer.TyperException: they name no command, or an argument it does not take.
    """
    command, words = PROGRAM, list(written.arguments)
    names: list[str] = []
    while hasattr(command, "commands"):
        if not words and names and written.mentioned:
            return  # a group, spoken of
        assert words, f"{written}: a command is missing"
        if words[0] in {"--help", "--version"}:
            return
        assert words[0] in command.commands, f"{written}: no command {words[0]!r}"
        names.append(words[0])
        command = command.commands[words.pop(0)]
    if written.mentioned and (not words or words[-1].startswith("--")):
        known = {option for parameter in command.params for option in parameter.opts}
        assert not words or words[-1] in known, f"{written}: no option {words[-1]}"
        if not words or len(words) == 1:
            return
    context = command.make_context(" ".join(names), words)
    for name, value in context.params.items():
        check_value(name, value)


def check_value(name: str, value: Any) -> None:
    """Hold a value to what the command itself would make of it."""
    if name in AMOUNTS and value not in {None, "AMOUNT"}:
        assert len(read_typed_amount(value)) == 1, f"{value} may mean two amounts"
    if name in {"since", "loaded"} and value is not None:
        assert read_past(value, SystemClock().now())
    if name in {"set_", "compare"}:
        for assignment in value or ():
            assert assignment.partition("=")[0].lower() in Settings.model_fields


def test_the_documents_have_commands() -> None:
    assert len({written.arguments for written in COMMANDS}) > 50
    places = {written.place.partition(" ")[0] for written in COMMANDS}
    assert {"README.md", "docs/operations/runbook.md", "alerts", "gloss"} <= places


@pytest.mark.parametrize("written", COMMANDS, ids=str)
def test_a_command_of_a_document_can_be_typed(written: Written) -> None:
    try:
        parse(written)
    except typer.TyperException as error:
        pytest.fail(f"{written}: {error.format_message()}")


@pytest.mark.parametrize("simulated", [False, True])
def test_what_init_says_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, simulated: bool
) -> None:
    write_settings_file(tmp_path / "a.env", simulated=simulated)
    said = read_lines("init", capsys.readouterr().out.splitlines())
    assert simulated or len(said) >= 2
    for written in said:
        parse(written)


@pytest.mark.parametrize(
    ("arguments", "mentioned"),
    [
        (("resum",), True), (("fund", "ad"), True), (("status", "--jsn"), True), ((), False),
        (("pause",), False), (("explain", "06", "39"), True),
        (("fund", "add", "1.500", "--note", "x"), False),
        (("rehearse", "T", "--fund", "5", "--set", "BURTS=1"), False),
    ],
)  # fmt: skip
def test_a_wrong_command_would_be_found(arguments: tuple[str, ...], *, mentioned: bool) -> None:
    with pytest.raises((AssertionError, typer.TyperException)):
        parse(Written("nowhere", arguments, mentioned))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_points_to_is_there(path: Path) -> None:
    for target in links(path):
        name, _, anchor = target.partition("#")
        pointed = (path.parent / name).resolve() if name else path
        assert pointed.exists(), f"{path.relative_to(ROOT)}: {target}"
        assert pointed.is_relative_to(ROOT), target
        if anchor and pointed.suffix == ".md":
            assert anchor in headings(pointed), f"{path.relative_to(ROOT)}: {target}"
