"""Every setting: its default, read right, and wrong once with its name in the answer."""

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings.settings import DURATIONS, QuietHours, Settings, load_settings, require
from kernel.values.errors import Fatal

WRONG = {
    "LISTEN": "8080",
    "OPS_LISTEN": "localhost:http",
    "PUBLIC_URL": "sms.example.org",
    "CONSOLE_LISTEN": "9200",
    "CONSOLE_URL": "http://console.example.org",
    "DATABASE_URL": "sqlite:///x",
    "KAFKA_BOOTSTRAP": "broker",
    "KAFKA_SECURITY_PROTOCOL": "TLS",
    "KAFKA_SECURITY_SASL_MECHANISM": "MD5",
    "PSEUDONYM_KEY": "secret",
    "SENDING_PUBLIC_KEY": "00",
    "SENDING_PRIVATE_KEY": "zz" * 32,
    "BACKUP_PUBLIC_KEY": "zz" * 32,
    "SENDING_PRIVATE_KEYS_OLDER": "0" * 64 + ",zz",
    "EVIDENCE_PUBLIC_KEY": "0" * 63,
    "NUMBER": "0639980000",
    "COUNTRIES": "France",
    "PLIVO_AUTH_ID": "me",
    "PLIVO_APP_ID": "app/1",
    "PLIVO_MUTE_APP_ID": "no app",
    "PLIVO_API_URL": "https://api.plivo.com/v1",
    "PROVIDER_CURRENCY": "euros",
    "PROVIDER_RATE": "0",
    "REPLY_TEXTS": "Bonjour",
    "REPLY_DELAY": "1 hour",
    "REPLY_DELAY_JITTER": "-1m",
    "REPLY_QUIET": "30",
    "REPLY_DELAY_MAX": "1m",
    "QUIET_HOURS": "22-9",
    "TIMEZONE": "Paris",
    "REPLY_WINDOW": "half a year",
    "BURST": "0",
    "JUDGE_WITHOUT": "texts,rudeness",
    "CALL_ANSWER": "shout",
    "CALL_COUNTS": "perhaps",
    "PRICE_RECEIVE": "one cent",
    "PRICE_REPLY": "-0.15",
    "CAP_PER_EXCHANGE": "0.10",
    "FUND_FLOOR": "-1",
    "FUND_HORIZON": "week",
    "DAILY_CAP": "lots",
    "MAX_WAIT": "72",
    "SEND_RATE": "0",
    "RETAIN_TEXT": "forever",
    "RETAIN_EVIDENCE": "0d",
    "EVIDENCE_LOG_KEY": "f" * 62,
    "HELLOASSO_ORGANIZATION": "mon asso",
    "HELLOASSO_CLIENT_ID": "a b",
    "HELLOASSO_CLIENT_SECRET": "é",
    "HELLOASSO_API_URL": "https://api.helloasso.com/v5",
    "HELLOASSO_BELL": "a/bell",
    "HELLOASSO_FORMS": "dons",
    "STRIPE_WEBHOOK_SECRETS": "whsec_0123456789",
    "STRIPE_API_KEY": "rk live",
    "STRIPE_API_URL": "api.stripe.com",
    "STRIPE_LIVE": "maybe",
    "GIFTS_SINCE": "1 November",
    "GIFTS_COUNT": "given",
    "GIFT_HOLD": "100",
    "TIMESTAMP_URL": "tsa.example.org",
    "WITNESS_URL": "ftp://witness.example.org",
    "WITNESS_KEY": "witness.example.org",
    "PAGE_DIR": "$HOME/page",
    "PAGE_PUSH": "rsync 'a",
    "OPERATOR_TOKEN": "short",
    "OPERATOR_URL": "ftp://x",
    "ALERT_URL": "ntfy.sh/topic",
    "HEARTBEAT_URL": "ftp://hc-ping.com/uuid",
    "LANGUAGE": "de",
    "LOG_LEVEL": "loud",
    "EVIDENCE_URL": "127.0.0.1:9100",
    "OPERATORS_URL": "console",
    "DATA_DIR": "$HOME/antirelou",
    "KAFKA_SECURITY_CA_FILE": "${DIR}/ca.pem",
    "PLIVO_AUTH_TOKEN": "two words",
    "PLIVO_AUTH_TOKEN_OLDER": "été",
    "CLOCK_SPEED": "0",
    "PROVIDER": "twilio",
    "SMSGATE_URL": "192.168.1.7:8080",
    "SMSGATE_SIGNING_KEY": "Short8ch",
    "SMSGATE_DEVICES": "Ey6ECgOkVVFjz3CL48B8C",
    "SMSGATE_MODE": "cloud",
    "RELEASE": "robot",
    "RELEASE_AUTO_WORDS": "yes",
}
UNBOUNDED = {
    "KAFKA_SECURITY_USERNAME", "KAFKA_SECURITY_PASSWORD", "SMSGATE_USER", "SMSGATE_PASSWORD",
    "PUBLISHER",
}  # fmt: skip
"""Any text is a value of these; whether it works, only use can tell."""

SPOILED = {
    "a line break": "{}\n", "a carriage return": "{}\r", "NUL": "\0{}", "a blank before": " {}",
    "a blank behind": "{} ", "a hard blank": "{}\xa0", "quotes": '"{}"', "other quotes": "'{}'",
    "half an emoji": "{}\ud83d", "not UTF-8": "{}\udce9",
}  # fmt: skip
"""What clings to a value on its way through shells, Secrets and clipboards."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ANTIRELOU_") or name == "SETTINGS_FILE":
            monkeypatch.delenv(name)


def test_the_table_of_wrong_values_is_complete() -> None:
    assert {name.upper() for name in Settings.model_fields} - UNBOUNDED == set(WRONG)


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_setting_stops_with_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANTIRELOU_{name}", value)
    with pytest.raises(Fatal, match=f"ANTIRELOU_{name}: ") as refusal:
        load_settings()
    assert refusal.value.code == "settings"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "127.0.0.1:²"),
        ("LISTEN", "127.0.0.1:65536"),
        ("REPLY_DELAY", "99999999999999d"),
        ("REPLY_WINDOW", "0s"),
        ("FUND_HORIZON", "0d"),
        ("MAX_WAIT", "0h"),
        ("RETAIN_TEXT", "0ms"),
        ("SEND_RATE", "nan"),
        ("CLOCK_SPEED", "inf"),
        ("PROVIDER_RATE", "-1"),
        ("QUIET_HOURS", "24:00-09:00"),
        ("REPLY_TEXTS", '["Non.", " "]'),
        ("REPLY_TEXTS", "[]"),
        ("REPLY_TEXTS", r'["Non. \ud83d"]'),
        ("REPLY_TEXTS", r'["Non.\u0000"]'),
        ("REPLY_TEXTS", "[" * 100_000),
        ("COUNTRIES", "UK"),
        ("COUNTRIES", "FR,XX"),
        ("COUNTRIES", "FRANCE"),
        ("COUNTRIES", ","),
        ("NUMBER", "+33９37000000"),
        ("BURST", "３０"),
        ("BURST", "1e9"),
        ("BURST", "1000000000"),
        ("BURST", "1_000"),
        ("BURST", "30.0"),
        ("SEND_RATE", "0,5"),
        ("SEND_RATE", "٠.٥"),
        ("SEND_RATE", "1e1"),
        ("CLOCK_SPEED", "-1"),
        ("REPLY_DELAY", "-1h"),
        ("REPLY_DELAY", "1,5h"),
        ("REPLY_DELAY", "９０s"),
        ("REPLY_DELAY", "infs"),
        ("QUIET_HOURS", "2２:00-09:00"),
        ("PRICE_REPLY", "NaN"),
        ("PRICE_REPLY", "inf"),
        ("DAILY_CAP", "1e9"),
        ("DAILY_CAP", "1_000"),
        ("DAILY_CAP", "+5"),
        ("DAILY_CAP", "1.500"),
        ("DAILY_CAP", "５"),
        ("DAILY_CAP", "0.0000001"),
        ("DAILY_CAP", "5 €"),
        ("PROVIDER_RATE", "1001"),
        ("PUBLIC_URL", "https://sms.example.org/webhooks/plivo/message"),
        ("PUBLIC_URL", "https://me:secret@sms.example.org"),
        ("PUBLIC_URL", "https://sms.example.org:port"),
        ("PUBLIC_URL", "https://sms.exämple.org"),
        ("PUBLIC_URL", "https://sms. example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://:8080"),
        ("LISTEN", "http://127.0.0.1:8080"),
        ("KAFKA_BOOTSTRAP", "me@broker:9092"),
        ("DATABASE_URL", "postgresql://us:pa#ss@host/db"),
        ("DATABASE_URL", "postgresql://us:pa ss@host/db"),
        ("DATABASE_URL", "postgresql://us@host:port/db"),
        ("DATA_DIR", "~nobody-of-this-name/data"),
        ("CALL_COUNTS", "oui"),
    ],
)
def test_values_at_the_edge_are_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANTIRELOU_{name}", value)
    with pytest.raises(Fatal, match=rf"ANTIRELOU_{name}: was .*, accepted: "):
        load_settings()


@pytest.mark.parametrize(("name", "value", "fix"), [
    ("PRICE_REPLY", "0,16", "a number with a point, 0.16"),
    ("REPLY_DELAY", "1,5h", "a duration with a point, 1.5h"),
    ("SEND_RATE", "0,5", "a number with a point, 0.5"),
    ("FUND_FLOOR", "1.500", "no point for thousands: 1500, or with two decimals 1.50"),
    ("COUNTRIES", "UK", "GB, not UK"),
])  # fmt: skip
def test_the_fix_is_said(name: str, value: str, fix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ANTIRELOU_{name}", value)
    with pytest.raises(Fatal, match=rf"ANTIRELOU_{name}: was '{value}', accepted: .*{fix}"):
        load_settings()


RIGHT = {
    "PLIVO_AUTH_TOKEN": "0123456789abcdef0123456789abcdef01234567",
    "OPERATOR_TOKEN": "x" * 43,
    "PSEUDONYM_KEY": "0" * 64,
    "NUMBER": "+33937000000",
    "PUBLIC_URL": "https://sms.example.org",
    "DATABASE_URL": "postgresql://us:pass@host/db",
    "KAFKA_SECURITY_PASSWORD": "a password",
    "PLIVO_AUTH_ID": "MAXXXXXXXXXXXXXXXXXX",
    "COUNTRIES": "FR",
    "BURST": "30",
    "DAILY_CAP": "5.00",
    "REPLY_DELAY": "1h",
    "QUIET_HOURS": "22:00-09:00",
    "DATA_DIR": "/var/lib/antirelou",
    "ALERT_URL": "https://ntfy.sh/topic",
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED)
@pytest.mark.parametrize(("name", "value"), RIGHT.items())
def test_what_clings_to_a_value_is_refused(name: str, value: str, spoiled: str) -> None:
    assert load_settings(**{name.lower(): value})
    with pytest.raises(Fatal, match=rf"ANTIRELOU_{name}: was .*, accepted: ") as refusal:
        load_settings(**{name.lower(): spoiled.format(value)})
    if len(value) > 11:  # longer than what is no secret
        assert value not in str(refusal.value)


@pytest.mark.parametrize("name", sorted(RIGHT.keys() | WRONG.keys()))
def test_a_secret_that_was_pasted_elsewhere_is_not_shown(name: str) -> None:
    secret = "0123456789abcdef-s3cret-0123456789abcdef01234567"
    with suppress(Fatal):
        load_settings(**{name.lower(): secret})
        return
    with pytest.raises(Fatal) as refusal:
        load_settings(**{name.lower(): secret})
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "path"),
    [("~", "{home}"), ("~/house", "{home}/house"), ("~root/house", "/root/house"),
     ("house", "{here}/house"), ("/a/~/b", "/a/~/b")],
)  # fmt: skip
def test_a_home_is_meant_everywhere_or_nowhere(
    given: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "here")
    settings = load_settings(data_dir=given, kafka_security_ca_file=given)
    expected = Path(path.format(home=tmp_path, here=tmp_path / "here"))
    assert settings.data_dir == settings.kafka_security_ca_file == expected


def test_an_override_of_no_setting_is_refused() -> None:
    with pytest.raises(Fatal, match="ANTIRELOU_DAYLY_CAP: "):
        load_settings(dayly_cap="5")


def test_the_mute_application_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIRELOU_PLIVO_APP_ID", "1")
    monkeypatch.setenv("ANTIRELOU_PLIVO_MUTE_APP_ID", "1")
    with pytest.raises(Fatal, match=r"ANTIRELOU_PLIVO_MUTE_APP_ID: "):
        load_settings()


@pytest.mark.parametrize("name", ["PSEUDONYM_KEY", "NUMBER", "OPERATOR_TOKEN", "DATABASE_URL"])
def test_a_secret_is_not_shown_in_the_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ANTIRELOU_{name}", "hunter2")
    with pytest.raises(Fatal) as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIRELOU_BURST", "0")
    monkeypatch.setenv("ANTIRELOU_NUMBER", "06")
    with pytest.raises(Fatal, match=r"(?s)ANTIRELOU_NUMBER.*ANTIRELOU_BURST"):
        load_settings()


def test_the_defaults_are_the_contract_s() -> None:
    settings = load_settings()
    assert settings.listen == "127.0.0.1:8080"
    assert settings.ops_listen == "127.0.0.1:9100"
    assert settings.countries == ("FR",)
    assert len(settings.reply_texts) == 3
    assert settings.reply_delay == timedelta(hours=1)
    assert settings.reply_delay_jitter == timedelta(minutes=40)
    assert settings.reply_quiet == timedelta(minutes=30)
    assert settings.reply_delay_max == timedelta(hours=4)
    assert settings.quiet_hours == (time(22), time(9))
    assert settings.reply_window == timedelta(days=180)
    assert settings.burst == 30
    assert not settings.call_counts
    assert (settings.price_receive, settings.price_reply) == (10_000, 150_000)
    assert settings.cap_per_exchange == 160_000
    assert settings.fund_floor == 20_000_000
    assert settings.daily_cap is None
    assert settings.max_wait == timedelta(hours=72)
    assert settings.send_rate == 0.5
    assert settings.retain_text == timedelta(days=7)


def test_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIRELOU_COUNTRIES", "fr, be")
    monkeypatch.setenv("ANTIRELOU_QUIET_HOURS", "off")
    monkeypatch.setenv("ANTIRELOU_REPLY_TEXTS", '["Non.", "Toujours non."]')
    monkeypatch.setenv("ANTIRELOU_DAILY_CAP", "12.50")
    monkeypatch.setenv("ANTIRELOU_CALL_COUNTS", "true")
    monkeypatch.setenv("ANTIRELOU_PROVIDER_RATE", "0.92")
    monkeypatch.setenv("ANTIRELOU_PUBLIC_URL", "https://sms.example.org/")
    settings = load_settings()
    assert settings.countries == ("FR", "BE")
    assert settings.quiet is None
    assert settings.reply_texts == ("Non.", "Toujours non.")
    assert settings.daily_cap == 12_500_000
    assert settings.call_counts
    assert settings.provider_rate == 920_000
    assert settings.public_url == "https://sms.example.org"


def test_the_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "antirelou.env"
    file.write_text("ANTIRELOU_BURST=7\nANTIRELOU_SEND_RATE=2\nANTIRELOU_DAILY_CAP=\n")
    monkeypatch.setenv("SETTINGS_FILE", str(file))
    monkeypatch.setenv("ANTIRELOU_SEND_RATE", "3")
    settings = load_settings()
    assert (settings.burst, settings.send_rate, settings.daily_cap) == (7, 3, None)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS_FILE", "/nowhere/antirelou.env")
    with pytest.raises(Fatal, match="SETTINGS_FILE: no file"):
        load_settings()


def test_the_speed_of_the_clock_divides_durations_and_multiplies_rates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = load_settings()
    monkeypatch.setenv("ANTIRELOU_CLOCK_SPEED", "60")
    fast = load_settings()
    durations = {name for name in Settings.model_fields if type(getattr(plain, name)) is timedelta}
    assert set(DURATIONS) == durations
    for name in DURATIONS:
        assert getattr(fast, name) == getattr(plain, name) / 60
    assert fast.send_rate == plain.send_rate * 60
    assert fast.scaled(timedelta(hours=1)) == timedelta(minutes=1)
    assert fast.quiet_hours == plain.quiet_hours


def test_what_a_command_needs_is_named() -> None:
    with pytest.raises(Fatal, match=r"ANTIRELOU_NUMBER, ANTIRELOU_PLIVO_AUTH_TOKEN: required"):
        require(load_settings(), "number", "plivo_auth_token")


ZONES = [
    "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut",
    "Africa/Casablanca", "UTC",
]  # fmt: skip
"""Clocks put forward and back by an hour or half of one, at two in the morning or at midnight."""
CHANGES = [datetime(2026, month, day, tzinfo=UTC) for month, day in [
    (2, 15), (3, 8), (3, 22), (3, 29), (4, 5), (9, 6), (10, 4), (10, 25), (11, 1),
]]  # fmt: skip
"""Days near which one of them is put forward or back."""
STEP = timedelta(minutes=1)
bounds = st.builds(time, st.sampled_from([22, 23, *range(5)]), st.sampled_from([0, 15, 30, 45]))
quiet_hours = st.builds(QuietHours, bounds, bounds, st.sampled_from(ZONES).map(ZoneInfo))
near_changes = st.builds(
    lambda day, minutes: day + minutes * STEP,
    st.sampled_from(CHANGES),
    st.integers(-2880, 2880),
)


@given(quiet_hours, near_changes)
def test_the_next_loud_or_quiet_instant_is_the_first(quiet: QuietHours, now: datetime) -> None:
    """Held against the clock read minute by minute, the hour that is skipped or repeated in it."""
    minutes = [now + n * STEP for n in range(51 * 60)]  # a minute may fall into what is skipped
    assert quiet.next_loud(now) == next(at for at in minutes if not quiet.covers(at))
    found = quiet.next_quiet(now)
    assert found == next((at for at in minutes if quiet.covers(at)), None)


@given(
    st.builds(QuietHours, st.times(), st.times(), st.sampled_from(ZONES).map(ZoneInfo)),
    st.datetimes(datetime(2017, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_the_next_loud_instant_is_loud_and_near(quiet: QuietHours, now: datetime) -> None:
    loud = quiet.next_loud(now)
    assert now <= loud <= now + timedelta(hours=25)
    assert not quiet.covers(loud)
    assert quiet.covers(now) or loud == now


def test_an_end_within_the_hour_that_is_skipped_is_the_end_of_that_hour() -> None:
    quiet = QuietHours(time(22), time(2, 30), ZoneInfo("Europe/Paris"))
    night = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert quiet.next_loud(night) == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 is 03:00


def test_quiet_hours_span_midnight_by_the_local_clock() -> None:
    quiet = QuietHours(time(22), time(9), ZoneInfo("Europe/Paris"))
    late = datetime(2017, 10, 28, 21, 30, tzinfo=UTC)  # 23:30, and the clocks go back that night
    assert quiet.covers(late)
    assert quiet.next_loud(late) == datetime(2017, 10, 29, 8, 0, tzinfo=UTC)
    assert not quiet.covers(datetime(2017, 10, 28, 19, 59, tzinfo=UTC))
