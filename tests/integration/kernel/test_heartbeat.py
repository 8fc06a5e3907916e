"""The heart beats while all is ready, ceases while something is not, and stops nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from kernel.http.server import listening
from kernel.service.heartbeat import beating
from tests.support.eventually import eventually


@dataclass
class Patient:
    """A service that may lack something."""

    lacks: Sequence[str] = ()
    name: str = "patient"
    asked: int = 0

    async def run(self) -> None:
        raise NotImplementedError

    def drain(self) -> None:
        raise NotImplementedError

    def missing(self) -> Sequence[str]:
        self.asked += 1
        return self.lacks

    def ops_routes(self) -> Sequence[web.AbstractRouteDef]:
        return ()


async def test_the_heart_beats_while_all_is_ready() -> None:
    heard: list[None] = []
    status = 200

    async def hear(_: web.Request) -> web.Response:
        heard.append(None)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/ping", hear)
    well, sick = Patient(), Patient()
    async with listening(app, "127.0.0.1:0", name="TEST", shutdown_seconds=0.1) as url:
        async with beating(f"{url}/ping", [well, sick], every_seconds=0.02):
            await eventually(lambda: len(heard) > 2, seconds_max=10)
            sick.lacks = ["database_away"]
            before = sick.asked
            await eventually(lambda: sick.asked > before + 1, seconds_max=10)
            count = len(heard)
            await eventually(lambda: sick.asked > before + 6, seconds_max=10)
            assert len(heard) == count
            sick.lacks, status = (), 500
            await eventually(lambda: len(heard) > count + 2, seconds_max=10)
        gone = len(heard)
    async with beating(f"{url}/ping", [well, sick], every_seconds=0.02):  # nobody is there
        before = sick.asked
        await eventually(lambda: sick.asked > before + 3, seconds_max=10)
    assert len(heard) == gone


async def test_without_a_url_no_heart_beats() -> None:
    patient = Patient()
    async with beating("", [patient], every_seconds=0.001):
        pass
    assert patient.asked == 0
