"""The manifests on a real API server, and real KEDA scaling on the lag of real processes.

Real: API server, controllers, scheduler, KEDA, the broker, PostgreSQL, our filter and billing.
Simulated: the nodes (pods are ready at once, nothing runs in them): for each replica that one of
the two Deployments is given, the test runs a process of `antirelou serve`.
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
from bench.billing import BENCH
from bench.stages import fill
from kernel.database.postgres import open_postgres
from kernel.facts.records import SmsJudged, SmsReceived
from kernel.facts.topics import PARTITIONS
from kernel.sealing.keys import new_keys
from tests.deployed.cluster import NAMESPACE, Cluster, RefusedError
from tests.deployed.picture import draw
from tests.support import kafka
from tests.support.eventually import eventually

RECORDS = int(os.environ.get("ANTIRELOU_KEDA_RECORDS") or 600_000)
"""Half of them messages, for both services; half their verdicts, for billing."""
TABLES = {"filter": "filter.messages", "billing": "billing.receipts"}
"""The services that KEDA scales by lag; where each keeps a row a message."""
TOPICS = {"filter": (SmsReceived.TOPIC,), "billing": (SmsReceived.TOPIC, SmsJudged.TOPIC)}
QUIET_SECONDS_MAX = 420
"""From the last record to one replica: a minute's window, two steps of two minutes."""
PICTURE = "ANTIRELOU_KEDA_PICTURE"
"""Names a file, such as ``docs/images/keda.svg``; one a service is written beside it."""
Series = list[tuple[float, float, int]]
"""Seconds, lag in records, replicas."""

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
    expected = {"ingest", "filter", "billing", "responder", "evidence", "console", "donations"}
    assert expected <= set(names)
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
    """What would run the pods of a service: a process a replica."""

    service: str
    cluster: Cluster
    folder: Path
    settings: dict[str, str]
    running: list[Process] = field(default_factory=list)
    started: int = 0

    def follow(self) -> int:
        """Start or stop processes until there are as many as replicas. Returns how many."""
        wanted: int = self.cluster.read("deployment", self.service)["spec"]["replicas"]
        while len(self.running) < wanted:
            ops = f"127.0.0.1:{free_port()}"
            member = Process(
                f"{self.service}-{self.started}", ["serve", self.service],
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


async def read_lag(bootstrap: str, service: str) -> int:
    """Records that a service's group has not committed."""
    places = [TopicPartition(t, number) for t in TOPICS[service] for number in range(PARTITIONS)]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        committed = await admin.list_consumer_group_offsets(f"antirelou-{service}")
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
        await admin.close()
    return sum(
        ends[place] - max(committed[place].offset if place in committed else 0, 0)
        for place in places
    )


async def test_keda_scales_filter_and_billing_by_their_lag_and_back(
    cluster: Cluster, bootstrap: str, folder: Path
) -> None:
    async with open_postgres(folder / "postgres") as database_url:
        settings = {
            "number": "+33937000000", "kafka_bootstrap": bootstrap, "database_url": database_url,
            **new_keys().settings,
        }  # fmt: skip
        for arguments in (["migrate"], ["topics", "apply"]):
            await asyncio.to_thread(run_once, arguments, settings, folder)
        groups = [Nodes(service, cluster, folder, settings) for service in TABLES]
        try:
            seen = await _watch_backlog(groups, bootstrap)
        finally:
            for nodes in groups:
                nodes.stop()
        connection = await asyncpg.connect(database_url)
        try:
            for service, table in TABLES.items():
                counted = await connection.fetchval(f"SELECT count(*) FROM {table}")
                assert counted == RECORDS // 2, f"{service}: nothing lost, nothing doubled"
        finally:
            await connection.close()
    for service, series in seen.items():
        _keep_picture(service, series)
        spec = cluster.read("scaledobject", service)["spec"]
        replicas = [count for *_, count in series]
        assert min(replicas) == spec["minReplicaCount"] == 1, "never to zero"
        assert 1 < max(replicas) <= spec["maxReplicaCount"] <= PARTITIONS
        turns = [b - a for a, b in itertools.pairwise(replicas) if a != b]
        ups = [n for n, turn in enumerate(turns) if turn > 0]
        assert ups == list(range(len(ups))), f"{service} up, then down, not to and fro: {replicas}"


def _keep_picture(service: str, series: Series) -> None:
    if named := os.environ.get(PICTURE):
        path = Path(named).with_stem(f"{Path(named).stem}-{service}")
        path.write_text(draw(series, title=f"{service}, {RECORDS:,} records"), encoding="utf-8")


async def _watch_backlog(groups: list[Nodes], bootstrap: str) -> dict[str, Series]:
    """Let one member of each commit, pile up the backlog, and follow until all is quiet again."""
    for nodes in groups:
        nodes.follow()
        await asyncio.to_thread(nodes.running[0].wait_ready)
    began = time.monotonic()
    seen: dict[str, Series] = {nodes.service: [] for nodes in groups}

    async def look(nodes: Nodes) -> bool:
        """Whether a service is back at one replica, after more, with nothing left."""
        replicas = await asyncio.to_thread(nodes.follow)
        lag = await read_lag(bootstrap, nodes.service)
        series = seen[nodes.service]
        series.append((time.monotonic() - began, lag, replicas))
        return not lag and replicas == 1 < max(count for *_, count in series)

    filling = asyncio.create_task(fill(BENCH, bootstrap, RECORDS))
    quiet_since = time.monotonic()
    while True:
        back = [await look(nodes) for nodes in groups]
        if all(back) and filling.done():
            break
        if not filling.done() or any(series[-1][1] for series in seen.values()):
            quiet_since = time.monotonic()
        last = {service: series[-1] for service, series in seen.items()}
        assert time.monotonic() - quiet_since < QUIET_SECONDS_MAX, f"not back: {last}"
        await asyncio.sleep(1)
    await filling
    return seen
