"""A Kafka for a test session: given, or in a container, or by ``scripts/kafka.sh``."""

import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support import docker

GIVEN = "ANTIRELOU_TEST_KAFKA_BOOTSTRAP"
IMAGE = "confluentinc/cp-kafka:7.9.0"
SCRIPT = Path(__file__).parents[2] / "scripts" / "kafka.sh"
START_SECONDS_MAX = 600
"""The first start on a machine fetches Java and the jars."""


def prepare() -> None:
    """Fetch what a broker needs, outside of any test's time limit; a failure shows in the test."""
    if not os.environ.get(GIVEN) and not docker.can_run(IMAGE):
        with suppress(AssertionError):
            run_script("jars")


@contextmanager
def open_broker() -> Iterator[str]:
    """The address of the session's broker, found in the order of issue 4."""
    given = os.environ.get(GIVEN)
    if given:
        yield given
    elif docker.can_run(IMAGE):
        with _container() as address:
            yield address
    else:
        with own_broker() as address:
            yield address


@contextmanager
def _container() -> Iterator[str]:
    from testcontainers.kafka import KafkaContainer

    container = (
        KafkaContainer(IMAGE)
        .with_kraft()
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .with_env("KAFKA_MESSAGE_MAX_BYTES", "8388608")
        .with_env("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
    )
    with container:
        yield container.get_bootstrap_server()


@contextmanager
def own_broker() -> Iterator[str]:
    """A broker of our own in a temporary folder.

    Raises:
        AssertionError: it cannot be started; says what to install.
    """
    folder = Path(tempfile.mkdtemp(prefix="antirelou-kafka-"))
    try:
        yield run_script("start", "--port", str(free_port_pair()), "--dir", str(folder))
    finally:
        run_script("stop", "--dir", str(folder))
        shutil.rmtree(folder, ignore_errors=True)


def run_script(*arguments: str) -> str:
    """Run ``scripts/kafka.sh`` and return what it prints."""
    # Not to a pipe: the broker would inherit it and hold it open.
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
        assert done.returncode == 0, (
            f"no Kafka for the tests: name a broker in {GIVEN}, or mend this:\n{trouble.read()}"
        )
        return out.read().strip()


def free_port_pair() -> int:
    """A port that is free with its neighbour, below those that outgoing connections take."""
    for _ in range(100):
        port = random.randrange(20_000, 30_000, 2)
        if _is_free(port) and _is_free(port + 1):
            return port
    raise AssertionError("no two free ports next to each other")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
