"""The judge of a house under test: ``antirelou audit``, beside it."""

from antirelou.commands.audit.facts import Finding, Judgement
from antirelou.commands.audit.run import Scope, audit
from antirelou.commands.demo.house import House
from kernel.settings.settings import load_settings
from tests.support.eventually import eventually

QUESTIONS_MAX = 100
"""More than half of the budget: the house is at rest."""


async def audit_house(house: House) -> list[Judgement]:
    """What an audit says of a house that runs."""
    return await audit(load_settings(**house.settings), Scope(questions_max=QUESTIONS_MAX))


async def expect_clean(house: House, *, seconds_max: float = 20) -> None:
    """Every invariant holds, and nothing is under way any more."""

    async def clean() -> bool:
        judgements = await audit_house(house)
        found = violations(judgements)
        assert found == [], found
        left = [found for judgement in judgements for found in judgement.under_way]
        assert left == []
        return True

    await eventually(clean, seconds_max=seconds_max, every=1)


def violations(judgements: list[Judgement]) -> list[tuple[str, Finding]]:
    """What speaks against an invariant."""
    return [(one.invariant, found) for one in judgements for found in one.violations]
