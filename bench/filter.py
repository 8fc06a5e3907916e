"""The filter on a filled topic: records a second of one process, real Kafka, real PostgreSQL.

``sms.received`` is filled with records as ingest makes them (``bench/stages.py`` says the rest).

    .venv/bin/python bench/filter.py      # starts a broker through scripts/kafka.sh
"""

import hashlib
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.stages import Bench, run
from kernel.facts.records import SignatureMode, SmsReceived, derive_id, derive_trace
from kernel.facts.topics import FILTER_GROUP, outgoing
from kernel.log.port import Outgoing
from kernel.sealing.privacy import BLOCK_BYTES, BLOCK_DIGITS, Sealer, new_keypair
from kernel.values.clock import SystemClock
from kernel.values.sender import SenderKind
from services.filter.service import LIMITS, open_filter
from simulator import crowd_texts

RECORDS = 120_000
SENDERS = 40_000
RAID_SHARE = 0.1
REPEATED_SHARE = 1 / 3
"""Of the texts, that were written before: greetings, and the copies of a raid."""
MOBILES = 150_000_000
"""Numbers that French mobiles may have."""
EVIDENCE_BYTES = 620
"""The request as it came, sealed."""
MINUTES = 40
"""The stretch of time in which they arrive; shorter than the delay, so all are deliberated."""
PER_SECOND_MIN = 15_000


def make_records(count: int, ago: timedelta = timedelta(minutes=MINUTES)) -> Iterator[Outgoing]:
    """Texts of ``SENDERS`` numbers in the order of their arrival, the same at each run.

    Args:
        ago: when the first arrived.
    """
    draw = random.Random(2017)
    senders = [derive_id("sender", number) for number in range(SENDERS)]
    blocks = {sender: draw_blocks(draw) for sender in senders}
    sealed = Sealer(new_keypair()[1], SystemClock()).seal(b"+33639980000")
    start = datetime.fromtimestamp(time.time(), UTC) - ago
    for number in range(count):
        message_id, sender = derive_id("bench", number), draw.choice(senders)
        yield outgoing(
            SmsReceived(
                id=message_id,
                trace=derive_trace(message_id),
                at=start + timedelta(minutes=MINUTES) * number / count,
                sender=sender,
                sender_kind=SenderKind.MOBILE,
                sender_sealed=sealed,
                blocks=blocks[sender],
                country="FR",
                to_ours=True,
                text=draw_text(draw, number),
                amount_microunits=10_000,
                signature=SignatureMode.V2,
                nonce=derive_id("nonce", number),
                evidence_sealed=draw.randbytes(EVIDENCE_BYTES),
            )
        )


def draw_blocks(draw: random.Random) -> tuple[bytes, ...]:
    """The hashed blocks of a number that may be any French mobile's."""
    number = draw.randrange(MOBILES)
    blocks = (f"{digits} {number // 10**digits}" for digits in BLOCK_DIGITS)
    return tuple(hashlib.blake2b(b.encode(), digest_size=BLOCK_BYTES).digest() for b in blocks)


def draw_text(draw: random.Random, number: int) -> str:
    """A third was written before; the others are somebody's own."""
    if draw.random() < RAID_SHARE:
        return draw.choice(crowd_texts.RAID)
    pattern = draw.choice(crowd_texts.FIRST)
    text = pattern.format(
        name=draw.choice(crowd_texts.NAMES),
        day=draw.choice(crowd_texts.DAYS),
        place=draw.choice(crowd_texts.PLACES),
    )
    repeated = draw.random() < (REPEATED_SHARE - RAID_SHARE) / (1 - RAID_SHARE)
    return text if repeated else f"{text} {number}"


BENCH = Bench(
    name="filter",
    script=__file__,
    group=FILTER_GROUP,
    topics=(SmsReceived.TOPIC,),
    limits=LIMITS,
    opener=open_filter,
    make_records=make_records,
    per_second_min=PER_SECOND_MIN,
    records=RECORDS,
    about=f"texts of {SENDERS:,} senders",
)

if __name__ == "__main__":
    sys.exit(run(BENCH))
