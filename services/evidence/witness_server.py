"""The witness, a small process for a friend's machine (c2sp.org/tlog-witness).

It knows the logs it was told of, remembers the last head of each in one file, and cosigns a new one
only after a proof that the log merely grew. The file is written before the answer is.
"""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from kernel.values.clock import Clock
from kernel.values.errors import Fatal
from services.evidence.core.note import Signer
from services.evidence.core.verifier import Checkpoint, Key, Malformed, read_checkpoint
from services.evidence.core.witness import Answer, judge_request, read_request

LOG = structlog.get_logger("witness")

BODY_BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Memory:
    """The last head cosigned of each log, by origin, in a file."""

    path: Path

    def load(self) -> dict[str, Checkpoint]:
        """All of them.

        Raises:
            Fatal: ``witness_memory``: the file is damaged; a witness that forgot is none.
        """
        if not self.path.exists():
            return {}
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            return {origin: read_checkpoint(text) for origin, text in told.items()}
        except (ValueError, AttributeError, TypeError):
            raise Fatal(
                f"{self.path} is damaged: a witness that forgot must not go on under its key; "
                "restore the file, or begin anew in another --folder with another key",
                code="witness_memory",
            ) from None

    def save(self, heads: dict[str, Checkpoint]) -> None:
        """Overwrite, durably and at once."""
        whole = json.dumps({origin: str(head) for origin, head in heads.items()})
        part = self.path.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Witness:
    """Answers ``add-checkpoint``.

    Args:
        logs: the key of each log it knows, by origin.
    """

    def __init__(self, signer: Signer, logs: dict[str, Key], memory: Memory, clock: Clock) -> None:
        self._signer, self._logs, self._memory, self._clock = signer, logs, memory, clock
        self._heads = memory.load()
        self._one_at_a_time = asyncio.Lock()

    def application(self) -> web.Application:
        """The HTTP surface."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/add-checkpoint", self._add_checkpoint)
        return app

    async def _add_checkpoint(self, request: web.Request) -> web.Response:
        try:
            asked = read_request(await request.read())
        except Malformed:
            return web.Response(status=Answer.MALFORMED)
        async with self._one_at_a_time:
            answer, head = judge_request(asked, self._logs, self._heads)
            if head is None or answer is not Answer.COSIGNED:
                return self._refuse(answer, head)
            heads = {**self._heads, head.origin: head}
            await asyncio.to_thread(self._memory.save, heads)
            self._heads = heads
        LOG.info("cosigned", size=head.size)
        return web.Response(text=self._signer.cosign(str(head), self._clock.now()))

    def _refuse(self, answer: Answer, head: Checkpoint | None) -> web.Response:
        LOG.warning("refused", status=int(answer), size=head.size if head else None)
        known = self._heads.get(head.origin) if head else None
        if answer is Answer.OTHER_SIZE:
            body = f"{known.size if known else 0}\n".encode()
            headers = {"Content-Type": "text/x.tlog.size"}
            return web.Response(status=answer, body=body, headers=headers)
        return web.Response(status=answer)
