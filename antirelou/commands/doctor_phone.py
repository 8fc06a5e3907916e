"""What the doctor looks at where the provider is a phone of one's own (docs/providers.md §1)."""

import hashlib
import hmac
import json
import time
from collections import Counter
from datetime import datetime, timedelta

from antirelou.commands.finding import Finding, term
from kernel.provider.port import Away
from kernel.provider.smsgate.provider import EVENTS, SmsGate
from kernel.settings.settings import Settings
from kernel.values.clock import SystemClock

ASLEEP_AFTER = timedelta(hours=1)
"""A phone tells its server of itself each quarter of an hour; real time."""


def sign_event(settings: Settings) -> tuple[bytes, dict[str, str]]:
    """An event that says nothing, signed as a phone signs: body and headers."""
    body = json.dumps({"event": "doctor:asks", "id": "doctor", "payload": {}}).encode()
    at = str(int(time.time()))
    key = settings.smsgate_signing_key.get_secret_value().encode()
    signature = hmac.new(key, body + at.encode(), hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": signature, "X-Timestamp": at}
    return body, headers


async def examine_phones(settings: Settings, provider: SmsGate) -> list[Finding]:
    """The phones, and who listens to them."""
    devices = await provider.read_devices()
    registered = await provider.read_registrations()
    away = next((one for one in (devices, registered) if isinstance(one, Away)), None)
    if isinstance(devices, Away) or isinstance(registered, Away):
        reason = away.reason if away else ""
        found = term("provider_away", reason=reason)
        return [Finding(term("phones"), good=False, found=found, fix=term("provider_fix"))]
    now = SystemClock().now()
    return [
        judge_devices(settings.smsgate_devices, devices, now),
        judge_registrations(registered, provider.webhook_url),
    ]


def judge_devices(
    named: tuple[str, ...], seen: dict[str, datetime | None], now: datetime
) -> Finding:
    """Whether the server knows the phones, and they are awake."""
    unknown = [device for device in named if device not in seen]
    if unknown:
        return Finding(
            term("phones"), good=False, found=term("phones_unknown", names=", ".join(unknown)),
            fix=term("phones_unknown_fix"),
        )  # fmt: skip
    asleep = [one for one in named if (at := seen[one]) is None or at < now - ASLEEP_AFTER]
    if asleep:
        return Finding(
            term("phones"), good=False, found=term("phones_asleep", names=", ".join(asleep)),
            fix=term("phones_asleep_fix"),
        )  # fmt: skip
    return Finding(term("phones"), good=True, found=term("phones_found", count=len(named)))


def judge_registrations(registered: list[tuple[str, str, str]], url: str) -> Finding:
    """Whether each event is told to us once, and to nobody else."""
    ours = Counter(event for _, event, to in registered if to == url)
    strange = sorted({to for _, event, to in registered if to != url and "received" in event})
    missing = ", ".join(event for event in EVENTS if event not in ours)
    double = ", ".join(sorted(event for event, count in ours.items() if count > 1))
    found = None
    if missing:
        found = term("registrations_missing", names=missing)
    elif double:
        found = term("registrations_double", names=double)
    elif strange:
        found = term("registrations_strange", names=", ".join(strange))
    if found is not None:
        fix = term("registrations_fix")
        return Finding(term("registrations"), good=False, found=found, fix=fix)
    return Finding(term("registrations"), good=True, found=term("registrations_good"))
