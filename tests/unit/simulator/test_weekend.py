from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from kernel.values.phone import FICTION
from simulator.weekend import DAYS, MALICIOUS, OWN_NUMBER, PARIS, Arrival, Kind, weekend


@pytest.fixture(scope="module")
def crowd() -> list[Arrival]:
    return list(weekend(2017))


def test_it_is_as_large_as_it_was(crowd: list[Arrival]) -> None:
    assert len(crowd) == 25_000
    assert sum(arrival.kind in MALICIOUS for arrival in crowd) == 16_000
    assert sum(arrival.at.date() == DAYS[3].date() for arrival in crowd) == 10_000


def test_it_is_in_time_order_from_friday_afternoon_to_monday_night(crowd: list[Arrival]) -> None:
    assert [a.at for a in crowd] == sorted(a.at for a in crowd)
    assert crowd[0].at >= DAYS[0].replace(hour=16)
    assert crowd[-1].at < DAYS[3] + timedelta(days=1)
    assert all(a.at.utcoffset() == a.at.astimezone(PARIS).utcoffset() for a in crowd)
    assert {arrival.at.utcoffset() for arrival in crowd} == {
        timedelta(hours=2),
        timedelta(hours=1),  # summer time ended that Sunday
    }


def test_the_same_seed_gives_the_same_and_another_does_not(crowd: list[Arrival]) -> None:
    assert list(weekend(2017)) == crowd
    assert list(weekend(2018)) != crowd


def test_ids_are_distinct(crowd: list[Arrival]) -> None:
    assert len({arrival.id for arrival in crowd}) == len(crowd)


def test_mobiles_are_of_the_fiction_range_and_each_belongs_to_one_kind(
    crowd: list[Arrival],
) -> None:
    kinds = defaultdict(set)
    for arrival in crowd:
        if arrival.sender.startswith("+33") and arrival.kind is not Kind.OWN_NUMBER:
            assert FICTION.fullmatch(arrival.sender)
            kinds[arrival.sender].add(arrival.kind)
    assert all(len(found) == 1 for found in kinds.values())
    assert 5_000 < len(kinds) <= 10_000


def test_a_troll_texts_by_the_hundred(crowd: list[Arrival]) -> None:
    texts = Counter(arrival.sender for arrival in crowd if arrival.kind is Kind.TROLL)
    assert texts.total() == 9_600
    assert max(texts.values()) > 800
    assert sum(count >= 200 for count in texts.values()) > len(texts) / 2


def test_a_raid_is_one_informative_text_from_many_within_the_hour(crowd: list[Arrival]) -> None:
    raids = defaultdict(list)
    for arrival in crowd:
        if arrival.kind is Kind.RAID:
            raids[arrival.text].append(arrival)
    assert sorted(len(raid) for raid in raids.values()) == [1_600, 2_400]
    for text, raid in raids.items():
        assert text is not None
        assert len("".join(filter(str.isalnum, text))) >= 25
        assert len({arrival.sender for arrival in raid}) == len(raid)
        assert raid[-1].at - raid[0].at <= timedelta(minutes=41)


def test_people_text_one_to_six_times_and_by_day(crowd: list[Arrival]) -> None:
    genuine = [arrival for arrival in crowd if arrival.kind is Kind.GENUINE]
    texts = Counter(arrival.sender for arrival in genuine)
    assert set(texts.values()) == {1, 2, 3, 4, 5, 6}
    hours = Counter(arrival.at.hour for arrival in genuine)
    assert hours[20] > 5 * hours[4]


def test_people_do_not_look_like_a_raid(crowd: list[Arrival]) -> None:
    said = defaultdict(set)
    for arrival in crowd:
        told = "".join(filter(str.isalnum, arrival.text or ""))
        if arrival.kind is Kind.GENUINE and len(told) >= 25:
            said[arrival.text, arrival.at.date()].add(arrival.sender)
    assert max(len(senders) for senders in said.values()) < 10


def test_there_is_some_of_everything(crowd: list[Arrival]) -> None:
    senders = defaultdict(set)
    for arrival in crowd:
        senders[arrival.kind].add(arrival.sender)
    assert set(senders) == set(Kind)
    assert senders[Kind.OWN_NUMBER] == {OWN_NUMBER}
    assert all(sender.startswith("+44") for sender in senders[Kind.FOREIGN])
    assert all(sender.isalpha() for sender in senders[Kind.ALPHANUMERIC])
    assert all(len(sender) == 5 for sender in senders[Kind.SHORT_CODE])
    assert any(arrival.text is None for arrival in crowd)
    stops = [a.text for a in crowd if a.kind is Kind.STOP and a.text != "Coucou"]
    assert stops
    assert all(text and text.lower().startswith("stop") for text in stops)


@pytest.mark.parametrize("scale", [0.001, 0.04, 0.5, 3])
def test_any_scale_keeps_the_shares(scale: float) -> None:
    crowd = list(weekend(1, scale))
    assert len(crowd) == pytest.approx(25_000 * scale, rel=0.02, abs=16)
    malicious = sum(arrival.kind in MALICIOUS for arrival in crowd)
    assert malicious == pytest.approx(16_000 * scale, rel=0.02, abs=6)
