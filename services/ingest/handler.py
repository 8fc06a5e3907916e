"""One webhook from its bytes to its answer: check, read, seal, append. Decides nothing itself."""

import hashlib
import os
from dataclasses import dataclass
from typing import assert_never

from msgspec import structs

from kernel.facts.records import SignatureMode, SmsReceived, SmsReported
from kernel.facts.topics import outgoing
from kernel.provider.smsgate.wire import content_id
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
from services.ingest.core.phone import Ignored, Told, read_event, verify_event
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
    WebhookKind,
)
from services.ingest.metrics import ACCEPTED, IGNORED, IngestMetrics
from services.ingest.settings import IngestSettings

SALT_BYTES = 16

_REPLAYED = Refusal(RefusalCode.REPLAYED)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer.

    Attributes:
        outcome: a metric label: ``accepted``, ``ignored``, the refusal's code, ``log_away``,
            ``overloaded``.
        document: the XML that answers a call.
    """

    outcome: str
    refusal: Refusal | None = None
    document: bytes | None = None


_ACCEPTED = Answer(ACCEPTED)
_IGNORED = Answer(IGNORED)


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
        self._own_number, self._has_inbox = settings.own_number, settings.has_inbox
        self._signing_keys = tuple(filter(None, (settings.signing_key,)))
        self._twins = NonceMemory()
        self._call_document = answer_call(settings.call_answer)

    async def handle(self, webhook: Webhook) -> Answer:
        """Check a webhook and, where it is what it should be, make it durable."""
        is_event = webhook.kind is WebhookKind.EVENT
        admitted = self._admit_event(webhook) if is_event else self._admit(webhook)
        if isinstance(admitted, Refusal):
            return Answer(admitted.code, admitted)
        if admitted is None:
            return _IGNORED
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
        nonce = hash_nonce(signature.nonce)
        if not self._nonces.admit(nonce, form_owner(form)):
            return _REPLAYED
        return form, Vouched(signature.mode, nonce, webhook.at)

    def _admit_event(self, webhook: Webhook) -> tuple[Form, Vouched] | Refusal | None:
        """An event of a phone: first whose it is, then what it says. None: nothing that is kept."""
        refusal = verify_event(
            webhook.headers, keys=self._signing_keys, body=webhook.body, now=webhook.at
        )
        if refusal:
            return refusal
        event = read_event(webhook.body, self._own_number, webhook.at)
        match event:
            case Refusal():
                return event
            case Ignored():
                return None
            case ReportForm():
                return event, Vouched(SignatureMode.HMAC, None, webhook.at)
            case Told():
                return self._admit_told(event, webhook)
            case _:
                assert_never(event)

    def _admit_told(self, told: Told, webhook: Webhook) -> tuple[Form, Vouched] | None:
        """A text that a phone received. None: another registration has told of it already."""
        at, form = told.at or webhook.at, told.form
        sender = self._identifier.pseudonym(form.sender)
        content = content_id(sender, at, form.text)
        if told.at is not None:
            if self._has_inbox:  # where it is known by what it says, for it has no other id
                form = structs.replace(form, message_id=content)
            elif not self._twins.admit(content, told.registration):
                return None
        return form, Vouched(SignatureMode.HMAC, None, at)

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
