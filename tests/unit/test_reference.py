"""The reference in the docs is what the code says."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    assert made["PATH"].read_text(encoding="utf-8") == made["render"](), (
        "docs/reference.md is stale: python scripts/reference.py"
    )
