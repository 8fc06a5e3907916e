"""Records as the topics tell them, and a small log grown of them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from prometheus_client import CollectorRegistry

from kernel.facts.records import (
    Decision,
    Reason,
    Record,
    ReplyChanged,
    ReplyState,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    derive_id,
    derive_trace,
)
from kernel.log.port import Partition
from kernel.sealing.privacy import Sealer, public_half
from kernel.stage.stage import Received
from kernel.telemetry.metrics import Telemetry
from kernel.values.sender import SenderKind
from services.evidence.core.entry import Terms
from services.evidence.core.note import log_signer
from services.evidence.handler import EvidenceHandler
from services.evidence.metrics import Metrics
from services.evidence.notary import Notary
from services.evidence.settings import NotarySettings, Retention, Rules
from services.evidence.store import Store
from tests.fakes.clock import ManualClock

NOW = datetime(2017, 10, 27, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
OWN = "+33937000000"
LOG_KEY = b"L" * 32
PRIVATE_KEY = bytes(range(32))
PUBLIC_KEY = public_half(PRIVATE_KEY)
SIGNER = log_signer(LOG_KEY)
TERMS = Terms("1.0", ("Non.", "Non merci.", "Toujours pas."), "EUR", PUBLIC_KEY.hex())
RULES = Rules(MINUTE, Retention(180 * DAY, 7 * DAY, 60 * MINUTE))
NOBODY = NotarySettings("", 60 * MINUTE, "", None)

SEALER = Sealer(PUBLIC_KEY, ManualClock())


def number(sender: int) -> str:
    return f"+3363998{sender:04d}"


def pseudonym(sender: int) -> str:
    return f"{sender:032x}"


def request(message: int, sender: int, text: str) -> bytes:
    """The request as ingest seals it."""
    form = {"From": number(sender)[1:], "To": OWN[1:], "Text": text, "MessageUUID": f"m-{message}"}
    told = {"at": NOW.isoformat(), "url": "https://x", "headers": {}, "body": urlencode(form)}
    return json.dumps(told | {"salt": f"{message:032x}"}).encode()


def received(message: int, sender: int = 1, text: str = "Bonjour", **more: object) -> SmsReceived:
    plain = request(message, sender, text)
    fields: dict[str, object] = {
        "id": f"m-{message}",
        "trace": derive_trace(f"m-{message}"),
        "at": NOW + message * MINUTE,
        "sender": pseudonym(sender),
        "sender_kind": SenderKind.MOBILE,
        "sender_sealed": b"sealed for sending",
        "country": "FR",
        "to_ours": True,
        "text": text,
        "amount_microunits": 10_000,
        "signature": SignatureMode.V3,
        "evidence_sealed": SEALER.seal(plain),
        "evidence_digest": hashlib.sha256(plain).hexdigest(),
    }
    return SmsReceived(**{**fields, **more})  # type: ignore[arg-type]


def judged(message: int, sender: int = 1, **more: object) -> SmsJudged:
    fields: dict[str, object] = {
        "id": f"m-{message}",
        "trace": derive_trace(f"m-{message}"),
        "at": NOW + (message + 60) * MINUTE,
        "sender": pseudonym(sender),
        "decision": Decision.REPLY,
        "reason": Reason.DESERVED,
        "received_at": NOW + message * MINUTE,
        "due_at": NOW + (message + 60) * MINUTE,
        "basis": {"texts": 1},
    }
    return SmsJudged(**{**fields, **more})  # type: ignore[arg-type]


def replied(
    message: int, sender: int = 1, state: ReplyState = ReplyState.DELIVERED, sequence: int = 1
) -> ReplyChanged:
    at = NOW + (message + 61) * MINUTE
    return ReplyChanged(
        id=derive_id(f"m-{message}", sequence, "responder"),
        trace=derive_trace(f"m-{message}"),
        at=at,
        sender=pseudonym(sender),
        reply_id=f"m-{message}",
        sequence=sequence,
        by="responder",
        state=state,
        due_at=at,
        message_id=f"p-{message}",
        amount_microunits=150_000,
        final=True,
    )


def batch(records: Sequence[Record]) -> list[Received]:
    return [Received(record, Partition(record.TOPIC, 0), record.at) for record in records]


def handler(store: Store, notary: NotarySettings = NOBODY, **more: object) -> EvidenceHandler:
    metrics = Metrics(Telemetry(CollectorRegistry()))
    arguments: dict[str, object] = {
        "rules": RULES,
        "terms": TERMS,
        "signer": SIGNER,
        "notary": Notary(store, notary, metrics),
        "metrics": metrics,
    }
    return EvidenceHandler(store, **{**arguments, **more})  # type: ignore[arg-type]


def weekend(messages: int = 6) -> list[Record]:
    """A few people, a campaign, and one who is answered."""
    records: list[Record] = []
    for message in range(messages):
        sender = message % 3 + 1
        records.append(received(message, sender, f'Texte {message} é, "x"; =1+1'))
        if sender == 1:
            records += [judged(message, 1), replied(message, 1)]
        else:
            basis: dict[str, int | float | str] = {"campaign": "c0ffee", "texts": 1}
            records.append(
                judged(message, sender, decision=Decision.SILENT, reason=Reason.CAMPAIGN,
                       basis=basis)
            )  # fmt: skip
    return records
