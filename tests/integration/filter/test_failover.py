"""A database that failed over to a standby which lacks the last seconds, while Kafka lacks none.

What that database lost had been read and committed, so no member reads it again, and no start-up
notices: no posture changed. This is what happens, not what should: a standby has to be synchronous
(docs/decisions/0011), and where it was not, ``antirelou restore --loaded`` reads all of it again.
"""

import asyncio
from dataclasses import replace

from kernel.facts.topics import FILTER_GROUP
from tests.integration.filter.scene import Scene, open_scene
from tests.support.eventually import eventually
from tests.support.postgres import PostgresServer
from tests.unit.filter.cases import SECOND, SETTINGS, received

QUICK = replace(
    SETTINGS, delay=0.3 * SECOND, quiet=0.1 * SECOND, longest=2 * SECOND, bucket=0.02 * SECOND
)
SECONDS = 3.0
"""Longer than anybody deliberates so."""


async def test_what_a_late_standby_lacks_is_read_again_only_from_an_older_place(
    postgres_server: PostgresServer,
) -> None:
    primary, standby = (postgres_server.create_database() for _ in range(2))
    try:
        async with (
            open_scene(primary) as scene,  # where an hour is one: nothing comes due
            open_scene(standby, settings=QUICK) as after,
        ):
            after.log = scene.log
            await handle_and_lose_the_primary(scene)
            member = after.start()
            await scene.append(received("after", 2, at=scene.clock.now()))
            await after.verdicts_of(1)
            await asyncio.sleep(SECONDS)
            assert set(after.verdicts()) == {"after"}  # nobody judges the other
            assert member.missing() == []  # and nobody misses it
            await after.stop(member)

            # The way back that the runbook names: the group reads again from an older place.
            after.log._groups[FILTER_GROUP].committed.clear()
            after.start()
            await eventually(lambda: "lost" in after.verdicts(), seconds_max=15)
            assert len(after.verdicts()) == 2  # what was known gave the same verdict, if any
    finally:
        for url in (primary, standby):
            postgres_server.drop_database(url)


async def handle_and_lose_the_primary(scene: Scene) -> None:
    """A message is in its database and its reading committed; then the machine is gone."""
    member = scene.start()
    await scene.append(received("lost", 1, at=scene.clock.now()))
    await scene.all_read()
    await scene.kill(member)
    assert scene.verdicts() == {}  # it deliberated
