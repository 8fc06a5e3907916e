"""The planted bugs: the table ``bugs.toml``, and what a row must be to mean anything."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

TABLE = Path(__file__).with_name("bugs.toml")
PACKAGES = ("antirelou", "kernel", "services", "simulator")
"""The folders in which bugs are planted."""


class Bug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a hurried colleague could write, and the tests that must not let it pass.

    Attributes:
        harm: what it would do to the world.
        breaks: the invariants of docs/design.md §7 that it breaks, such as ``I1`` or ``I2 I4``;
            where it is none of them, the section of docs/design.md whose promise it is, or
            ``evidence``.
        where: a function (``Class.method``), class, constant, query or migration; the
            file that holds it may move.
        right, wrong: a snippet of it, there exactly once, and what takes its place.
        tests: node ids of pytest; each of them must fail.
    """

    name: str
    harm: str
    breaks: str
    where: str
    right: str
    wrong: str
    tests: tuple[str, ...]


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    bug: tuple[Bug, ...]


class Stale(Exception):
    """The code has moved on and the row has not; the message says what to mend."""


def load_bugs() -> tuple[Bug, ...]:
    """The rows of the table."""
    return msgspec.toml.decode(TABLE.read_bytes(), type=_Table).bug


class Place(NamedTuple):
    """Where something that has a name stands: its file, and its first and last line from 1."""

    path: Path
    first: int
    last: int


def find_place(bug: Bug, root: Path) -> Place:
    """Where a bug is planted.

    Raises:
        Stale: nothing of that name holds the snippet, or more than one thing does.
    """
    places = _places(root).get(bug.where, ())
    holding = [place for place in places if bug.right in _split(place)[1]]
    if len(holding) != 1:
        raise Stale(f"{bug.name}: its snippet is in {len(holding)} of {len(places)} {bug.where}")
    return holding[0]


def _split(place: Place) -> tuple[str, str, str]:
    """A file's text: before the place, in it, after it."""
    lines = place.path.read_text("utf-8").splitlines(keepends=True)
    first, last = place.first - 1, place.last
    return "".join(lines[:first]), "".join(lines[first:last]), "".join(lines[last:])


@lru_cache(maxsize=4)
def _places(root: Path) -> Mapping[str, Sequence[Place]]:
    found: dict[str, list[Place]] = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in {".py", ".sql"}:
                for name, place in _named(path):
                    found.setdefault(name, []).append(place)
    return found


def _named(path: Path) -> Iterator[tuple[str, Place]]:
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        for name, node in _definitions(ast.parse(text), ""):
            decorators = getattr(node, "decorator_list", [])
            first = min(one.lineno for one in [node, *decorators])
            yield name, Place(path, first, node.end_lineno or node.lineno)
        return
    lines = text.splitlines()
    found = [(QUERY.fullmatch(line), number) for number, line in enumerate(lines, 1)]
    heads = [(match[1], number) for match, number in found if match] or [(path.stem, 1)]
    ends = [number - 1 for _, number in heads[1:]] + [len(lines)]
    for (name, first), last in zip(heads, ends, strict=True):
        yield name, Place(path, first, last)


QUERY = re.compile(r"-- ([a-z_]+) --")
"""The line above a query in a service's file of queries."""


def _definitions(scope: ast.AST, prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from _definitions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((prefix + one.id, node) for one in targets if isinstance(one, ast.Name))


def plant(bug: Bug, place: Place) -> str:
    """The source of a place's file with the bug in it.

    Raises:
        Stale: the snippet is not there, or more than once, or the result is no Python.
    """
    before, source, after = _split(place)
    found = source.count(bug.right)
    if found != 1:
        raise Stale(f"{bug.name}: its snippet is {found} times in {bug.where}, not once")
    if bug.right == bug.wrong:
        raise Stale(f"{bug.name}: it changes nothing")
    planted = before + source.replace(bug.right, bug.wrong) + after
    if place.path.suffix == ".py":
        try:
            ast.parse(planted)
        except SyntaxError as error:
            raise Stale(f"{bug.name}: planted, {place.path.name} is no Python: {error}") from None
    return planted


def check_row(bug: Bug, root: Path) -> None:
    """See that a row fits the tree as it is.

    Raises:
        Stale: it does not.
    """
    plant(bug, find_place(bug, root))
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
