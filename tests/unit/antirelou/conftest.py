"""The stage of the rehearsals."""

import os
from pathlib import Path

import pytest

from tests.unit.antirelou.rehearsals import Stage


@pytest.fixture
def stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Stage:
    """No settings, no files."""
    for name in os.environ:
        if name.startswith("ANTIRELOU_") or name == "SETTINGS_FILE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    return Stage(tmp_path, capsys)
