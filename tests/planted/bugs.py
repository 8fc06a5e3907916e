"""The planted bugs: the table ``bugs.toml``, and what a row must be to mean anything."""

import ast
from collections.abc import Sequence
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("bugs.toml")


class Bug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a hurried colleague could write, and the tests that must not let it pass.

    Attributes:
        harm: what it would do to the world.
        breaks: the invariants of DESIGN §7 that it breaks, such as ``I1`` or ``I2 I4``; where it is
            none of them, the section of DESIGN whose promise it is, or ``evidence``.
        file: from the root of the tree.
        right, wrong: a snippet of it, there exactly once, and what takes its place.
        tests: node ids of pytest; each of them must fail.
    """

    name: str
    harm: str
    breaks: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    bug: tuple[Bug, ...]


class Stale(Exception):  # noqa: N818 - it is a row that is stale
    """The code has moved on and the row has not; the message says what to mend."""


def load_bugs() -> tuple[Bug, ...]:
    """The rows of the table."""
    return msgspec.toml.decode(TABLE.read_bytes(), type=_Table).bug


def plant(bug: Bug, source: str) -> str:
    """The source with the bug in it.

    Raises:
        Stale: the snippet is not there, or more than once, or the result is no Python.
    """
    found = source.count(bug.right)
    if found != 1:
        raise Stale(f"{bug.name}: its snippet is {found} times in {bug.file}, not once")
    planted = source.replace(bug.right, bug.wrong)
    if planted == source:
        raise Stale(f"{bug.name}: it changes nothing")
    if bug.file.endswith(".py"):
        try:
            ast.parse(planted)
        except SyntaxError as error:
            raise Stale(f"{bug.name}: planted, {bug.file} is no Python: {error}") from None
    return planted


def check_row(bug: Bug, root: Path) -> None:
    """See that a row fits the tree as it is.

    Raises:
        Stale: it does not.
    """
    path = root / bug.file
    if not path.is_file():
        raise Stale(f"{bug.name}: there is no {bug.file}")
    plant(bug, path.read_text("utf-8"))
    missing = [node for node in bug.tests if not _is_defined(node, root)]
    if missing or not bug.tests:
        raise Stale(f"{bug.name}: no such test: {', '.join(missing) or 'none is named'}")


def _is_defined(node: str, root: Path) -> bool:
    file, *names = node.partition("[")[0].split("::")
    path = root / file
    scope: ast.AST | None = ast.parse(path.read_text("utf-8")) if path.is_file() else None
    for name in names:
        scope = next((n for n in _children(scope) if getattr(n, "name", None) == name), None)
    return bool(names) and scope is not None


def _children(scope: ast.AST | None) -> Sequence[ast.AST]:
    return () if scope is None else list(ast.iter_child_nodes(scope))
