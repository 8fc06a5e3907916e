import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from importlib import import_module
from itertools import pairwise, product

import pytest

from antirelou.commands.rehearse.trace import parse_trace
from kernel.values.phone import FICTION, classify_number
from kernel.values.sender import SenderKind
from simulator.floods import first, second, third
from simulator.floods.arrival import Arrival, FloodKind, trace_line

FLOODS: dict[str, Callable[[str, int, float], Iterator[Arrival]]] = {
    "first": first.flood,
    "second": second.flood,
}
OWN_NUMBER = "+33937000000"
SCALE = 0.1
SMALL = {FloodKind.VIRALITY: 0.02}
KINDS = [kind for kind in FloodKind if kind not in third.KINDS]
ATTACKS = [
    kind for kind in KINDS if kind not in {FloodKind.CALM, FloodKind.WEEKEND, FloodKind.VIRALITY}
]
both = pytest.mark.parametrize("generator", list(FLOODS))
each_kind = pytest.mark.parametrize("kind", KINDS)


@cache
def crowd(generator: str, kind: FloodKind, seed: int = 1) -> tuple[Arrival, ...]:
    return tuple(FLOODS[generator](kind, seed, SMALL.get(kind, SCALE)))


def attackers(generator: str, kind: FloodKind, seed: int = 1) -> dict[str, list[Arrival]]:
    found = defaultdict(list)
    for arrival in crowd(generator, kind, seed):
        if not arrival.genuine:
            found[arrival.sender].append(arrival)
    return found


def plain(text: str) -> str:
    return re.sub(r"\W", "", text.casefold()) or text


@both
@each_kind
def test_the_same_seed_gives_the_same_and_another_does_not(generator: str, kind: FloodKind) -> None:
    again = tuple(FLOODS[generator](kind, 1, SMALL.get(kind, SCALE)))
    assert again == crowd(generator, kind)
    assert crowd(generator, kind, 2) != again


@both
@each_kind
def test_it_is_in_time_order_with_distinct_ids(generator: str, kind: FloodKind) -> None:
    arrivals = crowd(generator, kind)
    assert all(before.at <= after.at for before, after in pairwise(arrivals))
    assert len({arrival.id for arrival in arrivals}) == len(arrivals)
    lasts = arrivals[-1].at - arrivals[0].at
    assert timedelta(days=2.5) < lasts <= timedelta(days=7.1)


@both
@each_kind
def test_each_line_is_a_trace_s_and_tells_nothing_more(generator: str, kind: FloodKind) -> None:
    lines = [trace_line(arrival).encode() for arrival in crowd(generator, kind)]
    assert set(json.loads(lines[0])) == {"at", "id", "from", "text"}
    assert [line.id for line in parse_trace(lines)] == [a.id for a in crowd(generator, kind)]


@both
@each_kind
def test_nobody_is_both_and_the_genuine_are_french_mobiles(generator: str, kind: FloodKind) -> None:
    genuine = {arrival.sender for arrival in crowd(generator, kind) if arrival.genuine}
    assert genuine.isdisjoint(attackers(generator, kind))
    facts = [classify_number(sender, OWN_NUMBER) for sender in genuine]
    assert {(fact.kind, fact.country) for fact in facts} == {(SenderKind.MOBILE, "FR")}


@both
@pytest.mark.parametrize("kind", ATTACKS)
def test_at_full_size_there_are_a_thousand_people_and_more(generator: str, kind: FloodKind) -> None:
    genuine = {arrival.sender for arrival in crowd(generator, kind) if arrival.genuine}
    assert 1000 * SCALE <= len(genuine) <= 2000 * SCALE
    assert attackers(generator, kind)


@both
def test_people_write_in_many_ways(generator: str) -> None:
    arrivals = crowd(generator, FloodKind.CALM)
    texts = Counter(arrival.text for arrival in arrivals)
    each = Counter(arrival.sender for arrival in arrivals)
    assert texts[None]
    assert len(texts) > 0.4 * len(arrivals)
    assert max(map(len, filter(None, texts))) > 60
    assert min(map(len, filter(None, texts))) < 5
    assert 0.3 < sum(count == 1 for count in each.values()) / len(each) < 0.8
    assert max(each.values()) > 5
    assert max(each.values()) <= 30, "nobody genuine is a flood"
    assert len({arrival.at.hour for arrival in arrivals}) > 15


@both
def test_heavy_is_few_with_a_thousand_texts_each(generator: str) -> None:
    texts = [len(sent) for sent in attackers(generator, FloodKind.HEAVY).values()]
    assert len(texts) <= 6
    assert all(400 < count < 1800 for count in texts)


@both
def test_a_raid_is_many_with_one_to_three_texts_in_their_own_words(generator: str) -> None:
    raid = attackers(generator, FloodKind.RAID)
    texts = Counter(arrival.text for sent in raid.values() for arrival in sent)
    assert len(raid) > 200
    assert {len(sent) for sent in raid.values()} == {1, 2, 3}
    assert len(texts) > texts.total() / 2


@both
def test_copy_paste_is_one_text_or_several_changed_a_little(generator: str) -> None:
    pasted = attackers(generator, FloodKind.COPY_PASTE)
    texts = Counter(arrival.text or "" for sent in pasted.values() for arrival in sent)
    assert len(pasted) >= 200
    assert len(texts) > texts.total() / 4
    assert all(len(text) >= 60 for text in texts)


@both
def test_a_gateway_has_numbers_in_sequence_and_others_from_abroad(generator: str) -> None:
    senders = attackers(generator, FloodKind.GATEWAY)
    facts = {sender: classify_number(sender, OWN_NUMBER) for sender in senders}
    kinds = {fact.kind for fact in facts.values()}
    assert {SenderKind.ALPHANUMERIC, SenderKind.SHORT_CODE, SenderKind.MOBILE} <= kinds
    assert any(fact.country not in {"FR", None} for fact in facts.values())
    numbers = sorted(int(sender) for sender, fact in facts.items() if fact.country == "FR")
    steps = [after - before for before, after in pairwise(numbers)]
    assert len(numbers) > 100
    assert sum(step <= 3 for step in steps) > 0.95 * len(steps)


@both
def test_a_drip_is_one_text_each_evenly(generator: str) -> None:
    senders = attackers(generator, FloodKind.DRIP)
    assert {len(sent) for sent in senders.values()} == {1}
    times = sorted(sent[0].at for sent in senders.values())
    halfway = times[0] + (times[-1] - times[0]) / 2
    assert sum(time < halfway for time in times) / len(times) == pytest.approx(0.5, abs=0.02)
    assert times[-1] - times[0] > timedelta(days=2.5)


@both
def test_a_mixture_has_hammerers_and_machines_and_many_with_one_text(generator: str) -> None:
    texts = [len(sent) for sent in attackers(generator, FloodKind.MIXTURE).values()]
    assert max(texts) > 400
    assert texts.count(1) > 100
    assert any(not sender.startswith("+") for sender in attackers(generator, FloodKind.MIXTURE))


@both
def test_the_weekend_is_as_large_as_it_was(generator: str) -> None:
    arrivals = crowd(generator, FloodKind.WEEKEND)
    malicious = sum(not arrival.genuine for arrival in arrivals)
    assert len(arrivals) == pytest.approx(25_000 * SCALE, rel=0.01)
    assert malicious == pytest.approx(16_000 * SCALE, rel=0.04)  # the first counts STOP and adverts
    assert arrivals[0].at.isoformat() > "2017-10-27T16"
    assert arrivals[-1].at.isoformat() <= "2017-10-31T00:00:00"


@both
def test_virality_is_all_genuine_all_different_and_calm(generator: str) -> None:
    arrivals = crowd(generator, FloodKind.VIRALITY)
    assert all(arrival.genuine for arrival in arrivals)
    each = Counter(arrival.sender for arrival in arrivals)
    assert len(each) == 100_000 * SMALL[FloodKind.VIRALITY]
    assert max(each.values()) == 2
    days = Counter((arrival.at - arrivals[0].at).days for arrival in arrivals)
    assert days[0] + days[1] > 0.4 * len(arrivals)
    assert days[6] > 0
    assert all(days[day] > days[day + 2] for day in range(4))


@both
def test_attacks_begin_at_different_times_and_last_differently(generator: str) -> None:
    windows = []
    for seed in range(1, 5):
        arrivals = crowd(generator, FloodKind.RAID, seed)
        attack = [arrival.at for arrival in arrivals if not arrival.genuine]
        windows.append((attack[0] - arrivals[0].at, attack[-1] - attack[0]))
    hours = [(begins / timedelta(hours=1), lasts / timedelta(hours=1)) for begins, lasts in windows]
    assert any(begins < 3 for begins, _ in hours)
    assert any(begins > 20 for begins, _ in hours)
    assert any(lasts < 3 for _, lasts in hours)
    assert any(lasts > 18 for _, lasts in hours)


def test_only_the_first_keeps_to_the_range_of_fiction() -> None:
    def fiction(generator: str) -> float:
        senders = {arrival.sender for arrival in crowd(generator, FloodKind.RAID)}
        return sum(bool(FICTION.fullmatch(sender)) for sender in senders) / len(senders)

    assert fiction("first") == 1
    assert fiction("second") < 0.01


def test_no_text_of_one_is_the_other_s() -> None:
    texts = {
        generator: {
            plain(arrival.text)
            for kind, seed in product(KINDS, (1, 2))
            for arrival in crowd(generator, kind, seed)
            if arrival.text is not None
        }
        for generator in FLOODS
    }
    assert not texts["first"] & texts["second"]
    assert min(map(len, texts.values())) > 3000


def test_no_module_of_one_imports_the_other_s() -> None:
    for name, others in (
        ("first", ("second", "writing")),
        ("second", ("first", "weekend", "crowd_texts")),
        ("writing", ("first", "weekend", "crowd_texts")),
    ):
        module = import_module(f"simulator.floods.{name}")
        imported = {getattr(value, "__name__", "") for value in vars(module).values()}
        imported |= {getattr(value, "__module__", "") for value in vars(module).values()}
        assert not any(one.endswith(others) for one in imported if one.startswith("simulator"))


@both
def test_a_kind_that_is_none_is_refused(generator: str) -> None:
    with pytest.raises(ValueError, match="tsunami"):
        next(FLOODS[generator]("tsunami", 1, 1.0))
