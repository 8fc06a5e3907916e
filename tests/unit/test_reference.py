"""The reference in the docs is what the code says."""

import runpy
from pathlib import Path

from kernel.settings.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    assert made["PATH"].read_text(encoding="utf-8") == made["render"](), (
        "docs/reference.md is stale: python scripts/reference.py"
    )


def test_readmes_table_is_fresh() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "reference.py"))
    assert made["README"].read_text(encoding="utf-8") == made["render_readme"](), (
        "README.md is stale: python scripts/reference.py"
    )


def test_each_setting_says_what_it_means() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]
