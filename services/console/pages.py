"""The pages of whoever is in. A page is a template, a function here, and a row in ``api``."""

import csv
import io
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from kernel.values.money import format_euros
from kernel.words.gloss import GLOSS
from services.console.core.access import Role, Session, is_name
from services.console.core.acts import ACTS, Act, body_of, has_number, mask, subject_of
from services.console.core.book import Line, act_of, cell, read_lines
from services.console.core.chart import WIDTH, split_bar
from services.console.core.picture import delivered_share, judge_safety, list_needs
from services.console.gate import Denied, Gate, Parts, Visit, see_other

EVENTS_A_PAGE = 50
WHY_CHARACTERS_MAX = 500
FIELD_CHARACTERS_MAX = 200
LINES_A_PAGE = 200
BAR = ("spent_receive", "spent_reply", "fees", "reserved", "available")
"""The accounts that share what was given."""
DIGITS_MIN = 8
"""What has so many and no letter is taken for a number."""
TAKEN = frozenset({200, 201, 202})
"""What the operator API answers where it does what it was asked."""


class Pages:
    """Makes them."""

    def __init__(self, gate: Gate, parts: Parts) -> None:
        self._gate, self._house, self._store = gate, parts.house, parts.store
        self._clock, self._renderer, self._metrics = parts.clock, parts.renderer, parts.metrics
        self._origin = parts.settings.url

    # -- Now ------------------------------------------------------------------------------------

    async def now(self, visit: Visit) -> web.StreamResponse:
        """*Now*."""
        return self._gate.page(visit, "now.html", **await self._picture(visit))

    async def render_now(self, visit: Visit) -> str:
        """What of it changes."""
        return self._renderer.page(
            "now_live.html", visit.voice, nonce=visit.nonce, session=visit.session, Role=Role,
            **await self._picture(visit),
        )  # fmt: skip

    async def _picture(self, visit: Visit) -> Mapping[str, Any]:
        picture = await self._house.look()
        status = picture.status
        if status is None:
            return {"status": None}
        role = visit.actor.role
        return {
            "status": status,
            "waiting": picture.waiting,
            "safety": judge_safety(status),
            "needs": list_needs(status),
            "share": delivered_share(status),
            "may": {code for code, act in ACTS.items() if role.may(act.role)},
        }

    # -- Acts -----------------------------------------------------------------------------------

    async def acts(self, visit: Visit) -> web.StreamResponse:
        """*Acts*: their forms, and the latest of them."""
        return self._gate.page(
            visit,
            "acts.html",
            acts=self._forms(visit, "acts"),
            done=await self._done(visit),
            stands=(await self._house.look()).status,
        )

    def _forms(self, visit: Visit, page: str) -> list[Act]:
        role = visit.actor.role
        return [act for act in ACTS.values() if act.page == page and role.may(act.role)]

    async def _done(self, visit: Visit) -> Any:
        """The act that led here."""
        act_id = visit.request.query.get("done", "")
        return await self._store.load_act(act_id) if act_id else None

    async def confirm(self, visit: Visit) -> web.StreamResponse:
        """The first step: what it does, what it costs, and whether it is meant."""
        act = self._find(visit)
        given, why = self._given(visit, act)
        preview = await self._house.read(act.preview) if act.preview else None
        return self._gate.page(
            visit, "confirm.html", act=act, given=given, why=why, preview=preview,
            act_id=secrets.token_hex(16), wrong="",
        )  # fmt: skip

    async def do(self, visit: Visit) -> web.StreamResponse:
        """The second step: it is noted, done, and what became of it is noted."""
        act = self._find(visit)
        given, why = self._given(visit, act)
        act_id = visit.form.get("act_id", "")
        if len(act_id) != 32 or not act_id.isascii() or not act_id.isalnum():
            raise Denied(400, "form")
        if act.preview:
            preview = await self._house.read(act.preview)
            if visit.form.get("typed", "").strip() != str(preview["waiting"]):
                return self._gate.page(
                    visit, "confirm.html", http_status=422, act=act, given=given, why=why,
                    preview=preview, act_id=act_id, wrong="typed",
                )  # fmt: skip
        who = visit.actor
        if await self._store.begin_act(act_id, who.operator, act.code, why, self._clock.now()):
            await self._try(act, act_id, who, given, why)
        return see_other(f"/{act.page}?done={act_id}")

    async def _try(
        self, act: Act, act_id: str, who: Session, given: Mapping[str, str], why: str
    ) -> None:
        body = body_of(act, act_id, why, given)
        status, answer = await self._house.call(who, act.method, act.path, body)
        outcome = "done" if status in TAKEN else "refused"
        said = "" if outcome == "done" else str(answer.get("error", f"HTTP {status}"))[:300]
        # What was refused may be anything, a number in the wrong field as well.
        subject = subject_of(act, given, answer) if outcome == "done" else ""
        await self._store.end_act(act_id, outcome, subject, said)
        self._metrics.acted(act.code, outcome)

    def _find(self, visit: Visit) -> Act:
        act = ACTS.get(visit.request.match_info["act"])
        if act is None:
            raise Denied(404, "not_found")
        if not visit.actor.role.may(act.role):
            raise Denied(403, "role")
        return act

    def _given(self, visit: Visit, act: Act) -> tuple[Mapping[str, str], str]:
        """The form's fields and the reason, bounded; the operator API checks what they say."""
        why = " ".join(visit.form.get("why", "").split())
        given = {field.name: visit.form.get(field.name, "").strip() for field in act.fields}
        missing = any(field.required and not given[field.name] for field in act.fields)
        if missing or not why:
            raise Denied(422, "form")
        if len(why) > WHY_CHARACTERS_MAX or any(
            len(value) > FIELD_CHARACTERS_MAX for value in given.values()
        ):
            raise Denied(422, "form")
        if has_number(why):
            raise Denied(422, "number_kept")
        return given, why

    # -- Money ----------------------------------------------------------------------------------

    async def money(self, visit: Visit) -> web.StreamResponse:
        """*Money*: the accounts, the book, and what may be booked."""
        found = await self._house.read("/v1/fund")
        lines = await self._lines(found["entries"])
        amounts = {
            name.removesuffix("_microeuros"): amount
            for name, amount in found["fund"].items()
            if name.endswith("_microeuros") and amount is not None
        }
        return self._gate.page(
            visit, "money.html", accounts=amounts, width=WIDTH,
            bar=split_bar({name: amounts[name] for name in BAR if name in amounts}),
            lines=lines[:LINES_A_PAGE], older=max(len(lines) - LINES_A_PAGE, 0),
            gifts=[*found.get("uncounted", ()), *found.get("gifts", ())][:LINES_A_PAGE],
            acts=self._forms(visit, "money"), done=await self._done(visit),
        )  # fmt: skip

    async def money_csv(self, visit: Visit) -> web.StreamResponse:
        """The whole book, for a spreadsheet."""
        found = await self._house.read("/v1/fund")
        sheet = io.StringIO()
        writer = csv.writer(sheet)
        writer.writerow(["at", "kind", "euros", "id", "source", "actor", "note"])
        for line in await self._lines(found["entries"]):
            amount = format_euros(line.amount_microeuros, decimals=6)
            told = map(cell, (line.id, line.source, line.actor, line.note))
            writer.writerow([line.at, line.kind, amount, *told])
        await self._store.note(visit.actor.operator, "downloaded", self._clock.now())
        return web.Response(
            text=sheet.getvalue(), content_type="text/csv",
            headers={"Content-Disposition": 'attachment; filename="antirelou.csv"'},
        )  # fmt: skip

    async def _lines(self, entries: Sequence[Mapping[str, Any]]) -> Sequence[Line]:
        acts = [act_id for entry in entries if (act_id := act_of(entry["id"]))]
        return read_lines(entries, await self._store.find_actors(acts))

    # -- Explain --------------------------------------------------------------------------------

    async def ask_explain(self, visit: Visit) -> web.StreamResponse:
        """*Explain*: a form. What is asked for stands in no address."""
        return self._gate.page(visit, "explain.html", ways=None, wrong="")

    async def explain(self, visit: Visit) -> web.StreamResponse:
        """The whole way of a number's messages, or of one. That somebody looked is noted."""
        asked = visit.form.get("asked", "").strip()[:FIELD_CHARACTERS_MAX]
        digits = sum(char.isdigit() for char in asked)
        number = digits >= DIGITS_MIN and not any(char.isalpha() for char in asked)
        await self._store.note(
            visit.actor.operator,
            "explained",
            self._clock.now(),
            subject="" if number else mask(asked),
        )
        body = {"number" if number else "id": asked}
        status, answer = await self._house.call(visit.actor, "POST", "/v1/explain", body)
        if status != 200:
            wrong = str(answer.get("error", ""))
            return self._gate.page(visit, "explain.html", http_status=422, ways=None, wrong=wrong)
        return self._gate.page(visit, "explain.html", ways=answer["messages"], wrong="")

    # -- Events ---------------------------------------------------------------------------------

    async def events(self, visit: Visit) -> web.StreamResponse:
        """*Events*: who did what, the latest first."""
        query = visit.request.query
        before = query.get("before", "")
        number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
        actor, act = query.get("actor", "").strip()[:40], query.get("act", "")[:40]
        acts = await self._store.list_acts(EVENTS_A_PAGE, before=number, actor=actor, act=act)
        return self._gate.page(
            visit, "events.html", acts=acts, actor=actor, chosen=act, known=sorted(GLOSS["act"]),
            before=acts[-1].number if len(acts) == EVENTS_A_PAGE else 0,
        )  # fmt: skip

    # -- Operators ------------------------------------------------------------------------------

    async def operators(self, visit: Visit) -> web.StreamResponse:
        """*Operators*: who may get in, and who is in."""
        return await self._operators(visit)

    async def _operators(self, visit: Visit, link: str = "", name: str = "") -> web.Response:
        now, own = self._clock.now(), visit.actor
        sessions = await self._store.list_sessions(now)
        if not own.role.may(Role.OWNER):
            sessions = [one for one in sessions if one.operator == own.operator]
        return self._gate.page(
            visit, "operators.html", operators=await self._store.list_operators(now),
            sessions=sessions, link=link, linked=name,
        )  # fmt: skip

    async def add_operator(self, visit: Visit) -> web.StreamResponse:
        """A link for somebody, new or not; it is shown once."""
        name, role = visit.form.get("name", "").strip(), visit.form.get("role", "")
        if not is_name(name) or role not in set(Role):
            raise Denied(422, "name")
        now = self._clock.now()
        secret = await self._store.put_operator(name, Role(role), now)
        await self._store.note(
            visit.actor.operator, "operator_added", now, subject=f"{name} {role}"
        )
        return await self._operators(visit, link_of(self._origin, secret), name)

    async def remove_operator(self, visit: Visit) -> web.StreamResponse:
        """Somebody gets in no more, at once."""
        name = visit.form.get("name", "")
        if name == visit.actor.operator:
            raise Denied(422, "yourself")
        if await self._store.delete_operator(name):
            await self._store.note(
                visit.actor.operator, "operator_removed", self._clock.now(), subject=name
            )
        return see_other("/operators")

    async def revoke(self, visit: Visit) -> web.StreamResponse:
        """A session ends; an owner may end anybody's."""
        number = visit.form.get("number", "")
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise Denied(422, "form")
        own = None if visit.actor.role.may(Role.OWNER) else visit.actor.operator
        whose = await self._store.revoke_session(int(number), own)
        if whose is not None:
            await self._store.note(
                visit.actor.operator, "session_revoked", self._clock.now(), subject=whose
            )
        return see_other("/operators")

    async def set_language(self, visit: Visit) -> web.StreamResponse:
        """The language somebody reads."""
        chosen = visit.form.get("language", "")
        if chosen not in {"fr", "en"}:
            raise Denied(422, "form")
        await self._store.set_language(visit.actor.operator, chosen)
        goes = visit.form.get("goes", "/")
        return see_other(goes if goes.startswith("/") and goes[1:2] not in {"/", "\\"} else "/")


def link_of(origin: str, secret: str) -> str:
    """The link that lets somebody in."""
    return f"{origin}/enter/{secret}"
