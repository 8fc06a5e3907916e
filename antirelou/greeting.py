"""What a person is told whose house has just started: where it listens, and where to look. Pure."""

from collections.abc import Sequence

from kernel.settings.settings import Settings
from kernel.words.gloss import Language, gloss


def greet(settings: Settings, ops_url: str, language: Language) -> Sequence[str]:
    """Eleven lines.

    Args:
        ops_url: of health, metrics and the operator API.
    """

    def line(code: str, **values: object) -> str:
        return gloss("serve", code, language, **values)

    public = settings.public_url.rstrip("/")
    return (
        line("runs", number=settings.number),
        line("webhooks", listen=settings.listen),
        line("enter"),
        f"  {public}/webhooks/plivo/message",
        line("enter_calls"),
        f"  {public}/webhooks/plivo/call",
        line("look", status="antirelou status", ready=f"{ops_url}/readyz"),
        line("console", url=settings.console_url),
        line("figures", metrics=f"{ops_url}/metrics"),
        line("first_gift"),
        line("stop"),
    )
