"""The providers of the house: what each needs of the settings, can do, and how it is opened.

To add one: its folder, its row here, and its door (``services/ingest/core/doors.py``).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module

from kernel.provider.plivo.traits import describe_plivo
from kernel.provider.port import Provider, Traits
from kernel.provider.smsgate.traits import describe_smsgate
from kernel.settings.settings import ProviderName, Settings
from kernel.telemetry.metrics import Telemetry


@dataclass(frozen=True, slots=True)
class Entry:
    """A provider.

    Attributes:
        door: the settings that who takes its webhooks needs.
        api: the settings that who calls it needs.
        describe: what it can do, under these settings.
        module: has ``open_provider``; loaded by who calls it alone, with the SDK behind it.
        report_path: where it reports on an SMS.
    """

    door: tuple[str, ...]
    api: tuple[str, ...]
    describe: Callable[[Settings], Traits]
    module: str
    report_path: str


PROVIDERS: Mapping[ProviderName, Entry] = {
    ProviderName.PLIVO: Entry(
        door=("plivo_auth_token",),
        api=("plivo_auth_id", "plivo_auth_token"),
        describe=describe_plivo,
        module="kernel.provider.plivo.provider",
        report_path="/webhooks/plivo/report?ref=",
    ),
    ProviderName.SMSGATE: Entry(
        door=("smsgate_signing_key",),
        api=("smsgate_url", "smsgate_user", "smsgate_password", "smsgate_devices"),
        describe=describe_smsgate,
        module="kernel.provider.smsgate.provider",
        report_path="/webhooks/smsgate?ref=",
    ),
}


def entry_of(settings: Settings) -> Entry:
    """The provider that the settings choose."""
    return PROVIDERS[settings.provider]


def traits_of(settings: Settings) -> Traits:
    """What the provider that the settings choose can do."""
    return entry_of(settings).describe(settings)


def open_provider(
    settings: Settings, telemetry: Telemetry | None = None
) -> AbstractAsyncContextManager[Provider]:
    """The provider that the settings choose, opened.

    Raises:
        Fatal: ``settings``: one that it needs is missing.
    """
    opener: Callable[[Settings, Telemetry | None], AbstractAsyncContextManager[Provider]]
    opener = import_module(entry_of(settings).module).open_provider
    return opener(settings, telemetry)
