"""What is typed at the prompt of ``antirelou try``."""

import pytest

from antirelou.commands.try_out import COMMANDS, WORDS, Typed, read_line


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("", Typed("nothing")),
        ("  Coucou ", Typed("text", "Coucou")),
        ("06 39 98 00 02: Salut : ça va ?", Typed("text", "Salut : ça va ?", "+33639980002")),
        ("+33639980003:Salut", Typed("text", "Salut", "+33639980003")),
        ("0102: trop court", Typed("text", "0102: trop court")),
        ("rendez-vous 18:30", Typed("text", "rendez-vous 18:30")),
        ("/don 50", Typed("gift", "50")),
        ("/GIFT 12,50", Typed("gift", "12,50")),
        ("/état", Typed("status")),
        ("/nimporte quoi", Typed("unknown", "quoi")),
        ("/", Typed("unknown")),
    ],
)
def test_a_line_is_understood(line: str, typed: Typed) -> None:
    assert read_line(line) == typed


def test_every_word_means_something_that_is_done() -> None:
    assert set(WORDS.values()) == {*COMMANDS, "crowd", "help", "quit"}
