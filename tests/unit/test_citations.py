"""What code, tests, queries and settings cite of the documents is there."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import ROOT

KINDS = ("*.py", "*.sql", "*.yml", "*.yaml", "*.toml", "*.sh", "Makefile", "Dockerfile")
_CITED = re.compile(
    r"(?<![\w/.-])(docs/(?:[\w.-]+/)*(?:[\w-]+\.md|\d{4}\b))"
    r"((?:,?\s+(?:#\s+)?(?:and\s+)?§\d+)*)"
)
_GONE = re.compile(r"\b(?:DESIGN|CONTRACT|STYLE)(?:\.md)? §|\b(?:PLIVO|STYLE)\.md\b")
_HEADING = re.compile(r"^## (\d+)\. ", re.MULTILINE)
_MIGRATION = re.compile(r"\d{4}_\w+\.sql")


def cited_files() -> list[Path]:
    """Every file that may cite; not the migrations, which may not change any more."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *KINDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {Path(name) for name in listed.stdout.split("\0") if name}
    own = Path(__file__).relative_to(ROOT)
    return sorted(n for n in names - {own} if not _MIGRATION.fullmatch(n.name))


def faults_in(text: str) -> list[str]:
    """Citations of papers that are not here, or of sections that they do not have."""
    faults = [match[0] for match in _GONE.finditer(text)]
    for path, sections in _CITED.findall(text):
        found = sorted(ROOT.glob(path if path.endswith(".md") else f"{path}-*.md"))
        if len(found) != 1:
            faults.append(path)
            continue
        numbers = _HEADING.findall(found[0].read_text("utf-8"))
        faults += [f"{path} §{n}" for n in re.findall(r"§(\d+)", sections) if n not in numbers]
    return faults


def test_every_citation_leads_to_a_section() -> None:
    texts = {path: (ROOT / path).read_text("utf-8") for path in cited_files()}
    assert sum(len(_CITED.findall(text)) for text in texts.values()) > 70
    wrong = {str(path): faults for path, text in texts.items() if (faults := faults_in(text))}
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "docs/design.md §99", "docs/plivo.md §4, §77", "docs/plivo.md §4,\n# §77", "docs/desgn.md",
        "docs/decisions/9999", "docs/operations/runbok.md", "DESIGN §5", "PLIVO.md §3",
        "docs/architecture.md §1",
    ],
)  # fmt: skip
def test_a_wrong_citation_would_be_found(text: str) -> None:
    assert faults_in(text)


def test_a_right_one_is_none() -> None:
    assert faults_in("docs/plivo.md §4, §5, §9; docs/decisions/0012; docs/gloss.md") == []


def test_the_glossary_has_each_word_once_and_where_it_is() -> None:
    rows = (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()[6:]
    words = [row.split(" | ")[0].strip("| ") for row in rows]
    assert len(words) >= 40
    assert words == sorted(set(words))
    for row in rows:
        place = row.rsplit(" | ", 1)[1].strip("`| ")
        assert place.startswith("[0013]") or (ROOT / place).is_file(), row
