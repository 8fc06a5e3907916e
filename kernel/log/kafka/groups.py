"""How far the groups have read on Kafka: noted with a backup, and set back after a restore."""

from collections.abc import Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from kernel.log.kafka.client import connection_arguments, translate_kafka_errors
from kernel.settings.settings import Settings
from kernel.values.errors import Transient

Positions = Mapping[str, Mapping[str, Mapping[int, int]]]
"""By group, topic and partition."""


async def read_positions(settings: Settings, groups: Iterable[str]) -> Positions:
    """What each group has committed. Raises ``Transient`` and ``Fatal`` as the log does."""
    found: dict[str, dict[str, dict[int, int]]] = {}
    with translate_kafka_errors():
        admin = AIOKafkaAdminClient(**connection_arguments(settings))
        await admin.start()
        try:
            for group in groups:
                committed = await admin.list_consumer_group_offsets(group)
                for place, offset in committed.items():
                    topics = found.setdefault(group, {}).setdefault(place.topic, {})
                    topics[place.partition] = offset.offset
        finally:
            await admin.close()
    return found


async def reset_positions(
    settings: Settings, reads: Mapping[str, Sequence[str]], positions: Positions
) -> int:
    """Set the groups back to these, and to the earliest record where there is none of it.

    Never forward: what a group has not read it reads.

    Args:
        reads: the topics that each group reads.

    Returns:
        how many partitions were set back.

    Raises:
        Transient: the log is away, or a group has members: its service still runs.
    """
    count = 0
    for group, topics in reads.items():
        consumer = AIOKafkaConsumer(
            **connection_arguments(settings), group_id=group, enable_auto_commit=False
        )
        with translate_kafka_errors():
            await consumer.start()
            try:
                count += await _reset(consumer, group, topics, positions)
            finally:
                await consumer.stop()
    return count


async def _reset(
    consumer: AIOKafkaConsumer, group: str, topics: Sequence[str], positions: Positions
) -> int:
    places = []
    for topic in topics:
        await consumer._client.add_topic(topic)  # noqa: SLF001 - else no metadata is fetched
        numbers = consumer.partitions_for_topic(topic)
        if numbers is None:
            raise Transient(f"no topic {topic} in Kafka", code="log_away")
        places += [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(places)
    earliest = await consumer.beginning_offsets(places)
    noted = positions.get(group, {})
    wanted = {}
    for place in places:
        committed = await consumer.committed(place)
        back = noted.get(place.topic, {}).get(place.partition, earliest[place])
        if committed is not None and back < committed:
            wanted[place] = max(back, earliest[place])
    if wanted:
        await consumer.commit(wanted)
    return len(wanted)
