"""``antirelou setup``: asks what only a person knows, and writes a house for one machine.

A folder with the settings (as ``init`` writes them), units for systemd and a Caddyfile. Nothing
that exists is written over, nothing is installed: the steps are printed.
"""

import getpass
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from antirelou.commands.init import call_ourselves, key_files, write_settings
from antirelou.commands.output import say
from antirelou.commands.voice import settle_amount, voice_of
from kernel.database.host import ACCOUNT, MAKE_ACCOUNT
from kernel.settings.settings import ProviderName, Settings, load_settings
from kernel.settings.sources import PREFIX
from kernel.values.errors import Fatal
from kernel.values.money import format_euros
from kernel.values.text import segment_text
from kernel.words.gloss import Voice
from services.responder.core.template import lint_texts

SETTINGS_NAME = "antirelou.env"
QUESTIONS = {
    ProviderName.PLIVO: (
        "number", "plivo_auth_id", "plivo_auth_token", "plivo_app_id", "fund_floor",
    ),
    ProviderName.SMSGATE: (
        "number", "smsgate_url", "smsgate_user", "smsgate_password", "smsgate_devices",
        "smsgate_mode",
    ),
}  # fmt: skip
"""What is asked for each provider."""
HIDDEN = {"plivo_auth_token", "smsgate_password"}
OPTIONAL = {"provider", "plivo_app_id", "fund_floor", "smsgate_mode"}
TEXTS_MAX = 20
APOSTROPHE = "'"
"""What a value stands between in the settings file."""

_PLAIN_PATH = re.compile(r"[\w/.+@-]+")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")

SERVICE = """\
[Unit]
Description=antirelou
After=network-online.target
Wants=network-online.target

[Service]
{common}
ExecStart={program} serve
Restart=on-failure
RestartSec=5
TimeoutStopSec=30
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""

TASK = """\
[Unit]
Description=antirelou {command}
After=antirelou.service

[Service]
Type=oneshot
{common}
ExecStart={program} {command}
"""

COMMON = """\
User={user}
WorkingDirectory={folder}
Environment=SETTINGS_FILE={settings}
UMask=0077
NoNewPrivileges=yes"""

TIMER = """\
[Unit]
Description=antirelou {command}, once a day

[Timer]
OnCalendar=*-*-* {at}
Persistent=true

[Install]
WantedBy=timers.target
"""

CADDYFILE = """\
{host} {{
	handle /webhooks/* {{
		reverse_proxy {listen}
	}}
	respond 404
}}
"""

TASKS = {"backup": ("backup", "04:10:00"), "audit": ("audit --tell", "05:10:00")}
"""A name, its command, when it runs."""


def set_up(folder: Path) -> None:
    """Ask, write, and say what to type next.

    Raises:
        Fatal: ``use``: the folder cannot be taken, or nobody is there to answer.
    """
    settings = load_settings()
    voice = voice_of(settings)
    folder = folder.absolute()
    _check_folder(folder, voice)
    say(voice.word("setup", "begins", folder=folder))
    provider = ProviderName(_ask_setting("provider", voice) or settings.provider)
    answers = {"provider": "" if provider is ProviderName.PLIVO else str(provider)}
    answers |= {name: _ask_setting(name, voice) for name in QUESTIONS[provider]}
    host = _ask_host(voice)
    answers["public_url"] = f"https://{host}"
    answers["reply_texts"] = _write_texts(_ask_texts(settings, voice))
    answers["data_dir"] = str(folder / "data")
    answers["language"] = str(voice.language)
    write_house(
        folder, host, settings.listen, {name: text for name, text in answers.items() if text}
    )
    for line in next_steps(folder, voice):
        say(line)


def _check_folder(folder: Path, voice: Voice) -> None:
    if not all(_PLAIN_PATH.fullmatch(str(path)) for path in (folder, sys.executable)):
        raise Fatal(voice.word("setup", "plain_folder", folder=folder), code="use")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Fatal(voice.word("setup", "folder_taken", folder=folder), code="use")


def _ask(code: str, voice: Voice, *, hidden: bool = False) -> str:
    try:
        answer: str = typer.prompt(
            voice.word("setup", code), default="", show_default=False,
            hide_input=hidden and sys.stdin.isatty(),
        )  # fmt: skip
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise Fatal(voice.word("setup", "nobody"), code="use") from None
    return answer.strip()


def _ask_setting(name: str, voice: Voice) -> str:
    """Ask until the setting is one that a start would take."""
    while True:
        answer = _ask(name, voice, hidden=name in HIDDEN)
        if name == "smsgate_devices" and answer and not answer.startswith("["):
            answer = json.dumps([device.strip() for device in answer.split(",")])
        if not answer and name in OPTIONAL:
            return ""
        try:
            if name == "fund_floor":
                floor = settle_amount(answer, voice, argument=name, zero=True)
                answer = format_euros(floor, decimals=6)
            load_settings(**{name: answer})
        except Fatal as error:
            say(str(error))
            continue
        if APOSTROPHE in answer:
            say(voice.word("setup", "no_apostrophe", name=PREFIX + name.upper()))
            continue
        if answer:
            return answer
        say(voice.word("setup", "needed"))


def _ask_host(voice: Voice) -> str:
    while True:
        host = _ask("host", voice).lower().removeprefix("https://").rstrip("/")
        if _HOST.fullmatch(host):
            return host
        say(voice.word("setup", "no_host"))


def _ask_texts(settings: Settings, voice: Voice) -> Sequence[str]:
    """The reply texts, each shown with what it costs; those over the cap are asked for again."""
    say(voice.word("setup", "texts"))
    for text in settings.reply_texts:
        show_text(text, settings, voice)
    chosen: list[str] = []
    while len(chosen) < TEXTS_MAX and (text := _ask("text", voice)):
        try:
            load_settings(reply_texts=[text])
        except Fatal as error:
            say(str(error))
            continue
        if show_text(text, settings, voice):
            chosen.append(text)
    return chosen


def show_text(text: str, settings: Settings, voice: Voice) -> bool:
    """Show alphabet, segments and cost of a text. Returns whether it may be sent."""
    found = segment_text(text)
    say(f"  {text}")
    cost = found.segments * settings.price_reply
    say(
        "  " + voice.word(
            "setup", "text_is", alphabet=found.encoding.name, units=found.units,
            segments=found.segments, cost=voice.euros(cost),
        )
    )  # fmt: skip
    complaints = lint_texts(
        [text],
        price_reply_microeuros=settings.price_reply,
        price_receive_microeuros=settings.price_receive,
        cap_microeuros=settings.cap_per_exchange,
    )
    for complaint in complaints:
        say(str(complaint))
    return not complaints


def _write_texts(texts: Sequence[str]) -> str:
    """As JSON with no apostrophe in it, so that it can stand between two of them."""
    return json.dumps(texts, ensure_ascii=False).replace("'", "\\u0027") if texts else ""


def _quote(value: str) -> str:
    """A value as the settings file takes it; no apostrophe stands in it."""
    return f"{APOSTROPHE}{value}{APOSTROPHE}"


def write_house(folder: Path, host: str, listen: str, answers: Mapping[str, str]) -> None:
    """Write settings, keys, units and Caddyfile into a folder that is new or empty."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "backups").mkdir(mode=0o700)
    settings = folder / SETTINGS_NAME
    quoted = {PREFIX + name.upper(): _quote(value) for name, value in answers.items()}
    provider = ProviderName(answers.get("provider", ProviderName.PLIVO))
    write_settings(settings, quoted, provider=provider)
    program = f"{sys.executable} -m antirelou"
    user = ACCOUNT if os.geteuid() == 0 else getpass.getuser()
    house = COMMON.format(user=user, folder=folder, settings=settings)
    beside = COMMON.format(user=user, folder=folder / "backups", settings=settings)
    _write(folder / "antirelou.service", SERVICE.format(common=house, program=program))
    for name, (command, at) in TASKS.items():
        task = TASK.format(common=beside, program=program, command=command)
        _write(folder / f"antirelou-{name}.service", task)
        _write(folder / f"antirelou-{name}.timer", TIMER.format(command=name, at=at))
    _write(folder / "Caddyfile", CADDYFILE.format(host=host, listen=listen))


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def next_steps(folder: Path, voice: Voice) -> Sequence[str]:
    """What to type, in order; each line that is indented works as it stands."""
    inside = shlex.quote(str(folder))
    ours = f"SETTINGS_FILE={inside}/{SETTINGS_NAME} {call_ourselves()}"
    timers = " ".join(f"antirelou-{name}.timer" for name in TASKS)
    evidence, backup = key_files(folder / SETTINGS_NAME)
    account = (
        voice.word("setup", "account", account=ACCOUNT),
        f"  id {ACCOUNT} || {shlex.join(MAKE_ACCOUNT)}",
        f"  chown -R {ACCOUNT}: {inside}",
    )
    return (
        voice.word("setup", "written", folder=folder),
        voice.word("setup", "offline", evidence=evidence, backup=backup),
        *(account if os.geteuid() == 0 else ()),
        voice.word("setup", "look"),
        f"  {ours} doctor",
        voice.word("setup", "install"),
        f"  sudo cp {inside}/*.service {inside}/*.timer /etc/systemd/system/",
        "  sudo systemctl daemon-reload",
        f"  sudo systemctl enable --now antirelou.service {timers}",
        voice.word("setup", "proxy"),
        f"  sudo tee -a /etc/caddy/Caddyfile < {inside}/Caddyfile",
        "  sudo systemctl reload caddy",
        voice.word("setup", "give"),
        f"  {ours} fund add 50 --note don",
        f"  {ours} doctor --live",
    )
