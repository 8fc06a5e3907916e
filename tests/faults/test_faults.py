"""The provider misbehaves: the house recovers, and nothing is lost."""

import asyncio

import pytest

from tests.faults.broken import Broken

PROVIDER_HARM_SECONDS = 8.0

pytestmark = pytest.mark.timeout(400)


async def test_a_provider_that_accepts_and_says_it_did_not(broken: Broken) -> None:
    harms = {
        "accept_then_502": 0.3, "too_many_requests": 0.3, "connection_reset": 0.1,
        "accept_then_reset": 0.1, "rubbish": 0.1,
        "report_lost": 0.3, "report_duplicate": 0.3, "report_out_of_order": 0.3,
        "webhook_duplicate": 0.3, "query_error": 0.1,
    }  # fmt: skip
    async with broken.trial("provider accepts and says it did not", crowd=False) as trial:
        broken.harm_provider(**harms)
        try:
            broken.send_crowd()
            await trial.passed(0.5)
            await asyncio.sleep(PROVIDER_HARM_SECONDS)
        finally:
            broken.harm_provider(**dict.fromkeys(harms, 0))
        trial.healed()
    assert await broken.count_steps("uncertain") > 0, "it was harmed"
