"""How we talk to Kafka: connection, errors by reaction, and aiokafka's own log kept quiet."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, Protocol, TypeVar

import aiokafka.errors
import structlog
from aiokafka.helpers import create_ssl_context

from kernel.settings.settings import Settings
from kernel.values.errors import Fatal, Transient

LOG = structlog.get_logger("kafka")

REQUEST_SECONDS_MAX = 5.0
"""Bounds every question; with it an append answers before the provider's 8 s are over."""
CONNECTION_SECONDS_MAX = 4.0
"""aiokafka's own limit of one request, after which it closes the connection. Shorter: who gives up
first would leave a connection that went silent in use."""
CLOSE_SECONDS_MAX = 5.0
QUIET_SECONDS = 30.0
"""aiokafka says the same line of trouble at most so often."""

_REFUSED = (
    aiokafka.errors.TopicAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    aiokafka.errors.ClusterAuthorizationFailedError,
    aiokafka.errors.SaslAuthenticationFailed,
    aiokafka.errors.UnsupportedSaslMechanismError,
)


def connection_arguments(settings: Settings) -> dict[str, Any]:
    """What every client of aiokafka is made with.

    Raises:
        Fatal: ``settings``: the file of KAFKA_SECURITY_CA_FILE cannot be read.
    """
    protocol = settings.kafka_security_protocol
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "client_id": "antirelou",
        "security_protocol": protocol,
        "request_timeout_ms": int(CONNECTION_SECONDS_MAX * 1000),
        "metadata_max_age_ms": 60_000,
    }
    if protocol.endswith("SSL"):
        file = settings.kafka_security_ca_file
        try:
            arguments["ssl_context"] = create_ssl_context(cafile=str(file) if file else None)
        except (OSError, ssl.SSLError) as error:
            raise Fatal(
                f"ANTIRELOU_KAFKA_SECURITY_CA_FILE: {file} cannot be used ({error})",
                code="settings",
            ) from None
    if protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_security_sasl_mechanism,
            "sasl_plain_username": settings.kafka_security_username,
            "sasl_plain_password": settings.kafka_security_password.get_secret_value(),
        }
    return arguments


@contextmanager
def translate_kafka_errors() -> Iterator[None]:
    """Turn errors of aiokafka and of the network into ours.

    Raises:
        Transient: ``log_away``, ``log_slow``.
        Fatal: ``log_login``: the broker refuses us.
    """
    try:
        yield
    except _REFUSED as error:
        raise Fatal(
            f"Kafka refuses us ({type(error).__name__}): check ANTIRELOU_KAFKA_SECURITY_* and the "
            "broker's ACLs",
            code="log_login",
        ) from error
    except aiokafka.errors.KafkaError as error:
        raise Transient(f"Kafka cannot now ({type(error).__name__})", code="log_away") from error
    except TimeoutError as error:
        raise Transient("Kafka did not answer in time", code="log_slow") from error
    except OSError as error:
        raise Transient("Kafka is away", code="log_away") from error
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # A future of aiokafka's that it cancelled itself, as it does with what it closes.
        raise Transient("Kafka's client gave up", code="log_away") from None


class _Client(Protocol):
    async def start(self) -> None: ...


ClientType = TypeVar("ClientType", bound=_Client)


class Kept(Generic[ClientType]):
    """A client that is started when first needed, and made anew after it was dropped.

    Args:
        make: makes one, not started.
        close: closes it.
    """

    def __init__(
        self, make: Callable[[], ClientType], close: Callable[[ClientType], Awaitable[None]]
    ) -> None:
        self._make, self._close = make, close
        self._client: ClientType | None = None
        self._lock = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def get(self) -> ClientType:
        """The client, started. Raises aiokafka's errors and ``TimeoutError``."""
        async with self._lock:
            if self._client is None:
                client = self._make()
                try:
                    async with asyncio.timeout(REQUEST_SECONDS_MAX):
                        await client.start()
                except BaseException:
                    await close_quietly(self._close(client))
                    raise
                self._client = client
            return self._client

    @asynccontextmanager
    async def using(self, seconds: float) -> AsyncIterator[ClientType]:
        """The client, for questions that are answered within so long; else it is given up.

        Raises aiokafka's errors, those of the network, and ``TimeoutError``.
        """
        try:
            async with asyncio.timeout(seconds):
                yield await self.get()
        except (aiokafka.errors.KafkaError, OSError, TimeoutError):
            self.drop()
            raise

    def drop(self) -> None:
        """Give the client up, in the background; ``get`` makes another."""
        client, self._client = self._client, None
        if client is not None:
            task = asyncio.create_task(close_quietly(self._close(client)))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close the client and wait for those given up."""
        self.drop()
        await asyncio.gather(*self._closing)


async def close_quietly(closing: Awaitable[None]) -> None:
    """Close something of aiokafka's in bounded time, whatever state it is in.

    In a task of its own: aiokafka awaits tasks that it has cancelled, and so lets a cancellation
    out that was nobody's wish, or takes one in that was ours.
    """
    task = asyncio.ensure_future(closing)
    try:
        await asyncio.wait({task}, timeout=CLOSE_SECONDS_MAX)
    finally:
        task.cancel()
    await asyncio.wait({task}, timeout=CLOSE_SECONDS_MAX / 5)
    if task.done() and not task.cancelled():
        task.exception()  # looked at, so that nobody is told of it


class _Quiet(logging.Handler):
    """Passes aiokafka's warnings on: their kind, never their values, and not in a flood."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        said, now = str(record.msg), time.monotonic()
        if now - self._said.get(said, -QUIET_SECONDS) >= QUIET_SECONDS:
            self._said[said] = now
            LOG.warning("kafka_client", said=said, where=record.name)


def quiet_logs() -> None:
    """Send the log of aiokafka through ours; idempotent."""
    logger = logging.getLogger("aiokafka")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    if not any(isinstance(handler, _Quiet) for handler in logger.handlers):
        logger.addHandler(_Quiet())
