"""``antirelou explain`` in a person's words: a sentence, then what it rests on. Pure."""

from collections.abc import Mapping
from typing import Any

from kernel.facts.records import Decision, derive_trace
from kernel.words.gloss import Voice

COST_DECIMALS = 3
"""A message received costs a cent, or half of one."""


def tell_way(way: Mapping[str, Any], voice: Voice) -> str:
    """What became of a message and why, in a sentence or three.

    Args:
        way: one of ``messages`` of ``/v1/explain``.
    """
    came = "tested" if way["kind"] == "test" else "came"
    told = [voice.word("explain", came, at=voice.time(way["received_at"]))]
    if way["kind"] != "test":
        told.append(tell_verdict(way, voice))
    if way["reply"] and way["reply"]["states"]:
        last = way["reply"]["states"][-1]
        told.append(
            voice.word("explain", "reply_is", state=_name(last, voice), at=voice.time(last["at"]))
        )
    return " ".join(told)


def tell_verdict(way: Mapping[str, Any], voice: Voice) -> str:
    """What was decided about a message, in a sentence."""
    if way["verdict"] is None:
        return voice.word("explain", "deliberating")
    if way["verdict"] == Decision.REPLY:
        return voice.word("explain", "deserved")
    return voice.word("explain", "silent", reason=voice.word("reason", way["reason"]))


def _name(step: Mapping[str, Any], voice: Voice) -> str:
    """A state of a reply, with its reason where there is one."""
    state = voice.word("reply", step["state"])
    return f"{state}, {voice.word('step', step['reason'])}" if step["reason"] else state


def describe_way(way: Mapping[str, Any], voice: Voice) -> dict[str, str]:
    """What it cost and what it rests on, line by line."""

    def word(code: str) -> str:
        return voice.word("explain", code)

    rows = {word("trace"): derive_trace(way["id"])}
    if way["kind"] != "test":
        cost = way["receive_cost_microeuros"]
        rows[word("receive_cost")] = voice.euros(cost, decimals=COST_DECIMALS)
        rows[word("due")] = voice.time(way["due_at"])
        for name, value in way["basis"].items():
            rows[voice.word("basis", name)] = _write(value, voice)
    if reply := way["reply"]:
        for step in reply["states"]:
            rows[_name(step, voice)] = voice.time(step["at"])
        cost = reply["cost_microeuros"]
        rows[word("reply_cost")] = voice.euros(cost, decimals=COST_DECIMALS)
    return rows


def _write(value: object, voice: Voice) -> str:
    if isinstance(value, float):
        return voice.figure(value, decimals=2)
    return voice.figure(value) if isinstance(value, int) else str(value)
