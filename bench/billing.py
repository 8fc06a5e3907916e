"""Billing on filled topics: records a second of one process, real Kafka, real PostgreSQL.

``sms.received`` and ``sms.judged`` are filled as ingest and the filter fill them: a verdict for
each message, a third of them ``reply`` (``bench/stages.py`` says the rest). The fund is empty, so
nobody is paid: what is measured is the books.

    .venv/bin/python bench/billing.py      # starts a broker through scripts/kafka.sh
"""

import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.stages import Bench, run
from kernel.facts.records import (
    Decision,
    Reason,
    SignatureMode,
    SmsJudged,
    SmsReceived,
    derive_id,
    derive_trace,
)
from kernel.facts.topics import BILLING_GROUP, outgoing
from kernel.log.port import Outgoing
from kernel.values.sender import SenderKind
from services.billing.service import LIMITS, open_billing

RECORDS = 120_000
REPLY_SHARE = 1 / 3
EVIDENCE_BYTES = 620
"""The request as it came, sealed."""
SEALED_BYTES = 93
"""A number, sealed."""
PER_SECOND_MIN = 10_000


def make_records(count: int, ago: timedelta = timedelta(hours=1)) -> Iterator[Outgoing]:
    """Half of them messages, half their verdicts, the same at each run; the first so long ago."""
    draw = random.Random(2017)
    start = datetime.fromtimestamp(time.time(), UTC) - ago
    for number in range(count // 2):
        received = make_received(draw, number, start + timedelta(milliseconds=20 * number))
        yield outgoing(received)
        yield outgoing(make_judged(draw, received))


def make_received(draw: random.Random, number: int, at: datetime) -> SmsReceived:
    """A text as ingest tells it."""
    message_id = derive_id("bench", number)
    return SmsReceived(
        id=message_id,
        trace=derive_trace(message_id),
        at=at,
        sender=derive_id("sender", draw.randrange(count_senders())),
        sender_kind=SenderKind.MOBILE,
        sender_sealed=draw.randbytes(SEALED_BYTES),
        country="FR",
        to_ours=True,
        text="Salut, on s'est vus hier au concert, tu te souviens ?",
        amount_microunits=10_000,
        signature=SignatureMode.V2,
        nonce=derive_id("nonce", number),
        evidence_sealed=draw.randbytes(EVIDENCE_BYTES),
    )


def make_judged(draw: random.Random, received: SmsReceived) -> SmsJudged:
    """Its verdict as the filter tells it."""
    replied = draw.random() < REPLY_SHARE
    return SmsJudged(
        id=received.id,
        trace=received.trace,
        at=received.at,
        sender=received.sender,
        decision=Decision.REPLY if replied else Decision.SILENT,
        reason=Reason.DESERVED if replied else Reason.ALREADY_DELIBERATING,
        score=draw.uniform(-3, 3) if replied else 0.0,
        received_at=received.at,
        due_at=received.at + timedelta(hours=1),
        basis={"texts": 2, "weight_text": 0.7} if replied else {},
        sender_sealed=received.sender_sealed if replied else None,
    )


def count_senders() -> int:
    """As many as a third of the messages."""
    return RECORDS // 6


BENCH = Bench(
    name="billing",
    script=__file__,
    group=BILLING_GROUP,
    topics=(SmsReceived.TOPIC, SmsJudged.TOPIC),
    limits=LIMITS,
    opener=open_billing,
    make_records=make_records,
    per_second_min=PER_SECOND_MIN,
    records=RECORDS,
    about="messages and their verdicts",
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
