"""The lawyer's report and the tables beside it, over whatever somebody may have written."""

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernel.facts.records import Reason, Refusal, ReplyState
from kernel.words.gloss import GLOSS
from services.evidence.core.dossier import Dossier, Gathered
from services.evidence.core.note import export_signer
from services.evidence.core.report import REASONS, STATES, Frame, write_report
from services.evidence.core.verifier import COLUMNS, list_messages, read_form, render_messages
from tests.unit.evidence.cases import NOW, PRIVATE_KEY

AT = "2017-10-27T14:00:00Z"
HEAD: dict[str, Any] = {
    "case": {"id": "c", "reason": "plainte", "hold_until": AT, "senders": [], "campaigns": [],
             "since": None, "until": None},
    "size": 3, "log_key": "log+key", "witness_key": None, "earlier": [],
}  # fmt: skip
PLAIN: dict[str, Any] = {
    **dict.fromkeys(COLUMNS), "record": 1, "id": "m-1", "received_at": AT, "sender": "0" * 32,
    "signature": "v3", "body_signed": True, "contradicted_by": [],
}  # fmt: skip


def report(*rows: dict[str, Any], entries: list[dict[str, Any]] | None = None) -> str:
    gathered = Gathered(HEAD, [], {"erased": [], "proof": []})
    told = [{**PLAIN, **row} for row in rows]
    dossier = Dossier(gathered, entries or [], told, 0, export_signer(PRIVATE_KEY), NOW)
    return write_report(dossier, Frame("Association", ZoneInfo("Europe/Paris"), b"verifier"))


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.text = list[str](), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(f"{tag} {attrs}")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_decision_every_state_and_every_refusal_has_its_words() -> None:
    assert sorted(REASONS) == sorted(Reason)
    assert sorted(STATES) == sorted(ReplyState)
    said = {r: Page(report({"reply": "refused", "reply_reason": r})).text for r in Refusal}
    for reason, page in said.items():
        own = GLOSS["refusal"][reason].fr
        assert f"refusée : {own}" in page
        assert all(term.fr not in page for code, term in GLOSS["refusal"].items() if code != reason)
    assert "trop chère" not in "".join(said.values())
    assert (
        "refusée : of_tomorrow"
        in Page(report({"reply": "refused", "reply_reason": "of_tomorrow"})).text
    )


@settings(deadline=None)
@given(st.text(alphabet=st.characters(), max_size=400) | st.none())
@example("&" * 300)
@example("<script>alert(1)</script>\"'</td>")
@example("\u202eabc\u2066\ud800\x00\u2028")
@example("{title}{body}")
def test_whatever_was_written_adds_no_tag_and_hides_nothing(text: str | None) -> None:
    row = {"campaign": text, "from": text, "reason": text, "reply": text, "reply_reason": text}
    page = report({**row, "text": text, "campaign": text or "c"})
    page.replace("\ud800", "").encode()
    found = Page(page)
    empty = Page(report({"text": "-", "from": "-", "reason": "-", "reply": "-", "campaign": "-"}))
    assert [t for t in found.tags if t != "i []"] == empty.tags or text in {"", None}
    assert not set(found.text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\ud800\x00")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 159 + "&" + "y", "x" * 159 + "&…"),
        ("x" * 159 + "e\u0301!", "x" * 159 + "…"),
        ("x" * 159 + "\U0001f1eb\U0001f1f7", "x" * 159 + "…"),
        ("x" * 158 + "\U0001f1eb\U0001f1f7" + "z", "x" * 158 + "\U0001f1eb\U0001f1f7…"),
        ("x" * 158 + "\U0001f469\u200d\U0001f52c", "x" * 158 + "…"),
        ("x" * 160, "x" * 160),
        ("\u0301" * 300, "\u0301" * 160 + "…"),
    ],
)
def test_a_text_is_cut_between_two_signs(text: str, shown: str) -> None:
    page = Page(report({"campaign": "c", "text": text}))
    assert shown in page.text.replace("(vide)", "")
    section = page.text.partition("5. Textes semblables")[2].partition("6. Ce qui")[0]
    assert shown in section
    assert "&amp" not in section


def test_an_empty_text_and_a_missing_one_are_two_things() -> None:
    assert "(vide)" in Page(report({"text": ""})).text
    assert "(vide)" not in Page(report({"text": None})).text


def test_both_of_two_requests_of_one_message_are_in_the_report() -> None:
    def entry(index: int, text: str, mode: str, *, signed: bool) -> dict[str, Any]:
        request = json.dumps({"body": f"From=33639980001&Text={text}"})
        record = {"kind": "received", "at": AT, "signature": mode, "body_signed": signed}
        return {"index": index, "request": request, "record": record}

    entries = [entry(1, "Vrai", "v3", signed=True), entry(2, "Faux", "v2", signed=False)]
    page = Page(report({"text": "Vrai", "contradicted_by": [2]}, entries=entries)).text
    assert "requêtes contradictoires" in page
    assert "Faux" in page
    assert "contredit le n° 1" in page
    assert "contradictoires" not in Page(report({"text": "Vrai"})).text


def test_what_only_the_provider_s_log_tells_is_not_called_signed_by_its_address() -> None:
    page = report({"signature": "none", "body_signed": False})
    assert (
        "<th scope=row>Messages connus par le seul relevé du prestataire</th><td class=n>1" in page
    )
    assert "(signature V2)</th><td class=n>0" in page


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50))
@example("")
@example("=1")
@example("'=1+1")
@example("+33639980001")
@example("+٣")
def test_a_cell_is_no_formula_and_can_be_read_back(text: str) -> None:
    (made,) = csv.DictReader(_csv([{**PLAIN, "text": text}]))
    cell = made["text"]
    assert not cell.startswith(("=", "-", "@", "\t", "\r")) or cell == text == ""
    assert cell.removeprefix("'") == text if cell.startswith("'") else cell == text
    assert (cell == "") is (text == "")


def _csv(rows: list[dict[str, Any]]) -> io.StringIO:
    return io.StringIO(render_messages(rows)["messages.csv"].decode("utf-8-sig"), newline="")


def test_a_lone_surrogate_a_null_and_rubbish_are_no_traceback() -> None:
    files = render_messages([{**PLAIN, "text": "\ud800 a"}])
    assert b"? a" in files["messages.csv"]
    assert b"? a" in files["messages.json"]
    for told in ("null", "[]", "1", "{", '{"body": 1}', '{"body_base64": "é"}', '{"body": null}'):
        assert read_form(told) == {}
    assert read_form('{"body": "Text=%ED%A0%80"}')["Text"] == "\ufffd" * 3


def test_a_text_that_the_provider_calls_body_is_a_text() -> None:
    record = {
        "kind": "received", "id": "m", "at": AT, "sender": "0" * 32, "what": "message",
        "signature": "v3", "body_signed": True, "segments": 1, "amount_microunits": None,
        "source": "webhook", "request_sha256": "0" * 64, "request_sealed_sha256": None,
    }  # fmt: skip
    entry = {"index": 0, "record": record, "request": '{"body": "From=1&Body=Bonjour"}'}
    assert list_messages([entry])[0]["text"] == "Bonjour"
