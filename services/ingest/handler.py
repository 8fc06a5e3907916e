"""One webhook from its bytes to its answer: check, read, seal, append. Decides nothing itself."""

import hashlib
import os
from dataclasses import dataclass
from typing import assert_never

from kernel.facts.records import SmsReceived, SmsReported
from kernel.facts.topics import outgoing
from kernel.sealing.identity import Identifier
from kernel.sealing.privacy import Sealer
from kernel.stage.trace import Follower
from kernel.values.clock import Clock
from kernel.values.errors import Transient
from services.ingest.appender import Appender
from services.ingest.core.call import answer_call
from services.ingest.core.evidence import encode_evidence
from services.ingest.core.form import CallForm, Form, MessageForm, ReportForm, parse_form, read_form
from services.ingest.core.nonce import NonceMemory, hash_nonce
from services.ingest.core.reception import (
    Vouched,
    form_owner,
    receive_call,
    receive_message,
    receive_report,
)
from services.ingest.core.signature import Pairs, Signature, verify_signature
from services.ingest.core.webhook import (
    Refusal,
    RefusalCode,
    Webhook,
)
from services.ingest.metrics import ACCEPTED, IngestMetrics
from services.ingest.settings import IngestSettings

SALT_BYTES = 16

_REPLAYED = Refusal(RefusalCode.REPLAYED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer.

    Attributes:
        outcome: a metric label: ``accepted``, the refusal's code, ``log_away``, ``overloaded``.
        document: the XML that answers a call.
    """

    outcome: str
    refusal: Refusal | None = None
    document: bytes | None = None


_ACCEPTED = Answer(ACCEPTED)


class WebhookHandler:
    """Handles webhooks; to be shared by the requests of one event loop.

    Args:
        settings: of ingest.
        appender: running.
        clock: renews the sealing keys.
        metrics: told of malformed fields.
    """

    def __init__(
        self, settings: IngestSettings, appender: Appender, clock: Clock, metrics: IngestMetrics
    ) -> None:
        self._appender, self._metrics, self._clock = appender, metrics, clock
        self._follower = Follower("ingest")
        # While the provider changes from one to the other, it may sign with either.
        self._tokens = tuple(filter(None, (settings.auth_token, settings.auth_token_older)))
        self._identifier = Identifier(
            settings.pseudonym_key, settings.sending_public_key, settings.own_number, clock
        )
        self._evidence = Sealer(settings.evidence_public_key, clock)
        self._nonces = NonceMemory()
        self._call_document = answer_call(settings.call_answer)

    async def handle(self, webhook: Webhook) -> Answer:
        """Check a webhook and, where it is what it should be, make it durable."""
        admitted = self._admit(webhook)
        if isinstance(admitted, Refusal):
            return Answer(admitted.code, admitted)
        form, vouched = admitted
        for field in form.malformed:
            self._metrics.malformed(field)
        record = self._tell(form, webhook, vouched)
        if isinstance(form, CallForm):
            await self._appender.append_sometime(outgoing(record))
            self._follower.follow((record,), self._clock.monotonic())
            return Answer(ACCEPTED, document=self._call_document)
        try:
            await self._appender.append(outgoing(record))
        except Transient as trouble:
            return Answer(trouble.code)
        self._follower.follow((record,), self._clock.monotonic())
        return _ACCEPTED

    def _admit(self, webhook: Webhook) -> tuple[Form, Vouched] | Refusal:
        """First who it is, then what it says, then whether the nonce was his."""
        pairs = parse_form(webhook.body)
        signature = self._verify(webhook, () if isinstance(pairs, Refusal) else pairs)
        if isinstance(signature, Refusal):
            return signature
        if isinstance(pairs, Refusal):
            return pairs
        form = read_form(webhook.kind, pairs, webhook.query)
        if isinstance(form, Refusal):
            return form
        vouched = Vouched(signature.mode, hash_nonce(signature.nonce), webhook.at)
        if not self._nonces.admit(vouched.nonce, form_owner(form)):
            return _REPLAYED
        return form, vouched

    def _verify(self, webhook: Webhook, pairs: Pairs) -> Signature | Refusal:
        """By our token, or by the one before it."""
        signature: Signature | Refusal | None = None
        for token in self._tokens:
            signature = verify_signature(
                webhook.headers,
                token=token,
                url=webhook.url.encode(),
                query=webhook.query,
                pairs=pairs,
            )
            if isinstance(signature, Signature):
                break
        assert signature is not None
        return signature

    def _tell(self, form: Form, webhook: Webhook, vouched: Vouched) -> SmsReceived | SmsReported:
        match form:
            case MessageForm():
                sender = self._identifier.identify(form.sender, form.recipient)
                return receive_message(form, sender, vouched, *self._seal_evidence(webhook))
            case CallForm():
                sender = self._identifier.identify(form.sender, form.recipient)
                return receive_call(form, sender, vouched, *self._seal_evidence(webhook))
            case ReportForm():
                pseudonym = self._identifier.pseudonym(form.recipient)
                return receive_report(form, pseudonym, vouched)
            case _:
                assert_never(form)

    def _seal_evidence(self, webhook: Webhook) -> tuple[bytes, str]:
        """The request, sealed, and the digest of what was sealed."""
        evidence = encode_evidence(webhook, os.urandom(SALT_BYTES))
        return self._evidence.seal(evidence), hashlib.sha256(evidence).hexdigest()
