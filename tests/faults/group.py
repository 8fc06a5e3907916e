"""Who is in a consumer group, by the broker."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from tests.support.eventually import eventually

Members = Mapping[str, frozenset[tuple[str, int]]]
"""By the broker's name of a member, the partitions (topic, number) it holds."""

LOOK_SECONDS_MAX = 5.0
STABLE = "Stable"


class Groups:
    """The groups of a broker."""

    def __init__(self, admin: Any) -> None:
        self._admin = admin

    async def members(self, group: str) -> Members:
        """The members and what they hold; empty while the group is being shared out anew."""
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            (answer,) = await self._admin.describe_consumer_groups([group])
        ((_, _, state, _, _, members, *_),) = answer.groups
        if state != STABLE:
            return {}
        return {
            member_id: frozenset(
                (place.topic, place.partition)
                for place in ConsumerProtocolMemberAssignment.decode(assignment).partitions()
            )
            for member_id, *_, assignment in (member[:5] for member in members)
        }

    async def wait_for(self, group: str, count: int, *, seconds_max: float = 60) -> Members:
        """Wait until so many members share the group; each partition is then one's alone."""

        async def shared() -> Members | None:
            members = await self.members(group)
            return members if len(members) == count else None

        found: Members = await eventually(shared, seconds_max=seconds_max, every=0.1)
        held = [place for places in found.values() for place in places]
        assert len(held) == len(set(held)) > 0
        return found

    async def committed(self, group: str) -> Mapping[tuple[str, int], int]:
        """How far the group has read."""
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            found = await self._admin.list_consumer_group_offsets(group)
        return {(place.topic, place.partition): at.offset for place, at in found.items()}


@asynccontextmanager
async def open_groups(bootstrap: str) -> AsyncIterator[Groups]:
    """Look at a broker's groups."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield Groups(admin)
    finally:
        await admin.close()
