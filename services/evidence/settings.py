"""The settings that evidence needs, and the house's own durations."""

from dataclasses import dataclass, field
from datetime import timedelta

from kernel import __version__
from kernel.settings.settings import Settings, require
from kernel.values.errors import Fatal
from services.evidence.core.entry import Terms
from services.evidence.core.note import Signer, log_signer
from services.evidence.core.verifier import COSIGNATURE, Key, Malformed, read_key


@dataclass(frozen=True, slots=True)
class Retention:
    """How long records are kept.

    Attributes:
        retain: ``RETAIN_EVIDENCE``.
        retain_objected: for who objected: ``RETAIN_TEXT``.
        every: how often what is past its time is looked for.
    """

    retain: timedelta
    retain_objected: timedelta
    every: timedelta


@dataclass(frozen=True, slots=True)
class Rules:
    """The durations.

    Attributes:
        checkpoint_every: how long what was read may stay without a signature over it.
        retention: of records.
    """

    checkpoint_every: timedelta
    retention: Retention


@dataclass(frozen=True, slots=True)
class NotarySettings:
    """Whom to ask.

    Attributes:
        authority_url: of the time-stamping authority; empty: none.
        stamp_every: at most so often: authorities that cost nothing ask for patience.
        witness_url: the witness's submission prefix; empty: none.
        witness_key: its verifier key.
    """

    authority_url: str
    stamp_every: timedelta
    witness_url: str
    witness_key: Key | None


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """Evidence's part of the settings.

    Attributes:
        number: ours, E.164, to read national spellings by; empty where it is not set.
        kafka: the log is Kafka, which keeps the bytes of what it dropped for a while.
    """

    token: str = field(repr=False)
    number: str
    pseudonym_key: bytes = field(repr=False)
    terms: Terms
    signer: Signer = field(repr=False)
    rules: Rules
    notary: NotarySettings
    kafka: bool


def read_settings(settings: Settings) -> EvidenceSettings:
    """Take what evidence needs. The private half of the evidence key is not among it.

    Raises:
        Fatal: ``settings``: one is missing, or the witness's key is none.
    """
    require(settings, "pseudonym_key", "evidence_public_key", "evidence_log_key", "operator_token")

    def scaled(seconds: float, seconds_min: float) -> timedelta:
        # Signing and deleting take real time under any CLOCK_SPEED.
        return max(settings.scaled(timedelta(seconds=seconds)), timedelta(seconds=seconds_min))

    return EvidenceSettings(
        token=settings.operator_token.get_secret_value(),
        number=settings.number or "",
        pseudonym_key=bytes.fromhex(settings.pseudonym_key.get_secret_value()),
        terms=Terms(
            version=__version__,
            reply_texts=settings.reply_texts,
            currency=settings.provider_currency,
            evidence_key=settings.evidence_public_key.get_secret_value(),
        ),
        signer=log_signer(bytes.fromhex(settings.evidence_log_key.get_secret_value())),
        rules=Rules(
            checkpoint_every=scaled(60, 5),
            retention=Retention(
                retain=settings.retain_evidence,
                retain_objected=min(settings.retain_text, settings.retain_evidence),
                every=scaled(3600, 5),
            ),
        ),
        notary=_read_notary(settings, scaled(3600, 5)),
        kafka=bool(settings.kafka_bootstrap),
    )


def _read_notary(settings: Settings, stamp_every: timedelta) -> NotarySettings:
    if bool(settings.witness_url) != bool(settings.witness_key):
        raise Fatal(
            "ANTIRELOU_WITNESS_URL, ANTIRELOU_WITNESS_KEY: both or neither; `antirelou witness` "
            "prints its key",
            code="settings",
        )
    key = None
    if settings.witness_key:
        try:
            key = read_key(settings.witness_key)
        except Malformed:
            key = None
        if key is None or key.kind != COSIGNATURE:
            raise Fatal(
                "ANTIRELOU_WITNESS_KEY: not a witness's verifier key, accepted: as `antirelou "
                "witness` prints it",
                code="settings",
            )
    return NotarySettings(
        authority_url=settings.timestamp_url or "",
        stamp_every=stamp_every,
        witness_url=settings.witness_url or "",
        witness_key=key,
    )
