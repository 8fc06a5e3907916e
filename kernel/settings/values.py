"""How single settings are read (docs/contract.md §2). Pure.

Each function takes what the environment holds and gives the value; what is not accepted is a
``ValueError`` that says what is, and never quotes what it was but a number with its comma mended.
"""

import json
import re
import shlex
import unicodedata
from collections.abc import Callable, Collection
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

from kernel.values.money import parse_micro

DURATION_SECONDS_MAX = 3650 * 86_400
"""Ten years; beyond, times would leave what a calendar holds."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
Text = TypeVar("Text", str, SecretStr)


def check_characters(value: Any) -> Any:
    """What no setting may have: blanks, quotes or a line break around it, half a character."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs":
            raise ValueError("text in UTF-8, of whole characters")
        if category == "Cc":
            raise ValueError("a value without line break, NUL or other control character")
    if text != text.strip():
        raise ValueError("a value without blanks around it")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        raise ValueError("a value without quotes around it: here they are part of it")
    return value


def matching(pattern: str, accepted: str) -> Callable[[Text], Text]:
    """A check that a setting, or a secret one, is of a form, or empty.

    Args:
        pattern: of the whole of it.
        accepted: the form in words.
    """
    form = re.compile(pattern, re.ASCII)

    def check(value: Text) -> Text:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text and not form.fullmatch(text):
            raise ValueError(accepted)
        return value

    return check


def parse_decimal(value: Any) -> Any:
    """A decimal number, or what is a number already.

    Raises:
        ValueError: it has a comma, an exponent, another script's digits, is no number.
    """
    if not isinstance(value, str):
        return value
    if mended := _mend_comma(value):
        raise ValueError(f"a number with a point, {mended}")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,20})?", value):
        raise ValueError("a number such as 3 or 0.5, in plain digits")
    return float(value)


_TRUTH = {"true": True, "yes": True, "on": True, "1": True,
          "false": False, "no": False, "off": False, "0": False}  # fmt: skip


def parse_truth(value: Any) -> Any:
    """``true`` or ``false``, or what is one already."""
    if not isinstance(value, str):
        return value
    if value.lower() not in _TRUTH:
        raise ValueError("true or false")
    return _TRUTH[value.lower()]


def parse_whole(value: Any) -> Any:
    """A whole number, or what is one already."""
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise ValueError("a whole number such as 30, in plain digits")
        return int(value)
    return value


def parse_duration(text: Any) -> timedelta:
    """Read ``90s``, ``20m``, ``48h``, ``30d``.

    Raises:
        ValueError: it is not a whole or decimal number and one of these units, or too long.
    """
    if isinstance(text, timedelta):
        return text
    if mended := _mend_comma(str(text)):
        raise ValueError(f"a duration with a point, {mended}")
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)", str(text).strip())
    if not match:
        raise ValueError("a duration such as 90s, 1.5h, 48h or 30d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > DURATION_SECONDS_MAX:
        raise ValueError("a duration of at most 3650d")
    return timedelta(seconds=seconds)


def _mend_comma(text: str) -> str:
    """A number that has a comma for its point, with the point; empty: it has none."""
    return text.replace(",", ".") if re.fullmatch(r"[0-9]+,[0-9]+\s*[a-z]*", text) else ""


def parse_money(value: Any) -> int:
    """Decimal euros of a setting as micro-euros, never negative."""
    text = str(value)
    if re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", text):
        whole, cents = text.replace(".", ""), text[:-1]
        raise ValueError(f"no point for thousands: {whole}, or with two decimals {cents}")
    return parse_micro_setting(text)


def parse_micro_setting(value: Any) -> int:
    """A decimal number as millionths, never negative."""
    text = str(value)
    if mended := _mend_comma(text):
        raise ValueError(f"a number with a point, {mended}")
    if not _NUMBER.fullmatch(text):
        raise ValueError("an amount in decimal euros such as 0.16")
    return parse_micro(text)


def parse_quiet_hours(value: Any) -> tuple[time, time] | None:
    """Hours of the day, such as ``22:00-09:00``; None: off."""
    if value is None or isinstance(value, tuple):
        return value
    text = str(value).strip()
    if text.lower() in {"off", "none", ""}:
        return None
    match = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", text)
    if not match:
        raise ValueError("hours such as 22:00-09:00, or off")
    hours = [int(part) for part in match.groups()]
    return time(hours[0], hours[1]), time(hours[2], hours[3])


def parse_path(value: Any) -> Any:
    """A file's or folder's path, absolute; ``~`` and ``~user`` are homes."""
    if not isinstance(value, str | Path):
        return value
    if "$" in str(value):
        raise ValueError("a path as it is: no variable is replaced here")
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError:
        raise ValueError("a path; the home that its ~ means is not known here") from None


def check_command(value: str) -> str:
    """A command line as a shell would split it, or none."""
    try:
        shlex.split(value)
    except ValueError:
        raise ValueError("a command and its arguments, with quotes that are closed") from None
    return value


def check_zone(name: str) -> str:
    """The name of a time zone that this machine knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Paris") from None
    return name


check_number: Callable[[str], str] = matching(
    r"\+[1-9]\d{6,14}", "a number in E.164, such as +33937000000"
)

_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f:.]+")
_PORT = re.compile(r"[0-9]{1,5}")


def check_address(value: str) -> str:
    """``HOST:PORT``."""
    host, separator, port = value.rpartition(":")
    if not separator or not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError("HOST:PORT such as 127.0.0.1:8080")
    return value


def _split_url(text: str, schemes: Collection[str]) -> SplitResult | None:
    """The parts of a URL; None: it is none, or its host, its port or a character is wrong."""
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in schemes else None


def check_http_url(value: str) -> str:
    """A URL without credentials and query, and without a slash at its end."""
    parts = _split_url(value, {"http", "https"})
    if parts is None or not parts.hostname or set("?#@") & set(value):
        raise ValueError("a URL such as https://sms.example.org, without credentials and query")
    return value.rstrip("/")


def check_optional_url(value: str) -> str:
    """As ``check_http_url``, or none."""
    return check_http_url(value) if value else value


def check_secret_url(value: SecretStr) -> SecretStr:
    """A URL that is a secret itself, such as an ntfy topic's, or none."""
    text = value.get_secret_value()
    parts = _split_url(text, {"http", "https"})
    if text and (parts is None or not parts.hostname):
        raise ValueError("a URL such as https://ntfy.sh/a-topic-nobody-guesses")
    return value


def check_bare_url(value: str) -> str:
    """A URL of scheme, host and port alone."""
    value = check_http_url(value)
    if urlsplit(value).path:
        raise ValueError("scheme, host and port alone, such as https://sms.example.org")
    return value


def check_guarded_url(value: str) -> str:
    """A URL on whose way nobody reads along: TLS, or this machine itself."""
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("https, or http://localhost:9200 on this machine itself")
    return value.lower()


check_key: Callable[[SecretStr], SecretStr] = matching(
    r"[0-9a-f]{64}", "64 lower-case hexadecimal digits, as `antirelou init` makes them"
)


check_token: Callable[[SecretStr], SecretStr] = matching(
    r"[\x21-\x7e]{16,}", "at least 16 printable characters, as `antirelou init` makes them"
)


def check_keys(value: SecretStr) -> SecretStr:
    """Keys of 32 bytes in hexadecimal, separated by commas, or none."""
    for text in value.get_secret_value().split(",") if value.get_secret_value() else ():
        check_key(SecretStr(text.strip() or "empty"))
    return value


def check_database_url(value: SecretStr) -> SecretStr:
    """A URL of PostgreSQL, or none."""
    text = value.get_secret_value()
    parts = _split_url(text, {"postgres", "postgresql"})
    if text and (parts is None or parts.fragment):
        raise ValueError(
            "a URL such as postgresql://user@host:5432/database; in a password write # / @ : and "
            "what is not ASCII as %23 %2F %40 %3A …"
        )
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
        except (ValueError, RecursionError):
            raise ValueError(accepted) from None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(accepted)
    if not all(isinstance(text, str) and text.strip() for text in value):
        raise ValueError(accepted)
    for number, text in enumerate(value, start=1):
        categories = {unicodedata.category(c) for c in text.replace("\n", "")}
        if "Cs" in categories:
            raise ValueError(f"whole characters: text {number} has half an emoji")
        if "Cc" in categories:
            raise ValueError(f"texts without control characters: text {number} has one")
    return tuple(value)


def parse_devices(value: Any) -> tuple[str, ...]:
    """A JSON list of device ids, each once."""
    accepted = 'a JSON list of device ids such as ["Ey6ECgOkVVFjz3CL48B8C"], each once'
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(accepted) from None
    if not isinstance(value, list | tuple) or len(set(map(str, value))) != len(value):
        raise ValueError(accepted)
    form = re.compile(r"[0-9A-Za-z_-]{1,64}")
    if not all(isinstance(device, str) and form.fullmatch(device) for device in value):
        raise ValueError(accepted)
    return tuple(value)


def parse_names(value: Any) -> tuple[str, ...]:
    """A JSON list of names, such as slugs; empty: none."""
    accepted = 'a JSON list such as ["dons"], none of them blank'
    if isinstance(value, str):
        try:
            value = json.loads(value) if value else ()
        except (ValueError, RecursionError):
            raise ValueError(accepted) from None
    if not isinstance(value, list | tuple) or not all(
        isinstance(name, str) and re.fullmatch(r"[\x21-\x7e]{1,200}", name) for name in value
    ):
        raise ValueError(accepted)
    return tuple(dict.fromkeys(value))


def check_secrets(value: SecretStr) -> SecretStr:
    """A JSON list of one or two secrets as Stripe shows them, or none."""
    accepted = 'a JSON list of one or two secrets such as ["whsec_…"], as Stripe shows them'
    try:
        secrets = read_secrets(value)
    except ValueError:
        raise ValueError(accepted) from None
    if len(secrets) > SECRETS_MAX or not all(
        re.fullmatch(r"[\x21-\x7e]{8,}", secret) for secret in secrets
    ):
        raise ValueError(accepted)
    return value


SECRETS_MAX = 2
"""Secrets of one webhook: two while one is being changed."""


def read_secrets(value: SecretStr) -> tuple[str, ...]:
    """The secrets of a JSON list. Raises ``ValueError``: it is none."""
    text = value.get_secret_value()
    if not text:
        return ()
    found = json.loads(text)
    if not isinstance(found, list) or not found or not all(isinstance(s, str) for s in found):
        raise ValueError("a JSON list")
    return tuple(found)


class Hold(NamedTuple):
    """Card gifts of so much or more count only after so long.

    Attributes:
        after: since they were given, in real time once ``CLOCK_SPEED`` divided it.
    """

    amount_microeuros: int
    after: timedelta


def parse_hold(value: Any) -> Hold | None:
    """``AMOUNT@DURATION``, such as ``100@14d``; None: off."""
    if value is None or isinstance(value, Hold):
        return value
    text = str(value)
    if not text:
        return None
    amount, mark, duration = text.partition("@")
    if not mark:
        raise ValueError("an amount and a duration such as 100@14d")
    return Hold(parse_money(amount), check_above_zero(parse_duration(duration)))


def parse_instant(value: Any) -> datetime | None:
    """A date or a time, UTC where it names no offset; None: not set."""
    if value is None or isinstance(value, datetime):
        return value
    text = str(value)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].+)?", text):
        raise ValueError("a date or time such as 2026-11-01 or 2026-11-01T09:00+01:00")
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a date or time such as 2026-11-01 or 2026-11-01T09:00+01:00") from None


MEANT = {"UK": "GB", "EL": "GR", "FX": "FR", "FRA": "FR", "FRANCE": "FR", "GBR": "GB", "BEL": "BE"}
"""What is written for a country, and its ISO 3166 code."""


def parse_countries(value: Any) -> tuple[str, ...]:
    """ISO 3166 country codes, separated by commas."""
    from phonenumbers import SUPPORTED_REGIONS

    if isinstance(value, str):
        value = tuple(part.strip().upper() for part in value.split(",") if part.strip())
    for code in value:
        if code not in SUPPORTED_REGIONS:
            meant = f": {MEANT[code]}, not {code}" if code in MEANT else ""
            raise ValueError(f"ISO country codes such as FR or FR,BE{meant}")
    if not value:
        raise ValueError("ISO country codes such as FR or FR,BE")
    return tuple(value)
