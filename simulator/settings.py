"""What a simulated Plivo is told at its start."""

from dataclasses import dataclass
from typing import Literal

SignatureMode = Literal["v2", "ma_v2", "v3", "ma_v3"]
SIGNATURE_MODES: tuple[SignatureMode, ...] = ("v2", "ma_v2", "v3", "ma_v3")


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """An account with one number, and where its application's webhooks go.

    Attributes:
        auth_id, auth_token: of the account; the id has 20 characters and begins with MA.
        number: ours, E.164.
        app_id: the application that the number is linked to at first; empty: the number cannot be
            detached, because nothing says what attached is.
        message_url, answer_url: the application's webhooks; empty: none is called.
        host, port: where the API listens; port 0 takes a free one.
        speed: divides every duration of the provider and multiplies its rates, but for network
            time-outs, timestamps and the default window of the message log.
        retry_speed: the same for the waits between webhook attempts alone; None: ``speed``. What
            they wait out, a restart of ours, takes real time.
        seed: of every draw.
        signature_mode: which header holds the signature made with our token. In an ``ma_`` mode the
            plain header is made with another, as it is where a subaccount owns the number.
            Calls are always signed V3.
        price_receive_microunits, price_reply_microunits: per segment.
        credit_microunits: prepaid, at the start.
        auto_recharge: what the account says of itself; it never recharges.
        country_codes: whom the account may send to (geo permissions).
        report_queued: whether the status ``queued`` is reported too.
        sms_per_second: the account's rate.
        list_requests_per_minute: of the message log.
        webhooks_open_max: webhook connections at a time.
    """

    auth_id: str
    auth_token: str
    number: str
    app_id: str = ""
    message_url: str = ""
    answer_url: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    speed: float = 1.0
    retry_speed: float | None = None
    seed: int = 2017
    signature_mode: SignatureMode = "ma_v3"
    price_receive_microunits: int = 10_000
    price_reply_microunits: int = 150_000
    credit_microunits: int = 5_000_000_000
    auto_recharge: bool = False
    country_codes: tuple[str, ...] = ("33",)
    report_queued: bool = False
    sms_per_second: float = 5.0
    list_requests_per_minute: int = 20
    webhooks_open_max: int = 64
