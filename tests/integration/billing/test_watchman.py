"""The watchman over a real PostgreSQL and a real HTTP listener: who is told what, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.header import decode_header, make_header

import pytest
from aiohttp import web

from kernel.facts.records import ReplyState
from kernel.http.server import listening
from services.billing.metrics import Metrics
from services.billing.operator import Audit
from services.billing.store import PostgresStore
from services.billing.watchman import Watchman
from tests.integration.billing.scene import Desk, open_desk, texts, verdicts
from tests.unit.billing.cases import EURO, HOUR, MINUTE, changed, received


@dataclass
class Phone:
    """Somebody's phone, by way of an ntfy topic."""

    status: int = 200
    silent: bool = False
    told: list[tuple[str, str, str]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        if self.silent:
            await asyncio.Event().wait()
        title = str(make_header(decode_header(request.headers["Title"])))
        message = title, await request.text(), request.headers["Priority"]
        self.told += [message] if self.status == 200 else []
        return web.Response(status=self.status)

    def titles(self) -> list[str]:
        return [title for title, _, _ in self.told]


@dataclass
class Scene:
    desk: Desk
    phone: Phone

    def watchman(self) -> Watchman:
        """As after a restart: he remembers nothing."""
        desk = self.desk
        assert desk.operator is not None
        return Watchman(
            desk.operator,
            desk.store,
            desk.settings,
            log=desk.log,
            clock=desk.clock,
            metrics=Metrics(desk.telemetry),
        )

    async def watch(self, minutes: int, watchman: Watchman | None = None) -> list[str]:
        """Look every minute. Returns the titles that were told meanwhile."""
        before = len(self.phone.told)
        watchman = watchman or self.watchman()
        for _ in range(minutes):
            self.desk.clock.advance(60)
            await watchman.look()
        return self.phone.titles()[before:]

    async def live(self, minutes: int, *, step: int = 1) -> list[str]:
        """As ``watch``, and billing looks as well, every so many minutes."""
        told = []
        for _ in range(minutes // step):
            self.desk.clock.advance((step - 1) * 60)
            await self.desk.look()
            told += await self.watch(1)
        return told


@asynccontextmanager
async def open_scene(database_url: str, **settings: str) -> AsyncIterator[Scene]:
    phone = Phone()
    app = web.Application()
    app.router.add_post("/topic", phone.hear)
    async with (
        listening(app, "127.0.0.1:0", name="TEST", shutdown_seconds=0.1) as url,
        open_desk(
            database_url, **{"alert_url": f"{url}/topic", "language": "en"} | settings
        ) as desk,
    ):
        yield Scene(desk, phone)


@pytest.fixture
async def scene(fresh_database: str) -> AsyncIterator[Scene]:
    async with open_scene(fresh_database) as opened:
        yield opened


async def test_a_pause_is_told_once_whatever_restarts_and_its_end_once(scene: Scene) -> None:
    assert scene.desk.operator is not None
    await scene.desk.give()
    await scene.desk.hear(*texts(1), *verdicts(1))
    await scene.desk.operator.pause("test", scene.desk.now)
    assert await scene.watch(5) == ["antirelou: no reply is paid for any more (paused by hand)"]
    for _ in range(3):
        assert await scene.watch(5) == []
    _, body, priority = scene.phone.told[0]
    assert "1 replies wait (0.15 €)" in body
    assert "Still costs: each SMS received, 0.01 €. No reply is paid for." in body
    assert "Type: antirelou resume" in body
    assert priority == "default"
    await scene.desk.operator.resume(scene.desk.now)
    assert await scene.watch(10) == []
    assert await scene.watch(10) == [
        "antirelou: all clear: no reply is paid for any more (paused by hand)"
    ]
    assert await scene.watch(60) == []


async def test_what_is_not_taken_is_told_later_and_looking_goes_on(scene: Scene) -> None:
    assert scene.desk.operator is not None
    await scene.desk.operator.pause("test", scene.desk.now)
    watchman = scene.watchman()
    scene.phone.status = 503
    assert await scene.watch(10, watchman) == []
    scene.phone.status = 200
    assert len(await scene.watch(15, watchman)) == 1
    told = scene.desk.telemetry.counter("antirelou_alerts_total", outcome="told")
    refused = scene.desk.telemetry.counter("antirelou_alerts_total", outcome="refused")
    assert told._value.get() == 1
    assert 2 <= refused._value.get() <= 6, "each pause is twice the last"


async def test_a_topic_that_never_answers_holds_nobody_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scene.desk.operator is not None
    monkeypatch.setattr("services.billing.watchman.POST_SECONDS_MAX", 0.2)
    await scene.desk.operator.pause("test", scene.desk.now)
    scene.phone.silent = True
    assert await scene.watch(5) == []
    away = scene.desk.telemetry.counter("antirelou_alerts_total", outcome="away")
    assert away._value.get() >= 1
    scene.phone.silent = False
    assert len(await scene.watch(5)) == 1


async def test_of_two_replicas_one_tells(scene: Scene) -> None:
    assert scene.desk.operator is not None
    await scene.desk.operator.pause("test", scene.desk.now)
    both = scene.watchman(), scene.watchman()
    for _ in range(5):
        scene.desk.clock.advance(60)
        await asyncio.gather(*(watchman.look() for watchman in both))
    assert len(scene.phone.told) == 1


async def test_a_failed_audit_is_told_until_a_good_one(scene: Scene) -> None:
    assert scene.desk.operator is not None
    await scene.desk.operator.note_audit(Audit(scene.desk.now, {"I1": 0, "I4": 2}))
    assert await scene.watch(5) == ["antirelou: the audit found a violation"]
    earlier = Audit(scene.desk.now - HOUR, {"I4": 0})
    await scene.desk.operator.note_audit(earlier)
    status = await scene.desk.operator.read_status(scene.desk.now)
    assert status.watched.audit == Audit(scene.desk.now - 5 * MINUTE, {"I1": 0, "I4": 2})
    await scene.desk.operator.note_audit(Audit(scene.desk.now, {"I1": 0, "I4": 0}))
    assert await scene.watch(20) == ["antirelou: all clear: the audit found a violation"]


async def test_a_fund_that_will_not_last_is_told_in_the_language_set(fresh_database: str) -> None:
    async with open_scene(fresh_database, language="fr") as scene:
        await scene.desk.give(21 * EURO)
        await scene.desk.hear(*texts(1, 2, 3))
        outlook = await read_outlook(scene.desk)
        # A euro above the floor; three texts a day cost three cents.
        assert outlook == timedelta(days=0.97 / 0.03)
        await scene.desk.hear(*verdicts(1, 2, 3))
        assert await read_outlook(scene.desk) == timedelta(days=0.97 / 0.48)
        assert await scene.watch(5) == ["antirelou: la cagnotte ne tiendra pas jusqu'à son horizon"]
        assert "À ce train la cagnotte tient 2,0 jours." in scene.phone.told[0][1]


async def read_outlook(desk: Desk) -> timedelta | None:
    assert desk.operator is not None
    return (await desk.operator.read_status(desk.now)).watched.outlook.lasts


async def test_nobody_to_tell_is_no_trouble(fresh_database: str) -> None:
    async with open_desk(fresh_database) as desk:
        assert isinstance(desk.store, PostgresStore)
        scene = Scene(desk, Phone())
        assert await scene.watch(3) == []
        assert desk.telemetry.gauge("antirelou_dead_records")._value.get() == 0


@pytest.mark.parametrize(
    ("language", "title", "receiving", "replying"),
    [
        (
            "fr",
            "antirelou: l'opérateur demande plus que le tarif réglé ici",
            "Un SMS reçu coûte 0,0150 € le segment ; PRICE_RECEIVE dit 0,0100 €.",
            "Une réponse coûte 0,2000 € le segment ; PRICE_REPLY dit 0,1500 €.",
        ),
        (
            "en",
            "antirelou: the provider asks more than the tariff that is set here",
            "An SMS received costs 0.0150 € a segment; PRICE_RECEIVE says 0.0100 €.",
            "A reply costs 0.2000 € a segment; PRICE_REPLY says 0.1500 €.",
        ),
    ],
)
async def test_a_price_above_the_tariff_is_told_once_until_a_day_without(
    fresh_database: str, language: str, title: str, receiving: str, replying: str
) -> None:
    async with open_scene(fresh_database, language=language) as scene:
        desk = scene.desk
        assert desk.operator is not None
        await desk.give(10_000 * EURO)
        usual = {"at": desk.now, "amount_microunits": 20_000, "segments": 2}
        await desk.hear(*texts(1), received("m-2", **usual), *verdicts(1))
        await desk.look()
        await desk.hear(changed("m-1", 1, ReplyState.SENT, 150_000, at=desk.now))
        assert (await desk.operator.read_status(desk.now)).watched.dear == (0, 0)
        assert await scene.live(5) == []
        dear = {"at": desk.now, "amount_microunits": 30_000, "segments": 2}
        await desk.hear(received("m-3", **dear))
        await desk.hear(changed("m-1", 2, ReplyState.DELIVERED, 200_000, at=desk.now))
        assert (await desk.operator.read_status(desk.now)).watched.dear == (15_000, 200_000)
        assert await scene.live(30) == [title]
        _, body, priority = scene.phone.told[0]
        assert body.splitlines()[1:3] == [receiving, replying]
        assert priority == "default"
        await desk.hear(received("m-4", **dear | {"at": desk.now}))  # once, however many
        told = await scene.live(26 * 60, step=10)
        assert [t for t in told if t.endswith(title.removeprefix("antirelou: "))] == [
            title.replace(": ", {"fr": ": c'est fini : ", "en": ": all clear: "}[language], 1)
        ]


async def test_that_nobody_knows_what_is_unread_is_told_while_the_log_is_away(
    scene: Scene,
) -> None:
    await scene.desk.give()
    await scene.desk.look()
    scene.desk.log.away = True
    title = "antirelou: how many received messages are not booked is not known: nothing is paid"
    assert await scene.watch(10) == [title]
    scene.desk.log.away = False
    assert await scene.live(20) == [title.replace(": ", ": all clear: ", 1)]
