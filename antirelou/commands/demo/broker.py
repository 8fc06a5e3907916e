"""A Kafka broker for a demo or a test session, by the project's own ``scripts/kafka.sh``."""

import contextlib
import random
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kernel.values.errors import Fatal

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "kafka.sh"
START_SECONDS_MAX = 600
"""The first start on a machine fetches Java and the jars."""


@contextlib.contextmanager
def own_broker(folder: Path) -> Iterator[str]:
    """A broker with its data in the folder; yields its address.

    Raises:
        Fatal: ``kafka``: it cannot be started; says what to install.
    """
    try:
        yield _run("start", "--port", str(_free_port_pair()), "--dir", str(folder))
    finally:
        _run("stop", "--dir", str(folder))


def _run(*arguments: str) -> str:
    """Run the script and return what it prints."""
    # Not to a pipe: what the script leaves running would inherit it and hold it open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as trouble:
        done = subprocess.run(
            [SCRIPT, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=trouble,
            timeout=START_SECONDS_MAX,
            check=False,
        )
        out.seek(0)
        trouble.seek(0)
        if done.returncode:
            raise Fatal(f"no Kafka: {trouble.read().strip()}", code="kafka")
        return out.read().strip()


def _free_port_pair() -> int:
    """A port that is free with its neighbour, below those that outgoing connections take."""
    for _ in range(100):
        port = random.randrange(20_000, 30_000, 2)
        if _is_free(port) and _is_free(port + 1):
            return port
    raise Fatal("no two free ports next to each other", code="kafka")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
