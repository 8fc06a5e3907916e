"""One responder, from the authorisation to the settled reply, on real PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from kernel.facts.records import (
    OperatorAction,
    OperatorDecided,
    Posture,
    PostureChanged,
    ProviderChecked,
    ReplyChanged,
    ReplyKind,
    ReplyState,
    SmsReceived,
    Source,
)
from kernel.log.port import Outgoing
from kernel.provider.plivo.traits import TRAITS
from kernel.provider.port import Accepted, Away, LoggedMessage, NotAccepted, Uncertain
from kernel.sealing.privacy import new_keypair
from kernel.values.errors import Transient
from services.responder.core.backfill import Scan, ScanKind
from tests.fakes.log import MemoryLog
from tests.fakes.provider import NUMBER, FakeProvider, Taken
from tests.integration.responder.scene import (
    CALM,
    CLOCK,
    PSEUDONYMIZER,
    QUICK,
    SECOND,
    Scene,
    authorized,
    open_scene,
    phone,
    reported,
)
from tests.support.eventually import eventually


def posture(sequence: int, value: Posture, cause: str, *, attach: bool = True) -> PostureChanged:
    return PostureChanged(
        id=f"posture-{sequence}", trace="t", at=CLOCK.now(), sequence=sequence, posture=value,
        cause=cause, attach=attach,
    )  # fmt: skip


def decided(action: OperatorAction, reply_id: str | None = None, since: int = 0) -> OperatorDecided:
    return OperatorDecided(
        id=f"{action}-{reply_id}", trace="t", at=CLOCK.now(), action=action, reply_id=reply_id,
        since=CLOCK.now() - timedelta(seconds=since),
    )  # fmt: skip


async def until(check: Callable[[], object], seconds: float = 8) -> None:
    await eventually(check, seconds_max=seconds)


def ends_in(scene: Scene, reply_id: str, *states: str) -> Callable[[], bool]:
    return lambda: scene.states(reply_id)[-len(states) :] == list(states)


class TestTheWay:
    async def test_a_reply_is_sent_reported_and_settled(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            await scene.append(authorized(1))
            await until(lambda: scene.states("m-1") == ["sending", "sent"])
            (sent,) = scene.provider.sent
            assert sent.to == phone(1)
            assert sent.callback_url.endswith("/webhooks/plivo/report?ref=m-1")
            await scene.append(reported(1, sent.message_id, "sent", 2))
            await scene.append(reported(1, sent.message_id, "delivered", 3))
            await until(ends_in(scene, "m-1", "delivered"))
            last = scene.changes("m-1")[-1]
            assert last.amount_microunits == 65_000
            assert last.final
            (row,) = await scene.rows("SELECT state, sender_sealed, look_at FROM replies")
            assert tuple(row) == ("delivered", None, None)

    async def test_a_report_without_our_reference_is_found_by_its_message(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "sent"))
            message_id = scene.provider.sent[0].message_id
            await scene.append(reported(1, message_id, "undelivered", 3, ref=None))
            await until(ends_in(scene, "m-1", "undelivered"))

    async def test_reports_about_nothing_of_ours_are_counted_and_ignored(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "sent"))
            message_id = scene.provider.sent[0].message_id
            await scene.append(
                reported(1, message_id, "delivered", 3, ref="nobody"),
                reported(1, "another", "delivered", 3),
                reported(1, message_id, "teleported", 3),
            )

            def counts() -> list[float | None]:
                return [
                    scene.telemetry.registry.get_sample_value(
                        "antirelou_reports_ignored_total", {"reason": reason}
                    )
                    for reason in ("unknown", "other_message", "unknown_status")
                ]

            await until(lambda: counts() == [1, 1, 1])
            assert scene.states("m-1") == ["sending", "sent"]
            assert not log.read_all("sms.reported.dead")

    async def test_read_again_everything_changes_nothing_and_says_the_same(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            await scene.append(*(authorized(n) for n in range(20)))
            await until(lambda: len(scene.provider.sent) == 20)
            await until(lambda: all(scene.states(f"m-{n}")[-1:] == ["sent"] for n in range(20)))
            rows = "SELECT * FROM replies ORDER BY reply_id"
            before = await scene.rows(rows)
            told = len(log.read_all(ReplyChanged.TOPIC))
            await scene.append(*(authorized(n) for n in range(20)))
            await until(lambda: len(log.read_all(ReplyChanged.TOPIC)) == told + 20)
            assert await scene.rows(rows) == before
            assert scene.provider.sends == 20
            assert all(scene.states(f"m-{n}") == ["sending", "sent"] for n in range(20))

    async def test_two_replicas_keep_one_rate(self, fresh_database: str, log: MemoryLog) -> None:
        provider = FakeProvider()
        # 0.01 by CLOCK_SPEED 2000 is 20 a second.
        async with (
            open_scene(fresh_database, log, provider=provider, rules=CALM, send_rate=0.01) as scene,
            open_scene(fresh_database, log, provider=provider, rules=CALM, send_rate=0.01),
        ):
            await scene.append(*(authorized(n) for n in range(20)))
            await until(lambda: len(scene.provider.sent) == 20)
            rows = await scene.rows("SELECT sending_at FROM replies ORDER BY sending_at")
            times = [row["sending_at"] for row in rows]
            for first, tenth in zip(times, times[9:], strict=False):
                assert (tenth - first).total_seconds() >= 0.4 - 0.05

    async def test_two_to_one_number_go_one_after_the_other(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            scene.provider.latency = 0.3
            await scene.append(authorized(1), authorized(1, kind=ReplyKind.TEST, name="t"))
            await until(lambda: len(scene.provider.sent) == 2)
            assert scene.provider.in_flight_max == 1


class TestRefusals:
    async def test_no_credit_holds_all_and_goes_on_by_itself(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.extend([NotAccepted("402", retry=True)] * 2)
        async with open_scene(fresh_database, log, rules=CALM, provider=provider) as scene:
            with capture_logs() as lines:
                await scene.append(authorized(1))
                await until(ends_in(scene, "m-1", "sent"))
            said = [one["reasons"] for one in lines if one["event"] == "provider_refuses"]
            assert said == [["402"]] * 2
            assert scene.states("m-1") == ["sending", "authorized"] * 2 + ["sending", "sent"]
            refused = scene.changes("m-1")[1]
            assert (refused.reason, refused.nothing_charged) == ("402", False)
            assert provider.sends == 3

    async def test_a_refusal_for_good_ends_it_and_costs_nothing(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.append(NotAccepted("400", retry=False))
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "failed"))
            last = scene.changes("m-1")[-1]
            assert (last.reason, last.nothing_charged, last.final) == ("400", True, True)
            assert not provider.sent

    async def test_a_number_that_cannot_be_unsealed_ends_it(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        private, public = new_keypair()  # of another installation than the sealer's
        async with open_scene(
            fresh_database,
            log,
            sending_private_key=private.hex(),
            sending_public_key=public.hex(),
        ) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "failed"))
            assert scene.changes("m-1")[-1].reason == "unsealable"
            assert scene.provider.sends == 0


class TestUncertain:
    async def test_it_is_found_in_the_log_and_not_sent_again(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.append(Taken(Uncertain("timeout")))
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "uncertain", "sent"))
            last = scene.changes("m-1")[-1]
            assert last.message_id == provider.sent[0].message_id
            assert last.amount_microunits == 65_000
            assert provider.sends == 1

    async def test_a_report_resolves_it(self, fresh_database: str, log: MemoryLog) -> None:
        provider = FakeProvider()
        provider.script.append(Taken(Uncertain("502")))
        provider.away = "503"
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "uncertain"))
            await scene.append(reported(1, provider.sent[0].message_id, "delivered", 3))
            await until(ends_in(scene, "m-1", "uncertain", "delivered"))
            assert provider.sends == 1

    async def test_not_in_the_log_it_is_left_to_the_operator(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.extend([Uncertain("timeout"), Uncertain("timeout")])
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1), authorized(2))
            for number in (1, 2):
                await until(ends_in(scene, f"m-{number}", "uncertain", "unresolved"))
                last = scene.changes(f"m-{number}")[-1]
                assert not last.final
                assert not last.nothing_charged
            await scene.append(
                decided(OperatorAction.REPLY_VOID, "m-1"),
                decided(OperatorAction.REPLY_SENT, "m-2"),
                decided(OperatorAction.REPLY_SENT, "nobody"),
            )
            await until(ends_in(scene, "m-1", "unresolved", "failed"))
            await until(ends_in(scene, "m-2", "unresolved", "sent"))
            assert scene.changes("m-1")[-1].nothing_charged
            assert scene.changes("m-2")[-1].final
            assert provider.sends == 2
            rows = await scene.rows("SELECT count(*) FROM replies WHERE sender_sealed IS NOT NULL")
            assert rows[0]["count"] == 0

    async def test_once_the_log_has_gone_on_for_a_day_without_it_it_is_void(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.append(Uncertain("timeout"))
        rules = replace(QUICK, lease=SECOND / 10, final_after=SECOND * 2)
        async with open_scene(fresh_database, log, provider=provider, rules=rules) as scene:
            await scene.append(authorized(1))
            # The day is over twice, and the log has shown nothing since: it proves nothing.
            await until(lambda: provider.sought.count(None) >= 2)
            assert scene.states("m-1") == ["sending", "uncertain", "unresolved"]
            # Beyond what clocks may differ by: it was surely sent after the one that is missing.
            later = CLOCK.now() + timedelta(minutes=5)
            sent = LoggedMessage("later", NUMBER, phone(2), later, "sent", 1, 65_000, None)
            provider.logged["later"] = ("outbound", sent)
            await until(ends_in(scene, "m-1", "unresolved", "failed"))
            last = scene.changes("m-1")[-1]
            assert (last.reason, last.final, last.nothing_charged) == ("absent", True, True)
            assert provider.sends == 1
            await scene.append(reported(1, "late", "delivered", 3, amount=70_000))
            await until(ends_in(scene, "m-1", "failed", "delivered"))
            assert scene.amount("m-1") == 70_000

    @pytest.mark.parametrize("answer", [Uncertain("timeout"), Taken(Uncertain("timeout"))])
    async def test_where_it_is_known_by_its_reference_it_is_asked_for_again_and_sent_once(
        self, fresh_database: str, log: MemoryLog, answer: Any
    ) -> None:
        provider = FakeProvider(traits=replace(TRAITS, repeatable=True, searchable=False))
        provider.script.append(answer)
        rules = replace(QUICK, repeatable=True)
        async with open_scene(fresh_database, log, provider=provider, rules=rules) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "uncertain", "sent"))
            assert set(provider.refs) == {"m-1"}
            assert [sent.to for sent in provider.sent] == [phone(1)]

    async def test_asked_again_it_is_refused_and_that_proves_nothing(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider(traits=replace(TRAITS, repeatable=True, searchable=False))
        provider.script += [Uncertain("timeout"), *[NotAccepted("503", retry=True)] * 2]
        rules = replace(QUICK, repeatable=True)
        async with open_scene(fresh_database, log, provider=provider, rules=rules) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "uncertain", "sent"))
            assert "authorized" not in scene.states("m-1")[1:]
            assert len(provider.sent) == 1

    async def test_while_the_log_cannot_be_read_nothing_is_concluded(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.append(Taken(Uncertain("timeout")))
        provider.away = "500"
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1))
            await until(lambda: provider.asked >= 4)
            await asyncio.sleep(1.2)  # longer than ``unresolved_after``
            assert scene.states("m-1") == ["sending", "uncertain"]
            provider.away = None
            await until(ends_in(scene, "m-1", "uncertain", "sent"))

    async def test_a_crash_during_a_send_makes_it_uncertain(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.latency = 60
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(authorized(1))
            await until(lambda: provider.sends == 1)
            await scene.kill()
        provider.latency = 0
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await until(ends_in(scene, "m-1", "sending", "uncertain", "unresolved"))
            assert scene.changes("m-1")[1].reason == "lapsed"
            assert provider.sends == 1


class TestSettlement:
    async def test_without_a_report_the_log_tells_the_amount(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log) as scene:
            await scene.append(authorized(1))
            await until(lambda: scene.amount("m-1") == 65_000)
            assert scene.states("m-1")[-1] == "sent"
            await until(lambda: scene.changes("m-1")[-1].final)
            assert scene.states("m-1")[-1] == "sent"

    async def test_many_are_read_by_the_page(self, fresh_database: str, log: MemoryLog) -> None:
        async with open_scene(fresh_database, log) as scene:
            await scene.append(*(authorized(n) for n in range(100)))

            def settled() -> bool:
                return all(scene.amount(f"m-{n}") == 65_000 for n in range(100))

            await until(settled, 15)
            assert scene.provider.asked < 60

    async def test_results_are_kept_while_the_database_is_away(
        self, fresh_database: str, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Dropped, a send that was answered would lapse, and be looked for in vain or at a cost."""
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            provider, begin = scene.provider, scene.store.transaction
            provider.latency, refused = 0.3, 0

            def transaction() -> Any:
                nonlocal refused
                if provider.sent and refused < 3:  # answered, and not recorded yet
                    refused += 1
                    raise Transient("the database is away", code="database_away")
                return begin()

            monkeypatch.setattr(scene.store, "transaction", transaction)
            await scene.append(authorized(1), authorized(2), authorized(3))
            await until(lambda: all(scene.states(f"m-{n}")[-1:] == ["sent"] for n in (1, 2, 3)), 15)
            assert refused == 3
            for n in (1, 2, 3):
                assert scene.states(f"m-{n}") == ["sending", "sent"]
            assert provider.sends == 3

    async def test_an_implausible_report_is_checked_in_the_log(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            await scene.append(authorized(1))
            await until(ends_in(scene, "m-1", "sent"))
            message_id = scene.provider.sent[0].message_id
            await scene.append(reported(1, message_id, "delivered", 3, amount=650_000))
            await until(lambda: scene.amount("m-1") == 650_000)
            await until(lambda: scene.amount("m-1") == 65_000)
            assert scene.changes("m-1")[-1].amount_confirmed
            assert scene.states("m-1")[-2:] == ["delivered", "delivered"]

    async def test_reports_that_told_too_little_are_corrected_page_by_page(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        rules = replace(CALM, amount_min_microunits=65_000, settle_after=SECOND)
        async with open_scene(fresh_database, log, rules=rules) as scene:
            await scene.append(*(authorized(n) for n in range(40)))
            await until(lambda: len(scene.provider.sent) == 40)
            for number, sent in enumerate(scene.provider.sent):
                ref = next(n for n in range(40) if phone(n) == sent.to)
                amount = number % 2 * 5_000
                await scene.append(reported(ref, sent.message_id, "delivered", 3, amount=amount))
            await until(lambda: all(scene.amount(f"m-{n}") == 65_000 for n in range(40)), 15)
            assert all(scene.changes(f"m-{n}")[-1].amount_confirmed for n in range(40))
            assert scene.provider.asked < 40

    async def test_what_the_log_says_of_the_end_counts(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log) as scene:
            await scene.append(authorized(1))
            await until(lambda: scene.provider.sent)
            message_id = scene.provider.sent[0].message_id
            scene.provider.change(message_id, state="failed", amount_microunits=0, error_code="420")
            await until(ends_in(scene, "m-1", "sent", "failed"))
            last = scene.changes("m-1")[-1]
            assert (last.reason, last.nothing_charged) == ("420", True)


class TestPosture:
    async def test_the_operators_pause_holds_all_but_tests(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log) as scene:
            await scene.append(posture(1, Posture.SUSPENDED, "operator"))
            await eventually_row(scene, "SELECT paused FROM pace", value=True)
            await scene.append(authorized(1), authorized(2, kind=ReplyKind.TEST, name="t"))
            await until(ends_in(scene, "t-2", "sent"))
            assert scene.states("m-1") == []
            await scene.append(posture(2, Posture.NORMAL, "operator"))
            await until(ends_in(scene, "m-1", "sent"))

    async def test_the_number_is_detached_until_confirmed_and_comes_back(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.obeys = False
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await until(lambda: scene.told(ProviderChecked.TOPIC))
            first = scene.told(ProviderChecked.TOPIC)[0]
            assert (first.credit_microunits, first.attached) == (25_000_000, True)
            assert first.auto_recharge is False
            await scene.append(posture(1, Posture.SUSPENDED, "floor", attach=False))
            await until(lambda: provider.links == [""])
            provider.away = "503"
            await asyncio.sleep(0.2)
            provider.away, provider.obeys = None, True
            await until(lambda: provider.app_id is None)
            await until(lambda: scene.told(ProviderChecked.TOPIC)[-1].attached is False)
            tries = len(provider.links)
            await scene.append(posture(2, Posture.NORMAL, "donation", attach=True))
            await until(lambda: scene.told(ProviderChecked.TOPIC)[-1].attached is True)
            assert provider.links[tries:] == ["app"]

    async def test_a_question_that_hangs_does_not_keep_the_number_on(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        asked = asyncio.Event()

        class Hanging(FakeProvider):
            async def list_received(self, **_: object) -> Away:
                asked.set()
                await asyncio.Event().wait()
                return Away("never")

        provider = Hanging()
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await until(asked.is_set)
            await scene.append(posture(1, Posture.SUSPENDED, "floor", attach=False))
            await until(lambda: provider.app_id is None)


class TestBackfill:
    async def test_what_our_webhook_did_not_take_comes_from_the_log(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log) as scene:
            await until(lambda: scene.told(ProviderChecked.TOPIC))
            for number in range(45):
                scene.provider.receive(phone(number), state="undelivered", amount_microunits=9_000)
            seen = scene.provider.receive(phone(99))
            dear = scene.provider.receive(phone(98), amount_microunits=900_000)
            detached = scene.provider.receive(phone(97), state="received")
            loop = scene.provider.receive(NUMBER, state="undelivered")

            def found() -> dict[str, SmsReceived]:
                return {record.id: record for record in scene.told(SmsReceived.TOPIC)}

            def costs() -> dict[str, int]:
                told = [cost for one in scene.told(ProviderChecked.TOPIC) for cost in one.received]
                return {cost.message_id: cost.amount_microunits for cost in told}

            await until(lambda: len(found()) == 47 and len(costs()) == 2, 20)
            assert costs()[dear] == 900_000
            assert detached in found()
            assert found()[detached].sender_sealed is not None
            assert found()[loop].sender_sealed is None  # nobody to answer: nothing to keep
            assert {seen, dear}.isdisjoint(found())
            record = next(iter(found().values()))
            assert (record.source, record.text, record.to_ours) == (Source.BACKFILL, None, True)
            assert record.sender_kind == "mobile"
            senders = {record.sender for record in found().values()}
            assert PSEUDONYMIZER.pseudonym(phone(0)) in senders

    async def test_a_page_that_could_not_be_told_is_read_again(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        """Noted as read before it is told, it would be lost in a crash between the two."""
        provider, hours = FakeProvider(), timedelta(hours=3)
        missed = provider.receive(phone(1), at=CLOCK.now() - hours)
        async with open_scene(fresh_database, log, provider=provider, started=False) as scene:
            house = scene.responder._housekeeper
            order = Scan("all", ScanKind.ORDERED, CLOCK.now() - 2 * hours, None, 0, CLOCK.now())
            async with scene.store.transaction() as work:
                await work.add_scan(order)
            log.away = True
            with pytest.raises(Transient):
                await house._read_scan(order)
            log.away = False
            kept = await scene.store.find_scan(CLOCK.now())
            assert kept is not None
            await house._read_scan(kept)
            assert [record.id for record in scene.told(SmsReceived.TOPIC)] == [missed]
            assert await scene.store.find_scan(CLOCK.now()) is None

    async def test_the_operator_can_order_all_of_it(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        old = CLOCK.now() - timedelta(hours=3)
        ids = {provider.receive(phone(number), at=old) for number in range(25)}
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(decided(OperatorAction.BACKFILL, since=4 * 3600))
            await until(lambda: {r.id for r in scene.told(SmsReceived.TOPIC)} == ids)
            rows = await scene.rows("SELECT name FROM scans WHERE kind = 'ordered'")
            assert not rows


class TestFaults:
    async def test_two_replicas_send_each_once(self, fresh_database: str, log: MemoryLog) -> None:
        provider = FakeProvider()
        provider.latency = 0.01
        async with (
            open_scene(fresh_database, log, provider=provider, rules=CALM) as one,
            open_scene(fresh_database, log, provider=provider, rules=CALM),
        ):
            await one.append(*(authorized(n) for n in range(200)))
            await until(lambda: len(provider.sent) == 200, 15)
            await until(lambda: all(one.states(f"m-{n}")[-1:] == ["sent"] for n in range(200)))
            assert provider.sends == 200
            assert len({sent.to for sent in provider.sent}) == 200

    async def test_draining_records_and_tells_what_is_in_flight(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            scene.provider.latency = 0.5
            await scene.append(*(authorized(n) for n in range(10)))
            await until(lambda: scene.provider.in_flight == 10)
            await scene.stop()
            assert all(scene.states(f"m-{n}") == ["sending", "sent"] for n in range(10))
            assert scene.provider.sends == 10

    async def test_while_the_log_is_away_it_sends_and_tells_later(
        self, fresh_database: str, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tried: list[Sequence[Outgoing]] = []
        append = log.append

        async def count(records: Sequence[Outgoing]) -> None:
            tried.append(records)
            await append(records)

        monkeypatch.setattr(log, "append", count)
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            scene.provider.latency = 0.3
            await scene.append(authorized(1))
            await until(lambda: scene.provider.in_flight == 1)
            await until(ends_in(scene, "m-1", "sending"))
            log.away = True
            tried.clear()
            # In vain is it tried to tell of what was sent.
            await until(lambda: len(tried) >= 2)
            assert "log_away" in scene.responder.missing()
            assert scene.states("m-1") == ["sending"]
            log.away = False
            await until(ends_in(scene, "m-1", "sending", "sent"))

    async def test_connections_that_break_lose_and_double_nothing(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        async with open_scene(fresh_database, log, rules=CALM) as scene:
            scene.provider.latency = 0.02
            await scene.append(*(authorized(n) for n in range(300)))
            for _ in range(5):
                await asyncio.sleep(0.1)
                await break_connections(fresh_database)
            await until(
                lambda: all(scene.states(f"m-{n}")[-1:] == ["sent"] for n in range(300)), 20
            )
            assert scene.provider.sends == 300
            await until(lambda: not scene.responder.missing())

    async def test_no_number_is_in_the_tables_or_on_the_topics(
        self, fresh_database: str, log: MemoryLog
    ) -> None:
        provider = FakeProvider()
        provider.script.extend([Accepted("p"), Uncertain("x"), NotAccepted("400", retry=False)])
        async with open_scene(fresh_database, log, provider=provider) as scene:
            await scene.append(*(authorized(n) for n in range(4)))
            provider.receive(phone(9), state="undelivered")
            await until(lambda: scene.told(SmsReceived.TOPIC))
            await until(lambda: all(scene.states(f"m-{n}") for n in range(4)))
            dump = ""
            for table in ("replies", "changes", "scans", "link", "pace", "leases"):
                dump += str([tuple(row) for row in await scene.rows(f"SELECT * FROM {table}")])
            for topic in ("replies.changed", "provider.checked", "sms.received"):
                dump += str([record.value for record in log.read_all(topic)])
            assert "63998" not in dump
            assert ReplyState.SENT in dump


async def eventually_row(scene: Scene, query: str, *, value: object) -> None:
    async def look() -> bool:
        return [tuple(row) for row in await scene.rows(query)] == [(value,)]

    await eventually(look, seconds_max=5)


async def break_connections(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await connection.close()


@pytest.mark.parametrize("work", ["dispatcher._claim", "dispatcher._record", "linker.rounds._work"])
async def test_a_defect_ends_no_process_that_others_share(
    fresh_database: str, log: MemoryLog, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """`/readyz` says it, the log names the place, and it is tried again."""
    async with open_scene(fresh_database, log, rules=CALM, started=False) as scene:
        *path, name = f"_{work}".split(".")
        part = scene.responder
        for step in path:
            part = getattr(part, step)
        sound, broken = getattr(part, name), True

        async def break_down(*arguments: object) -> object:
            if broken:
                raise ZeroDivisionError("a defect")
            return await sound(*arguments)

        monkeypatch.setattr(part, name, break_down)
        with capture_logs() as lines:
            scene.start()
            await scene.append(authorized(1))
            failed = {"dispatcher_failed", "work_failed"}
            await until(lambda: failed & set(scene.responder.missing()))
            assert scene.running is not None
            assert not scene.running.done()
            broken = False
            await until(lambda: scene.states("m-1") == ["sending", "sent"])
            await until(lambda: not scene.responder.missing())
            assert len(scene.provider.sent) == 1
        assert failed & {line["event"] for line in lines}
        await scene.stop()
