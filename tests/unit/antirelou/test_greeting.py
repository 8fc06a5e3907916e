"""What is said when the house has started."""

import pytest

from antirelou.greeting import greet
from kernel.settings.settings import load_settings
from kernel.words.gloss import Language

OPS = "http://127.0.0.1:9100"


@pytest.mark.parametrize("language", Language)
def test_eleven_lines_say_what_to_enter_and_where_to_look(language: Language) -> None:
    settings = load_settings(number="+33937000000", public_url="https://relous.example/")
    lines = greet(settings, OPS, language)
    assert len(lines) == 11
    said = "\n".join(lines)
    assert "https://relous.example/webhooks/plivo/message\n" in said
    assert "https://relous.example/webhooks/plivo/call\n" in said
    assert all(
        there in said
        for there in (
            "127.0.0.1:8080",
            f"{OPS}/readyz",
            "antirelou status",
            "http://127.0.0.1:9200",
        )
    )
    assert all(len(line) <= 80 for line in lines)
