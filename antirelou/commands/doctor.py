"""``antirelou doctor``: what is wrong with this installation, each with its fix."""

import asyncio
import contextlib
import math
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from antirelou import compose
from antirelou.commands.client import Operator
from antirelou.commands.doctor_cluster import examine_cluster
from antirelou.commands.finding import Finding
from kernel.database.pool import translate_errors
from kernel.facts.records import SenderKind
from kernel.http.connections import FILES_WANTED, raise_file_limit
from kernel.provider.port import Account, Away, Link
from kernel.sealing.keys import BACKUP_PRIVATE_FILE, EVIDENCE_PRIVATE_FILE
from kernel.settings.settings import Settings, require, settings_file
from kernel.values.errors import AntirelouError, Fatal, Transient
from kernel.values.money import format_euros
from kernel.values.phone import classify_number

LIVE_SECONDS_MAX = 10.0
CREDIT_MICROEUROS_MIN = 5_000_000
LOG_FIX = "is the broker running, and reachable at ANTIRELOU_KAFKA_BOOTSTRAP from here?"
DATABASE_FIX = "is PostgreSQL running, and reachable at ANTIRELOU_DATABASE_URL from here?"
WEBHOOK_FIX = "the public URL must reach LISTEN unchanged: path, query and body as sent"
WEBHOOK_503_FIX = (
    "it arrived, and ingest cannot keep it: its /readyz says what it lacks (the log, most likely)"
)
DATABASE_RESTS = "embedded, and does not run: `antirelou serve` starts it"
FLOOD_HELD_MIN = 20.0
"""Messages a second; October 2017 had 0.1 on average."""


async def examine(settings: Settings) -> list[Finding]:
    """Look at the settings, the database, the log and the running system, from here."""
    findings = [
        _settings_there(settings),
        _number(settings),
        _texts(settings),
        _public_url(settings),
        _detaching(settings),
        _floor(settings),
        _offline_key(settings, "evidence key", EVIDENCE_PRIVATE_FILE),
        _offline_key(settings, "backup key", BACKUP_PRIVATE_FILE),
        _open_files(),
        *_account_needed(settings),
        await _try("database", lambda: _database(settings), DATABASE_FIX),
        await _try("log", lambda: _log(settings), LOG_FIX),
    ]
    if settings.kafka_bootstrap:
        findings += await examine_cluster(settings)
    return findings


def _settings_there(settings: Settings) -> Finding:
    try:
        require(settings, "number", "plivo_auth_id", "plivo_auth_token")
    except Fatal as error:
        return Finding("settings", good=False, found="incomplete", fix=str(error))
    return Finding("settings", good=True, found="complete")


def _number(settings: Settings) -> Finding:
    facts = classify_number(settings.number or "", "")
    if facts.country == "FR" and facts.kind is SenderKind.MOBILE:
        return Finding(
            "number", good=False, found="a French 06/07 number",
            fix="these are closed to platforms since 2023: ask the provider for 0937-0939, "
            "and whether it takes SMS",
        )  # fmt: skip
    if facts.e164 is None:
        fix = "set ANTIRELOU_NUMBER to the number the provider rents to you, E.164"
        return Finding("number", good=False, found="no valid number", fix=fix)
    return Finding("number", good=True, found=f"{facts.country or 'no country'}, {facts.kind}")


def _texts(settings: Settings) -> Finding:
    from services.responder.core.template import lint_texts

    complaints = lint_texts(
        settings.reply_texts,
        price_reply_microeuros=settings.price_reply,
        price_receive_microeuros=settings.price_receive,
        cap_microeuros=settings.cap_per_exchange,
    )
    if complaints:
        fix = "; ".join(str(complaint) for complaint in complaints)
        return Finding("reply texts", good=False, found="over the cap", fix=fix)
    return Finding("reply texts", good=True, found=f"{len(settings.reply_texts)} within the cap")


def _public_url(settings: Settings) -> Finding:
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        return Finding(
            "public URL", good=False, found=f"{parts.scheme}, not https",
            fix="V2 signatures do not cover the body: put a TLS proxy in front and set "
            "ANTIRELOU_PUBLIC_URL=https://…",
        )  # fmt: skip
    return Finding("public URL", good=True, found="https")


def _detaching(settings: Settings) -> Finding:
    if not settings.plivo_app_id:
        return Finding(
            "detaching", good=False, found="off: a flood can empty the fund below its floor",
            fix="set ANTIRELOU_PLIVO_APP_ID to the application the number is linked to",
        )  # fmt: skip
    return Finding("detaching", good=True, found="on")


def _floor(settings: Settings) -> Finding:
    """What flood the floor outlasts until the number is off."""
    from services.billing.core.floor import REACTION_SECONDS, arrivals_held

    held = arrivals_held(settings.fund_floor, settings.price_receive)
    amounts = f"{format_euros(settings.fund_floor)} EUR"
    rate = "any flood" if math.isinf(held) else f"{math.floor(held):,} messages a second"
    return Finding(
        "fund floor", good=held >= FLOOD_HELD_MIN,
        found=f"{amounts} outlast {rate}, in the {REACTION_SECONDS:.0f} s until the number is off",
        fix="raise ANTIRELOU_FUND_FLOOR: a faster flood takes money that the fund does not hold",
    )  # fmt: skip


def _offline_key(settings: Settings, what: str, name: str) -> Finding:
    """Whether a private half is still where `init` or `serve` wrote it."""
    given = settings_file()
    places = [settings.data_dir, *([given.parent] if given else []), Path.cwd()]
    for path in dict.fromkeys(place.resolve() / name for place in places):
        if os.path.lexists(path):
            return Finding(
                what, good=False, found="its private half is still on this machine",
                fix=f"give {path} to another person, on a medium that is not connected, and delete "
                "it here",
            )  # fmt: skip
    found = "its private half is neither in DATA_DIR, nor beside the settings, nor in this folder"
    return Finding(what, good=True, found=found)


def _account_needed(settings: Settings) -> Sequence[Finding]:
    """What `serve` would have to change on the machine, as root and for a PostgreSQL of its own."""
    if settings.database_url.get_secret_value():
        return []
    from kernel.database.host import describe_start

    with contextlib.suppress(AntirelouError):  # `database` tells it
        if changes := describe_start(settings.data_dir):
            return [Finding(
                "account", good=False, found="root, and PostgreSQL has to run as another",
                fix="run all as an account of its own; started by root, `antirelou serve` will do: "
                + changes,
            )]  # fmt: skip
    return []


def _open_files() -> Finding:
    files = raise_file_limit()  # as `serve` does
    return Finding(
        "open files", good=files >= FILES_WANTED, found=f"{files} at once",
        fix=f"let the service open {FILES_WANTED} (systemd LimitNOFILE=, Compose ulimits, "
        "ulimit -Hn): with fewer, fewer strangers' connections are held before the oldest goes",
    )  # fmt: skip


async def _database(settings: Settings) -> str:
    import asyncpg

    url = compose.find_database(settings)
    if not url:
        return DATABASE_RESTS
    try:
        with translate_errors():
            connection = await asyncpg.connect(url, timeout=LIVE_SECONDS_MAX)
    except Transient:
        if settings.database_url.get_secret_value():
            raise
        return DATABASE_RESTS  # a killed one left its socket
    else:
        try:
            version = await connection.fetchval("SHOW server_version", timeout=LIVE_SECONDS_MAX)
        finally:
            await connection.close()
    return f"PostgreSQL {version}"


async def _log(settings: Settings) -> str:
    if not settings.kafka_bootstrap:
        return "embedded, in the database"
    async with compose.open_log_alone(settings) as log:
        await log.probe()
    return "Kafka answers"


async def _try(what: str, look: Callable[[], Awaitable[str]], fix_away: str = "") -> Finding:
    """Look.

    Args:
        fix_away: what to do if it does not answer now; an error that is for good says so itself.
    """
    try:
        async with asyncio.timeout(LIVE_SECONDS_MAX * 3):
            return Finding(what, good=True, found=await look())
    except Transient as error:
        fix = f"{error}: {fix_away}" if fix_away else f"{error}"
    except AntirelouError as error:
        fix = f"{error}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are still looked at
        fix = f"no answer ({type(error).__name__}): is it running, is its address right?"
    return Finding(what, good=False, found="away", fix=fix)


async def examine_live(settings: Settings) -> list[Finding]:
    """Look from outside: a signed webhook through ``PUBLIC_URL``, and the provider's account."""
    if not _settings_there(settings).good:
        return []  # said already; nothing can be signed or asked without
    return [
        *await _webhook(settings),
        *await _account(settings),
        await _try("running system", lambda: _running(settings)),
    ]


async def _running(settings: Settings) -> str:
    answer = await asyncio.to_thread(Operator(settings).get, "/v1/status")
    dead = "unknown" if answer["dead"] is None else answer["dead"]
    return f"posture {answer['posture']}, dead records: {dead}"


async def _webhook(settings: Settings) -> Sequence[Finding]:
    """A report on an SMS that never was: signed as the provider signs, and harmless."""
    from plivo.utils.signature_v3 import (
        construct_post_url,
        get_signature_v3,
    )

    url = f"{settings.public_url}/webhooks/plivo/report"
    form = {"MessageUUID": f"doctor-{secrets.token_hex(8)}", "From": "doctor", "To": "doctor",
            "Status": "doctor"}  # fmt: skip
    nonce = secrets.token_hex(16)
    token = settings.plivo_auth_token.get_secret_value()
    base = construct_post_url(url, form)
    signature = get_signature_v3(token, base, nonce)
    if isinstance(signature, bytes):
        signature = signature.decode()
    headers = {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}
    good = await _post(url, form, headers)
    bad = await _post(url, form, {**headers, "X-Plivo-Signature-V3": "A" * 44})
    return [
        Finding("signed webhook", good == "200", good,
                WEBHOOK_503_FIX if good == "503" else WEBHOOK_FIX),
        Finding("forged webhook", bad == "403", bad, "it must be refused with 403"),
    ]  # fmt: skip


async def _post(url: str, form: dict[str, str], headers: dict[str, str]) -> str:
    timeout = aiohttp.ClientTimeout(total=LIVE_SECONDS_MAX)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=form, headers=headers) as answer,
        ):
            return str(answer.status)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return type(error).__name__


async def _account(settings: Settings) -> Sequence[Finding]:
    """Credit, auto-recharge, and whether the number is attached, as the provider says."""
    from kernel.provider.plivo.provider import open_provider

    async with open_provider(settings) as provider:
        account = await provider.read_account()
        link = await provider.read_link()
    if isinstance(account, Away):
        return [
            Finding("provider", good=False, found=f"no answer ({account.reason})",
                    fix="401: check ANTIRELOU_PLIVO_AUTH_ID and _TOKEN; else its status page")
        ]  # fmt: skip
    return [_credit(settings, account), _auto_recharge(account), _attached(settings, link)]


def _credit(settings: Settings, account: Account) -> Finding:
    if account.credit_microunits is None:
        fix = "look it up in the provider's console; replies stop only when it refuses them"
        return Finding("provider credit", good=False, found="unreadable", fix=fix)
    euros = account.credit_microunits * settings.provider_rate // 1_000_000
    found = f"{account.credit_microunits / 1e6:.2f} {settings.provider_currency}"
    return Finding(
        "provider credit", good=euros >= CREDIT_MICROEUROS_MIN, found=found,
        fix="prepay as much as the fund holds: when it is gone, nobody is answered",
    )  # fmt: skip


def _auto_recharge(account: Account) -> Finding:
    found = {True: "on", False: "off", None: "unreadable"}[account.auto_recharge]
    return Finding(
        "auto-recharge", good=account.auto_recharge is False, found=found,
        fix="switch it off in the provider's console: it charges a card, and no fund bounds that",
    )  # fmt: skip


def _attached(settings: Settings, link: Link | Away) -> Finding:
    fix = "link the number to the application (`antirelou attach`), then look again"
    if isinstance(link, Away):
        return Finding("number attached", good=False, found=f"unknown ({link.reason})", fix=fix)
    if link.app_id is None:
        return Finding("number attached", good=False, found="to no application", fix=fix)
    ours = not settings.plivo_app_id or link.app_id == settings.plivo_app_id
    return Finding(
        "number attached", good=ours, found="yes" if ours else "to another application", fix=fix
    )
