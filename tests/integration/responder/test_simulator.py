"""The responder over the real SDK against the simulated Plivo, which fails at random."""

from collections import Counter
from dataclasses import replace

from kernel.facts.records import ReplyState
from kernel.provider.plivo.provider import open_provider
from simulator.server import Simulator, SimulatorConfig
from tests.fakes.log import MemoryLog
from tests.fakes.provider import NUMBER
from tests.integration.responder.scene import (
    QUICK,
    SECOND,
    authorized,
    make_settings,
    open_scene,
    phone,
)
from tests.support.eventually import eventually

COUNT = 150
RULES = replace(
    QUICK, lease=SECOND * 60, search_first=SECOND / 5, unresolved_after=SECOND * 2,
    settle_after=SECOND / 2, final_after=SECOND * 60, retry_longest=SECOND / 2,
)  # fmt: skip


async def test_whatever_plivo_does_each_is_sent_once_and_the_bill_is_told(
    fresh_database: str, log: MemoryLog
) -> None:
    config = SimulatorConfig("MA" + "X" * 18, "token", NUMBER, app_id="app", speed=5000.0)
    async with Simulator(config) as plivo:
        plivo.faults.update(
            {
                "accept_then_502": 0.05,
                "accept_then_reset": 0.05,
                "rubbish": 0.05,
                "too_many_requests": {"count": 3},
                "no_credit": {"count": 2},
                "failed": 0.05,
                "undelivered": 0.1,
                "query_error": 0.02,
            }
        )
        settings = make_settings(plivo_api_url=plivo.url)
        async with (
            open_provider(settings) as provider,
            open_scene(fresh_database, log, provider=provider, rules=RULES) as scene,
        ):
            await scene.append(*(authorized(n) for n in range(COUNT)))

            def settled() -> bool:
                return all(scene.amount(f"m-{n}") is not None for n in range(COUNT))

            await eventually(settled, seconds_max=40)
        taken = plivo.messages("outbound")
        assert Counter(message.recipient for message in taken) == Counter(
            phone(n).removeprefix("+") for n in range(COUNT)
        )
        last = [scene.changes(f"m-{n}")[-1] for n in range(COUNT)]
        assert sum(change.amount_microunits or 0 for change in last) == sum(
            plivo.bill().by_message.values()
        )
        assert {change.message_id for change in last} == {message.uuid for message in taken}
        assert ReplyState.UNCERTAIN in {
            c.state for n in range(COUNT) for c in scene.changes(f"m-{n}")
        }
