"""How the settings become a connection to Kafka, what stops the start, how clients are closed."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from antirelou.errors import Fatal, Transient
from antirelou.log import kafka_client
from antirelou.log.kafka_client import (
    close_quietly,
    connection_arguments,
    translate_kafka_errors,
)
from antirelou.settings import load_settings


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


async def test_a_closing_that_is_cancelled_from_within_cancels_nobody_else() -> None:
    """aiokafka's consumer, stopped with a fetch under way, awaits the task that it cancelled."""

    async def stop() -> None:
        fetch = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch

    await close_quietly(stop())


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


async def test_a_cancellation_that_nobody_wished_is_trouble_of_the_log() -> None:
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    gone.cancel()
    with pytest.raises(Transient) as raised, translate_kafka_errors():
        await gone
    assert raised.value.code == "log_away"


async def test_a_cancellation_of_ours_stays_one() -> None:
    async def ask() -> None:
        with translate_kafka_errors():
            await asyncio.sleep(60)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
