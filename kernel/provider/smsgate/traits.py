"""What SMS Gateway for Android can do (docs/providers.md)."""

from datetime import timedelta

from kernel.provider.port import Traits
from kernel.settings.settings import Settings

RETRY_WINDOW = timedelta(hours=46)
"""One attempt and 15 retries, each after twice the pause of the one before, from 5 s on; after
that the phone deletes the webhook."""


def describe_smsgate(settings: Settings) -> Traits:
    """What it can do: the phone itself shows its inbox, a private server does not."""
    return Traits(
        repeatable=True,
        searchable=False,
        has_inbox=settings.smsgate_mode == "local",
        detaching_saves=False,
        cancels=True,
        tells_leaving=True,
        retry_window=RETRY_WINDOW,
    )
