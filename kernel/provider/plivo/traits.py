"""What Plivo can do (docs/plivo.md)."""

from datetime import timedelta

from kernel.provider.port import Traits
from kernel.settings.settings import Settings

TRAITS = Traits(
    repeatable=False,
    searchable=True,
    has_inbox=True,
    detaching_saves=True,
    cancels=False,
    tells_leaving=False,
    retry_window=timedelta(minutes=7),
)


def describe_plivo(_: Settings) -> Traits:
    """What it can do, under any settings."""
    return TRAITS
