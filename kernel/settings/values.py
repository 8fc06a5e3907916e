"""How single settings are read (CONTRACT §2). Pure.

Each function takes what the environment holds and gives the value; what is not accepted is a
``ValueError`` that says what is, and never quotes what it was.
"""

import json
import re
from datetime import time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from kernel.values.money import parse_micro

DURATION_SECONDS_MAX = 3650 * 86_400
"""Ten years; beyond, times would leave what a calendar holds."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: Any) -> timedelta:
    """Read ``90s``, ``20m``, ``48h``, ``30d``.

    Raises:
        ValueError: it is not a whole or decimal number and one of these units, or too long.
    """
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", str(text).strip())
    if not match:
        raise ValueError("a duration such as 90s, 20m, 48h or 30d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > DURATION_SECONDS_MAX:
        raise ValueError("a duration of at most 3650d")
    return timedelta(seconds=seconds)


def parse_money(value: Any) -> int:
    """Decimal euros of a setting as micro-euros, never negative."""
    try:
        amount = parse_micro(str(value))
    except ValueError:
        amount = -1
    if amount < 0:
        raise ValueError("an amount in decimal euros such as 0.16")
    return amount


def parse_quiet_hours(value: Any) -> tuple[time, time] | None:
    """Hours of the day, such as ``22:00-09:00``; None: off."""
    if value is None or isinstance(value, tuple):
        return value
    text = str(value).strip()
    if text.lower() in {"off", "none", ""}:
        return None
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", text)
    if not match:
        raise ValueError("hours such as 22:00-09:00, or off")
    hours = [int(part) for part in match.groups()]
    return time(hours[0], hours[1]), time(hours[2], hours[3])


def check_zone(name: str) -> str:
    """The name of a time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Paris") from None
    return name


def check_number(value: str) -> str:
    """A number in E.164."""
    if not re.fullmatch(r"\+[1-9]\d{6,14}", value):
        raise ValueError("a number in E.164, such as +33937000000")
    return value


_PORT = re.compile(r"[0-9]{1,5}")


def check_address(value: str) -> str:
    """``HOST:PORT``."""
    host, separator, port = value.rpartition(":")
    if not separator or not host or not _PORT.fullmatch(port) or int(port) > 65535:  # noqa: PLR2004
        raise ValueError("HOST:PORT such as 127.0.0.1:8080")
    return value


def check_http_url(value: str) -> str:
    """A URL without query, and without a slash at its end."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("a URL such as https://sms.example.org, without query")
    return value.rstrip("/")


def check_secret_url(value: SecretStr) -> SecretStr:
    """A URL that is a secret itself, such as an ntfy topic's, or none."""
    text = value.get_secret_value()
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.netloc):
        raise ValueError("a URL such as https://ntfy.sh/a-topic-nobody-guesses")
    return value


def check_bare_url(value: str) -> str:
    """A URL of scheme, host and port alone."""
    value = check_http_url(value)
    if urlsplit(value).path:
        raise ValueError("scheme, host and port alone, such as https://api.plivo.com")
    return value


def check_key(value: SecretStr) -> SecretStr:
    """A key of 32 bytes in hexadecimal, or none."""
    text = value.get_secret_value()
    if text and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError("64 lower-case hexadecimal digits, as `antirelou init` makes them")
    return value


def check_keys(value: SecretStr) -> SecretStr:
    """Keys of 32 bytes in hexadecimal, separated by commas, or none."""
    for text in value.get_secret_value().split(",") if value.get_secret_value() else ():
        check_key(SecretStr(text.strip() or "empty"))
    return value


def check_database_url(value: SecretStr) -> SecretStr:
    """A URL of PostgreSQL, or none."""
    if not re.match(r"postgres(ql)?://|$", value.get_secret_value()):
        raise ValueError("a URL such as postgresql://user@host/database")
    return value


def check_application(value: str) -> str:
    """An application's id, which stands in a path of the provider's, or none."""
    if not re.fullmatch(r"[0-9A-Za-z_-]{0,64}", value):
        raise ValueError("an application's id as the provider's console shows it: digits")
    return value


def check_above_zero(value: timedelta) -> timedelta:
    """A duration that is longer than nothing."""
    if value <= timedelta():
        raise ValueError("a duration above zero")
    return value


def check_addresses(value: str) -> str:
    """``HOST:PORT``, several separated by commas, or none."""
    return ",".join(check_address(part.strip()) for part in value.split(",")) if value else value


def parse_texts(value: Any) -> tuple[str, ...]:
    """A JSON list of texts."""
    accepted = 'a JSON list of texts such as ["Bonjour."], none of them blank'
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError(accepted) from None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(accepted)
    if not all(isinstance(text, str) and text.strip() for text in value):
        raise ValueError(accepted)
    return tuple(value)


def parse_countries(value: Any) -> tuple[str, ...]:
    """ISO 3166 country codes, separated by commas."""
    if isinstance(value, str):
        value = tuple(part.strip().upper() for part in value.split(",") if part.strip())
    if not value or not all(re.fullmatch(r"[A-Z]{2}", str(part)) for part in value):
        raise ValueError("ISO country codes such as FR or FR,BE")
    return tuple(value)
