"""The settings that the console needs."""

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from kernel.settings.settings import Settings, require
from kernel.words.gloss import Language


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The console's part of the settings.

    Attributes:
        url: how browsers reach it, its origin.
        operator_url: of the operator API.
        language: where nobody chose one.
        poll_every: how often the house is asked while somebody looks on.
    """

    listen: str
    url: str
    operator_url: str
    token: str = field(repr=False)
    language: Language
    zone: ZoneInfo
    poll_every: timedelta

    @property
    def secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.url.startswith("https:")


def read_settings(settings: Settings) -> ConsoleSettings:
    """Take what the console needs.

    Raises:
        Fatal: ``settings``: one is missing.
    """
    require(settings, "operator_token")
    return ConsoleSettings(
        listen=settings.console_listen,
        url=settings.console_url,
        operator_url=settings.operator_url or f"http://{settings.ops_listen}",
        token=settings.operator_token.get_secret_value(),
        language=settings.language or Language.FR,
        zone=ZoneInfo(settings.timezone),
        # Seconds of a person who looks on: real ones under any CLOCK_SPEED.
        poll_every=timedelta(seconds=2),
    )
