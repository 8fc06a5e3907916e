"""The public page: a day late, rounded, small, and on its own."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antirelou.page import publisher
from antirelou.page.core import (
    GROUPS,
    SPAN_MIN,
    TEN,
    Published,
    Snapshot,
    keep_snapshot,
    publish,
    take_snapshot,
)
from antirelou.page.publisher import HISTORY, build_page, push
from antirelou.page.render import CARD, FACTS, PAGES, QR
from kernel.facts.records import Decision, Reason, ReplyState
from kernel.settings.settings import Settings, load_settings
from kernel.values.errors import Fatal
from kernel.words.gloss import GLOSS, Language

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BYTES_MAX = 30_000
PRICE = 150_000
NUMBER = "+33639980000"
FUND = ("donated", "available", "reserved", "spent_receive", "spent_reply", "fees", "floor",
        "raised", "transferred", "held")  # fmt: skip


def status(
    answered: int = 0, *, posture: str = "normal", attached: bool | None = True, **silences: int
) -> Mapping[str, Any]:
    """As ``/v1/status`` answers; each message and reply costs its tariff."""
    received = answered + sum(silences.values())
    spent = {"spent_receive": received * 10_000, "spent_reply": answered * 150_000}
    left = {"donated": 10**9, "available": 10**9 - sum(spent.values()), "floor": 20_000_000}
    fund = dict.fromkeys(FUND, 0) | spent | left
    return {
        "posture": posture,
        "attached": attached,
        "fund": {f"{name}_microeuros": amount for name, amount in fund.items()}
        | {"provider_credit_microeuros": None},
        "messages": {"received": received, "deliberating": 0, "judged": silences},
        "replies": dict.fromkeys(ReplyState, 0) | {"delivered": answered},
    }


def follow(
    trace: Sequence[tuple[datetime, int]],
) -> Sequence[tuple[datetime, Published, Sequence[Snapshot]]]:
    """Build a page at each time, the total answered by then being what the trace says."""
    history: Sequence[Snapshot] = ()
    pages = []
    for at, answered in trace:
        now = status(answered, burst=3 * answered)
        history = keep_snapshot(history, take_snapshot(now, at))
        pages.append((at, publish(history, now, at, price_microeuros=PRICE), history))
    return pages


@st.composite
def traces(draw: st.DrawFn) -> Sequence[tuple[datetime, int]]:
    """Pages at any times, with growing totals: pauses of seconds to days, floods at any time."""
    steps = draw(
        st.lists(
            st.tuples(st.one_of(st.integers(1, 7200), st.integers(1, 300_000)),
                      st.integers(0, 500)),
            min_size=2, max_size=60,
        )
    )  # fmt: skip
    at, total, trace = NOON, 0, []
    for seconds, more in steps:
        at, total = at + timedelta(seconds=seconds), total + more
        trace.append((at, total))
    return trace


@given(traces())
def test_two_pages_of_a_day_tell_the_same_figures(trace: Sequence[tuple[datetime, int]]) -> None:
    pages = follow(trace)
    for (before, old, _), (after, new, _) in pairwise(pages):
        if before.date() == after.date():
            assert old.figures == new.figures


@given(traces())
def test_no_figure_is_younger_than_a_day_nor_of_less_than_most_of_one(
    trace: Sequence[tuple[datetime, int]],
) -> None:
    totals = dict(trace)
    told: list[datetime] = []
    for at, page, history in follow(trace):
        assert all(b.at - a.at >= SPAN_MIN for a, b in pairwise(history))
        if page.figures is None:
            continue
        [source] = [one.at for one in history if one.at.date() == page.figures.until]
        assert at - source >= DAY
        assert page.figures.answered in {None, totals[source] // TEN * TEN}
        if told and told[-1] != source:
            assert source - told[-1] >= SPAN_MIN
        told.append(source)


def test_an_hours_flood_is_in_no_page_of_its_day_or_the_next() -> None:
    quiet = [(NOON + timedelta(minutes=10 * i), 100) for i in range(3 * 144)]
    flood = [(at, count + 4000 * (at >= NOON + DAY)) for at, count in quiet]
    later = [(NOON + 3 * DAY + timedelta(minutes=10 * i), 4100) for i in range(144)]
    figures = [(at, page.figures) for at, page, _ in follow(flood + later)]
    first = next(at for at, figure in figures if figure and figure.answered == 4100)
    assert first == datetime(2026, 12, 1, tzinfo=UTC)
    assert {figure.answered for _, figure in figures if figure} == {100, 4100}


def test_a_house_that_stops_after_midnight_gives_away_no_minutes() -> None:
    midnight = datetime(2026, 11, 29, tzinfo=UTC)
    minutes = timedelta(minutes=10)
    trace = [(midnight - minutes, 100), (midnight + minutes, 300), (midnight + 5 * DAY, 1000)]
    *_, (_, page, history) = follow(trace)
    assert page.figures is not None
    assert page.figures.answered == 100
    assert [one.counts["answered"] for one in history] == [100, 1000]


def test_a_clock_that_was_ahead_does_not_end_the_figures() -> None:
    trace = [(NOON + 900 * DAY, 5), *((NOON + n * DAY, 50) for n in range(4))]
    *_, (_, page, _) = follow(trace)
    assert page.figures is not None
    assert page.figures.answered == 50


@given(st.dictionaries(st.sampled_from([*GROUPS, "received", "answered", "pending"]),
                       st.integers(0, 10**6)))  # fmt: skip
def test_counts_are_rounded_down_and_small_ones_are_not_told(given_: dict[str, int]) -> None:
    taken = take_snapshot(status(), NOON)
    exact = taken.counts | given_
    told = publish(
        [msgspec.structs.replace(taken, counts=exact)], None, NOON + 2 * DAY,
        price_microeuros=PRICE,
    ).figures  # fmt: skip
    assert told is not None
    shown = told.not_answered | {
        "received": told.received, "answered": told.answered, "pending": told.pending
    }  # fmt: skip
    assert shown.keys() == exact.keys()
    for name, count in exact.items():
        assert shown[name] == (None if count < 10 else count - count % 10)


@given(st.integers(0, 10**10), st.integers(0, 10**6))
def test_money_tells_no_single_reply(micro: int, price: int) -> None:
    taken = take_snapshot(status(), NOON)
    taken.money["spent_reply"] = micro
    told = publish([taken], None, NOON + 2 * DAY, price_microeuros=price).figures
    assert told is not None
    shown = told.euros["spent_reply"]
    assert told.euros_step * 1_000_000 >= 10 * price
    assert shown is not None
    assert shown % told.euros_step == 0
    assert 0 <= micro - shown * 1_000_000 < told.euros_step * 1_000_000
    assert told.euros["provider_credit"] is None


def test_every_reason_and_state_is_counted_once() -> None:
    judged = {reason.value: 1 for reason in Reason if reason is not Reason.DESERVED}
    now = {**status(), "replies": dict.fromkeys(ReplyState, 1)}
    judged |= {Decision.REPLY.value: 50, "of_tomorrow": 1}
    now["messages"] = {"received": 99, "deliberating": 1, "judged": judged}
    counts = take_snapshot(now, NOON).counts
    silent = sum(counts[group] for group in GROUPS) - counts["unsent"]
    assert silent == len(judged) - 1
    assert counts["answered"] + counts["pending"] - 1 + counts["unsent"] == len(ReplyState)


def test_how_long_the_fund_lasts_is_what_the_days_that_are_told_cost() -> None:
    trace = [(NOON + n * DAY, 60 * n) for n in range(8)]  # a day: 60 times 0.15, 240 times 0.01 €
    *_, (_, page, _) = follow(trace)
    assert page.figures is not None
    assert page.figures.lasts_days == (1000 - 5 * 11.4 - 20) // 11.4 // 10 * 10
    _, (_, _, history), *_ = follow(trace)
    alone = publish(history[:1], None, NOON + 9 * DAY, price_microeuros=PRICE).figures
    assert alone is not None
    assert alone.lasts_days is None


class _Seen(HTMLParser):
    """What a page names, and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.tags: set[str] = set()
        self.events: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.events.add(name)
            if name in {"href", "src", "srcset", "action", "data", "style", "poster", "ping"}:
                self.links.add(value or "")


def house(tmp_path: Path, **given_: Any) -> Settings:
    return load_settings(data_dir=tmp_path / "data", number=NUMBER, **given_)


def build(tmp_path: Path, now: Mapping[str, Any] | None, **given_: Any) -> Mapping[str, str]:
    """A page that has figures, made from what the house said two days before."""
    folder, of = tmp_path / "page", house(tmp_path, **given_)
    build_page(folder, of, status(1234, burst=57, call=9), NOON - 2 * DAY)
    build_page(folder, of, now, NOON)
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_the_files_are_small_and_ask_for_nothing_elsewhere(tmp_path: Path) -> None:
    files = build(tmp_path, status(1300))
    assert set(files) == {*PAGES.values(), FACTS, CARD, QR}
    for name, text in files.items():
        assert 200 < len(text.encode()) < BYTES_MAX, name
        seen = _Seen()
        seen.feed(text)
        assert seen.links <= {*files}, name
        assert not seen.events
        assert not seen.tags & {"script", "link", "img", "iframe", "object", "form", "base"}, name
        bare = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]|url\(|@import|cookie=", bare), name


def test_both_languages_say_the_figures_and_not_todays(tmp_path: Path) -> None:
    files = build(tmp_path, status(5678))
    french, english = files["index.html"], files["index.en.html"]
    assert '<html lang="fr">' in french
    assert "1 230 ou plus" in french
    assert "moins de dix" in french
    assert "1,230 or more" in english
    assert "fewer than ten" in english
    for text in (french, english):
        assert {"17", "114", "3919"} <= set(re.findall(r"\d+", text))
        assert "06 39 98 00 00" in text
    for text in files.values():
        assert not re.search(r"\b(5.?67[08]|1.?234|57)\b", text)
    facts = msgspec.json.decode(files[FACTS])
    assert facts["safe"] == "yes"
    assert facts["figures"]["not_answered"]["flood"] == 50
    assert facts["figures"]["not_answered"]["call"] is None


@pytest.mark.parametrize(
    ("now", "code", "kind"),
    [
        (status(), "safe_yes", "good"),
        (status(posture="guarded"), "safe_slowly", "good"),
        (status(posture="suspended"), "safe_silent", "bad"),
        (status(attached=False), "safe_no", "bad"),
        (status(attached=None), "safe_unknown", "bad"),
        (None, "safe_unknown", "bad"),
    ],
)
def test_the_live_line_is_of_now(
    tmp_path: Path, now: Mapping[str, Any] | None, code: str, kind: str
) -> None:
    files = build(tmp_path, now)
    for language, name in PAGES.items():
        said = re.search(r'<p class="safe (\w+)">(.*?)</p>', files[name])
        assert said is not None
        words = getattr(GLOSS["public"][code], language).replace("'", "&#39;")
        assert said.groups() == (kind, words)


def test_what_is_not_told_yet_is_not_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "page"
    build_page(folder, house(tmp_path), status(4321), NOON)
    history = tmp_path / "data" / HISTORY
    assert "4321" in history.read_text("utf-8")
    assert history.stat().st_mode & 0o077 == 0
    assert not [path for path in folder.iterdir() if "4321" in path.read_text("utf-8")]
    assert msgspec.json.decode((folder / FACTS).read_bytes())["figures"] is None


def test_a_history_that_cannot_be_read_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / HISTORY).write_text("[{", "utf-8")
    build_page(tmp_path / "page", house(tmp_path), status(10), NOON)
    assert len(msgspec.json.decode((tmp_path / "data" / HISTORY).read_bytes())) == 1


def test_a_history_that_cannot_be_kept_does_not_stop_the_live_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder", "utf-8")
    build_page(tmp_path / "page", house(tmp_path), status(attached=False), NOON)
    facts = msgspec.json.decode((tmp_path / "page" / FACTS).read_bytes())
    assert (facts["safe"], facts["figures"]) == ("no", None)


def test_who_answers_is_named_and_escaped(tmp_path: Path) -> None:
    files = build(tmp_path, status(), publisher="<b>Nous</b> & Cie")
    assert "&lt;b&gt;Nous&lt;/b&gt; &amp; Cie" in files["index.html"]
    assert "<b>" not in files["index.html"]


def test_how_long_is_kept_is_told_in_days_whatever_the_clocks_speed(tmp_path: Path) -> None:
    page = build(tmp_path, status(), retain_text="36h", clock_speed=1000)["index.html"]
    assert "le texte de vos messages, 2 jours" in page
    assert "180 jours au plus" in page


def test_without_a_number_there_is_no_card(tmp_path: Path) -> None:
    build_page(tmp_path / "page", load_settings(data_dir=tmp_path), status(), NOON)
    assert {path.name for path in (tmp_path / "page").iterdir()} == {*PAGES.values(), FACTS}


def test_the_page_says_what_the_information_page_says() -> None:
    document = Path(__file__).parents[3].joinpath("docs/information-page.md").read_text("utf-8")
    flat = " ".join(document.replace("*", "").split())
    values = {"publisher": "[contact]", "provider": "", "text_days": "7", "evidence_days": "180"}
    for code in ("what", "why", "kept", "rights", "mistaken"):
        for language in Language:
            for sentence in re.split(r"(?<=[.?]) |: |; ", getattr(GLOSS["public"][code], language)):
                said = sentence.format(**values).replace("()", "[nom]").strip(" .")
                near = said if language is Language.FR else said.replace("[nom]", "[name]")
                assert near.casefold() in flat.casefold(), near


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "push.py"
    path.write_text(text, "utf-8")
    return f"{sys.executable} '{path}'"


async def test_the_push_runs_beside_the_page_without_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIRELOU_OPERATOR_TOKEN", "a-secret")
    command = script(tmp_path, "import os; open('seen', 'w').write(str(dict(os.environ)))")
    assert await push(command, tmp_path)
    assert "a-secret" not in (tmp_path / "seen").read_text("utf-8")


async def test_a_push_that_fails_hangs_or_is_not_there_is_borne(tmp_path: Path) -> None:
    assert not await push(script(tmp_path, "raise SystemExit(3)"), tmp_path)
    assert not await push("/no/such/program", tmp_path)
    hanging = script(tmp_path, "import time; time.sleep(3600)")
    async with asyncio.timeout(30):
        assert not await push(hanging, tmp_path, seconds_max=0.2)


class _Clock:
    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


async def test_while_it_serves_the_page_is_written_and_no_failure_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, told = tmp_path / "page", asyncio.Event()
    answers: list[Mapping[str, Any] | Exception] = [
        OSError("a defect"), Fatal("away", code="unreachable"), status()
    ]  # fmt: skip
    pushed: list[str] = []

    def ask(_: Settings) -> Mapping[str, Any]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def see(_: str, where: Path) -> bool:
        pushed.append(msgspec.json.decode((where / FACTS).read_bytes())["safe"])
        if len(pushed) == 2:
            told.set()
        return True

    monkeypatch.setattr(publisher, "ask_status", ask)
    monkeypatch.setattr(publisher, "push", see)
    of = house(tmp_path, page_dir=folder, page_push="push it", clock_speed=10_000)
    async with asyncio.timeout(30), publisher.publishing(of, _Clock()):
        await told.wait()
    assert pushed[:2] == ["unknown", "yes"]


def test_a_push_with_an_open_quote_is_refused() -> None:
    with pytest.raises(Fatal, match=r"PAGE_PUSH: was .*, accepted: a command"):
        load_settings(page_push="rsync 'a")
