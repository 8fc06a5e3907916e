"""The topics of Kafka: made as they should be, and looked up."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from kernel.log.kafka.client import REQUEST_SECONDS_MAX
from kernel.log.port import TopicSpec

REPLICAS = 3
"""Where there are as many brokers; an append is then acknowledged by two at least."""
ENVELOPE_BYTES_MAX = 16_384
"""What a record may be longer than its value: key, headers, the batch around it."""
SEGMENT_SECONDS_MIN = 600
SEGMENT_BYTES_MIN = 4_194_304
"""Larger than any record (``DEAD_VALUE_BYTES_MAX``), and than the broker's own least."""
SEGMENTS_PER_RETENTION = 7
"""Kafka deletes whole segments: a record goes at most a seventh of its retention too late."""
SEGMENTS_PER_BYTES = 8
"""Likewise by size: what a topic holds beyond its bytes is at most an eighth, and what comes in the
five minutes between two looks of the broker."""
_TOPIC_OVERRIDE = 1
"""The source of a configuration entry that was set for the topic itself."""
VISIBLE_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class KafkaTopic:
    """A topic as it is."""

    partitions: int
    value_bytes_max: int


def configure_topic(spec: TopicSpec, brokers: int) -> dict[str, str]:
    """The configuration of a topic. Times are the broker's, so that they ascend."""
    configuration = {
        "cleanup.policy": "delete",
        "max.message.bytes": str(spec.value_bytes_max + ENVELOPE_BYTES_MAX),
        "message.timestamp.type": "LogAppendTime",
        "retention.bytes": "-1",
        "retention.ms": "-1",
    }
    if spec.retention_seconds is not None:
        segment = max(spec.retention_seconds // SEGMENTS_PER_RETENTION, SEGMENT_SECONDS_MIN)
        configuration["retention.ms"] = str(spec.retention_seconds * 1000)
        configuration["segment.ms"] = str(min(segment, 7 * 86_400) * 1000)
    if spec.retention_bytes is not None:
        configuration["retention.bytes"] = str(spec.retention_bytes)
        segment_bytes = max(spec.retention_bytes // SEGMENTS_PER_BYTES, SEGMENT_BYTES_MIN)
        configuration["segment.bytes"] = str(segment_bytes)
    if brokers >= REPLICAS:
        configuration["min.insync.replicas"] = "2"
    return configuration


async def apply_topics(admin: AIOKafkaAdminClient, topics: Sequence[TopicSpec]) -> Sequence[str]:
    """Create the topics that are missing and configure all. Returns what was changed.

    Raises aiokafka's errors.
    """
    brokers = len((await admin.describe_cluster())["brokers"])
    wanted = {spec.name: configure_topic(spec, brokers) for spec in topics}
    found = await _describe(admin, list(wanted))
    new = [
        NewTopic(spec.name, spec.partitions, min(brokers, REPLICAS), None, wanted[spec.name])
        for spec in topics
        if spec.name not in found
    ]
    changed = await _create(admin, new)
    changes: list[ConfigResource] = []
    for name, overrides in found.items():
        different = [
            f"{entry}={value}"
            for entry, value in wanted[name].items()
            if overrides.get(entry) != value
        ]
        if different:
            # What is not named here would fall back to the broker's default.
            merged = {**overrides, **wanted[name]}
            changes.append(ConfigResource(ConfigResourceType.TOPIC, name, merged))
            changed.append(f"{name}: {', '.join(different)}")
    if changes:
        for response in await admin.alter_configs(changes):
            for code, *_ in response.resources:
                _raise(code)
    if new:
        await _until_visible(admin, [topic.name for topic in new])
    return changed


async def find_topic(admin: AIOKafkaAdminClient, name: str) -> KafkaTopic | None:
    """Look a topic up; None: there is none. Raises aiokafka's errors."""
    [described] = await admin.describe_topics([name])
    if described["error_code"]:
        error = for_code(described["error_code"])
        if error.__name__ == "UnknownTopicOrPartitionError":
            return None
        raise error(name)
    configuration = await _describe(admin, [name], every=True)
    size = int(configuration[name]["max.message.bytes"]) - ENVELOPE_BYTES_MAX
    return KafkaTopic(len(described["partitions"]), max(size, 1))


async def _create(admin: AIOKafkaAdminClient, new: Sequence[NewTopic]) -> list[str]:
    if not new:
        return []
    response = await admin.create_topics(list(new), int(REQUEST_SECONDS_MAX * 1000))
    created = []
    counts = {topic.name: topic.num_partitions for topic in new}
    for name, code, *_ in response.topic_errors:
        # Another process may be at it as well.
        if code != TopicAlreadyExistsError.errno:
            _raise(code)
            created.append(f"{name}: created, {counts[name]} partitions")
    return created


async def _describe(
    admin: AIOKafkaAdminClient, names: Sequence[str], *, every: bool = False
) -> Mapping[str, dict[str, str]]:
    """For each topic that exists its own configuration, or every entry in force."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = {}
    for response in await admin.describe_configs(resources):
        for code, _, _, name, entries in response.resources:
            if for_code(code).__name__ == "UnknownTopicOrPartitionError":
                continue
            _raise(code)
            found[name] = {
                entry: value
                for entry, value, _, source, *_ in entries
                if every or source == _TOPIC_OVERRIDE
            }
    return found


async def _until_visible(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    async with asyncio.timeout(VISIBLE_SECONDS_MAX):
        while True:
            described = await admin.describe_topics(list(names))
            parts = [part for topic in described for part in topic["partitions"]]
            if all(not topic["error_code"] for topic in described) and all(
                part["leader"] >= 0 for part in parts
            ):
                return
            await asyncio.sleep(0.05)


def _raise(code: int) -> None:
    if code:
        error: type[KafkaError] = for_code(code)
        raise error
