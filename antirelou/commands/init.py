"""``antirelou init``: a settings file with fresh keys, for one machine, Compose or a Secret."""

import re
import secrets
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from antirelou.commands.output import say
from antirelou.files import follow_links
from kernel.sealing.keys import (
    BACKUP_PRIVATE_FILE,
    EVIDENCE_PRIVATE_FILE,
    backup_private_text,
    evidence_private_text,
    new_keys,
    write_secret,
)
from kernel.settings.settings import ProviderName, Settings
from kernel.settings.sources import PREFIX
from kernel.values.errors import Fatal

SETTING = re.compile(rf"^#?{PREFIX}([A-Z_]+)=", re.MULTILINE)
"""A line of a settings file that sets something, or would."""

TEMPLATE = """\
# Settings of antirelou. Name this file in SETTINGS_FILE, or give the lines as environment.
# It holds keys: mode 0600, in no repository, in no unencrypted backup.

{provider}# --- When to answer, and what it may cost -----------------------------------------------
#ANTIRELOU_REPLY_DELAY=1h
#ANTIRELOU_QUIET_HOURS=22:00-09:00
#ANTIRELOU_TIMEZONE=Europe/Paris
#ANTIRELOU_PRICE_RECEIVE=0.01
#ANTIRELOU_PRICE_REPLY=0.15
#ANTIRELOU_CAP_PER_EXCHANGE=0.16
#ANTIRELOU_FUND_FLOOR=20.00
#ANTIRELOU_DAILY_CAP=

# --- What is kept, how long, and who else vouches for it (docs/privacy.md, docs/evidence.md) ---
#ANTIRELOU_RETAIN_TEXT=7d
#ANTIRELOU_RETAIN_EVIDENCE=180d
#ANTIRELOU_TIMESTAMP_URL=
#ANTIRELOU_WITNESS_URL=
#ANTIRELOU_WITNESS_KEY=

# --- Gifts that arrive by themselves (docs/donations.md) ---------------------------------------
#ANTIRELOU_HELLOASSO_ORGANIZATION=
#ANTIRELOU_HELLOASSO_CLIENT_ID=
#ANTIRELOU_HELLOASSO_CLIENT_SECRET=
#ANTIRELOU_HELLOASSO_BELL={bell}
#ANTIRELOU_HELLOASSO_FORMS=
#ANTIRELOU_STRIPE_WEBHOOK_SECRETS=
#ANTIRELOU_STRIPE_API_KEY=
#ANTIRELOU_GIFTS_SINCE=
#ANTIRELOU_GIFTS_COUNT=raised
#ANTIRELOU_GIFT_HOLD=

# --- Who is told when something is wrong (docs/operations/runbook.md, Alerts) -----------------
#ANTIRELOU_ALERT_URL=https://ntfy.sh/a-topic-nobody-guesses
#ANTIRELOU_HEARTBEAT_URL=https://hc-ping.com/your-uuid
#ANTIRELOU_LANGUAGE=fr

# --- The public page, written every ten minutes (README.md, The public page) -------------------
#ANTIRELOU_PAGE_DIR=
#ANTIRELOU_PAGE_PUSH=
#ANTIRELOU_PUBLISHER=

# --- How browsers reach the operators' console (docs/console.md) -------------------------------
#ANTIRELOU_CONSOLE_URL=http://localhost:9200

# --- A cluster only: leave empty on one machine ----------------------------------------------
#ANTIRELOU_DATABASE_URL=postgresql://antirelou@localhost/antirelou
#ANTIRELOU_KAFKA_BOOTSTRAP=localhost:9092

# --- Compose only: it reads this file as `.env` (README, "On a server") -----------------------
POSTGRES_PASSWORD={postgres_password}
GRAFANA_PASSWORD={grafana_password}

# --- Keys, made for this installation ---------------------------------------------------------
ANTIRELOU_PSEUDONYM_KEY={pseudonym_key}
ANTIRELOU_SENDING_PUBLIC_KEY={sending_public_key}
ANTIRELOU_SENDING_PRIVATE_KEY={sending_private_key}
# The private half of the next is in {evidence_file}.
ANTIRELOU_EVIDENCE_PUBLIC_KEY={evidence_public_key}
ANTIRELOU_EVIDENCE_LOG_KEY={evidence_log_key}
# The private half of the next is in {backup_file}.
ANTIRELOU_BACKUP_PUBLIC_KEY={backup_public_key}
ANTIRELOU_OPERATOR_TOKEN={operator_token}
"""


REAL = """\
# --- Fill in these three -------------------------------------------------------------------
ANTIRELOU_NUMBER=
ANTIRELOU_PLIVO_AUTH_ID=
ANTIRELOU_PLIVO_AUTH_TOKEN=

# --- What the provider calls, and signs: your public https address -------------------------
#ANTIRELOU_PUBLIC_URL=https://sms.example.org
#ANTIRELOU_PLIVO_APP_ID=
#ANTIRELOU_PROVIDER_CURRENCY=EUR
#ANTIRELOU_PROVIDER_RATE=1

"""

PHONE = """\
# --- Fill in these: a phone of your own (docs/providers.md) -----------------------------------
ANTIRELOU_PROVIDER=smsgate
ANTIRELOU_NUMBER=
ANTIRELOU_SMSGATE_URL=
ANTIRELOU_SMSGATE_USER=
ANTIRELOU_SMSGATE_PASSWORD=
ANTIRELOU_SMSGATE_DEVICES=
ANTIRELOU_SMSGATE_SIGNING_KEY={signing_key}
#ANTIRELOU_SMSGATE_MODE=private

# --- What the phones call: your public https address ------------------------------------------
#ANTIRELOU_PUBLIC_URL=https://sms.example.org

"""

SIMULATED = """\
# --- A house to try out: a simulated Plivo, an hour a second -------------------------------
ANTIRELOU_NUMBER=+33937000000
ANTIRELOU_PLIVO_AUTH_ID=MASIMULATEDSIMULATED
ANTIRELOU_PLIVO_AUTH_TOKEN={token}
ANTIRELOU_PLIVO_APP_ID=1000000000000000
ANTIRELOU_PLIVO_API_URL=http://provider:8090
ANTIRELOU_PUBLIC_URL=http://ingest:8080
ANTIRELOU_CLOCK_SPEED=3600
ANTIRELOU_QUIET_HOURS=off
# What the simulated provider signs with. A file with the real credentials has no such line:
# there its crowd is refused, and no real SMS is sent for it.
SIMULATED_PLIVO_AUTH_TOKEN={token}

"""


QUESTIONS = {ProviderName.PLIVO: REAL, ProviderName.SMSGATE: PHONE}
"""What the file of each provider asks."""


TO_FILL_IN = {
    ProviderName.PLIVO: "the number and the two Plivo credentials",
    ProviderName.SMSGATE: "the number and how the phone is reached (its key goes into the app)",
}


def next_steps(path: Path) -> list[str]:
    """What to type next, in this folder; a file called ``.env`` is Compose's (README)."""
    if path.name == ".env":
        return ["docker compose up -d", "docker compose run --rm antirelou doctor --live"]
    file = shlex.quote(str(path))
    return [f"SETTINGS_FILE={file} {call_ourselves()} {command}" for command in ("doctor", "serve")]


def call_ourselves() -> str:
    """How to call this program from here: by its name only where that finds this one."""
    script = Path(sys.executable).with_name("antirelou")
    found = shutil.which("antirelou")
    if found and Path(found).absolute() == script:
        return "antirelou"
    if not script.exists():
        return f"{shlex.quote(sys.executable)} -m antirelou"
    near = script.is_relative_to(Path.cwd())
    return shlex.quote(str(script.relative_to(Path.cwd()) if near else script))


def key_files(path: Path) -> tuple[Path, Path]:
    """Where the two keys stand that go offline: of the evidence, and of the backups."""
    return path.with_name(EVIDENCE_PRIVATE_FILE), path.with_name(BACKUP_PRIVATE_FILE)


def write_settings(
    path: Path,
    answers: Mapping[str, str] = MappingProxyType({}),
    *,
    simulated: bool = False,
    provider: ProviderName = ProviderName.PLIVO,
) -> None:
    """Write the settings file and, beside it, a file for each key that goes offline.

    Args:
        answers: values by name, as they are to stand in the file.
        simulated: for Compose's simulated provider, complete as it is; of no use to a real number.
        provider: whose questions the file asks.

    Raises:
        Fatal: one of them exists, or cannot be written.
    """
    evidence_path, backup_path = key_files(path)
    for existing in (path, evidence_path, backup_path):
        if existing.exists():
            raise Fatal(f"FILE: {existing} exists; it is not overwritten", code="use")
    keys = new_keys()
    asked = SIMULATED if simulated else QUESTIONS[provider]
    text = TEMPLATE.format(
        **keys.settings,
        evidence_file=evidence_path.name,
        backup_file=backup_path.name,
        postgres_password=secrets.token_hex(16),  # stands in a URL: no character to escape
        grafana_password=secrets.token_urlsafe(16),
        bell=secrets.token_urlsafe(18),
        provider=asked.format(token=secrets.token_hex(20), signing_key=secrets.token_urlsafe(32)),
    )
    write_secret(evidence_path, evidence_private_text(keys.evidence_private_key))
    write_secret(backup_path, backup_private_text(keys.backup_private_key))
    write_secret(follow_links(path), _fill_in(_explain(text), answers))


def settings_shown() -> list[str]:
    """Names, without the prefix, of the settings that a file for a real number writes down."""
    return SETTING.findall(REAL + PHONE + TEMPLATE)


def _explain(text: str) -> str:
    """Each setting of the text under its meaning, as a comment."""
    fields = Settings.model_fields
    return SETTING.sub(lambda found: f"# {fields[found[1].lower()].description}\n{found[0]}", text)


def _fill_in(text: str, answers: Mapping[str, str]) -> str:
    """Each answer on its line of the template, which may be a comment there; else at the end."""
    lines = text.splitlines()
    for name, value in answers.items():
        places = [n for n, line in enumerate(lines) if line.startswith((f"{name}=", f"#{name}="))]
        place = places[0] if places else len(lines)
        lines[place : place + 1] = [f"{name}={value}"]
    return "\n".join(lines) + "\n"


def write_settings_file(
    path: Path, *, simulated: bool = False, provider: ProviderName = ProviderName.PLIVO
) -> None:
    """As ``write_settings``, and say what is to be filled in, typed and taken offline."""
    write_settings(path, simulated=simulated, provider=provider)
    evidence_path, backup_path = key_files(path)
    if simulated:
        say(f"Written: {path} (mode 0600), for a simulated Plivo. Nothing is to be filled in.")
    else:
        say(f"Written: {path} (mode 0600). Fill in {TO_FILL_IN[provider]}, then:")
        for step in next_steps(path):
            say(f"  {step}")
    say("")
    say(f"Take offline now: {evidence_path}")
    say("  The private half of the evidence key. Give it to another person, on a medium that is")
    say("  not connected, and delete it here. No running service needs it.")
    say(f"Take offline as well: {backup_path}")
    say("  The private half of the backup key. Keep it with your backups' keeper, not with the")
    say("  backups, and delete it here. Only `antirelou restore` needs it.")
