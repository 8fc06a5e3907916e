"""``antirelou release`` against the real operator API over the real books."""

import asyncio
import getpass
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from antirelou.commands.main import main
from tests.integration.billing.scene import Desk, open_desk, texts, verdicts
from tests.support.operator_api import TOKEN, open_api

Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def desk(billing_database: str) -> AsyncIterator[Desk]:
    async with open_desk(billing_database, release="person") as opened:
        yield opened


@pytest.fixture
async def run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Run]:
    """Runs the command with these keys pressed, while the API answers in the loop."""
    assert desk.operator is not None
    async with open_api(desk.operator, desk.log, desk.clock, desk.settings.operator) as api:
        monkeypatch.setenv("ANTIRELOU_OPERATOR_URL", api.url)
        monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", TOKEN)
        monkeypatch.setenv("ANTIRELOU_LANGUAGE", "en")

        async def press(keys: str, *arguments: str) -> tuple[int, str, str]:
            monkeypatch.setattr("sys.stdin", io.StringIO(keys))
            code = await asyncio.to_thread(main, ["release", *arguments])
            said = capsys.readouterr()
            return code, said.out, said.err

        yield press


async def acts(desk: Desk) -> list[tuple[str, ...]]:
    rows = await desk.rows("SELECT reply_id, action, actor FROM releases ORDER BY number")
    return [tuple(row) for row in rows]


async def test_a_card_at_a_time_and_one_key_each(desk: Desk, run: Run) -> None:
    await desk.give()
    basis = {"weight_text": 0.5, "weight_surge": -0.75}
    await desk.hear(*texts(1, 2, 3), *verdicts(1, basis=basis), *verdicts(2, 3))
    await desk.look()
    code, out, err = await run("x S\nnlsq", "--actor", "Anne")
    assert (code, err) == (0, "")
    assert "3 wait; the best:" in out
    assert "the surge, the words" in out
    assert out.index("Released.") < out.index("Skipped.") < out.index("Put behind all others.")
    assert out.endswith("Nobody is waiting any more.\n")
    assert await acts(desk) == [
        ("m-1", "send", "Anne"), ("m-2", "skip", "Anne"), ("m-3", "later", "Anne"),
        ("m-3", "send", "Anne"),
    ]  # fmt: skip


async def test_he_who_leaves_does_nothing_and_has_a_name(desk: Desk, run: Run) -> None:
    await desk.give()
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    for keys in ("q", "", "xyz"):
        assert (await run(keys))[0] == 0
    assert await acts(desk) == []
    await run("l")
    assert await acts(desk) == [("m-1", "later", getpass.getuser())]


async def test_what_cannot_be_sent_now_is_said(desk: Desk, run: Run) -> None:
    await desk.hear(*texts(1), *verdicts(1))
    await desk.look()
    code, _, err = await run("s", "--actor", "Anne")
    assert code == 1
    assert err.startswith("antirelou: there is no money for it now")
    assert await acts(desk) == []
    code, _, err = await run("s", "--actor", "06 39 98 00 01")
    assert code == 2
    assert err.startswith("antirelou: --actor:")
