"""``antirelou try``: the whole house on this machine, a prompt, and the SMS that comes back.

Whoever tries it writes as anybody, and sees what that phone would receive, what it cost and what is
left. Nothing is to be set; the provider is simulated and time runs faster.
"""

import contextlib
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from antirelou.commands.demo.house import House, embedded_house, run_once, try_once
from antirelou.commands.demo.run import demo_settings, operate, stopped_once
from antirelou.commands.demo.watch import UNDER_WAY, call
from antirelou.commands.explain import tell_verdict
from antirelou.commands.output import say
from kernel.settings.sources import PREFIX
from kernel.values.errors import AntirelouError
from kernel.values.phone import classify_number
from kernel.words.gloss import Language, Voice, choose_language

SPEED = 360
"""Times as fast as real time: the hour of a reply's delay takes ten seconds."""
FUND_EUROS = 20 + 10
"""The first gift, in euros: the floor, and something to spend."""
FIRST_SENDER = "+33639980001"
CROWD, CROWD_MAX = 100, 2000
"""Phones of a crowd: where no number is given, and at most."""
LOOK_SECONDS = 0.5
REST_SECONDS_MAX = 90.0

WORDS = {
    "don": "gift", "gift": "gift", "foule": "crowd", "crowd": "crowd", "pourquoi": "why",
    "why": "why", "pause": "pause", "reprendre": "resume", "resume": "resume", "etat": "status",
    "état": "status", "status": "status", "aide": "help", "help": "help", "quitter": "quit",
    "quit": "quit",
}  # fmt: skip
"""What may follow a slash, in either language, and what it means."""

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "gift": ("fund", "add", "--note", "try", "--id", "{id}", "--", "{}"),
    "why": ("explain", "--", "{}"),
    "pause": ("pause", "--why", "try"),
    "resume": ("resume", "--yes"),
    "status": ("status",),
}
"""What is typed here as the commands that do it in earnest; ``{}`` is its argument, ``{id}`` a
fresh id: two gifts of one amount are two."""

_SENT = re.compile(r"(\+?[\d .]{6,20}):\s*(.*)")


@dataclass(frozen=True, slots=True)
class Typed:
    """A line, understood.

    Attributes:
        action: a value of ``WORDS``, ``text``, ``nothing`` or ``unknown``.
        argument: of the action; of ``text`` the text itself.
        sender: of ``text``: the phone that is named, E.164; empty: the one of before.
    """

    action: str
    argument: str = ""
    sender: str = ""


def read_line(line: str) -> Typed:
    """What a line asks for. Pure."""
    line = line.strip()
    if not line:
        return Typed("nothing")
    if line.startswith("/"):
        word, _, argument = line[1:].partition(" ")
        return Typed(WORDS.get(word.casefold(), "unknown"), argument.strip())
    match = _SENT.fullmatch(line)
    facts = classify_number(match[1].strip(), FIRST_SENDER) if match else None
    if match and facts and facts.e164:
        return Typed("text", match[2], facts.e164)
    return Typed("text", line)


def try_out() -> int:
    """Run the house and the prompt. Returns the exit code."""
    voice = _voice()
    folder = Path(tempfile.mkdtemp(prefix="antirelou-try-"))
    settings = {**demo_settings(SPEED), "language": str(voice.language)}
    say(voice.word("try", "starting"))
    try:
        with stopped_once(), embedded_house(folder, settings) as house:
            _Prompt(house, voice).run()
    except KeyboardInterrupt:
        say("")
    except AntirelouError as error:
        say(str(error))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _voice() -> Voice:
    """In the language that is asked for; no other setting of the caller's has a say here."""
    asked = os.environ.get(f"{PREFIX}LANGUAGE", "")
    setting = Language(asked) if asked in set(Language) else None
    return Voice(choose_language(setting, os.environ), ZoneInfo("Europe/Paris"))


class _Prompt:
    """Takes lines until there are no more, and shows each SMS as it arrives."""

    def __init__(self, house: House, voice: Voice) -> None:
        self._house, self._voice = house, voice
        self._sender = FIRST_SENDER
        self._unjudged: dict[str, None] = {}
        self._random = random.Random(0)
        self._over = threading.Event()

    def run(self) -> None:
        run_once(["fund", "add", str(FUND_EUROS), "--note", "try"], self._settings, self._folder)
        say(self._word("welcome", speed=SPEED, sender=self._sender))
        say(self._word("help"))
        watching = threading.Thread(target=self._show_what_arrives, daemon=True)
        watching.start()
        try:
            for line in _lines():
                if not self._do(read_line(line)):
                    return
            self._wait_for_rest()
        finally:
            self._over.set()
            watching.join(timeout=5)

    @property
    def _settings(self) -> Mapping[str, str]:
        return self._house.settings

    @property
    def _folder(self) -> Path:
        return self._house.folder

    def _word(self, code: str, **values: object) -> str:
        return self._voice.word("try", code, **values)

    def _do(self, typed: Typed) -> bool:
        """Do what was typed. Returns whether to go on."""
        match typed.action:
            case "nothing":
                pass
            case "text":
                self._sender = typed.sender or self._sender
                self._receive([{"from": self._sender, "text": typed.argument}])
                say(self._word("received", sender=self._sender))
                self._unjudged[self._sender] = None
            case "crowd":
                self._send_crowd(typed.argument)
            case "quit":
                return False
            case "help" | "unknown":
                say(self._word("help"))
            case _:
                self._type(typed)
        return True

    def _type(self, typed: Typed) -> None:
        argument = typed.argument or self._sender
        fresh = f"try-{time.monotonic_ns()}"
        arguments = [part.format(argument, id=fresh) for part in COMMANDS[typed.action]]
        done = try_once(arguments, self._settings, self._folder)
        say((done.stderr if done.returncode else done.stdout).strip())

    def _send_crowd(self, count: str) -> None:
        size = int(count) if count.isascii() and count.isdecimal() else 0 if count else CROWD
        if not 0 < size <= CROWD_MAX:
            say(self._word("no_crowd", most=self._voice.figure(CROWD_MAX)))
            return
        numbers = self._random.sample(range(100, 10_000), size)
        text = self._word("troll")
        self._receive([{"from": f"+3363998{number:04}", "text": text} for number in numbers])
        say(self._word("crowd", count=self._voice.figure(size)))

    def _receive(self, messages: list[dict[str, str]]) -> None:
        body = {"messages": messages}
        call(f"{self._house.provider_url}/_sim/messages", method="POST", body=body)

    def _show_what_arrives(self) -> None:
        shown: set[str] = set()
        while not self._over.wait(LOOK_SECONDS):
            # It may be being stopped, and what only shows must go on showing.
            with contextlib.suppress(OSError, ValueError, KeyError):
                self._show_verdicts()
                self._show_new(shown)

    def _show_verdicts(self) -> None:
        """Of whoever was typed as: why there is a reply, or none."""
        for sender in list(self._unjudged):
            ways = operate(self._house, "POST", "/v1/explain", {"number": sender})["messages"]
            if ways and all(way["verdict"] for way in ways):
                del self._unjudged[sender]
                verdict = tell_verdict(ways[0], self._voice)
                say(self._word("verdict", sender=sender, verdict=verdict))

    def _show_new(self, shown: set[str]) -> None:
        url = f"{self._house.provider_url}/_sim/messages?direction=outbound"
        new = [
            one for one in _messages(call(url))
            if one["message_uuid"] not in shown and one["amount_microunits"]  # it has left
        ]  # fmt: skip
        shown.update(one["message_uuid"] for one in new)
        if not new:
            return
        for one in new:
            cost = self._voice.euros(one["amount_microunits"])
            say(self._word("sms", phone=one["to"], text=one["text"], cost=cost))
        fund = operate(self._house, "GET", "/v1/status")["fund"]
        say(self._word("left", left=self._voice.euros(fund["available_microeuros"])))

    def _wait_for_rest(self) -> None:
        """Whoever writes from a pipe has written all: what is under way comes to its end."""
        until = time.monotonic() + REST_SECONDS_MAX
        while time.monotonic() < until:
            now = operate(self._house, "GET", "/v1/status")
            open_ = now["messages"]["deliberating"] + sum(now["replies"][s] for s in UNDER_WAY)
            if now["messages"]["received"] and not open_:
                break
            time.sleep(LOOK_SECONDS)
        time.sleep(LOOK_SECONDS * 3)


def _messages(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["messages"] if isinstance(answer, dict) else answer
    return found


def _lines() -> Iterator[str]:
    """What is typed, a line each; on a terminal after a prompt."""
    if sys.stdin.isatty():
        with contextlib.suppress(EOFError):
            while True:
                yield input("> ")
    yield from os.fdopen(os.dup(0), encoding="utf-8", errors="replace")
