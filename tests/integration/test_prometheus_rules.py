"""Debian's own promtool takes the configuration and passes the rules' unit tests."""

import subprocess

from tests.support.deploy import ROOT


def test_promtool_passes_the_rules() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "prometheus.sh", "check"],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") >= 5
    assert "FAILED" not in done.stdout
