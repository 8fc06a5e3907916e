"""The docket: a batch of what was read, walked sender by sender, and what changes by it.

One sender's records keep their order; senders do not touch each other, but for nonces, ids and
sightings, which are settled for the whole batch before the walk. So the verdicts are the same
however the log is cut into batches. A message that was due before a later record of its sender is
judged when that record is reached; where this needs a campaign's count, the walk says which.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from antirelou.records import (
    Reason,
    ReceivedKind,
    ReplyChanged,
    ReplyKind,
    SenderBlocked,
    SmsJudged,
)
from services.filter.core.campaign import Sighting, Span, bucket_of
from services.filter.core.sender import (
    Arrival,
    Sender,
    hear_again,
    hear_block,
    hear_message,
    hear_reply,
    is_overdue,
    judge_deliberated,
    silence,
    span_to_count,
)
from services.filter.core.verdict import Rules, judge_message

Event = Arrival | SenderBlocked | ReplyChanged


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a store knows of the senders, message ids and nonces of a batch.

    Attributes:
        senders: by pseudonym; only who was heard of.
        verdicts: by message id; None: deliberated. Only ids seen before.
        nonces: by nonce, the message id it was first seen with.
    """

    senders: Mapping[str, Sender]
    verdicts: Mapping[str, SmsJudged | None]
    nonces: Mapping[str, str]


class NewMessage(Struct, frozen=True):
    """A message id that was never seen before.

    Attributes:
        verdict: None: deliberated.
        told: the verdict is told by whoever handles the batch, again if the batch comes again;
            else the timer tells it.
    """

    message_id: str
    sender: str
    partition: int
    kind: ReceivedKind
    received_at: datetime
    verdict: SmsJudged | None
    told: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What a store saves in one transaction.

    Attributes:
        before, after: senders as they were loaded and as they are now, only those that differ;
            a sender without a ``before`` is new.
        judged: verdicts on messages that were deliberated; the timer tells them.
        ended: ids of the messages whose reply has ended: their sealed numbers go.
        at: when.
    """

    at: datetime
    before: Mapping[str, Sender] = field(default_factory=dict)
    after: Sequence[Sender] = ()
    messages: Sequence[NewMessage] = ()
    judged: Sequence[SmsJudged] = ()
    nonces: Mapping[str, str] = field(default_factory=dict)
    ended: Sequence[str] = ()

    def verdicts(self) -> Iterable[SmsJudged]:
        """All verdicts that are new."""
        yield from self.judged
        for message in self.messages:
            if message.verdict is not None:
                yield message.verdict


class Docket:
    """Walks one batch; made, walked until nothing is needed, read once.

    Args:
        events: in the order they were read.
        now: when the verdicts are given.
    """

    def __init__(
        self, events: Sequence[Event], loaded: Loaded, rules: Rules, now: datetime
    ) -> None:
        self._loaded, self._rules, self._now = loaded, rules, now
        self._nonces = dict(loaded.nonces)
        self._senders: dict[str, Sender] = {}
        self._new: dict[str, NewMessage] = {}
        self._judged: dict[str, SmsJudged] = {}
        self._ended: dict[str, None] = {}
        self._told: list[tuple[int, str]] = []
        self._first_of: dict[str, str] = {}
        self._waiting: dict[str, deque[tuple[int, Event]]] = {}
        for index, event in enumerate(events):
            self._enter(index, event)

    def _enter(self, index: int, event: Event) -> None:
        record = event.message if isinstance(event, Arrival) else event
        self._waiting.setdefault(record.sender, deque()).append((index, event))
        if isinstance(event, Arrival):
            message = event.message
            self._first_of.setdefault(message.id, message.sender)
            if message.nonce is not None:
                self._nonces.setdefault(message.nonce, message.id)

    def sightings(self) -> Sequence[Sighting]:
        """The informative texts of the batch, sorted; to be saved before anything is counted."""
        found: dict[tuple[bytes, int, str], Sighting] = {}
        for events in self._waiting.values():
            for _, event in events:
                if not isinstance(event, Arrival) or event.digest is None:
                    continue
                if self._judge_alone(event) is not None:
                    continue
                message = event.message
                bucket = bucket_of(message.at, self._rules.campaign.window)
                key = (event.digest, bucket, message.sender)
                found.setdefault(key, Sighting(*key, message.at))
        return sorted(found.values())

    def walk(self, counts: Mapping[Span, int]) -> Sequence[Span]:
        """Walk as far as these counts allow.

        Returns:
            the spans to count before walking on; empty: everything is judged.
        """
        needed = []
        for pseudonym in list(self._waiting):
            events = self._waiting[pseudonym]
            while events:
                span = self._hear(*events[0], counts)
                if span is not None:
                    needed.append(span)
                    break
                events.popleft()
            else:
                del self._waiting[pseudonym]
        return needed

    def told(self) -> Sequence[SmsJudged]:
        """The verdicts to tell now, those of repeated messages again, in the order read."""
        assert not self._waiting, "the walk has not ended"  # noqa: S101
        verdicts = (self._verdict_of(message_id) for _, message_id in sorted(self._told))
        return [verdict for verdict in verdicts if verdict is not None]

    def changes(self) -> Changes:
        """What to save."""
        assert not self._waiting, "the walk has not ended"  # noqa: S101
        before = self._loaded.senders
        after = [
            sender
            for pseudonym, sender in self._senders.items()
            if sender != (before.get(pseudonym) or Sender(pseudonym))
        ]
        return Changes(
            at=self._now,
            before={s.sender: before[s.sender] for s in after if s.sender in before},
            after=after,
            messages=list(self._new.values()),
            judged=list(self._judged.values()),
            nonces={n: id_ for n, id_ in self._nonces.items() if n not in self._loaded.nonces},
            ended=list(self._ended),
        )

    # -- one event ----------------------------------------------------------------------------

    def _hear(self, index: int, event: Event, counts: Mapping[Span, int]) -> Span | None:
        match event:
            case Arrival():
                return self._hear_arrival(index, event, counts)
            case SenderBlocked():
                self._put(hear_block(self._sender(event.sender), event))
            case ReplyChanged():
                self._put(hear_reply(self._sender(event.sender), event))
                if event.final and event.kind is ReplyKind.REPLY:
                    self._ended[event.reply_id] = None
            case _:
                assert_never(event)
        return None

    def _hear_arrival(
        self, index: int, arrival: Arrival, counts: Mapping[Span, int]
    ) -> Span | None:
        message = arrival.message
        if self._is_known(message.id) or self._first_of[message.id] != message.sender:
            self._put(hear_again(self._sender(message.sender), arrival))
            self._told.append((index, message.id))
            return None
        reason = self._judge_alone(arrival)
        if reason is not None:
            self._open(index, arrival, silence(message, reason, self._now))
            return None
        if is_overdue(self._sender(message.sender), message.at):
            span = self._judge_overdue(message.sender, counts)
            if span is not None:
                return span
        sender, verdict = hear_message(
            self._sender(message.sender), arrival, self._rules, self._now
        )
        self._put(sender)
        self._open(index, arrival, verdict)
        return None

    def _judge_alone(self, arrival: Arrival) -> Reason | None:
        message = arrival.message
        replayed = message.nonce is not None and self._nonces[message.nonce] != message.id
        return judge_message(message, replayed=replayed, rules=self._rules)

    def _judge_overdue(self, pseudonym: str, counts: Mapping[Span, int]) -> Span | None:
        before = self._sender(pseudonym)
        span = span_to_count(before, self._rules)
        if span is not None and span not in counts:
            return span
        sender, verdict = judge_deliberated(
            before, counts[span] if span else 0, self._rules, self._now
        )
        self._put(sender)
        new = self._new.get(verdict.id)
        if new is None:
            self._judged[verdict.id] = verdict
        else:
            self._new[verdict.id] = replace(new, verdict=verdict, told=False)
        return None

    def _open(self, index: int, arrival: Arrival, verdict: SmsJudged | None) -> None:
        message = arrival.message
        self._new[message.id] = NewMessage(
            message.id,
            message.sender,
            arrival.partition,
            message.kind,
            message.at,
            verdict,
            told=verdict is not None,
        )
        if verdict is not None:
            self._told.append((index, message.id))

    def _sender(self, pseudonym: str) -> Sender:
        found = self._senders.get(pseudonym) or self._loaded.senders.get(pseudonym)
        return found or Sender(pseudonym)

    def _put(self, sender: Sender) -> None:
        self._senders[sender.sender] = sender

    def _is_known(self, message_id: str) -> bool:
        return message_id in self._new or message_id in self._loaded.verdicts

    def _verdict_of(self, message_id: str) -> SmsJudged | None:
        new = self._new.get(message_id)
        if new is not None:
            return new.verdict
        return self._judged.get(message_id) or self._loaded.verdicts.get(message_id)


def judge_due(
    senders: Sequence[Sender], counts: Mapping[Span, int], rules: Rules, now: datetime
) -> Changes:
    """Judge what these senders' deliberations came to; all of them are due.

    Args:
        counts: for every ``span_to_count`` of them.
    """
    after, judged = [], []
    for sender in senders:
        span = span_to_count(sender, rules)
        judged_sender, verdict = judge_deliberated(sender, counts[span] if span else 0, rules, now)
        after.append(judged_sender)
        judged.append(verdict)
    before = {sender.sender: sender for sender in senders}
    return Changes(at=now, before=before, after=after, judged=judged)
