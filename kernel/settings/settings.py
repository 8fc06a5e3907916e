"""The settings: read once, from the environment or the file ``SETTINGS_FILE`` names.

docs/contract.md §2.

Durations and rates come out already divided and multiplied by ``CLOCK_SPEED``, so nothing after
this module knows of it but through ``Settings.scaled``, for durations that are not settings.
"""

import math
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from kernel.settings.sources import PREFIX, Sources, read_sources
from kernel.settings.values import (
    Hold,
    check_above_zero,
    check_address,
    check_addresses,
    check_bare_url,
    check_characters,
    check_command,
    check_database_url,
    check_guarded_url,
    check_http_url,
    check_key,
    check_keys,
    check_number,
    check_optional_url,
    check_secret_url,
    check_secrets,
    check_token,
    check_zone,
    matching,
    parse_countries,
    parse_decimal,
    parse_devices,
    parse_duration,
    parse_hold,
    parse_instant,
    parse_micro_setting,
    parse_money,
    parse_names,
    parse_path,
    parse_quiet_hours,
    parse_texts,
    parse_truth,
    parse_whole,
)
from kernel.values.errors import Fatal
from kernel.words.gloss import Language

REPLY_TEXTS = (
    "Bonjour, la personne que vous cherchez à joindre ne souhaite pas donner suite. "
    "Merci de ne pas insister.",
    "Bonsoir. Ce numéro ne mène à personne qui souhaite vous parler : inutile d'insister, "
    "merci de respecter ce choix.",
    "Bonjour. Si on vous a donné ce numéro, c'est que la réponse est non. "
    "Ce n'est pas grave, mais inutile d'insister.",
)
"""Fit for someone who mistyped a number as well; each one GSM-7 segment."""


FEATURES = ("surge", "text", "phrases", "alike", "neighbours", "texts", "habit")
"""What a score is made of (``services/filter/core/score.py``, which a test holds to this)."""


RATE_MICRO_MAX = 1000 * 1_000_000
"""The most euros for one unit of any currency, in millionths."""


class ProviderName(StrEnum):
    """Which provider the house uses (``kernel/provider/table.py``)."""

    PLIVO = "plivo"
    SMSGATE = "smsgate"


class Release(StrEnum):
    """Who lets a deserved reply go (docs/design.md §5)."""

    AUTO = "auto"
    """The house, as the fund allows."""
    PERSON = "person"
    """A person, one at a time."""


PROVIDER_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    ProviderName.PLIVO: {},
    # A SIM's plan is paid whether it is used or not: an SMS costs nothing, received or sent. From
    # a French mobile number no automaton may answer.
    ProviderName.SMSGATE: {
        "price_receive": 0,
        "price_reply": 0,
        "fund_floor": 0,
        "release": Release.PERSON,
    },
}
"""Defaults that are another provider's own, instead of those written below."""


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


class GiftsCount(StrEnum):
    """When a gift may be spent."""

    RAISED = "raised"
    """Once the platform has it."""
    TRANSFERRED = "transferred"
    """Once a person moved it to the provider."""


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


def _check_rate(value: int) -> int:
    if not 0 < value <= RATE_MICRO_MAX:
        raise ValueError("euros for one unit of it, above 0 and at most 1000, such as 0.92")
    return value


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
LongerThanNothing = Annotated[Duration, AfterValidator(check_above_zero)]
Money = Annotated[int, BeforeValidator(parse_money)]
Address = Annotated[str, AfterValidator(check_address)]
Application = Annotated[
    str,
    AfterValidator(
        matching(r"[0-9A-Za-z_-]{1,64}", "an application's id as the provider's console shows it")
    ),
]
AuthToken = Annotated[
    SecretStr,
    AfterValidator(
        matching(r"[\x21-\x7e]+", "an Auth Token as the provider's console shows it, no blanks")
    ),
]
SigningKey = Annotated[
    SecretStr,
    AfterValidator(
        matching(r"[\x21-\x7e]{32,200}", "at least 32 printable characters, as set in the app")
    ),
]
Url = Annotated[str, AfterValidator(check_http_url)]
BareUrl = Annotated[str, AfterValidator(check_bare_url)]
ConsoleUrl = Annotated[str, AfterValidator(check_bare_url), AfterValidator(check_guarded_url)]
Decimal = Annotated[float, BeforeValidator(parse_decimal)]
File = Annotated[Path, BeforeValidator(parse_path)]
SecretUrl = Annotated[SecretStr, AfterValidator(check_secret_url)]
Key = Annotated[SecretStr, AfterValidator(check_key)]


class Settings(BaseModel):
    """All settings, validated. Money is micro-euros, durations are real time, ``CLOCK_SPEED`` in.

    Raises:
        Fatal: through ``load_settings``: names the setting, what it was, what is accepted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    listen: Address = "127.0.0.1:8080"
    """Address of the webhooks, for the provider, behind a TLS proxy."""
    ops_listen: Address = "127.0.0.1:9100"
    """Address of health, metrics and the operator API; never public."""
    public_url: BareUrl = "http://127.0.0.1:8080"
    """What the provider calls, and signs: your public https address."""
    console_listen: Address = "127.0.0.1:9200"
    """Address of the console, for operators' browsers, behind a TLS proxy or tunnel."""
    console_url: ConsoleUrl = "http://127.0.0.1:9200"
    """How browsers reach the console; passkeys need a name, not an IP address."""
    data_dir: File = Field(default_factory=lambda: platformdirs.user_data_path("antirelou"))
    """Folder of the embedded PostgreSQL and of keys."""
    database_url: Annotated[SecretStr, AfterValidator(check_database_url)] = SecretStr("")
    """PostgreSQL of a cluster; empty: the embedded one."""
    kafka_bootstrap: Annotated[str, AfterValidator(check_addresses)] = ""
    """Kafka of a cluster; empty: the embedded log."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How Kafka is reached."""
    kafka_security_ca_file: File | None = None
    """Certificate of the authority that Kafka's is signed by."""
    kafka_security_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How the login proves itself to Kafka."""
    kafka_security_username: str = ""
    """Login at Kafka."""
    kafka_security_password: SecretStr = SecretStr("")
    """Password at Kafka."""

    pseudonym_key: Key = SecretStr("")
    """Makes senders' pseudonyms; lost: nobody is recognised; leaked: numbers can be guessed."""
    sending_public_key: Key = SecretStr("")
    """Numbers are sealed with it for sending."""
    sending_private_key: Key = SecretStr("")
    """Opens the numbers that are sealed for sending; the responder's alone."""
    sending_private_keys_older: Annotated[SecretStr, AfterValidator(check_keys)] = SecretStr("")
    """Former ones, while the key is changed (runbook, "Rotating keys")."""
    evidence_public_key: Key = SecretStr("")
    """Requests are sealed with it as evidence; its private half goes offline."""
    evidence_log_key: Key = SecretStr("")
    """Signs the evidence log's checkpoints; lost or changed: another log begins."""
    backup_public_key: Key = SecretStr("")
    """What `antirelou backup` encrypts to; its private half goes offline."""

    number: Annotated[str, AfterValidator(check_number)] | None = None
    """Our number, E.164; required; French 06 and 07 are closed to platforms."""
    countries: Annotated[tuple[str, ...], BeforeValidator(parse_countries)] = ("FR",)
    """Whom we answer; overseas has codes of its own (docs/judgement.md)."""
    provider: ProviderName = ProviderName.PLIVO
    """Who carries the SMS: `plivo`, or `smsgate` for a phone of your own (docs/providers.md)."""
    plivo_auth_id: (
        Annotated[
            str,
            AfterValidator(matching(r"[MS]A[A-Z0-9]{18}", "MA or SA and 18 capitals and digits")),
        ]
        | None
    ) = None
    """Plivo console, overview page: Auth ID (MA… or SA…); required."""
    plivo_auth_token: AuthToken = SecretStr("")
    """Plivo console, overview page: Auth Token; required."""
    plivo_auth_token_older: AuthToken = SecretStr("")
    """Former one, while the token is changed."""
    plivo_app_id: Application = ""
    """Plivo console, the application the number is linked to; empty: no detaching."""
    plivo_mute_app_id: Application = ""
    """An application to link to when it is detached, instead of to none."""
    plivo_api_url: BareUrl = "https://api.plivo.com"
    """Plivo's, or a simulator's."""
    smsgate_url: Annotated[str, AfterValidator(check_optional_url)] = ""
    """Base of SMSGate's API, path included, without `/3rdparty/v1`; required for `smsgate`."""
    smsgate_user: str = ""
    """Login of SMSGate's API; required for `smsgate`."""
    smsgate_password: SecretStr = SecretStr("")
    """Password of SMSGate's API; required for `smsgate`."""
    smsgate_signing_key: SigningKey = SecretStr("")
    """What the phones sign webhooks with, set in the app; required for `smsgate`."""
    smsgate_devices: Annotated[tuple[str, ...], BeforeValidator(parse_devices)] = ()
    """A JSON list of the phones' device ids, one pool; required for `smsgate`."""
    smsgate_mode: Literal["private", "local"] = "private"
    """`private`: a server of your own; `local`: the phone itself answers."""
    provider_currency: Annotated[
        str, AfterValidator(matching(r"[A-Z]{3}", "an ISO currency code such as EUR"))
    ] = "EUR"
    """What the provider bills in."""
    provider_rate: Annotated[
        int, BeforeValidator(parse_micro_setting), AfterValidator(_check_rate)
    ] = 1_000_000
    """Euros for one unit of `PROVIDER_CURRENCY`."""

    reply_texts: Annotated[tuple[str, ...], BeforeValidator(parse_texts)] = REPLY_TEXTS
    """A JSON list; which one is derived from the message's id."""
    release: Release = Release.AUTO
    """`person`: a person releases each reply (`antirelou release`); the default for `smsgate`."""
    release_auto_words: Literal["", "no person releases, and I know what the law says"] = ""
    """Said to `doctor` where `RELEASE=auto` on a phone or a French mobile number is meant."""
    reply_delay: Duration = timedelta(hours=1)
    """Time from the first message to the reply."""
    reply_delay_jitter: Duration = timedelta(minutes=40)
    """Most that is added to `REPLY_DELAY`, derived from the message's id."""
    reply_quiet: Duration = timedelta(minutes=30)
    """Silence of the sender before the reply."""
    reply_delay_max: Duration = timedelta(hours=4)
    """Longest time to the reply, however much he writes."""
    quiet_hours: Annotated[tuple[time, time] | None, BeforeValidator(parse_quiet_hours)] = (
        time(22),
        time(9),
    )
    """Local hours in which nothing is sent, or `off`."""
    timezone: Annotated[str, AfterValidator(check_zone)] = "Europe/Paris"
    """Time zone of the quiet hours and of the day."""
    reply_window: LongerThanNothing = timedelta(days=180)
    """Time in which a sender gets one answer."""
    burst: Annotated[int, BeforeValidator(parse_whole), Field(ge=1, le=1_000_000)] = 30
    """Most texts of a sender while he waits; more are a flood."""
    judge_without: Annotated[tuple[str, ...], BeforeValidator(_features)] = ()
    """Features of the score to leave out, for trying."""

    call_answer: CallAnswer = CallAnswer.REJECT
    """How a call is answered: `reject`, `busy`, `ring`."""
    call_counts: Annotated[bool, BeforeValidator(parse_truth)] = False
    """Whether a call counts as a message."""

    price_receive: Money = 10_000
    """Tariff of a segment received."""
    price_reply: Money = 150_000
    """Tariff of a segment sent."""
    cap_per_exchange: Money = 160_000
    """Most that an exchange may cost, receiving included."""
    fund_floor: Money = 20_000_000
    """Money kept for receiving; when only it is left, the number is detached."""
    fund_horizon: LongerThanNothing = timedelta(days=7)
    """Time that the fund is to last."""
    daily_cap: Money | None = None
    """Most that replies may cost a day; empty: none."""
    max_wait: LongerThanNothing = timedelta(hours=72)
    """Longest wait for money; then the reply expires."""
    send_rate: Annotated[Decimal, Field(gt=0, le=1000)] = 0.5
    """SMS a second over all replicas."""

    helloasso_organization: Annotated[
        str,
        AfterValidator(matching(r"[0-9A-Za-z_-]{1,200}", "an association's slug such as mon-asso")),
    ] = ""
    """Slug of the association at HelloAsso; empty: HelloAsso is off."""
    helloasso_client_id: Annotated[
        str, AfterValidator(matching(r"[\x21-\x7e]+", "a client id as HelloAsso shows it"))
    ] = ""
    """HelloAsso, Integrations et API: the association's own client."""
    helloasso_client_secret: Annotated[
        SecretStr,
        AfterValidator(matching(r"[\x21-\x7e]+", "a client secret as HelloAsso shows it")),
    ] = SecretStr("")
    """Its secret."""
    helloasso_api_url: BareUrl = "https://api.helloasso.com"
    """HelloAsso's, its sandbox's or a simulator's."""
    helloasso_bell: Annotated[
        SecretStr,
        AfterValidator(
            matching(
                r"[0-9A-Za-z_-]{8,200}", "8 or more letters, digits, - or _ that nobody guesses"
            )
        ),
    ] = SecretStr("")
    """Secret segment of the path that HelloAsso notifies; empty: it is only polled."""
    helloasso_forms: Annotated[tuple[str, ...], BeforeValidator(parse_names)] = ()
    """A JSON list of form slugs; empty: every form of gifts, no membership, no ticket."""
    stripe_webhook_secrets: Annotated[SecretStr, AfterValidator(check_secrets)] = SecretStr("")
    """A JSON list of the webhook's secrets, two while one is changed; empty: Stripe is off."""
    stripe_api_key: Annotated[
        SecretStr, AfterValidator(matching(r"[\x21-\x7e]+", "an API key as Stripe shows it"))
    ] = SecretStr("")
    """A restricted read-only key, for lost events and fees; empty: nothing is asked."""
    stripe_api_url: BareUrl = "https://api.stripe.com"
    """Stripe's, or a simulator's."""
    stripe_live: Annotated[bool, BeforeValidator(parse_truth)] = True
    """`false` takes test-mode gifts and nothing else."""
    gifts_since: Annotated[datetime | None, BeforeValidator(parse_instant)] = None
    """What was given before is not counted; a date or time, UTC; empty: the first start."""
    gifts_count: GiftsCount = GiftsCount.RAISED
    """When a gift may be spent: `raised`, at once, or `transferred`, after `fund transfer`."""
    gift_hold: Annotated[Hold | None, BeforeValidator(parse_hold)] = None
    """`100@14d`: card gifts of so much or more count only then; empty: off."""

    retain_text: LongerThanNothing = timedelta(days=7)
    """How long clear texts are kept."""
    retain_evidence: LongerThanNothing = timedelta(days=180)
    """How long sealed evidence is kept."""
    timestamp_url: Url | None = None
    """A time-stamping authority (RFC 3161)."""
    witness_url: Url | None = None
    """A witness of the evidence log: `antirelou witness` on a friend's machine."""
    witness_key: Annotated[
        str,
        AfterValidator(
            matching(
                r"[^\s+]+\+[0-9a-f]{8}\+[0-9A-Za-z+/]{44}", "a key as `antirelou witness` prints it"
            )
        ),
    ] = ""
    """Key of the witness, as it prints it."""
    page_dir: File | None = None
    """Folder in which the public page is written every ten minutes; empty: it is not."""
    page_push: Annotated[str, AfterValidator(check_command)] = ""
    """A command that is run in `PAGE_DIR` after that, such as `rsync -a . host:www`; no shell."""
    publisher: str = ""
    """Who answers for the number, on the public page: name, address, contact."""
    operator_token: Annotated[SecretStr, AfterValidator(check_token)] = SecretStr("")
    """Bearer token of the operator API and of the commands."""
    alert_url: SecretUrl = SecretStr("")
    """A topic of ntfy (whoever knows the topic reads it), or any webhook."""
    heartbeat_url: SecretUrl = SecretStr("")
    """Called every minute while all is ready; healthchecks.io, say, writes when calls cease."""
    language: Language | None = None
    """Of alerts and commands: `fr`, `en`; empty: the system's."""
    log_level: LogLevel = LogLevel.INFO
    """How much is logged: `debug`, `info`, `warning`."""
    operator_url: Url | None = None
    """Where the commands find the operator API, if not at `OPS_LISTEN`."""
    evidence_url: Url | None = None
    """Where the commands find evidence's API, if it runs elsewhere."""
    operators_url: Url | None = None
    """Where `antirelou operator` finds the console's `OPS_LISTEN`, if it runs elsewhere."""
    clock_speed: Annotated[Decimal, Field(gt=0, le=1_000_000)] = 1
    """Divides every duration and multiplies every rate; for demos."""

    @field_validator("*", mode="before")
    @classmethod
    def _characters(cls, value: Any) -> Any:
        return check_characters(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reply_delay_max < self.reply_delay:
            raise ValueError("REPLY_DELAY_MAX: at least REPLY_DELAY")
        if self.price_receive + self.price_reply > self.cap_per_exchange:
            raise ValueError(
                "CAP_PER_EXCHANGE: at least PRICE_RECEIVE + PRICE_REPLY, else nobody is answered"
            )
        helloasso = (
            self.helloasso_organization,
            self.helloasso_client_id,
            self.helloasso_client_secret.get_secret_value(),
        )
        if any(helloasso) and not all(helloasso):
            raise ValueError(
                "HELLOASSO_ORGANIZATION, HELLOASSO_CLIENT_ID, HELLOASSO_CLIENT_SECRET: all or none"
            )
        if self.plivo_mute_app_id and self.plivo_mute_app_id == self.plivo_app_id:
            raise ValueError(
                "PLIVO_MUTE_APP_ID: another application than PLIVO_APP_ID, else detaching is none"
            )
        if self.smsgate_mode == "local" and len(self.smsgate_devices) > 1:
            raise ValueError(
                "SMSGATE_DEVICES: one device in SMSGATE_MODE=local, where the phone itself "
                "answers; several need a private server"
            )
        return self

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
    label, content = _read_file()
    sources = read_sources(os.environ, content, label=label, known=Settings.model_fields)
    try:
        given = {**sources.values, **overrides}
        defaults = PROVIDER_DEFAULTS.get(str(given.get("provider", ProviderName.PLIVO)), {})
        settings = Settings.model_validate({**defaults, **given})
    except ValidationError as error:
        complaints = [*sources.complaints, *_describe(error, sources, overrides)]
        raise Fatal("\n".join(complaints), code="settings") from None
    if sources.complaints:
        raise Fatal("\n".join(sources.complaints), code="settings")
    speed = settings.clock_speed
    changed: dict[str, Any] = {name: getattr(settings, name) / speed for name in DURATIONS}
    changed |= {name: getattr(settings, name) * speed for name in RATES}
    if settings.gift_hold is not None:
        hold = settings.gift_hold
        changed["gift_hold"] = hold._replace(after=hold.after / speed)
    return settings.model_copy(update=changed)


def settings_file() -> Path | None:
    """The file that ``SETTINGS_FILE`` names; None: it names none.

    Raises:
        Fatal: ``settings``: it is no path.
    """
    given = os.environ.get("SETTINGS_FILE") or os.environ.get(PREFIX + "SETTINGS_FILE")
    try:
        return parse_path(given) if given else None
    except ValueError as error:
        raise Fatal(f"SETTINGS_FILE: was {given!r}, accepted: {error}", code="settings") from None


def _read_file() -> tuple[str, bytes]:
    """The name of the settings file, for complaints, and what it holds; empty: there is none.

    Raises:
        Fatal: ``settings``: it cannot be read.
    """
    path = settings_file()
    if path is None:
        return "", b""
    try:
        return path.name, path.read_bytes()
    except FileNotFoundError:
        raise Fatal(f"SETTINGS_FILE: no file at {path}", code="settings") from None
    except OSError as error:
        raise Fatal(
            f"SETTINGS_FILE: {path} cannot be read ({error.strerror}), accepted: a file that this "
            "account may read",
            code="settings",
        ) from None


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


_SHOWN = {
    "listen", "ops_listen", "console_listen", "countries", "provider", "smsgate_mode",
    "provider_currency", "provider_rate", "release", "reply_delay",
    "reply_delay_jitter", "reply_quiet", "reply_delay_max", "quiet_hours", "timezone",
    "reply_window", "burst", "judge_without", "call_answer", "call_counts", "price_receive",
    "price_reply", "cap_per_exchange", "fund_floor", "fund_horizon", "daily_cap", "max_wait",
    "send_rate", "retain_text", "retain_evidence", "language", "log_level", "clock_speed",
    "kafka_security_protocol", "kafka_security_sasl_mechanism",
}  # fmt: skip
"""What a complaint may quote. All else is a secret, or a secret was pasted into it."""
SHOWN_CHARACTERS_MAX = 40
"""What is longer is no value of one of these, but something pasted."""


def _describe(
    error: ValidationError, sources: Sources, overrides: Mapping[str, Any]
) -> Iterator[str]:
    """One line for each wrong setting: where it stands, its name, what it was, what is accepted."""
    for item in error.errors(include_url=False):
        said = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
        name = str(item["loc"][0]) if item["loc"] else said.partition(":")[0].lower()
        place = "" if name in overrides else sources.places.get(name, "")
        if not item["loc"]:
            yield f"{place}{PREFIX}{said}"
            continue
        was = ascii(item["input"])
        if name not in _SHOWN or len(was) > SHOWN_CHARACTERS_MAX:
            was = "(not shown)"
        yield f"{place}{PREFIX}{name.upper()}: was {was}, accepted: {said}"
