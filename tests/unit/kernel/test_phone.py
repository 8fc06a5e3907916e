"""What a From is. Besides our range of fiction: Arcep's fixed one and North America's 555-01xx."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kernel.values.phone import FICTION, OVERSEAS, classify_number, leaves_out_overseas
from kernel.values.sender import SenderKind

OWN = "+33639989999"
SENDER = "+33639980000"


@pytest.mark.parametrize(
    ("raw", "canonical", "kind", "country", "valid"),
    [
        (SENDER, SENDER, SenderKind.MOBILE, "FR", True),
        ("+33199001234", "+33199001234", SenderKind.FIXED, "FR", True),
        ("+12025550123", "+12025550123", SenderKind.MOBILE, "US", True),
        ("+883510000000000", "+883510000000000", SenderKind.OTHER, None, True),
        ("36184", "36184", SenderKind.SHORT_CODE, None, False),
        ("118", "118", SenderKind.SHORT_CODE, None, False),
        ("+36184", "+36184", SenderKind.UNKNOWN, None, False),
        ("BANQUE", "banque", SenderKind.ALPHANUMERIC, None, False),
        ("Info 24", "info 24", SenderKind.ALPHANUMERIC, None, False),
        ("much longer than a name", "much longer than a name", SenderKind.UNKNOWN, None, False),
        ("Anonymous", "anonymous", SenderKind.UNKNOWN, None, False),
        ("+33639XXXX", "+33639xxxx", SenderKind.UNKNOWN, None, False),
        ("", "", SenderKind.UNKNOWN, None, False),
        ("+3363998000", "+3363998000", SenderKind.UNKNOWN, None, False),
        ("+336399800000", "+336399800000", SenderKind.UNKNOWN, None, False),
        ("1" * 60, "+" + "1" * 60, SenderKind.UNKNOWN, None, False),
        (OWN, OWN, SenderKind.OWN, "FR", True),
        ("06 39 98 99 99", OWN, SenderKind.OWN, "FR", True),
    ],
)
def test_what_a_number_says_of_its_holder(
    raw: str, canonical: str, kind: SenderKind, country: str | None, *, valid: bool
) -> None:
    facts = classify_number(raw, OWN)
    assert (facts.canonical, facts.kind, facts.country) == (canonical, kind, country)
    assert facts.e164 == (canonical if valid else None)


@pytest.mark.parametrize(
    "raw",
    [
        "33639980000",
        "0033639980000",
        "+33 6 39 98 00 00",
        "+33 (0)6 39 98 00 00",
        "06.39.98.00.00",
        "06-39-98-00-00",
        "0639980000",
        "\u200e+33\u00a06\u00a039\u00a098\u00a000\u00a000",
        "\uff0b\uff13\uff13\uff16\uff13\uff19\uff19\uff18\uff10\uff10\uff10\uff10",
        "+\u0663\u0663\u0666\u0663\u0669\u0669\u0668\u0660\u0660\u0660\u0660",
    ],
)
def test_one_number_has_one_canonical_form(raw: str) -> None:
    assert classify_number(raw, OWN) == classify_number(SENDER, OWN)


def test_a_national_form_is_read_in_our_own_country() -> None:
    assert classify_number("0639980000", "+12025550123").canonical != SENDER


@given(st.integers(0, 9999))
def test_the_whole_range_of_fiction_is_french_mobile(number: int) -> None:
    raw = f"+3363998{number:04d}"
    facts = classify_number(raw, "")
    assert FICTION.fullmatch(raw)
    assert (facts.e164, facts.kind, facts.country) == (raw, SenderKind.MOBILE, "FR")


def test_the_short_way_says_of_the_whole_french_plan_what_the_long_one_says() -> None:
    """A space leads the long way. The plan tells numbers apart by four digits, fiction by five."""
    prefixes = [*range(1_000, 10_000), *range(60_000, 80_000)]
    numbers = {f"{prefix}{'012345678'[: 9 - len(str(prefix))]}" for prefix in prefixes}
    found = {number: classify_number(f"+33{number}", OWN) for number in numbers}
    wrong = [n for n, facts in found.items() if facts != classify_number(f"+33 {n}", OWN)]
    assert wrong == []
    mobiles = {n for n, facts in found.items() if facts.kind is SenderKind.MOBILE}
    assert 10_000 < len(mobiles) < 20_000
    assert {n[0] for n in mobiles} == {"6", "7"}


@given(
    st.sampled_from(["+33", "33", "0033", "0", "", "+330", "+34"]),
    st.from_regex(r"[67][0-9]{7,9}", fullmatch=True) | st.just("639989999"),
)
def test_both_ways_read_every_spelling_alike(code: str, number: str) -> None:
    assert classify_number(code + number, OWN) == classify_number(f"{code}{number} ", OWN)


@given(st.text(max_size=80))
@example("\ud800")
@example("+\x00")
@example("\u00b2\u00b3")
def test_rubbish_never_raises_and_is_stable(raw: str) -> None:
    facts = classify_number(raw, OWN)
    assert facts == classify_number(raw, OWN)
    assert "\x00" not in facts.canonical
    assert (facts.e164 is None) or facts.e164 == facts.canonical


@given(st.from_regex(r"\+?[0-9 ().-]{0,30}", fullmatch=True))
def test_a_canonical_number_is_its_own_canonical_form(raw: str) -> None:
    canonical = classify_number(raw, OWN).canonical
    assert classify_number(canonical, OWN).canonical == canonical


@pytest.mark.parametrize("region", OVERSEAS)
def test_a_mobile_overseas_is_of_a_country_of_its_own(region: str) -> None:
    mobile = phonenumbers.PhoneNumberType.MOBILE
    number = phonenumbers.example_number_for_type(region, mobile)
    assert number is not None
    raw = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert not raw.startswith("+33")
    facts = classify_number(raw, OWN)
    assert (facts.kind, facts.country) == (SenderKind.MOBILE, region)


def test_who_answers_french_numbers_and_names_no_overseas_leaves_it_out() -> None:
    assert leaves_out_overseas(["FR"])
    assert leaves_out_overseas(["BE", "FR"])
    assert not leaves_out_overseas(["BE"])
    assert not leaves_out_overseas(["FR", "RE"])
