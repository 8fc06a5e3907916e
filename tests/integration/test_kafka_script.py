"""``scripts/kafka.sh``: a real broker for whoever has neither a cluster nor Docker."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from kernel.facts.topics import DEAD_VALUE_BYTES_MAX
from tests.support.kafka import SCRIPT, free_port_pair, run_script
from tests.support.proxy import Proxy, Way

NEEDED = ("bash", "cat", "cksum", "cut", "dirname", "env", "grep", "kill", "mkdir", "ps", "sed")


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="antirelou-kafka-"))
    yield path
    run_script("stop", "--dir", str(path))
    shutil.rmtree(path, ignore_errors=True)


async def produce(address: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=address, acks="all", max_request_size=2 * DEAD_VALUE_BYTES_MAX
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def consume_first(address: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            found: bytes = (await consumer.getone()).value
            return found
    finally:
        await consumer.stop()


async def test_what_it_acknowledged_survives_its_kill(folder: Path) -> None:
    port = str(free_port_pair())
    address = run_script("start", "--port", port, "--dir", str(folder))
    assert address == f"127.0.0.1:{port}"
    assert run_script("start", "--port", port, "--dir", str(folder)) == address
    assert run_script("status", "--dir", str(folder)) == address
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    largest = b"x" * DEAD_VALUE_BYTES_MAX
    await produce(address, "kept", largest)

    os.kill(pid_of(folder), signal.SIGKILL)
    with pytest.raises(AssertionError):
        run_script("status", "--dir", str(folder))
    assert run_script("start", "--port", port, "--dir", str(folder)) == address
    assert await consume_first(address, "kept") == largest


def pid_of(folder: Path) -> int:
    return int((folder / "pid").read_text())


async def test_a_topic_nobody_made_is_not_made_by_writing_to_it(kafka_bootstrap: str) -> None:
    with pytest.raises((KafkaError, TimeoutError)):
        async with asyncio.timeout(2):
            await produce(kafka_bootstrap, "nobody-made-this", b"x")


async def test_who_comes_by_another_port_is_sent_on_to_what_it_advertises(folder: Path) -> None:
    port, other = str(free_port_pair()), free_port_pair()
    with Proxy(other) as proxy:
        also = f"{other}={proxy.address}"
        address = run_script("start", "--port", port, "--dir", str(folder), "--also", also)
        assert address == f"127.0.0.1:{port}"
        admin = AIOKafkaAdminClient(bootstrap_servers=proxy.address)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        await produce(proxy.address, "kept", b"by the proxy")
        assert proxy.carried[Way.OUT] > 100
        carried = dict(proxy.carried)
        assert await consume_first(address, "kept") == b"by the proxy"
        assert proxy.carried == carried, "who comes by the first port stays there"


def test_without_java_it_says_what_to_install(tmp_path: Path, folder: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    done = subprocess.run(
        [SCRIPT, "start", "--dir", folder],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "apt-get install default-jre-headless maven" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["begin"], ["start", "--folder", "x"], ["start", "--also", "1"]]
)
def test_a_wrong_call_prints_the_usage(arguments: list[str]) -> None:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "scripts/kafka.sh start" in done.stderr
