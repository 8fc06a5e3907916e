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
from antirelou.commands.doctor_phone import examine_phones, sign_event
from antirelou.commands.finding import Finding, Words, term
from kernel.database.pool import translate_errors
from kernel.http.connections import FILES_WANTED, raise_file_limit
from kernel.provider.port import Account, Away, Link
from kernel.provider.smsgate.provider import SmsGate
from kernel.provider.table import entry_of, open_provider, traits_of
from kernel.sealing.keys import BACKUP_PRIVATE_FILE, EVIDENCE_PRIVATE_FILE
from kernel.settings.settings import ProviderName, Release, Settings, require, settings_file
from kernel.values.errors import AntirelouError, Fatal, Transient
from kernel.values.money import format_euros
from kernel.values.phone import classify_number, leaves_out_overseas
from kernel.values.sender import SenderKind
from kernel.words.gloss import Term

LIVE_SECONDS_MAX = 10.0
CREDIT_MICROEUROS_MIN = 5_000_000
FLOOD_HELD_MIN = 20.0
"""Messages a second; October 2017 had 0.1 on average."""


async def examine(settings: Settings) -> list[Finding]:
    """Look at the settings, the database, the log and the running system, from here."""
    findings = [
        _settings_there(settings),
        _number(settings),
        *_release(settings),
        _countries(settings),
        _texts(settings),
        _public_url(settings),
        _detaching(settings),
        _floor(settings),
        _offline_key(settings, term("evidence key"), EVIDENCE_PRIVATE_FILE),
        _offline_key(settings, term("backup key"), BACKUP_PRIVATE_FILE),
        _open_files(),
        *_account_needed(settings),
        await _try(term("database"), lambda: _database(settings), term("database_fix")),
        await _try(term("log"), lambda: _log(settings), term("log_fix")),
    ]
    if settings.kafka_bootstrap:
        findings += await examine_cluster(settings)
    return findings


def _settings_there(settings: Settings) -> Finding:
    try:
        entry = entry_of(settings)
        require(settings, *dict.fromkeys(("number", *entry.api, *entry.door)))
    except Fatal as error:
        return Finding(term("settings"), good=False, found=term("incomplete"), fix=str(error))
    return Finding(term("settings"), good=True, found=term("complete"))


def _number(settings: Settings) -> Finding:
    facts = classify_number(settings.number or "", "")
    french_mobile = facts.country == "FR" and facts.kind is SenderKind.MOBILE
    if french_mobile and settings.provider is ProviderName.SMSGATE:
        return Finding(term("number"), good=True, found=term("mobile_phone"))
    if french_mobile:
        return Finding(
            term("number"), good=False, found=term("mobile"),
            fix=term("mobile_fix"),
        )  # fmt: skip
    if facts.e164 is None:
        fix = term("number_fix")
        return Finding(term("number"), good=False, found=term("no_number"), fix=fix)
    return Finding(
        term("number"), good=True, found=term("kind", country=facts.country or "?", kind=facts.kind)
    )


def _release(settings: Settings) -> list[Finding]:
    """From a phone, or a French mobile number, a person is to release, unless it is said."""
    facts = classify_number(settings.number or "", "")
    french_mobile = facts.country == "FR" and facts.kind is SenderKind.MOBILE
    if settings.provider is not ProviderName.SMSGATE and not french_mobile:
        return []
    if settings.release is Release.PERSON:
        return [Finding(term("release"), good=True, found=term("by_person"))]
    if settings.release_auto_words:
        return [Finding(term("release"), good=True, found=term("by_itself_known"))]
    return [
        Finding(term("release"), good=False, found=term("by_itself"), fix=term("by_itself_fix"))
    ]


def _countries(settings: Settings) -> Finding:
    found = ", ".join(settings.countries)
    if leaves_out_overseas(settings.countries):
        return Finding(term("countries"), good=True, found=term("overseas", countries=found))
    return Finding(term("countries"), good=True, found=term("countries_found", countries=found))


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
        return Finding(term("reply texts"), good=False, found=term("over_cap"), fix=fix)
    return Finding(
        term("reply texts"), good=True, found=term("within_cap", count=len(settings.reply_texts))
    )


def _public_url(settings: Settings) -> Finding:
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https":
        return Finding(
            term("public URL"), good=False, found=term("no_https", scheme=parts.scheme),
            fix=term("https_fix"),
        )  # fmt: skip
    return Finding(term("public URL"), good=True, found="https")


def _detaching(settings: Settings) -> Finding:
    if not traits_of(settings).detaching_saves:
        return Finding(term("detaching"), good=True, found=term("nothing_to_detach"))
    if not settings.plivo_app_id:
        return Finding(
            term("detaching"), good=False, found=term("detaching_off"),
            fix=term("detaching_fix"),
        )  # fmt: skip
    return Finding(term("detaching"), good=True, found=term("detaching_on"))


def _floor(settings: Settings) -> Finding:
    """What flood the floor outlasts until the number is off."""
    from services.billing.core.floor import REACTION_SECONDS, arrivals_held

    held = arrivals_held(settings.fund_floor, settings.price_receive)
    rate = "∞" if math.isinf(held) else f"{math.floor(held):,}"
    return Finding(
        term("fund floor"), good=held >= FLOOD_HELD_MIN,
        found=term("outlast", amount=format_euros(settings.fund_floor), rate=rate,
                   seconds=f"{REACTION_SECONDS:.0f}"),
        fix=term("floor_fix"),
    )  # fmt: skip


def _offline_key(settings: Settings, what: Term, name: str) -> Finding:
    """Whether a private half is still where `init` or `serve` wrote it."""
    given = settings_file()
    places = [settings.data_dir, *([given.parent] if given else []), Path.cwd()]
    for path in dict.fromkeys(place.resolve() / name for place in places):
        if os.path.lexists(path):
            return Finding(
                what, good=False, found=term("key_here"),
                fix=term("key_fix", path=path),
            )  # fmt: skip
    return Finding(what, good=True, found=term("key_away"))


def _account_needed(settings: Settings) -> Sequence[Finding]:
    """What `serve` would have to change on the machine, as root and for a PostgreSQL of its own."""
    if settings.database_url.get_secret_value():
        return []
    from kernel.database.host import describe_start

    with contextlib.suppress(AntirelouError, OSError):  # `database` tells it
        if changes := describe_start(settings.data_dir):
            return [Finding(
                term("account"), good=False, found=term("root"),
                fix=term("root_fix", changes=changes),
            )]  # fmt: skip
    return []


def _open_files() -> Finding:
    files = raise_file_limit()  # as `serve` does
    return Finding(
        term("open files"), good=files >= FILES_WANTED, found=term("files", count=files),
        fix=term("files_fix", count=FILES_WANTED),
    )  # fmt: skip


async def _database(settings: Settings) -> Words:
    import asyncpg

    url = compose.find_database(settings)
    if not url:
        return term("database_rests")
    try:
        with translate_errors():
            connection = await asyncpg.connect(url, timeout=LIVE_SECONDS_MAX)
    except Transient:
        if settings.database_url.get_secret_value():
            raise
        return term("database_rests")  # a killed one left its socket
    else:
        try:
            version = await connection.fetchval("SHOW server_version", timeout=LIVE_SECONDS_MAX)
        finally:
            await connection.close()
    return f"PostgreSQL {version}"


async def _log(settings: Settings) -> Words:
    if not settings.kafka_bootstrap:
        return term("log_embedded")
    async with compose.open_log_alone(settings) as log:
        await log.probe()
    return term("log_kafka")


async def _try(what: Term, look: Callable[[], Awaitable[Words]], fix_away: Words = "") -> Finding:
    """Look.

    Args:
        fix_away: what to do if it does not answer now; an error that is for good says so itself.
    """
    try:
        async with asyncio.timeout(LIVE_SECONDS_MAX * 3):
            return Finding(what, good=True, found=await look())
    except Transient as error:
        fix: Words = term("because", error=error, fix=fix_away) if fix_away else f"{error}"
    except AntirelouError as error:
        fix = f"{error}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are still looked at
        fix = term("no_answer_fix", error=type(error).__name__)
    return Finding(what, good=False, found=term("away"), fix=fix)


async def examine_live(settings: Settings) -> list[Finding]:
    """Look from outside: a signed webhook through ``PUBLIC_URL``, and the provider's account."""
    if not _settings_there(settings).good:
        return []  # said already; nothing can be signed or asked without
    return [
        *await _webhook(settings),
        *await _account(settings),
        await _try(term("running system"), lambda: _running(settings)),
    ]


async def _running(settings: Settings) -> Words:
    answer = await asyncio.to_thread(Operator(settings).get, "/v1/status")
    dead = "?" if answer["dead"] is None else answer["dead"]
    return term("running", posture=answer["posture"], dead=dead)


async def _webhook(settings: Settings) -> Sequence[Finding]:
    """A report on an SMS that never was: signed as the provider signs, and harmless."""
    if settings.provider is ProviderName.SMSGATE:
        body, headers = sign_event(settings)
        url = f"{settings.public_url}/webhooks/smsgate"
        good = await _post(url, body, headers)
        return _webhook_findings(good, await _post(url, body, {**headers, "X-Signature": "0" * 64}))
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
    return _webhook_findings(good, bad)


def _webhook_findings(good: str, bad: str) -> Sequence[Finding]:
    """What was answered to one that is signed, and to one that is not."""
    return [
        Finding(term("signed webhook"), good == "200", good,
                term("webhook_503_fix" if good == "503" else "webhook_fix")),
        Finding(term("forged webhook"), bad == "403", bad, term("forged_fix")),
    ]  # fmt: skip


async def _post(url: str, form: dict[str, str] | bytes, headers: dict[str, str]) -> str:
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
    async with open_provider(settings) as provider:
        if isinstance(provider, SmsGate):
            return await examine_phones(settings, provider)
        account = await provider.read_account()
        link = await provider.read_link()
    if isinstance(account, Away):
        return [
            Finding(term("provider"), good=False, fix=term("provider_fix"),
                    found=term("provider_away", reason=account.reason))
        ]  # fmt: skip
    return [_credit(settings, account), _auto_recharge(account), _attached(settings, link)]


def _credit(settings: Settings, account: Account) -> Finding:
    if account.credit_microunits is None:
        fix = term("credit_unreadable_fix")
        return Finding(term("provider credit"), good=False, found=term("unreadable"), fix=fix)
    euros = account.credit_microunits * settings.provider_rate // 1_000_000
    found = f"{account.credit_microunits / 1e6:.2f} {settings.provider_currency}"
    return Finding(
        term("provider credit"), good=euros >= CREDIT_MICROEUROS_MIN, found=found,
        fix=term("credit_fix"),
    )  # fmt: skip


def _auto_recharge(account: Account) -> Finding:
    found = term(
        {True: "recharge_on", False: "recharge_off", None: "unreadable"}[account.auto_recharge]
    )
    return Finding(
        term("auto-recharge"), good=account.auto_recharge is False, found=found,
        fix=term("recharge_fix"),
    )  # fmt: skip


def _attached(settings: Settings, link: Link | Away) -> Finding:
    fix = term("attach_fix")
    if isinstance(link, Away):
        return Finding(
            term("number attached"),
            good=False,
            found=term("link_unknown", reason=link.reason),
            fix=fix,
        )
    if link.app_id is None:
        return Finding(term("number attached"), good=False, found=term("link_none"), fix=fix)
    ours = not settings.plivo_app_id or link.app_id == settings.plivo_app_id
    return Finding(
        term("number attached"),
        good=ours,
        found=term("link_yes" if ours else "link_other"),
        fix=fix,
    )
