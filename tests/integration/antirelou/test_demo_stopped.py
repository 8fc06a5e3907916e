"""A demo that is stopped in the middle leaves nothing: no process, no folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


@pytest.mark.parametrize(
    ("signals", "number"), [(1, signal.SIGINT), (2, signal.SIGINT), (1, signal.SIGTERM)]
)
def test_nothing_is_left(tmp_path: Path, signals: int, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "antirelou", "demo", "--scale", "0.01"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as demo:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (found := list(tmp_path.glob("antirelou-demo-*/data/postgres/postmaster.pid"))):
            assert demo.poll() is None
            assert time.monotonic() < deadline, "the house was not started"
            time.sleep(0.1)
        postgres = int(found[0].read_text().split()[0])
        for _ in range(signals):
            demo.send_signal(number)
            time.sleep(0.2)
        assert demo.wait(STOP_SECONDS_MAX) == 130
        assert demo.stderr
        assert b"Traceback" not in demo.stderr.read()
    assert list(tmp_path.glob("antirelou-demo-*")) == []
    with pytest.raises(ProcessLookupError):
        os.kill(postgres, 0)
