"""Checkpoints before others: a time-stamping authority, a witness, and neither of them."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cryptography.x509
import pytest

from antirelou.commands.main import main
from kernel.http.server import listening
from kernel.stage.stage import Progress
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal
from services.evidence.authority import check_stamp, request_stamp, verify_stamp
from services.evidence.core.note import Signer
from services.evidence.core.verifier import COSIGNATURE, check_folder, read_note
from services.evidence.memory import MemoryStore
from services.evidence.settings import NotarySettings
from services.evidence.witness_server import Memory, Witness
from tests.support.authority import Authority, make_authority, open_authority
from tests.support.evidence import open_desk
from tests.unit.evidence.cases import MINUTE, NOBODY, NOW, SIGNER, batch, handler, received, weekend

WITNESS = Signer("witness.example.org", b"W" * 32, COSIGNATURE)


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with open_authority(NOW + MINUTE) as authority:
        yield authority


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[NotarySettings]:
    async with serve_witness(tmp_path / "heads.json") as url:
        yield replace(NOBODY, witness_url=url, witness_key=WITNESS.key)


def serve_witness(path: Path) -> AbstractAsyncContextManager[str]:
    server = Witness(WITNESS, {SIGNER.name: SIGNER.key}, Memory(path), SystemClock())
    return listening(server.application(), "127.0.0.1:0", name="LISTEN")


async def test_a_checkpoint_is_stamped_and_the_stamp_verified(
    authority: Authority, tmp_path: Path
) -> None:
    async with open_desk(notary=replace(NOBODY, authority_url=authority.url)) as desk:
        await desk.keep(weekend())
        await desk.handler.due(Progress(), desk.clock.now())
        await desk.keep([received(50)])
        files = await desk.export()
    assert authority.asked == 1  # not again within the hour
    assert check_folder(files, {}).wrong == []
    stamps = [name for name in files if name.endswith(".tsr")]
    assert len(stamps) == 1
    text = read_note(files[stamps[0].replace(".tsr", ".txt")]).text.encode()
    roots = [authority.root]
    assert verify_stamp(files[stamps[0]], text, roots) == authority.at.replace(microsecond=0)
    assert verify_stamp(files[stamps[0]], text + b"x", roots) is None
    assert verify_stamp(files[stamps[0]], text, [make_authority(NOW).root]) is None
    assert verify_stamp(b"rubbish", text, roots) is None
    _check_by_command(files, tmp_path, authority)


def _check_by_command(files: dict[str, bytes], folder: Path, authority: Authority) -> None:
    """``evidence verify --authority``, and OpenSSL where there is one: another implementation."""
    for name, data in files.items():
        (folder / "case" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "case" / name).write_bytes(data)
    pem, other = folder / "root.pem", folder / "other.pem"
    pem.write_bytes(authority.root_pem)
    other.write_bytes(make_authority(NOW).root_pem)
    case = str(folder / "case")
    assert main(["evidence", "verify", case, "--authority", str(pem)]) == 0
    assert main(["evidence", "verify", case, "--authority", str(other)]) == 1
    assert main(["evidence", "verify", case, "--authority", str(folder / "none")]) == 2
    if shutil.which("openssl"):
        (stamp,) = (folder / "case" / "checkpoints").glob("*.tsr")
        text = folder / "text"
        text.write_text(read_note(stamp.with_suffix(".txt").read_bytes()).text)
        done = subprocess.run(
            ["openssl", "ts", "-verify", "-data", text, "-in", stamp, "-CAfile", pem],
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_a_stamp_of_something_else_or_for_somebody_else_is_not_taken() -> None:
    authority = make_authority(NOW)
    request = request_stamp(b"ours")
    assert check_stamp(request, authority.answer(request), b"ours")
    assert not check_stamp(request, authority.answer(request), b"other")
    assert not check_stamp(request, authority.answer(request_stamp(b"ours")), b"ours")
    assert not check_stamp(request, b"rubbish", b"ours")
    cryptography.x509.load_pem_x509_certificate(authority.root_pem)


async def test_who_is_away_stops_nothing_and_is_asked_again(authority: Authority) -> None:
    authority.away = True
    settings = NotarySettings(authority.url, timedelta(hours=1), "http://127.0.0.1:9", WITNESS.key)
    store = MemoryStore()
    kept = handler(store, settings)
    await kept.append([], NOW)
    signed = await kept.sign(NOW)
    assert signed is not None
    await kept.due(Progress(), NOW)
    assert (await store.load_checkpoints(9, 9))[0].stamp is None
    authority.away = False
    await kept.due(Progress(), NOW + 2 * MINUTE)
    assert (await store.load_checkpoints(9, 9))[0].stamp is not None
    assert authority.asked == 2


async def test_a_witness_cosigns_as_the_log_grows(witness: NotarySettings) -> None:
    async with open_desk(notary=witness) as desk:
        for message in range(3):
            await desk.keep([received(message)])
            await desk.handler.attest(desk.clock.now())
        files = await desk.export()
        assert await desk.store.witnessed_size() == 4
    findings = check_folder(files, {"witness": str(WITNESS.key)})
    assert findings.wrong == []
    assert any("cosigned by the witness" in line for line in findings.checked)
    stranger = Signer("witness.example.org", b"X" * 32, COSIGNATURE)
    assert check_folder(files, {"witness": str(stranger.key)}).wrong


async def test_a_fork_shown_to_two_people_is_refused_by_the_witness(
    witness: NotarySettings,
) -> None:
    one, two = MemoryStore(), MemoryStore()
    honest, fork = handler(one, witness), handler(two, witness)
    for kept in (honest, fork):  # the same key, two stories
        await kept.append([], NOW)
    for message in range(5):
        await honest.handle(batch([received(message)]), NOW)
    assert (await honest.attest(NOW)).witnessed_at  # type: ignore[union-attr]
    for messages in ((9,), (10, 11, 12, 13), (14, 15)):  # shorter, as long, longer
        await fork.handle(batch([received(message) for message in messages]), NOW)
        signed = await fork.attest(NOW)
        assert signed is not None
        assert signed.witnessed_at is None
    assert await two.witnessed_size() == 0
    await honest.handle(batch([received(20)]), NOW)
    assert (await honest.attest(NOW)).witnessed_at  # type: ignore[union-attr]


async def test_a_witness_remembers_across_restarts_and_goes_on_where_answers_were_lost(
    tmp_path: Path,
) -> None:
    path, store = tmp_path / "heads.json", MemoryStore()
    async with serve_witness(path) as url:
        kept = handler(store, replace(NOBODY, witness_url=url, witness_key=WITNESS.key))
        await kept.handle(batch([received(1), received(2)]), NOW)
        assert (await kept.attest(NOW)).witnessed_at  # type: ignore[union-attr]
    # Our database forgets that it was cosigned; the witness does not.
    forgetful = MemoryStore()
    async with forgetful.transaction() as copy:
        await copy.add_records(await store.load_records(range(3)))
        await copy.save_tree(await store.read_tree(), await store.load_tiles([(0, 0)]))
    async with serve_witness(path) as url:
        kept = handler(forgetful, replace(NOBODY, witness_url=url, witness_key=WITNESS.key))
        await kept.handle(batch([received(3)]), NOW)
        assert (await kept.attest(NOW)).witnessed_at  # type: ignore[union-attr]
    path.write_text("{}x")
    with pytest.raises(Fatal, match="damaged"):
        serve_witness(path)


async def test_a_witness_that_answers_rubbish_is_not_believed() -> None:
    from aiohttp import web

    bodies = iter([b"", b"rubbish", "— witness.example.org AAAA\n".encode(), b"\xff"])
    app = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=next(bodies))

    app.router.add_post("/add-checkpoint", answer)
    store = MemoryStore()
    async with listening(app, "127.0.0.1:0", name="LISTEN") as url:
        kept = handler(store, replace(NOBODY, witness_url=url, witness_key=WITNESS.key))
        for message in range(4):
            await kept.handle(batch([received(message)]), NOW)
            signed = await kept.attest(NOW)
            assert signed is not None
            assert signed.witnessed_at is None
