"""What the judge remembers is bounded by days, however many people write in their life."""

from random import Random

from services.filter.core.learner import Learnt, find_tokens, teach_contact
from services.filter.core.retention import plan_cutoffs
from services.filter.core.signature import BINS, MARK_BYTES
from services.filter.core.tally import (
    BLOCK_BYTES,
    Counts,
    bucket_of,
    contact_keys,
    mark_keys,
)
from services.filter.memory import MemoryStore
from tests.unit.filter.cases import DAY, KEY, MINUTE, NOW, SETTINGS

SENDERS = 1_000_000
DAYS = 40
CHUNK = 500


async def test_a_million_senders_leave_no_more_than_their_last_days() -> None:
    store, draw = MemoryStore(KEY), Random(2017)
    kept: list[int] = []
    for day in range(DAYS):
        for chunk in range(SENDERS // DAYS // CHUNK):
            at = NOW + day * DAY + chunk * CHUNK * DAY / (SENDERS // DAYS)
            store.tables.count(_count_strangers(draw, bucket_of(at, 10 * MINUTE)))
        now = NOW + (day + 1) * DAY
        await store.prune(plan_cutoffs(now, now, None, SETTINGS.retention), SENDERS)
        kept.append(len(store.tables.counts))
    settled = kept[10:]
    assert max(settled) < 1.05 * min(settled), "the last days' marks and blocks, no more"
    assert max(settled) < 0.2 * SENDERS * BINS


def test_what_is_learnt_of_a_million_texts_is_as_large_as_of_one() -> None:
    learnt = Learnt()
    learnt.learn([teach_contact(find_tokens("Coucou", KEY), 0.0)])
    size = len(learnt.to_bytes())
    draw = Random(2017)
    for _ in range(10_000):
        text = "".join(draw.choices("abcdefghijklmnop ", k=40))
        learnt.learn([teach_contact(find_tokens(text, KEY), 0.5)] * 100)
    assert len(learnt.to_bytes()) == size


def _count_strangers(draw: Random, bucket: int) -> Counts:
    """People who have nothing in common, each with marks and blocks of his own."""
    counts: dict[tuple[bytes, int], int] = {}
    for _ in range(CHUNK):
        blocks, marks = draw.randbytes(3 * BLOCK_BYTES), draw.randbytes(BINS * MARK_BYTES)
        for key in (*contact_keys(blocks), *mark_keys(marks)):
            counts[key, bucket] = counts.get((key, bucket), 0) + 1
    return counts
