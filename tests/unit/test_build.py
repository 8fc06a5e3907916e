"""The build says which program it is, and never what is no commit."""

from pathlib import Path

import pytest

from antirelou.build import describe_build
from kernel import __version__


@pytest.mark.parametrize(
    ("noted", "commit"),
    [("", ""), ("0f" * 20, "0f" * 20), ("0f3a91c\n", "0f3a91c"), ("main", ""), ("\xff" * 9, "")],
)
def test_the_commit_is_what_the_build_noted(tmp_path: Path, noted: str, commit: str) -> None:
    file = tmp_path / "commit.txt"
    file.write_text(noted, encoding="latin-1")
    assert describe_build(file) == {"version": __version__, "commit": commit}


def test_a_checkout_knows_none(tmp_path: Path) -> None:
    assert describe_build(tmp_path / "nothing")["commit"] == ""
