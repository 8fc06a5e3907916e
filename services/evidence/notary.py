"""Who else vouches for a checkpoint: a time-stamping authority (RFC 3161) and a witness (C2SP).

Both are optional and may be away: a checkpoint stands by our signature alone, and the next one is
tried again. Neither learns anything but a size, a hash and a signature.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime

import structlog

from kernel.http.server import Unanswered, post
from services.evidence.core.merkle import plan_consistency
from services.evidence.core.note import Signed
from services.evidence.core.verifier import Malformed, read_checkpoint, read_note, verify_note
from services.evidence.core.witness import Answer, Request, write_request
from services.evidence.metrics import Metrics
from services.evidence.prover import prove
from services.evidence.settings import NotarySettings
from services.evidence.store import Store

LOG = structlog.get_logger("evidence")

ANSWER_SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 65_536

AUTHORITY, WITNESS = "authority", "witness"
DONE, AWAY, REFUSED = "done", "away", "refused"


class Notary:
    """Has checkpoints stamped and cosigned; what fails is logged, counted and tried again."""

    def __init__(self, store: Store, settings: NotarySettings, metrics: Metrics) -> None:
        self._store, self._settings, self._metrics = store, settings, metrics
        self._stamp_at: datetime | None = None

    async def attend(self, signed: Signed, now: datetime) -> None:
        """Have a checkpoint cosigned and, when it is time, stamped."""
        settings = self._settings
        if settings.witness_url and signed.witnessed_at is None:
            await self._ask(WITNESS, self._cosign(signed, now))
        if not settings.authority_url or signed.stamp is not None:
            return
        due = self._stamp_at is None or self._stamp_at <= now
        if due and await self._ask(AUTHORITY, self._stamp(signed, now)):
            self._stamp_at = now + settings.stamp_every

    async def _ask(self, by: str, asking: Awaitable[str]) -> bool:
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS_MAX):
                outcome = await asking
        except (Unanswered, TimeoutError):
            outcome = AWAY
        if outcome != DONE:
            LOG.warning("checkpoint_not_attended", by=by, outcome=outcome)
        self._metrics.attended(by, outcome)
        return outcome == DONE

    async def _stamp(self, signed: Signed, now: datetime) -> str:
        # Heavy, and needed only where an authority is configured.
        from services.evidence.authority import check_stamp, request_stamp

        text = read_note(signed.note.encode()).text.encode()
        request = request_stamp(text)
        headers = {"Content-Type": "application/timestamp-query"}
        status, answer = await self._post(self._settings.authority_url, request, headers)
        if status != 200 or not check_stamp(request, answer, text):
            return REFUSED
        await self._store.stamp_checkpoint(signed.size, answer, now)
        return DONE

    async def _cosign(self, signed: Signed, now: datetime) -> str:
        old_size = await self._store.witnessed_size()
        status, answer = await self._submit(signed, old_size)
        if status == Answer.OTHER_SIZE and answer.strip().isdigit():
            known = int(answer)
            if known != old_size and known <= signed.size:
                # Its answer was lost before, or our database was: go on from what it has.
                status, answer = await self._submit(signed, known)
        if status != Answer.COSIGNED or self._settings.witness_key is None:
            return REFUSED
        note = signed.note + answer.decode("utf-8", "replace")
        try:
            found = verify_note(read_note(note.encode()), self._settings.witness_key)
        except Malformed:
            return REFUSED
        if found is None:
            return REFUSED
        await self._store.witness_checkpoint(signed.size, note, now)
        return DONE

    async def _submit(self, signed: Signed, old_size: int) -> tuple[int, bytes]:
        size = read_checkpoint(read_note(signed.note.encode()).text).size
        proof = await prove(self._store, plan_consistency(old_size, size))
        body = write_request(Request(old_size, tuple(proof), signed.note))
        return await self._post(f"{self._settings.witness_url}/add-checkpoint", body, {})

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        return await post(
            url, body, headers, seconds_max=ANSWER_SECONDS_MAX, bytes_max=ANSWER_BYTES_MAX
        )
