"""A member that has lost the log and not the database pays nothing on what it last heard."""

import asyncio

from kernel.facts.records import SmsReceived
from kernel.facts.topics import BILLING_GROUP, READS, outgoing
from kernel.stage.stage import Stage
from kernel.telemetry.metrics import StageTelemetry
from services.billing.core.ledger import Account
from tests.integration.billing.scene import open_desk, sender, texts, verdicts
from tests.support.eventually import eventually
from tests.unit.billing.cases import EURO, received


async def test_nothing_is_authorised_while_nobody_knows_what_is_unread(fresh_database: str) -> None:
    async with open_desk(fresh_database) as desk:
        await desk.give(21 * EURO)  # 1 EUR above the floor
        metrics = StageTelemetry(desk.telemetry, "billing")
        stage = Stage(
            name="billing", group=BILLING_GROUP, topics=READS[BILLING_GROUP], log=desk.log,
            handler=desk.handler, clock=desk.clock, metrics=metrics,
        )  # fmt: skip

        def believed() -> float | None:
            labels = {"service": "billing", "topic": SmsReceived.TOPIC}
            return desk.telemetry.registry.get_sample_value("antirelou_stage_lag", labels)

        running = asyncio.create_task(stage.run())
        try:
            await eventually(lambda: stage.trouble is None and believed() == 0, seconds_max=10)
            desk.log.away = True
            await asyncio.sleep(0.3)
            desk.log.away = False
            for number in range(2000):  # 20 EUR, which others append meanwhile
                record = outgoing(received(f"f-{number}", sender=sender(number)))
                desk.log._put(record)
            desk.log.away = True
            await desk.hear(*texts(1, 2, 3), *verdicts(1, 2, 3))
            for _ in range(2):
                stage.wake()
                await asyncio.sleep(0.8)
            assert (await desk.balances())[Account.RESERVED] == 0
            assert stage.trouble == "log_away"
            assert believed() != 0, "nobody knows how much is unread"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
