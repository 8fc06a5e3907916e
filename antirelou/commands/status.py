"""``antirelou status`` in a person's words. Pure."""

from collections.abc import Mapping
from typing import Any

from kernel.words.gloss import UNKNOWN, Voice

Rows = dict[str, str]


def describe_status(
    status: Mapping[str, Any], waiting: Mapping[str, Any], voice: Voice
) -> Mapping[str, Rows]:
    """Tables by their titles.

    Args:
        status: the answer of ``/v1/status``.
        waiting: of ``/v1/resume``.
    """
    return {
        voice.word("status", "the_number"): _describe_number(status, voice),
        voice.word("status", "the_fund"): describe_fund(status["fund"], voice)
        | {
            voice.word("status", f"dear_{name.removesuffix('_microeuros')}"): voice.euros(
                price, decimals=4
            )
            for name, price in status.get("dear", {}).items()
            if price is not None
        },
        voice.word("status", "messages"): _describe_messages(status["messages"], voice),
        voice.word("status", "replies"): _describe_replies(status["replies"], waiting, voice),
    }


def describe_fund(fund: Mapping[str, Any], voice: Voice) -> Rows:
    """The accounts, line by line."""
    return {
        voice.word("status", name.removesuffix("_microeuros")): voice.euros(amount)
        for name, amount in fund.items()
        if name.endswith("_microeuros")
    }


def describe_restoration(found: Mapping[str, Any], voice: Voice) -> Rows:
    """What was found after a restore, line by line."""

    def word(code: str) -> str:
        return voice.word("restoration", code)

    return {
        word("backup_at"): voice.time(found["backup_at"]),
        word("restored_at"): voice.time(found["restored_at"]),
        word("reconciled_at"): (
            voice.time(found["reconciled_at"]) if found["reconciled_at"] else word("reading")
        ),
        **{word(name): voice.figure(found[name]) for name in ("matched", "recovered", "received")},
        **{word(name): voice.euros(found[name]) for name in ("receive_microeuros",
                                                             "reply_microeuros")},
        word("resumed"): word("yes" if found["resumed"] else "not_yet"),
    }  # fmt: skip


def _describe_number(status: Mapping[str, Any], voice: Voice) -> Rows:
    attached = {True: "attached", False: "detached", None: "unknown"}[status["attached"]]
    posture = voice.word("posture", status["posture"])
    cause = voice.word("cause", status["posture_cause"])
    rows = {voice.word("status", "posture"): f"{posture} ({cause})"}
    if status["posture"] != "normal":
        remedy = voice.word("remedy", status["posture_cause"])
        rows[voice.word("status", "to_do")] = remedy
    return rows | {
        voice.word("status", "number"): voice.word("status", attached),
        voice.word("status", "last_webhook"): voice.time(status["last_webhook_at"]),
        voice.word("status", "dead_records"): (
            UNKNOWN if status["dead"] is None else voice.figure(status["dead"])
        ),
    }


def _describe_messages(messages: Mapping[str, Any], voice: Voice) -> Rows:
    rows = {
        voice.word("status", name): voice.figure(messages[name])
        for name in ("received", "deliberating")
    }
    for reason, count in messages["judged"].items():
        if count and reason == "reply":
            rows[voice.word("status", "judged_reply")] = voice.figure(count)
        elif count:
            silence = voice.word("reason", reason)
            rows[voice.word("status", "silent", reason=silence)] = voice.figure(count)
    return rows


def _describe_replies(replies: Mapping[str, int], waiting: Mapping[str, Any], voice: Voice) -> Rows:
    rows = {
        voice.word("reply", state): voice.figure(count) for state, count in replies.items() if count
    }
    if waiting["waiting"]:
        cost = voice.euros(waiting["cost_microeuros"])
        rows[voice.word("status", "to_answer_all")] = cost
    return rows or {voice.word("status", "none"): voice.figure(0)}
