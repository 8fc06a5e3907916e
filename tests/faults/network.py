"""The network of a house: a proxy on every way between a service and what it stands on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from antirelou.commands.demo.house import SERVICES
from tests.support.kafka import free_port_pair
from tests.support.proxy import Proxy, database_proxy

KAFKA, DATABASE, PROVIDER, WEBHOOKS = "kafka", "database", "provider", "webhooks"
MODES = ("cut", "slow", "silent", "deaf")
"""See ``Proxy.harmed``."""


@dataclass(frozen=True)
class Network:
    """The proxies, and what leads a house by them.

    Attributes:
        links: by service and what it stands on; ``("ingest", "webhooks")`` is the provider's way
            to ingest.
        also: of ``scripts/kafka.sh start``.
        settings: of the whole house.
        own: of one service alone.
        provider_port: where the provider listens.
    """

    links: Mapping[tuple[str, str], Proxy]
    also: Sequence[str]
    settings: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]]
    provider_port: int

    def to(self, dependency: str) -> list[Proxy]:
        """The ways to one dependency."""
        return [proxy for (_, what), proxy in self.links.items() if what == dependency]

    @contextmanager
    def harmed(self, mode: str, proxies: Sequence[Proxy]) -> Iterator[None]:
        """Some ways are harmed at once; all are healed at the end."""
        with ExitStack() as stack:
            for proxy in proxies:
                stack.enter_context(proxy.harmed(mode))
            yield


@contextmanager
def open_network(database_url: str) -> Iterator[Network]:
    """Proxies for a house whose broker and provider are yet to be started."""
    provider, door = free_port_pair(), free_port_pair()
    links = {("responder", PROVIDER): Proxy(provider), ("ingest", WEBHOOKS): Proxy(door)}
    own: dict[str, dict[str, str]] = {name: {} for name in SERVICES}
    own["responder"]["plivo_api_url"] = f"http://{links['responder', PROVIDER].address}"
    own["ingest"]["listen"] = f"127.0.0.1:{door}"
    also = []
    for name in SERVICES:
        listener = free_port_pair()
        broker = links[name, KAFKA] = Proxy(listener)
        also += ["--also", f"{listener}={broker.address}"]
        own[name]["kafka_bootstrap"] = broker.address
        if name != "ingest":  # stateless
            links[name, DATABASE], url = database_proxy(database_url)
            own[name]["database_url"] = url
    settings = {"public_url": f"http://{links['ingest', WEBHOOKS].address}"}
    with ExitStack() as stack:
        for proxy in links.values():
            stack.enter_context(proxy)
        yield Network(links, also, settings, own, provider)
