"""What simulated phones are told at their start, and what goes wrong with them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from simulator.faults import Fault

Mode = Literal["private", "local"]


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """An account with some phones, and where their webhooks go.

    Attributes:
        signing_key: of the webhooks, set in the app.
        devices: ids; in local mode one.
        webhook_url: registered for every event by hand; empty: none is.
        path: before the API's own, as a self-hosted server has one.
        speed: divides every duration of phone and server, but for network time-outs and times to
            live.
        newest_first: the app's default order of sending.
        limit, limit_window: Android's own: so many SMS in so long, at speed 1.
    """

    user: str
    password: str
    signing_key: str
    devices: tuple[str, ...]
    mode: Mode = "private"
    webhook_url: str = ""
    path: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    seed: int = 2026
    newest_first: bool = False
    limit: int = 10_000
    limit_window: timedelta = timedelta(minutes=30)

    @property
    def base(self) -> str:
        """The path of the API."""
        return self.path + ("/3rdparty/v1" if self.mode == "private" else "")


def _never() -> Fault:
    return Fault()


@dataclass(slots=True)
class PhoneFaults:
    """Everything that can go wrong, all of it off; change it while the phones run.

    Attributes:
        too_many_requests, unauthorized, server_error, proxy_unavailable, queue_full: a send is
            answered 429, 401, 500, 503 by a proxy, 503 by the server, and not taken.
        connection_reset: the connection of a send breaks, and it is not taken.
        accept_then_timeout, accept_then_502, accept_then_reset, rubbish: a send is taken; its
            answer never comes, is a 502, is none, or is no JSON.
        query_error: any other request is answered 500.
        failed: the phone does not send it.
        undelivered: it is sent, and fails after that.
        out_of_order: ``sms:failed`` of such a one comes before its ``sms:sent``.
        report_lost: an event of an SMS of ours is never raised.
        rcs: a text comes by RCS and raises no event.
        hash_collision: a text has the ``messageId`` of the one before.
        webhook_duplicate: an event is delivered twice.
        clock_off_seconds: how far the phone's clock is from real time.
    """

    too_many_requests: Fault = field(default_factory=_never)
    unauthorized: Fault = field(default_factory=_never)
    server_error: Fault = field(default_factory=_never)
    proxy_unavailable: Fault = field(default_factory=_never)
    queue_full: Fault = field(default_factory=_never)
    connection_reset: Fault = field(default_factory=_never)
    accept_then_timeout: Fault = field(default_factory=_never)
    accept_then_502: Fault = field(default_factory=_never)
    accept_then_reset: Fault = field(default_factory=_never)
    rubbish: Fault = field(default_factory=_never)
    query_error: Fault = field(default_factory=_never)
    failed: Fault = field(default_factory=_never)
    undelivered: Fault = field(default_factory=_never)
    out_of_order: Fault = field(default_factory=_never)
    report_lost: Fault = field(default_factory=_never)
    rcs: Fault = field(default_factory=_never)
    hash_collision: Fault = field(default_factory=_never)
    webhook_duplicate: Fault = field(default_factory=_never)
    clock_off_seconds: float = 0.0
