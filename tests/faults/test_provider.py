"""The provider misbehaves under flood: nothing is answered twice, and the ledger equals its bill.

At the house's speed, an hour a second, ``HARM_SECONDS`` are hours of the provider's own time; what
is network time (its answers' lateness, our time-outs) stays real. CI tries two; ``make faults``
all of them.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from tests.faults.broken import LONG, SPEED, Broken
from tests.support.house import status_when

HARM_SECONDS = 8.0

HARMS: Mapping[str, Mapping[str, Any]] = {
    "slow": {"slow": 1.0, "slow_seconds": 3.0},
    "accepts and does not answer": {"accept_then_timeout": 0.5, "accept_then_reset": 0.2},
    "accepts and answers 502": {"accept_then_502": 0.7},
    "5xx, nothing accepted": {
        "server_error": 0.2, "bad_gateway": 0.2, "unavailable": 0.2, "connection_reset": 0.2,
        "query_error": 0.3,
    },
    "429": {"too_many_requests": 0.9},
    "402": {"no_credit": 0.9},
    "rubbish bodies": {"rubbish": 0.4, "query_rubbish": 0.4},
    "its log lags": {
        "accept_then_502": 0.5, "report_lost": 1.0, "list_lag_seconds": 8.0 * SPEED,
    },
    "reports doubled, lost, turned": {
        "report_duplicate": 0.4, "report_lost": 0.3, "report_out_of_order": 0.4,
    },
    "reports after settlement": {"report_late": 0.6, "report_late_seconds": 15.0 * SPEED},
    "other amounts": {"repriced": 0.3, "repriced_late": 0.3, "wrong_amount": 0.3},
    "webhooks doubled, turned, given up": {
        "webhook_duplicate": 0.4, "webhook_late": 0.4, "webhook_lost": 0.5,
    },
    "all of it": {
        "accept_then_502": 0.2, "too_many_requests": 0.2, "connection_reset": 0.1,
        "accept_then_reset": 0.1, "rubbish": 0.1, "query_error": 0.1, "report_lost": 0.2,
        "report_duplicate": 0.3, "report_out_of_order": 0.3, "webhook_duplicate": 0.3,
        "webhook_lost": 0.4, "repriced": 0.2,
    },
}  # fmt: skip
"""By name, what goes wrong for a while."""
HEALED: Mapping[str, Any] = {
    "list_lag_seconds": 5.0, "report_late_seconds": 900.0, "slow_seconds": 3.0,
}  # fmt: skip
UNCERTAIN = {"accepts and does not answer", "accepts and answers 502", "rubbish bodies",
             "its log lags", "all of it", "5xx, nothing accepted"}  # fmt: skip
"""Those that leave sends of which nobody knows."""
SAMPLE = ("other amounts", "all of it")
"""What CI tries."""

pytestmark = [pytest.mark.timeout(400), pytest.mark.spread]


def healed(harms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: HEALED.get(name, 0) for name in harms}


@pytest.mark.parametrize("name", list(HARMS) if LONG else SAMPLE)
async def test_a_provider_that_misbehaves(broken: Broken, name: str) -> None:
    before = await broken.count_steps("uncertain")
    async with broken.trial(f"provider: {name}", crowd=False) as trial:
        broken.harm_provider(**HARMS[name])
        try:
            broken.send_crowd()
            await trial.passed(0.5)
            await asyncio.sleep(HARM_SECONDS)
        finally:
            broken.harm_provider(**healed(HARMS[name]))
        trial.healed()
    if name in UNCERTAIN:
        assert await broken.count_steps("uncertain") > before, "it was harmed"
    assert await count_sent_again(broken) == 0


@pytest.mark.skipif(not LONG, reason="takes longer than CI has: make faults")
async def test_a_log_that_lags_beyond_the_search_still_tells_what_became_of_a_send(
    broken: Broken,
) -> None:
    """Left to the operator meanwhile, it is found by itself when the log lists it at last."""
    harms = {"accept_then_502": 0.3, "report_lost": 1.0, "list_lag_seconds": 40.0 * SPEED}
    async with broken.trial("provider: its log lags beyond the search", crowd=False) as trial:
        broken.harm_provider(**harms)
        try:
            broken.send_crowd()
            await trial.passed(1.0)
            await status_when(
                broken.house, lambda now: now["replies"]["unresolved"] > 0, seconds_max=60
            )
        finally:
            broken.harm_provider(**healed(harms))
        await status_when(
            broken.house,
            lambda now: not any(now["replies"][state] for state in ("unresolved", "uncertain")),
            seconds_max=120,
        )
        trial.healed()
    assert trial.row.unresolved == 0, "nobody had to decide"
    assert await count_sent_again(broken) == 0


@pytest.mark.skipif(not LONG, reason="takes longer than CI has: make faults")
async def test_deliveries_that_fail_suspend_and_it_comes_back_by_itself(broken: Broken) -> None:
    async with broken.trial("provider: deliveries fail", crowd=False) as trial:
        broken.harm_provider(undelivered=1.0)
        try:
            broken.send_crowd()
            await status_when(
                broken.house,
                lambda now: now["posture_cause"] == "deliveries_failing",
                seconds_max=90,
            )
        finally:
            broken.harm_provider(undelivered=0)
        trial.healed()


async def count_sent_again(broken: Broken) -> int:
    """Replies that were sent once more after their send was uncertain."""
    connection = await asyncpg.connect(broken.house.settings["database_url"])
    try:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM billing.steps a JOIN billing.steps b USING (reply_id) "
            "WHERE a.state = 'uncertain' AND b.state = 'sending' AND b.at > a.at"
        )
    finally:
        await connection.close()
    return count
