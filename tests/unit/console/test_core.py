"""What the console decides, without a browser."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.access import (
    ATTEMPTS_MAX,
    ATTEMPTS_WITHIN,
    SESSION_IDLE,
    SESSION_LASTS,
    Attempts,
    Role,
    Session,
    is_name,
    is_ours,
    passkey_domain,
)
from services.console.core.acts import ACTS, body_of, has_number, mask, subject_of
from services.console.core.book import act_of, cell, read_lines, source_of
from services.console.core.chart import WIDTH, split_bar
from services.console.core.picture import Safety, delivered_share, judge_safety, list_needs

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OURS = "https://console.example.org"


def status(**changes: Any) -> dict[str, Any]:
    fund = {"available_microeuros": 50_000_000, "floor_microeuros": 20_000_000,
            "provider_credit_microeuros": 60_000_000}  # fmt: skip
    replies = dict.fromkeys(("unresolved", "uncertain", "delivered", "undelivered"), 0)
    found = {"posture": "normal", "posture_cause": "calm", "attached": True, "dead": 0,
             "dear": {}, "fund": fund, "replies": replies}  # fmt: skip
    for name, value in changes.items():
        part = next((part for part in (fund, replies) if name in part), found)
        part[name] = value
    return found


@pytest.mark.parametrize(
    ("changes", "safety"),
    [
        ({}, Safety.YES), ({"posture": "guarded"}, Safety.SLOWLY),
        ({"posture": "suspended"}, Safety.SILENT), ({"attached": False}, Safety.NO),
        ({"attached": False, "posture": "suspended"}, Safety.NO),
        ({"attached": None}, Safety.UNKNOWN), ({"posture": "of_tomorrow"}, Safety.UNKNOWN),
    ],
)  # fmt: skip
def test_whether_the_number_may_be_given(changes: Mapping[str, Any], safety: Safety) -> None:
    assert judge_safety(status(**changes)) is safety


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, []), ({"attached": None}, ["attached"]), ({"attached": False}, ["attached"]),
        ({"posture_cause": "operator"}, ["paused"]), ({"posture_cause": "restored"}, ["paused"]),
        ({"available_microeuros": 20_000_000}, ["fund"]),
        ({"available_microeuros": -1}, ["fund"]),
        ({"provider_credit_microeuros": 19_999_999}, ["credit"]),
        ({"provider_credit_microeuros": None}, []), ({"unresolved": 2}, ["unresolved"]),
        ({"uncertain": 1}, ["uncertain"]), ({"dead": 1}, ["dead"]), ({"dead": None}, ["dead"]),
        ({"dear": {"reply_microeuros": 160_000}}, ["dear"]),
        ({"dear": {"reply_microeuros": None}}, []),
        ({"delivered": 9, "undelivered": 11}, ["delivery"]),
        ({"delivered": 10, "undelivered": 10}, []), ({"delivered": 0, "undelivered": 19}, []),
    ],
)  # fmt: skip
def test_what_needs_a_hand(changes: Mapping[str, Any], needed: list[str]) -> None:
    needs = list_needs(status(**changes))
    assert [need.code for need in needs if not need.well] == needed
    assert [need.well for need in needs] == sorted(need.well for need in needs), "needs first"
    assert all(need.act or need.command for need in needs), "each with what mends it"


def test_the_share_of_what_arrived() -> None:
    assert delivered_share(status()) is None
    assert delivered_share(status(delivered=3, undelivered=1)) == 0.75


def test_each_role_may_all_that_the_one_before_may() -> None:
    assert [[one.may(other) for other in Role] for one in Role] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_no_minute_has_more_attempts_than_are_allowed(gaps: list[int]) -> None:
    attempts, now = Attempts(), NOW
    taken: list[datetime] = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        within = [at for at in taken if at > now - ATTEMPTS_WITHIN]
        allowed = attempts.allow(now)
        assert allowed is (len(within) < ATTEMPTS_MAX)
        if allowed:
            taken.append(now)


def test_who_gets_in_uses_no_attempt_up() -> None:
    attempts = Attempts()
    for _ in range(3 * ATTEMPTS_MAX):
        assert attempts.allow(NOW)
        attempts.take_back()
    assert [attempts.allow(NOW) for _ in range(ATTEMPTS_MAX + 1)] == [True] * ATTEMPTS_MAX + [False]


@pytest.mark.parametrize(
    ("made", "seen", "holds"),
    [
        (timedelta(), timedelta(), True), (timedelta(hours=3), timedelta(hours=1), True),
        (SESSION_LASTS, timedelta(), False), (SESSION_IDLE, SESSION_IDLE, False),
        (SESSION_LASTS - timedelta(seconds=1), SESSION_IDLE - timedelta(seconds=1), True),
    ],
)  # fmt: skip
def test_when_a_session_ends(made: timedelta, seen: timedelta, holds: bool) -> None:
    session = Session(1, "ada", Role.VIEW, None, "link", NOW - made, NOW - seen)
    assert session.holds(NOW) is holds


@pytest.mark.parametrize(
    ("method", "headers", "ours"),
    [
        ("GET", {}, True), ("HEAD", {"Sec-Fetch-Site": "cross-site"}, True),
        ("GET", {"Host": "evil.example"}, False), ("GET", {"Host": ""}, False),
        ("POST", {"Origin": OURS, "Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {"Origin": OURS}, True), ("POST", {}, False),
        ("POST", {"Origin": "null", "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Origin": OURS, "Sec-Fetch-Site": "same-site"}, False),
        ("POST", {"Origin": OURS, "Sec-Fetch-Site": "none"}, False),
        ("POST", {"Origin": "http://console.example.org"}, False),
        ("POST", {"Origin": "https://console.example.org.evil.example"}, False),
        ("DELETE", {"Origin": "https://evil.example"}, False),
    ],
)  # fmt: skip
def test_what_comes_from_a_page_of_ours(
    method: str, headers: Mapping[str, str], ours: bool
) -> None:
    told = {"Host": "console.example.org", **headers}
    assert is_ours(method, told, OURS) is ours


@pytest.mark.parametrize(
    ("origin", "domain"),
    [
        (OURS, "console.example.org"), ("http://localhost:9200", "localhost"),
        ("http://127.0.0.1:9200", ""), ("http://[::1]:9200", ""),
    ],
)  # fmt: skip
def test_passkeys_are_made_for_a_name(origin: str, domain: str) -> None:
    assert passkey_domain(origin) == domain


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("ada", True), ("Ada.L-1_x", True), ("a" * 40, True), ("a" * 41, False), ("", False),
        ("0639980000", False), ("été", False), ("a b", False), ("a\n", False), ("<b>", False),
    ],
)  # fmt: skip
def test_what_an_operator_may_be_called(name: str, good: bool) -> None:
    assert is_name(name) is good


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("06 39 98 00 01", True), ("il a le +33639980001", True), ("06.39.98.00.01 !", True),
        ("06-39-98-00-01", True), ("don de 1250,00 euros du 28 novembre", False),
        ("le 28/11/2026, ou 2026-11-28", False), ("12 34 56", False), ("", False),
    ],
)  # fmt: skip
def test_a_number_in_words_is_found_and_masked(words: str, found: bool) -> None:
    assert has_number(words) is found
    assert not has_number(mask(words))


def test_the_same_act_is_the_same_entry() -> None:
    give = ACTS["give"]
    once = body_of(give, "ab", "un don", {"amount_eur": " 12.50 ", "evil": "x"})
    assert once == {"amount_eur": "12.50", "note": "un don", "id": "console:ab"}
    assert source_of(once["id"]) == "console"
    assert act_of(once["id"]) == "ab"


def test_a_number_never_names_an_act() -> None:
    for act in ACTS.values():
        given = {field.name: "0639980001" for field in act.fields if field.name == "number"}
        assert "0639980001" not in subject_of(act, given, {"number": "0639980001"})


def test_a_cell_is_no_formula() -> None:
    assert cell("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert cell("un don") == "un don"


def test_the_book_says_whence_and_who() -> None:
    entry = {"at": "2026-11-28T12:00:00Z", "kind": "donation", "amount_microeuros": 1, "note": ""}
    ids = ("first", "console:ab", "console:gone", "import:bank:1", "odd:1")
    lines = read_lines([entry | {"id": one} for one in ids], {"ab": "ada"})
    assert [(line.source, line.actor) for line in lines] == [
        ("command", ""), ("import", ""), ("console", ""), ("console", "ada"), ("command", ""),
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from("abcde"), st.integers(-(10**12), 10**12)))
def test_a_bar_is_filled_and_nothing_overlaps(amounts: dict[str, int]) -> None:
    parts = split_bar(amounts)
    assert [part.code for part in parts] == [code for code, sum_ in amounts.items() if sum_ > 0]
    for part, after in pairwise(parts):
        assert part.at + part.width == pytest.approx(after.at, abs=0.02)
    if parts:
        assert sum(part.width for part in parts) == pytest.approx(WIDTH, abs=0.1)
