"""The manifests on a real API server, and real KEDA scaling on the lag of real processes.

Real: API server, controllers, scheduler, KEDA, the broker, PostgreSQL, our filter. Simulated: the
nodes (pods are ready at once, nothing runs in them): for each replica that the Deployment is given,
the test runs a process of `antirelou serve filter`.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from antirelou.commands.demo.house import Process, free_port, run_once
from bench.filter import BENCH
from bench.stages import fill
from kernel.database.postgres import open_postgres
from kernel.facts.records import SmsReceived
from kernel.facts.topics import FILTER_GROUP, PARTITIONS
from kernel.sealing.keys import new_keys
from tests.deployed.cluster import NAMESPACE, Cluster, RefusedError
from tests.deployed.picture import draw
from tests.support import kafka
from tests.support.eventually import eventually

RECORDS = int(os.environ.get("ANTIRELOU_KEDA_RECORDS") or 300_000)
QUIET_SECONDS_MAX = 420
"""From the last record to one replica: a minute's window, two steps of two minutes."""
PICTURE = "ANTIRELOU_KEDA_PICTURE"

pytestmark = pytest.mark.timeout(5400)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="antirelou-k8s-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with kafka.own_broker() as address:
        yield address


@pytest.fixture(scope="module")
def cluster(folder: Path, bootstrap: str) -> Iterator[Cluster]:
    made = Cluster(folder)
    made.use_broker(bootstrap)
    try:
        made.start()
        made.kubectl("apply", "-f", "-", given=made.render("kind"))
        yield made
    finally:
        made.stop()


def test_the_api_server_takes_the_production_overlay_too(cluster: Cluster) -> None:
    """But for the kinds of operators that are not here; their schemas are in `make test`."""
    known = {
        line.split()[-1] for line in cluster.kubectl("api-resources", "--no-headers").splitlines()
    }
    # Beside the kind overlay, whose job would stand in the way.
    elsewhere = cluster.render("production").replace(
        "namespace: antirelou\n", "namespace: earnest\n"
    )
    ours = [one for one in yaml.safe_load_all(elsewhere) if one["kind"] in known]
    cluster.kubectl("create", "namespace", "earnest")
    cluster.kubectl(
        "label", "namespace", "earnest", "pod-security.kubernetes.io/enforce=restricted"
    )
    assert {"Deployment", "NetworkPolicy", "ScaledObject"} <= {one["kind"] for one in ours}
    said = cluster.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", given=yaml.safe_dump_all(ours)
    )
    assert len(said.splitlines()) == len(ours)


async def test_it_rolls_out(cluster: Cluster) -> None:
    names = [one["metadata"]["name"] for one in cluster.read("deployments")["items"]]
    assert {"ingest", "filter", "billing", "responder", "evidence", "donations"} <= set(names)
    for name in names:
        cluster.kubectl("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=90s")
    cluster.kubectl("-n", NAMESPACE, "wait", "--for=condition=Complete", "job/migrate",
                    "--timeout=90s")  # fmt: skip
    cluster.kubectl("-n", NAMESPACE, "set", "env", "deployment/ingest", "ROLLED=1")
    cluster.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/ingest", "--timeout=90s")


async def test_a_drain_leaves_one_of_two_at_the_door(cluster: Cluster) -> None:
    def pods() -> list[str]:
        found = cluster.read("pods", "-l", "app.kubernetes.io/name=ingest")["items"]
        ready = [
            one["metadata"]["name"] for one in found
            if one["status"]["phase"] == "Running" and "deletionTimestamp" not in one["metadata"]
        ]  # fmt: skip
        return ready if len(ready) == 2 else []

    first, second = await eventually(pods, seconds_max=60, every=0.5)
    nodes = [one["metadata"]["name"] for one in cluster.read("nodes")["items"]]
    cluster.kubectl("cordon", *nodes)  # so that no other takes its place
    try:
        cluster.evict(first)
        with pytest.raises(RefusedError, match="disruption budget"):
            cluster.evict(second)
    finally:
        cluster.kubectl("uncordon", *nodes)


def test_keda_refuses_what_would_scale_the_filter_twice(cluster: Cluster) -> None:
    twice = yaml.safe_load(cluster.kubectl("-n", NAMESPACE, "get", "scaledobject", "filter", "-o",
                                           "yaml"))  # fmt: skip
    twice["metadata"] = {"name": "filter-again", "namespace": NAMESPACE}
    twice.pop("status", None)
    with pytest.raises(RefusedError, match="already managed"):
        cluster.kubectl("apply", "-f", "-", given=yaml.safe_dump(twice))


@dataclass
class Nodes:
    """What would run the pods of ``filter``: a process a replica."""

    cluster: Cluster
    folder: Path
    settings: dict[str, str]
    running: list[Process] = field(default_factory=list)
    started: int = 0

    def follow(self) -> int:
        """Start or stop processes until there are as many as replicas. Returns how many."""
        wanted: int = self.cluster.read("deployment", "filter")["spec"]["replicas"]
        while len(self.running) < wanted:
            ops = f"127.0.0.1:{free_port()}"
            member = Process(
                f"filter-{self.started}", ["serve", "filter"],
                {**self.settings, "ops_listen": ops}, self.folder, f"http://{ops}/readyz",
            )  # fmt: skip
            self.started += 1
            member.start()
            self.running.append(member)
        while len(self.running) > wanted:
            assert self.running.pop().stop() == 0, "SIGTERM drains"
        return wanted

    def stop(self) -> None:
        """Stop all."""
        for member in self.running:
            member.stop()


async def read_lag(bootstrap: str) -> int:
    """Records of ``sms.received`` that the filter's group has not committed."""
    places = [TopicPartition(SmsReceived.TOPIC, number) for number in range(PARTITIONS)]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        committed = await admin.list_consumer_group_offsets(FILTER_GROUP)
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
        await admin.close()
    return sum(
        ends[place] - max(committed[place].offset if place in committed else 0, 0)
        for place in places
    )


async def test_keda_scales_the_filter_by_its_lag_and_back(
    cluster: Cluster, bootstrap: str, folder: Path
) -> None:
    async with open_postgres(folder / "postgres") as database_url:
        settings = {
            "number": "+33937000000", "kafka_bootstrap": bootstrap, "database_url": database_url,
            **new_keys().settings,
        }  # fmt: skip
        for arguments in (["migrate"], ["topics", "apply"]):
            await asyncio.to_thread(run_once, arguments, settings, folder)
        nodes = Nodes(cluster, folder, settings)
        try:
            series = await _watch_backlog(nodes, bootstrap)
        finally:
            nodes.stop()
        connection = await asyncpg.connect(database_url)
        try:
            counted = await connection.fetchval("SELECT count(*) FROM filter.messages")
        finally:
            await connection.close()
    spec = cluster.read("scaledobject", "filter")["spec"]
    replicas = [count for *_, count in series]
    _keep_picture(series)
    assert counted == RECORDS, "nothing lost, nothing doubled"
    assert min(replicas) == spec["minReplicaCount"] == 1, "never to zero"
    assert 1 < max(replicas) <= spec["maxReplicaCount"] <= PARTITIONS
    turns = [b - a for a, b in itertools.pairwise(replicas) if a != b]
    ups = [n for n, turn in enumerate(turns) if turn > 0]
    assert ups == list(range(len(ups))), f"up, then down, and not to and fro: {replicas}"


def _keep_picture(series: list[tuple[float, float, int]]) -> None:
    if path := os.environ.get(PICTURE):
        Path(path).write_text(draw(series, title=f"filter, {RECORDS:,} records"), encoding="utf-8")


async def _watch_backlog(nodes: Nodes, bootstrap: str) -> list[tuple[float, float, int]]:
    """Let one member commit, pile up the backlog, and follow until all is quiet again."""
    nodes.follow()
    await asyncio.to_thread(nodes.running[0].wait_ready)
    began, series = time.monotonic(), list[tuple[float, float, int]]()

    async def look() -> tuple[float, int]:
        replicas = await asyncio.to_thread(nodes.follow)
        lag = await read_lag(bootstrap)
        series.append((time.monotonic() - began, lag, replicas))
        return lag, replicas

    filling = asyncio.create_task(fill(BENCH, bootstrap, RECORDS))
    most, quiet_since = 1, time.monotonic()
    while True:
        lag, replicas = await look()
        most = max(most, replicas)
        if not filling.done() or lag:
            quiet_since = time.monotonic()
        elif most > 1 and replicas == 1:
            break
        assert time.monotonic() - quiet_since < QUIET_SECONDS_MAX, f"not back: {series[-1]}"
        await asyncio.sleep(1)
    await filling
    return series
