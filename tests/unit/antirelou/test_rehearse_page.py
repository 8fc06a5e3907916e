"""The report: one page that loads nothing, and holds no number, no text and no id of anybody."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from antirelou.commands.main import main
from antirelou.commands.rehearse.page import name_silence
from kernel.words.gloss import GLOSS, Language, Voice
from tests.unit.antirelou.rehearsals import HOUR, Sms, Stage, calm, flood

ENGLISH = Voice(Language.EN, ZoneInfo("Europe/Paris"))
LOADING = {"script", "link", "img", "iframe", "object", "embed", "video", "audio", "base", "image"}


class Page(HTMLParser):
    """What tags and attributes a page has, and whether they are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def draw(stage: Stage, texts: list[Sms], *options: str, fund: str = "60") -> str:
    """The page of a rehearsal."""
    trace, page = str(stage.write(texts)), stage.folder / "page.html"
    assert main(["rehearse", trace, "--fund", fund, "--report", str(page), *options]) == 0
    stage.capsys.readouterr()
    assert sorted(path.name for path in stage.folder.iterdir()) == ["page.html", "trace.jsonl"]
    return page.read_text("utf-8")


@pytest.fixture
def texts() -> list[Sms]:
    """With ids and texts that would catch the eye."""
    return [
        replace(sms, id=f"uuid-{sms.id}", text=sms.text and f"zzq {sms.text} <script>alert(1)")
        for sms in flood(seed=2, hours=8)
    ]


def test_it_loads_nothing_and_runs_nothing(stage: Stage, texts: list[Sms]) -> None:
    text = draw(stage, texts, "--compare", "REPLY_DELAY=2h")
    page = Page(text)
    assert page.open == []
    assert not page.tags & LOADING
    assert "svg" in page.tags
    assert not [
        name for name, _ in page.attributes if name.startswith("on") or name in {"href", "src"}
    ]
    for forbidden in ("http:", "https:", "//", "url(", "@import", "javascript", "data:"):
        assert forbidden not in text


def test_nobody_is_on_it(stage: Stage, texts: list[Sms]) -> None:
    text = draw(stage, texts)
    assert "zzq" not in text
    assert "alert" not in text
    assert "uuid" not in text
    assert not re.search(r"\+?33\s?6\s?39|063998|06 39", text)
    for sms in texts:
        assert sms.sender not in text
        assert sms.sender.removeprefix("+33") not in text


def test_it_says_what_the_summary_says(stage: Stage, texts: list[Sms]) -> None:
    text = draw(stage, texts, fund="24")
    trace = str(stage.write(texts))
    assert main(["rehearse", trace, "--fund", "24", "--json"]) == 0
    summary = json.loads(stage.capsys.readouterr().out)
    boxes = re.findall(r"<b>([^<]*)</b><span>([^<]*)</span>", text)
    figures = {name: value for value, name in boxes}
    assert figures["messages"] == str(summary["messages"])
    assert figures["senders"] == str(summary["senders"])
    assert figures["deserved an answer"] == str(summary["replies"])
    assert figures["were answered"] == str(summary["answered"])
    assert figures["spent on replies"] == f"{summary['spent_reply_microeuros'] / 1e6:.2f} €"
    for reason, count in summary["silent"].items():
        assert f">{name_silence(reason, ENGLISH)}</text>" in text
        assert f">{count}</text>" in text
    for posture in summary["postures"]:
        assert f"<title>{posture}: " in text


def test_the_settings_that_were_used_are_on_it(stage: Stage) -> None:
    text = draw(
        stage, calm(3), "--set", "BURST=17", "--set", "FUND_FLOOR=5", "--set", "quiet_hours=off"
    )
    assert "<td>BURST</td><td>17</td>" in text
    assert "<td>FUND_FLOOR</td><td>5.00 €</td>" in text
    assert "<td>QUIET_HOURS</td><td>none</td>" in text
    assert "TOKEN" not in text
    assert "KEY" not in text


def test_two_policies_are_below_each_other(stage: Stage) -> None:
    text = draw(stage, calm(3), "--compare", "BURST=3", "--compare", "COUNTRIES=FR,BE")
    assert text.count('<section class="policy">') == 2
    assert "<h1>BURST=3, COUNTRIES=FR,BE</h1>" in text


@pytest.mark.parametrize("texts", [[], [Sms(0 * HOUR, "a", "36000", None)]])
def test_little_is_drawn_as_well(stage: Stage, texts: list[Sms]) -> None:
    for fund in ("0", "60"):
        assert Page(draw(stage, texts, fund=fund)).open == []


def test_it_is_french_where_french_is_spoken(
    stage: Stage, texts: list[Sms], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIRELOU_LANGUAGE", "fr")
    text = draw(stage, texts)
    assert '<html lang="fr">' in text
    assert "<title>Un déferlement, répété</title>" in text
    assert "(Paris)" in text
    french = {html.escape(term.fr) for term in GLOSS["rehearsal"].values()}
    english = {html.escape(term.en) for term in GLOSS["rehearsal"].values()} - french
    shown = set(re.findall(r">([^<>]+)<", text))
    assert not shown & english
    assert re.search(r"<b>\d+,\d\d €</b>", text)
