"""Plivo's answers as values of the port. Pure; rubbish gives None, never an error.

Sample of a log record (plivo-python ``tests/resources/fixtures``)::

    {"message_uuid": "…", "from_number": "33…", "to_number": "33…", "message_state": "delivered",
     "message_direction": "outbound", "message_type": "sms", "units": 1, "total_rate": "0.00650",
     "total_amount": "0.00650", "message_time": "2024-01-02 15:34:52+05:30", "error_code": null}
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kernel.provider.port import PAGE_MAX, Account, LoggedMessage, Page

MICRO = 1_000_000
AMOUNT_MICROUNITS_MAX = 10**15
SEGMENTS_MAX = 10**6
ID_CHARACTERS_MAX = 200


def digits(number: str) -> str:
    """A number as Plivo's log writes it: without ``+``."""
    return number.removeprefix("+")


def read_message_id(body: Any) -> str | None:
    """The id in the answer to a send: ``{"message_uuid": ["…"]}``."""
    found = _fields(body).get("message_uuid")
    if isinstance(found, list) and found:
        found = found[0]
    return _read_id(found)


def read_message(body: Any) -> LoggedMessage | None:
    """A record of the log; None where what matters cannot be read."""
    fields = _fields(body)
    message_id = _read_id(fields.get("message_uuid"))
    at = _read_time(fields.get("message_time"))
    state = fields.get("message_state")
    if message_id is None or at is None or not isinstance(state, str):
        return None
    error_code = str(fields.get("error_code") or "").strip()
    return LoggedMessage(
        message_id=message_id,
        sender=str(fields.get("from_number") or ""),
        recipient=str(fields.get("to_number") or ""),
        at=at,
        state=state.strip().lower(),
        segments=_read_count(fields.get("units")),
        amount_microunits=read_microunits(fields.get("total_amount")),
        error_code=None if error_code.strip("0") == "" else error_code[:20],
        message_type=str(fields.get("message_type") or "sms").lower(),
    )


def read_page(body: Any, offset: int) -> Page | None:
    """A page of the log; None where it holds no list."""
    fields = _fields(body)
    listed = fields.get("objects")
    if not isinstance(listed, list):
        return None
    messages = [read_message(item) for item in listed]
    readable = [message for message in messages if message is not None]
    meta = _fields(fields.get("meta"))
    total = meta.get("total_count")
    more = bool(meta.get("next")) or len(listed) >= PAGE_MAX
    if isinstance(total, int) and not isinstance(total, bool) and offset + len(listed) >= total:
        more = False
    return Page(readable, more and bool(listed), len(messages) - len(readable))


def read_app_id(body: Any) -> tuple[bool, str | None]:
    """Whether a number's record could be read, and the id in ``…/Application/{id}/``."""
    fields = _fields(body)
    if "application" not in fields:
        return False, None
    found = fields["application"]
    if found is None or found == "":
        return True, None
    match = re.search(r"([^/]+)/?\Z", str(found))
    return (True, match[1]) if match else (False, None)


def read_account(body: Any) -> Account:
    """The account; what cannot be read is None."""
    fields = _fields(body)
    recharge = fields.get("auto_recharge")
    return Account(
        credit_microunits=read_microunits(fields.get("cash_credits"), negative=True),
        auto_recharge=recharge if isinstance(recharge, bool) else None,
    )


def read_microunits(value: Any, *, negative: bool = False) -> int | None:
    """A decimal amount in millionths, rounded half to even; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        scaled = Decimal(str(value).strip()) * MICRO
    except InvalidOperation:
        return None
    if not scaled.is_finite() or abs(scaled) > AMOUNT_MICROUNITS_MAX:
        return None
    if scaled < 0 and not negative:
        return None
    return int(scaled.to_integral_value())


def _fields(body: Any) -> Mapping[str, Any]:
    """The SDK's objects and plain mappings alike."""
    if isinstance(body, Mapping):
        return body
    return getattr(body, "__dict__", {})


def _read_id(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value.strip()) <= ID_CHARACTERS_MAX:
        return value.strip()
    return None


def _read_count(value: Any) -> int | None:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,7}", text):
        return None
    return min(int(text), SEGMENTS_MAX)


def _read_time(value: Any) -> datetime | None:
    """Times carry an offset; one without is UTC."""
    try:
        at = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
