"""What an operator may do with the house: a row each. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.core.access import Role


@dataclass(frozen=True, slots=True)
class Field:
    """What a form asks for beside the reason.

    Attributes:
        name: as the operator API has it.
        kind: of the input: ``text``, ``tel``, ``decimal``.
        kept: whether it may stand in the log; a number never.
    """

    name: str
    kind: str = "text"
    kept: bool = True
    required: bool = True


@dataclass(frozen=True, slots=True)
class Act:
    """One act: asked for, confirmed, done.

    Attributes:
        code: its name, in the log and in the catalogue.
        page: where its form stands.
        method, path: of the operator API.
        reason: the API's own field for the reason; empty: it is kept here alone.
        preview: of the operator API, shown before it is confirmed; its ``waiting`` is typed.
        subject: the field of the API's answer that the log names it by.
        derives: the field that takes the act's own id, so that the same twice counts once.
    """

    code: str
    page: str
    method: str
    path: str
    role: Role = Role.OPERATE
    fields: Sequence[Field] = ()
    reason: str = ""
    preview: str = ""
    subject: str = ""
    derives: str = ""


_NUMBER = re.compile(r"\d(?:[\s.\-/]?\d){8,}", re.ASCII)
"""What might be a phone's number, however it is written; a date has a digit less."""


def has_number(words: str) -> bool:
    """Whether a person's words, which are kept, hold what might be a phone's number."""
    return bool(_NUMBER.search(words))


def mask(words: str) -> str:
    """The words without what might be a phone's number."""
    return _NUMBER.sub("…", words)


NUMBER = Field("number", "tel", kept=False)

ACTS: Mapping[str, Act] = {
    act.code: act
    for act in (
        Act("pause", "acts", "POST", "/v1/pause", reason="reason"),
        Act("resume", "acts", "POST", "/v1/resume", preview="/v1/resume"),
        Act("detach", "acts", "POST", "/v1/detach"),
        Act("attach", "acts", "POST", "/v1/attach"),
        Act("block", "acts", "POST", "/v1/blocks", fields=(NUMBER,), subject="sender"),
        Act("unblock", "acts", "DELETE", "/v1/blocks", fields=(NUMBER,), subject="sender"),
        Act("test", "acts", "POST", "/v1/tests", fields=(NUMBER,), subject="id", derives="id"),
        Act("give", "money", "POST", "/v1/donations", fields=(Field("amount_eur", "decimal"),),
            reason="note", subject="id", derives="id"),
        Act("fee", "money", "POST", "/v1/fees", fields=(Field("amount_eur", "decimal"),),
            reason="note", subject="id", derives="id"),
        Act("transfer", "money", "POST", "/v1/transfers", fields=(Field("amount_eur", "decimal"),),
            reason="note", subject="id", derives="id"),
        Act("correct", "money", "POST", "/v1/fund/corrections", role=Role.OWNER,
            fields=(Field("entry"),), reason="why", subject="entry"),
    )
}  # fmt: skip


def body_of(act: Act, act_id: str, why: str, given: Mapping[str, str]) -> dict[str, Any]:
    """What the operator API is sent."""
    body: dict[str, Any] = {field.name: given.get(field.name, "").strip() for field in act.fields}
    body = {name: value for name, value in body.items() if value}
    if act.reason:
        body[act.reason] = why
    if act.derives:
        body[act.derives] = f"console:{act_id}"
    return body


def subject_of(act: Act, given: Mapping[str, str], answer: Mapping[str, Any]) -> str:
    """What the log calls the act's object: never a number."""
    kept = [given.get(field.name, "") for field in act.fields if field.kept]
    told = str(answer.get(act.subject, "")) if act.subject else ""
    return " ".join(part for part in (*kept, told) if part)[:200]
