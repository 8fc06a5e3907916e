"""What the evidence stage does with what it reads: load, let the core decide, save.

A batch's entries, their commitments in the tree and the tree's head are one transaction: after any
crash either all of it is there or nothing, and a redelivery finds what is there by its name.
"""

import os
from collections.abc import Sequence
from datetime import datetime

from kernel import __version__
from kernel.log.port import Outgoing
from kernel.stage.stage import Due, Progress, Received
from services.evidence.core.entry import (
    Entry,
    Kept,
    Terms,
    choose_new,
    enter,
    enter_terms,
    names_of,
    terms_told,
)
from services.evidence.core.merkle import Tree, append_leaves, edge_tiles
from services.evidence.core.note import Signed, Signer
from services.evidence.core.verifier import Checkpoint, commit, hash_leaf
from services.evidence.metrics import Metrics
from services.evidence.notary import Notary
from services.evidence.settings import Rules
from services.evidence.store import Store
from services.evidence.sweeper import Sweeper

SALT_BYTES = 32


class EvidenceHandler:
    """The ``Handler`` of the evidence stage: it gives nothing to the topics.

    Args:
        terms: entered before the first batch, where they are not the latest in the log.
        signer: of checkpoints.
        notary: has them stamped and cosigned.
    """

    def __init__(
        self,
        store: Store,
        *,
        rules: Rules,
        terms: Terms,
        signer: Signer,
        notary: Notary,
        metrics: Metrics,
    ) -> None:
        self._store, self._rules, self._metrics = store, rules, metrics
        self._terms: Terms | None = terms
        self._signer, self._notary = signer, notary
        self._checkpoint_at: datetime | None = None
        self._sweeper = Sweeper(store, rules.retention, metrics)

    async def handle(self, batch: Sequence[Received], now: datetime) -> Sequence[Outgoing]:
        """See ``stage.Handler``."""
        entries = [enter(received.record, __version__) for received in batch]
        await self.append([entry for entry in entries if entry is not None], now)
        return ()

    async def append(self, entries: Sequence[Entry], now: datetime) -> None:
        """Append the entries that add something to the log, in this order."""
        names = {name for entry in entries for name in names_of(entry)}
        async with self._store.transaction() as store:
            tree = await store.lock_tree()
            new = choose_new(entries, await store.find_names(names))
            if self._terms is not None:
                told = await store.last_terms()
                if told is None or terms_told(told) != self._terms:
                    new.insert(0, enter_terms(self._terms, now))
            if not new:
                return
            kept = _give_leaves(new, tree)
            edge = await store.load_tiles(edge_tiles(tree.size))
            hashes = [hash_leaf(commit(each.salt, each.entry.record)) for each in kept]
            after, tiles = append_leaves(tree.size, hashes, edge)
            await store.add_records(kept)
            await store.save_tree(after, tiles)
        self._terms = None
        self._metrics.grown(after.size)

    async def due(self, progress: Progress, now: datetime) -> Due:
        """Sign what is new, have it stamped and cosigned, erase what is past its time."""
        if self._checkpoint_at is None or self._checkpoint_at <= now:
            self._checkpoint_at = now + self._rules.checkpoint_every
            signed = await self.sign(now)
            if signed is not None:
                await self._notary.attend(signed, now)
        return Due(next_at=min(self._checkpoint_at, await self._sweeper.look(now)))

    async def sign(self, now: datetime) -> Signed | None:
        """The checkpoint of the log as it is, signed unless it was; None: the log is empty."""
        tree = await self._store.read_tree()
        if tree.size == 0:
            return None
        text = str(Checkpoint(self._signer.name, tree.size, tree.root))
        signed = Signed(tree.size, self._signer.sign(text), now)
        await self._store.add_checkpoint(signed)
        return (await self._store.load_checkpoints(tree.size, 1))[0]

    async def attest(self, now: datetime) -> Signed | None:
        """As ``sign``, and cosigned where a witness answers; for whoever waits for it."""
        signed = await self.sign(now)
        if signed is not None and signed.witnessed_at is None:
            await self._notary.attend(signed, now)
            return (await self._store.load_checkpoints(signed.size, 1))[0]
        return signed


def _give_leaves(entries: Sequence[Entry], tree: Tree) -> list[Kept]:
    salts = os.urandom(SALT_BYTES * len(entries))
    return [
        Kept(tree.size + rank, salts[rank * SALT_BYTES : (rank + 1) * SALT_BYTES], entry)
        for rank, entry in enumerate(entries)
    ]
