"""The settings (CONTRACT §2): read once, from the environment or the file ``SETTINGS_FILE`` names.

Durations and rates come out already divided and multiplied by ``CLOCK_SPEED``, so nothing after
this module knows of it but through ``Settings.scaled``, for durations that are not settings.
"""

import math
import os
import re
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from kernel.settings.values import (
    check_above_zero,
    check_address,
    check_addresses,
    check_application,
    check_bare_url,
    check_database_url,
    check_http_url,
    check_key,
    check_keys,
    check_number,
    check_secret_url,
    check_zone,
    parse_countries,
    parse_duration,
    parse_money,
    parse_quiet_hours,
    parse_texts,
)
from kernel.values.errors import Fatal
from kernel.words.gloss import Language

PREFIX = "ANTIRELOU_"

REPLY_TEXTS = (
    "Bonjour, la personne que vous cherchez à joindre ne souhaite pas donner suite. "
    "Merci de ne pas insister.",
    "Bonsoir. Ce numéro ne mène à personne qui souhaite vous parler : inutile d'insister, "
    "merci de respecter ce choix.",
    "Bonjour. Si on vous a donné ce numéro, c'est que la réponse est non. "
    "Ce n'est pas grave, mais inutile d'insister.",
)
"""Fit for someone who mistyped a number as well; each one GSM-7 segment."""


FEATURES = ("surge", "text", "alike", "neighbours", "texts")
"""What a score is made of (``services/filter/core/score.py``, which a test holds to this)."""


class CallAnswer(StrEnum):
    """How a call is answered."""

    REJECT = "reject"
    BUSY = "busy"
    RING = "ring"


class LogLevel(StrEnum):
    """What is logged: ``debug`` adds a line for each record at each stage."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"


class QuietHours:
    """Hours of the day in which nothing is sent, by the clock of a time zone.

    Args:
        start, end: local times; ``end`` before ``start`` spans midnight; equal means never.
    """

    __slots__ = ("end", "start", "zone")

    def __init__(self, start: time, end: time, zone: ZoneInfo) -> None:
        self.start, self.end, self.zone = start, end, zone

    def __repr__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def covers(self, now: datetime) -> bool:
        """Whether this instant is quiet."""
        local = now.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def next_loud(self, now: datetime) -> datetime:
        """The first instant from ``now`` on that is not quiet, UTC."""
        return self._next_turn(now) if self.covers(now) else now

    def next_quiet(self, now: datetime) -> datetime | None:
        """The first instant from ``now`` on that is quiet, UTC; None: never."""
        if self.start == self.end:
            return None
        return now if self.covers(now) else self._next_turn(now)

    def _next_turn(self, now: datetime) -> datetime:
        """When it next becomes loud, or quiet; a clock that is put forward or back may do it."""
        now, quiet = now.astimezone(UTC), self.covers(now)
        local = now.astimezone(self.zone)
        bound = datetime.combine(local.date(), self.end if quiet else self.start)
        ahead = (bound - local.replace(tzinfo=None)) % timedelta(days=1)
        change = self._next_change(now, now + ahead)
        if change is None:
            return now + ahead
        return change if self.covers(change) is not quiet else self._next_turn(change)

    def _next_change(self, since: datetime, until: datetime) -> datetime | None:
        """The second in which the zone's offset becomes another one, of less than a day."""
        before = since.astimezone(self.zone).utcoffset()
        if until.astimezone(self.zone).utcoffset() == before:
            return None
        low, high = math.floor(since.timestamp()), math.ceil(until.timestamp())
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, self.zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return datetime.fromtimestamp(high, UTC)


def _features(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = tuple(part.strip() for part in value.split(",") if part.strip())
    if not all(part in FEATURES for part in value):
        raise ValueError(f"features of the score, of {', '.join(FEATURES)}")
    return tuple(value)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
LongerThanNothing = Annotated[Duration, AfterValidator(check_above_zero)]
Money = Annotated[int, BeforeValidator(parse_money)]
Address = Annotated[str, AfterValidator(check_address)]
Application = Annotated[str, AfterValidator(check_application)]
SecretUrl = Annotated[SecretStr, AfterValidator(check_secret_url)]
Key = Annotated[SecretStr, AfterValidator(check_key)]


class Settings(BaseSettings):
    """All settings, validated. Money is micro-euros, durations are real time, ``CLOCK_SPEED`` in.

    Raises:
        Fatal: through ``load_settings``: names the setting, what it was, what is accepted.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
        validate_default=False,
    )

    listen: Address = "127.0.0.1:8080"
    ops_listen: Address = "127.0.0.1:9100"
    public_url: Annotated[str, AfterValidator(check_http_url)] = "http://127.0.0.1:8080"
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("antirelou"))
    database_url: Annotated[SecretStr, AfterValidator(check_database_url)] = SecretStr("")
    kafka_bootstrap: Annotated[str, AfterValidator(check_addresses)] = ""
    kafka_security_protocol: str = Field(
        "PLAINTEXT", pattern=r"^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL)$"
    )
    kafka_security_ca_file: Path | None = None
    kafka_security_sasl_mechanism: str = Field(
        "PLAIN", pattern=r"^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$"
    )
    kafka_security_username: str = ""
    kafka_security_password: SecretStr = SecretStr("")

    pseudonym_key: Key = SecretStr("")
    sending_public_key: Key = SecretStr("")
    sending_private_key: Key = SecretStr("")
    sending_private_keys_older: Annotated[SecretStr, AfterValidator(check_keys)] = SecretStr("")
    evidence_public_key: Key = SecretStr("")
    evidence_log_key: Key = SecretStr("")
    backup_public_key: Key = SecretStr("")

    number: Annotated[str, AfterValidator(check_number)] | None = None
    countries: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_countries)] = ("FR",)
    plivo_auth_id: Annotated[str, Field(pattern=r"^(M|S)A[A-Z0-9]{18}$")] | None = None
    plivo_auth_token: SecretStr = SecretStr("")
    plivo_auth_token_older: SecretStr = SecretStr("")
    plivo_app_id: Application = ""
    plivo_mute_app_id: Application = ""
    plivo_api_url: Annotated[str, AfterValidator(check_bare_url)] = "https://api.plivo.com"
    provider_currency: str = Field("EUR", pattern=r"^[A-Z]{3}$")
    provider_rate: Annotated[int, BeforeValidator(parse_money), Field(gt=0)] = 1_000_000

    reply_texts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_texts)] = REPLY_TEXTS
    reply_delay: Duration = timedelta(hours=1)
    reply_delay_jitter: Duration = timedelta(minutes=40)
    reply_quiet: Duration = timedelta(minutes=30)
    reply_delay_max: Duration = timedelta(hours=4)
    quiet_hours: Annotated[
        tuple[time, time] | None, NoDecode, BeforeValidator(parse_quiet_hours)
    ] = (time(22), time(9))
    timezone: Annotated[str, AfterValidator(check_zone)] = "Europe/Paris"
    reply_window: LongerThanNothing = timedelta(days=180)
    burst: int = Field(30, ge=1)
    judge_without: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_features)] = ()

    call_answer: CallAnswer = CallAnswer.REJECT
    call_counts: bool = False

    price_receive: Money = 10_000
    price_reply: Money = 150_000
    cap_per_exchange: Money = 160_000
    fund_floor: Money = 20_000_000
    fund_horizon: LongerThanNothing = timedelta(days=7)
    daily_cap: Money | None = None
    max_wait: LongerThanNothing = timedelta(hours=72)
    send_rate: float = Field(0.5, gt=0, le=1000)

    retain_text: LongerThanNothing = timedelta(days=7)
    retain_evidence: LongerThanNothing = timedelta(days=180)
    timestamp_url: Annotated[str, AfterValidator(check_http_url)] | None = None
    witness_url: Annotated[str, AfterValidator(check_http_url)] | None = None
    witness_key: str = Field("", pattern=r"^([^\s+]+\+[0-9a-f]{8}\+[0-9A-Za-z+/]{44})?$")
    operator_token: SecretStr = SecretStr("")
    alert_url: SecretUrl = SecretStr("")
    heartbeat_url: SecretUrl = SecretStr("")
    language: Language | None = None
    log_level: LogLevel = LogLevel.INFO
    operator_url: Annotated[str, AfterValidator(check_http_url)] | None = None
    evidence_url: Annotated[str, AfterValidator(check_http_url)] | None = None
    clock_speed: float = Field(1, gt=0, le=1_000_000)

    _scaled: bool = PrivateAttr(default=False)

    @field_validator("operator_token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text and not re.fullmatch(r"[\x21-\x7e]{16,}", text):
            raise ValueError("at least 16 printable characters, as `antirelou init` makes them")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reply_delay_max < self.reply_delay:
            raise ValueError("REPLY_DELAY_MAX: at least REPLY_DELAY")
        if self.price_receive + self.price_reply > self.cap_per_exchange:
            raise ValueError(
                "CAP_PER_EXCHANGE: at least PRICE_RECEIVE + PRICE_REPLY, else nobody is answered"
            )
        if self.plivo_mute_app_id and self.plivo_mute_app_id == self.plivo_app_id:
            raise ValueError(
                "PLIVO_MUTE_APP_ID: another application than PLIVO_APP_ID, else detaching is none"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, then the file; no other place."""
        return init_settings, env_settings, dotenv_settings

    def scaled(self, duration: timedelta) -> timedelta:
        """A duration of the house, such as ten minutes, in real time under ``CLOCK_SPEED``."""
        return duration / self.clock_speed

    @property
    def quiet(self) -> QuietHours | None:
        """The quiet hours, in the operator's time zone."""
        if self.quiet_hours is None:
            return None
        return QuietHours(*self.quiet_hours, ZoneInfo(self.timezone))


DURATIONS = (
    "reply_delay", "reply_delay_jitter", "reply_quiet", "reply_delay_max", "reply_window",
    "fund_horizon", "max_wait", "retain_text", "retain_evidence",
)  # fmt: skip
RATES = ("send_rate",)


def load_settings(**overrides: Any) -> Settings:
    """Read and validate the settings.

    Args:
        overrides: settings by lower-case name, before environment and file.

    Raises:
        Fatal: ``settings``, one line for each wrong setting.
    """
    path = os.environ.get("SETTINGS_FILE") or os.environ.get(PREFIX + "SETTINGS_FILE")
    if path and not Path(path).is_file():
        raise Fatal(f"SETTINGS_FILE: no file at {path}", code="settings")
    try:
        settings = Settings(_env_file=path or None, **overrides)  # type: ignore[call-arg]
    except ValidationError as error:
        raise Fatal(_describe(error), code="settings") from None
    except SettingsError as error:
        raise Fatal(f"settings cannot be read: {error}", code="settings") from None
    speed = settings.clock_speed
    changed: dict[str, Any] = {name: getattr(settings, name) / speed for name in DURATIONS}
    changed |= {name: getattr(settings, name) * speed for name in RATES}
    return settings.model_copy(update=changed)


def require(settings: Settings, *names: str) -> None:
    """Check that a command has the settings it needs.

    Raises:
        Fatal: ``settings``: which are missing, and how to set them.
    """
    missing = []
    for name in names:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not text:
            missing.append(PREFIX + name.upper())
    if missing:
        raise Fatal(
            f"{', '.join(missing)}: required here; set it in the environment or in the file "
            "named by SETTINGS_FILE (`antirelou init` writes one)",
            code="settings",
        )


def read_older(keys: SecretStr) -> tuple[bytes, ...]:
    """The keys from before a rotation, 32 bytes each."""
    text = keys.get_secret_value()
    return tuple(bytes.fromhex(key.strip()) for key in text.split(",")) if text else ()


_SECRETS = {
    "database_url", "kafka_security_password", "pseudonym_key", "sending_public_key",
    "sending_private_key", "sending_private_keys_older", "evidence_public_key",
    "evidence_log_key", "backup_public_key", "plivo_auth_token", "plivo_auth_token_older",
    "operator_token", "number", "alert_url", "heartbeat_url",
}  # fmt: skip


def _describe(error: ValidationError) -> str:
    """One line for each wrong setting: its name, what it was, what is accepted."""
    lines = []
    for item in error.errors(include_url=False):
        name = str(item["loc"][0]).lower() if item["loc"] else ""
        said = str(item["msg"]).removeprefix("Value error, ")
        if not name:
            lines.append(PREFIX + said)
            continue
        was = "(not shown)" if name in _SECRETS else repr(item["input"])
        lines.append(f"{PREFIX}{name.upper()}: was {was}, accepted: {said}")
    return "\n".join(lines)
