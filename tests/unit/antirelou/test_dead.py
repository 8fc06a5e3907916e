"""Dead records, as a person reads them."""

from dataclasses import asdict
from typing import Any

from antirelou.commands.dead import describe_dead
from kernel.stage.dead import EXPLANATIONS, explain


def corpse(service: str, offset: int, **other: Any) -> dict[str, Any]:
    return {
        "at": f"2026-11-20T12:00:{offset:02d}.5Z", "topic": "sms.received", "partition": 3,
        "offset": offset, "service": service, "reason": "unreadable", "error": "no JSON object",
    } | other  # fmt: skip


def answer(*records: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    reasons = {record["reason"] for record in records}
    return {
        "total": len(records) if total is None else total,
        "records": list(records),
        "explanations": {reason: asdict(explain(reason)) for reason in reasons},
    }


def test_none_is_said() -> None:
    assert list(describe_dead(answer())) == ["None."]


def test_what_two_services_put_aside_is_one_record() -> None:
    lines = list(describe_dead(answer(corpse("filter", 7), corpse("billing", 7))))
    assert "  what   1 records, put aside by billing 1, filter 1" in lines
    assert "  where  partition@offset 3@7" in lines
    assert "  when   2026-11-20 12:00:07" in lines
    assert "  why    no JSON object" in lines


def test_causes_are_apart_each_with_what_to_do() -> None:
    broke = {"reason": "handler_failed", "error": "CheckViolationError"}
    lines = list(describe_dead(answer(corpse("filter", 1), corpse("filter", 2, **broke))))
    assert [line for line in lines if line.startswith("sms.received: ")] == [
        "sms.received: unreadable", "sms.received: handler_failed",
    ]  # fmt: skip
    assert f"  do     {EXPLANATIONS['handler_failed'].fix}" in lines


def test_a_flood_is_a_few_lines() -> None:
    flood = answer(*(corpse("filter", n % 60, partition=n) for n in range(1000)), total=30_000)
    lines = list(describe_dead(flood))
    assert lines[0].startswith("30000 dead")
    assert lines[1] == "Described are the last 1000."
    assert len(lines) < 12
    assert "  when   2026-11-20 12:00:00 to 2026-11-20 12:00:59" in lines


def test_a_reason_nobody_knows_has_a_way_on_too() -> None:
    assert "service's log" in explain("quite_new").fix
