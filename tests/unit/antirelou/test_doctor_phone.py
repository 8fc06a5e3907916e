"""What the doctor says of phones and of who listens to them."""

from datetime import UTC, datetime, timedelta

import pytest

from antirelou.commands.doctor_phone import judge_devices, judge_registrations
from kernel.provider.smsgate.provider import EVENTS

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
URL = "https://sms.example.org/webhooks/smsgate"
OURS = [(f"antirelou-{event}", event, URL) for event in EVENTS]
LATE = NOW - timedelta(hours=2)


@pytest.mark.parametrize(("seen", "found"), [
    ({"a": NOW, "b": NOW}, ""), ({"a": NOW}, "not known to the server: b"),
    ({"a": NOW, "b": LATE}, "asleep: b"), ({"a": NOW, "b": None}, "asleep: b"),
    ({"a": LATE, "b": LATE}, "asleep: a, b"),
])  # fmt: skip
def test_phones_that_are_unknown_or_asleep_are_named(
    seen: dict[str, datetime | None], found: str
) -> None:
    finding = judge_devices(("a", "b"), seen, NOW)
    assert finding.good is not bool(found)
    assert found in str(getattr(finding.found, "en", ""))


@pytest.mark.parametrize(("registered", "found"), [
    (OURS, ""),
    (OURS[1:], "some are missing: sms:received"),
    ([*OURS, ("hand", "sms:received", URL)], "every text comes twice: sms:received"),
    ([*OURS, ("x", "sms:received", "https://elsewhere.example")], "https://elsewhere.example"),
])  # fmt: skip
def test_who_else_listens_is_named(registered: list[tuple[str, str, str]], found: str) -> None:
    finding = judge_registrations(registered, URL)
    assert finding.good is not bool(found)
    assert found in str(getattr(finding.found, "en", ""))
