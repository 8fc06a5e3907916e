"""``antirelou status`` in a person's words. Pure."""

from collections.abc import Mapping
from typing import Any

from antirelou.commands.output import euros
from kernel.words.gloss import Language, gloss

Rows = dict[str, Any]


def describe_status(
    status: Mapping[str, Any], waiting: Mapping[str, Any], language: Language
) -> Mapping[str, Rows]:
    """Tables by their titles.

    Args:
        status: the answer of ``/v1/status``.
        waiting: of ``/v1/resume``.
    """

    def word(code: str, **values: object) -> str:
        return gloss("status", code, language, **values)

    return {
        word("the_number"): _describe_number(status, language),
        word("the_fund"): {
            word(name.removesuffix("_microeuros")): euros(amount)
            for name, amount in status["fund"].items()
            if name.endswith("_microeuros")
        }
        | {
            word(f"dear_{name.removesuffix('_microeuros')}"): euros(price, decimals=4)
            for name, price in status.get("dear", {}).items()
            if price is not None
        },
        word("messages"): _describe_messages(status["messages"], language),
        word("replies"): _describe_replies(status["replies"], waiting, language),
    }


def _describe_number(status: Mapping[str, Any], language: Language) -> Rows:
    attached = {True: "attached", False: "detached", None: "unknown"}[status["attached"]]
    posture = gloss("posture", status["posture"], language)
    cause = gloss("cause", status["posture_cause"], language)
    return {
        gloss("status", "posture", language): f"{posture} ({cause})",
        gloss("status", "number", language): gloss("status", attached, language),
        gloss("status", "last_webhook", language): status["last_webhook_at"] or "–",
        gloss("status", "dead_records", language): (
            "–" if status["dead"] is None else status["dead"]
        ),
    }


def _describe_messages(messages: Mapping[str, Any], language: Language) -> Rows:
    rows = {
        gloss("status", name, language): messages[name] for name in ("received", "deliberating")
    }
    for reason, count in messages["judged"].items():
        if count and reason == "reply":
            rows[gloss("status", "judged_reply", language)] = count
        elif count:
            silence = gloss("reason", reason, language)
            rows[gloss("status", "silent", language, reason=silence)] = count
    return rows


def _describe_replies(
    replies: Mapping[str, int], waiting: Mapping[str, Any], language: Language
) -> Rows:
    rows: Rows = {
        gloss("reply", state, language): count for state, count in replies.items() if count
    }
    if waiting["waiting"]:
        cost = euros(waiting["cost_microeuros"])
        rows[gloss("status", "to_answer_all", language)] = cost
    return rows or {gloss("status", "none", language): 0}
