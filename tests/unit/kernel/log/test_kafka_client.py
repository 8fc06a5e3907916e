"""How the settings become a connection to Kafka, what stops the start, how clients are closed."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from kernel.log.kafka import client as kafka_client
from kernel.log.kafka.client import (
    Kept,
    close_quietly,
    connection_arguments,
    translate_kafka_errors,
)
from kernel.settings.settings import load_settings
from kernel.values.errors import Fatal, Transient


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    settings = load_settings(
        kafka_bootstrap="127.0.0.1:1",
        kafka_security_protocol="SASL_SSL",
        kafka_security_ca_file=str(file),
    )
    with pytest.raises(Fatal, match="ANTIRELOU_KAFKA_SECURITY_CA_FILE: ") as refusal:
        connection_arguments(settings)
    assert refusal.value.code == "settings"


def test_credentials_go_with_sasl_alone() -> None:
    given = {"kafka_security_username": "me", "kafka_security_password": "secret"}
    plain = connection_arguments(load_settings(kafka_bootstrap="a:1,b:2", **given))
    assert plain["bootstrap_servers"] == ["a:1", "b:2"]
    assert "sasl_plain_password" not in plain
    sasl = connection_arguments(
        load_settings(
            kafka_bootstrap="a:1",
            kafka_security_protocol="SASL_PLAINTEXT",
            kafka_security_sasl_mechanism="SCRAM-SHA-512",
            **given,
        )
    )
    assert (sasl["sasl_mechanism"], sasl["sasl_plain_password"]) == ("SCRAM-SHA-512", "secret")
    assert "ssl_context" not in sasl


async def test_a_closing_that_takes_a_cancellation_in_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_client, "CLOSE_SECONDS_MAX", 0.05)
    done = asyncio.Event()

    async def stop() -> None:
        while not done.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await done.wait()

    async with asyncio.timeout(1):
        await close_quietly(stop())
    done.set()


async def give_up() -> None:
    """Await what nobody will answer, as aiokafka lets one when it closes."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_what_the_client_cancels_itself_is_trouble_and_no_cancellation() -> None:
    with pytest.raises(Transient, match="gave up"), translate_kafka_errors():
        await give_up()
    await close_quietly(give_up())


async def test_who_is_cancelled_is_cancelled() -> None:
    for work in (forever(), close_quietly(forever())):
        task = asyncio.create_task(work)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def forever() -> None:
    with translate_kafka_errors():
        await asyncio.Event().wait()


class Client:
    def __init__(self, made: list["Client"]) -> None:
        made.append(self)
        self.closed = False

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True


async def test_a_client_that_does_not_answer_in_time_is_not_asked_again() -> None:
    made: list[Client] = []
    kept = Kept(lambda: Client(made), lambda client: client.close())
    async with kept.using(1) as first:
        pass
    async with kept.using(1) as again:
        assert again is first
    with pytest.raises(TimeoutError):
        async with kept.using(0.01):
            await asyncio.Event().wait()
    async with kept.using(1) as second:
        assert second is not first
    with pytest.raises(ValueError, match="ours"):
        async with kept.using(1):
            raise ValueError("ours")
    async with kept.using(1) as same:
        assert same is second
    await kept.close()
    assert [client.closed for client in made] == [True, True]
