import ast
import json
from collections import Counter, defaultdict
from datetime import timedelta
from functools import cache
from inspect import getsource
from itertools import pairwise

import pytest

from antirelou.commands.rehearse.trace import parse_trace
from kernel.values.phone import classify_number
from kernel.values.sender import SenderKind
from simulator.floods import third, third_people, third_trolls, third_writing
from simulator.floods.arrival import Arrival, FloodKind, paris_time, trace_line

OWN_NUMBER = "+33937000000"
SCALE = 0.1
SINCERE = {FloodKind.VIRAL, FloodKind.VIRAL_SENTENCE}
POSTS = {*SINCERE, FloodKind.VIRAL_RAID}
ATTACKS = [kind for kind in third.KINDS if kind not in SINCERE]
each_kind = pytest.mark.parametrize("kind", third.KINDS)
each_attack = pytest.mark.parametrize("kind", ATTACKS)
some_seeds = pytest.mark.parametrize("seed", [1, 2, 3])

SHARES = {
    FloodKind.HOUR_ZERO: (0.55, 0.85),
    FloodKind.ROTATION: (0.60, 0.83),
    FloodKind.POISON: (0.60, 0.83),
    FloodKind.THRESHOLDS: (0.55, 0.83),
    FloodKind.MIMIC_WAVE: (0.60, 0.85),
    FloodKind.MIMIC_DRIP: (0.45, 0.80),
    FloodKind.RAMP: (0.55, 0.85),
    FloodKind.VIRAL: (0, 0),
    FloodKind.VIRAL_SENTENCE: (0, 0),
    FloodKind.VIRAL_RAID: (0.30, 0.62),
}
"""The least and the most share of attackers' texts."""


@cache
def crowd(kind: FloodKind, seed: int = 1, scale: float = SCALE) -> tuple[Arrival, ...]:
    return tuple(third.flood(kind, seed, scale))


def texts_by_sender(kind: FloodKind, seed: int = 1, *, genuine: bool) -> dict[str, list[Arrival]]:
    found = defaultdict(list)
    for arrival in crowd(kind, seed):
        if arrival.genuine is genuine:
            found[arrival.sender].append(arrival)
    return found


def attack(kind: FloodKind, seed: int = 1) -> list[Arrival]:
    return [arrival for arrival in crowd(kind, seed) if not arrival.genuine]


def share_within(arrivals: list[Arrival], hours: float) -> float:
    """The largest share of them that so many hours hold."""
    times = [arrival.at for arrival in arrivals]
    best, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] > timedelta(hours=hours):
            first += 1
        best = max(best, last - first + 1)
    return best / len(times)


@each_kind
def test_the_same_seed_gives_the_same_and_another_does_not(kind: FloodKind) -> None:
    again = tuple(third.flood(kind, 1, SCALE))
    assert again == crowd(kind)
    assert crowd(kind, 2) != again


@each_kind
def test_it_is_in_time_order_with_distinct_ids(kind: FloodKind) -> None:
    arrivals = crowd(kind)
    assert all(before.at <= after.at for before, after in pairwise(arrivals))
    assert len({arrival.id for arrival in arrivals}) == len(arrivals)
    assert timedelta(days=2.9) < arrivals[-1].at - arrivals[0].at <= timedelta(days=7)


@each_kind
def test_each_line_is_a_trace_s_and_tells_nothing_more(kind: FloodKind) -> None:
    lines = [trace_line(arrival).encode() for arrival in crowd(kind)]
    assert set(json.loads(lines[0])) == {"at", "id", "from", "text"}
    assert [line.id for line in parse_trace(lines)] == [arrival.id for arrival in crowd(kind)]


@each_kind
def test_nobody_is_both_and_all_numbers_are_french_mobiles(kind: FloodKind) -> None:
    people, attackers = (set(texts_by_sender(kind, genuine=side)) for side in (True, False))
    assert people.isdisjoint(attackers)
    facts = [classify_number(sender, OWN_NUMBER) for sender in people | attackers]
    assert {(fact.kind, fact.country) for fact in facts} == {(SenderKind.MOBILE, "FR")}


@each_kind
@some_seeds
def test_sizes_and_shares(kind: FloodKind, seed: int) -> None:
    arrivals = crowd(kind, seed)
    assert 3000 * SCALE <= len(arrivals) <= 25_000 * SCALE
    least, most = SHARES[kind]
    assert least <= len(attack(kind, seed)) / len(arrivals) <= most


def test_scale_is_a_share_of_the_size() -> None:
    large, small = (len(crowd(FloodKind.MIMIC_DRIP, 4, scale)) for scale in (0.4, SCALE))
    assert small / large == pytest.approx(0.25, abs=0.1)


@each_attack
def test_a_calm_crowd_is_in_each(kind: FloodKind) -> None:
    people = texts_by_sender(kind, genuine=True)
    each = Counter(len(sent) for sent in people.values())
    if kind not in POSTS:
        assert 1000 * SCALE <= len(people) <= 1650 * SCALE
        assert 0.3 < each[1] / len(people) < 0.7
    assert max(each) <= 30, "nobody genuine is a flood"
    assert sum(each[count] for count in range(1, 7)) > 0.85 * len(people)
    assert len({arrival.at.hour for sent in people.values() for arrival in sent}) > 15


def test_people_write_in_many_ways() -> None:
    arrivals = [arrival for kind in ATTACKS for arrival in crowd(kind) if arrival.genuine]
    texts = [arrival.text for arrival in arrivals]
    written = [text for text in texts if text]
    assert len(set(texts)) > 0.6 * len(texts)
    assert None in texts
    assert min(map(len, written)) < 4
    assert any("é" in text for text in written)
    assert any("😊" in text for text in written)
    assert any("m3ak" in text.lower() for text in written)
    assert max(map(len, written)) > 250
    assert 0.1 < sum(text[0].islower() for text in written) / len(written) < 0.9


def test_some_men_met_at_one_place_in_one_evening() -> None:
    people = texts_by_sender(FloodKind.MIMIC_DRIP, genuine=True)
    firsts = [sent[0] for sent in people.values()]
    near = Counter(
        (place, arrival.at.date())
        for place in ("gare", "supersonic", "festival", "quais", "macumba", "karaok", "concert")
        for arrival in firsts
        if place in (arrival.text or "").lower()
    )
    assert max(near.values()) >= 2


@some_seeds
def test_hour_zero_begins_with_the_attack(seed: int) -> None:
    arrivals = crowd(FloodKind.HOUR_ZERO, seed)
    calm = next(arrival.at for arrival in arrivals if arrival.genuine)
    assert not arrivals[0].genuine
    before = [arrival for arrival in arrivals if arrival.at < calm]
    assert len(before) >= 5
    assert arrivals[1].at - arrivals[0].at < timedelta(minutes=1)
    assert share_within(attack(FloodKind.HOUR_ZERO, seed), 24) > 0.4


@some_seeds
def test_in_rotation_a_sim_sends_12_to_29_and_then_the_next_does(seed: int) -> None:
    sims = texts_by_sender(FloodKind.ROTATION, seed, genuine=False)
    assert {len(sent) for sent in sims.values()} <= set(range(12, 30))
    assert len(sims) >= 25
    spans = [(sent[0].at, sent[-1].at) for sent in sims.values()]
    at_once = [sum(first <= at <= last for first, last in spans) for at, _ in spans]
    assert max(at_once) <= 6


@some_seeds
def test_poison_teaches_sincere_words_in_bursts_before_it_attacks(seed: int) -> None:
    senders = texts_by_sender(FloodKind.POISON, seed, genuine=False)
    bursts = [sent for sent in senders.values() if len(sent) >= 25]
    assert len(bursts) >= 4
    assert all(sent[-1].at - sent[0].at < timedelta(hours=1.2) for sent in bursts)
    men = {(arrival.text or "").lower() for arrival in crowd(FloodKind.POISON, seed)}
    taught = [(arrival.text or "").lower() for sent in bursts for arrival in sent]
    assert sum(text in men for text in taught) > 0.3 * len(taught)
    last_burst = max(sent[-1].at for sent in bursts)
    attacked = [sent for sent in senders.values() if len(sent) < 4 and sent[0].at > last_burst]
    assert len(attacked) > 0.3 * len(senders)


@some_seeds
def test_thresholds_hug_what_one_may_guess(seed: int) -> None:
    senders = texts_by_sender(FloodKind.THRESHOLDS, seed, genuine=False)
    sent = attack(FloodKind.THRESHOLDS, seed)
    assert all(len(arrival.text or "") < third.BRIEF_LETTERS for arrival in sent)
    assert 2 <= max(Counter(arrival.text for arrival in sent).values()) <= 4
    (each,) = {len(texts) for texts in senders.values()}
    assert 2 <= each <= 4
    gaps = [b.at - a.at for texts in senders.values() for a, b in pairwise(texts)]
    assert timedelta(minutes=5) < min(gaps) <= max(gaps) < 1.1 * min(gaps)
    numbers = sorted(int(sender) for sender in senders)
    steps = Counter(after - before for before, after in pairwise(numbers))
    assert steps.most_common(1)[0][1] > 0.95 * (len(numbers) - 1)
    days = Counter((arrival.at - sent[0].at).days for arrival in sent)
    whole = [days[day] for day in range(max(days))]
    assert min(whole) > 0.85 * max(whole)


@some_seeds
def test_mimics_come_in_a_wave_or_in_a_drip(seed: int) -> None:
    wave, drip = attack(FloodKind.MIMIC_WAVE, seed), attack(FloodKind.MIMIC_DRIP, seed)
    assert share_within(wave, 11) > 0.85
    lasts = (drip[-1].at - drip[0].at) / timedelta(days=1)
    assert lasts > 2.4
    assert share_within(drip, 11) < 1.1 / lasts, "eleven hours hold no more than an even day"
    for arrivals in (wave, drip):
        each = Counter(arrival.sender for arrival in arrivals)
        assert max(each.values()) <= 4
        texts = {arrival.text for arrival in arrivals}
        assert len(texts) > 0.6 * len(arrivals)


@some_seeds
def test_a_ramp_grows_from_nothing(seed: int) -> None:
    sent = attack(FloodKind.RAMP, seed)
    whole = (sent[-1].at - sent[0].at) / 3
    thirds = Counter(min(int((arrival.at - sent[0].at) / whole), 2) for arrival in sent)
    assert thirds[0] < 0.5 * thirds[1] < 0.5 * thirds[2]
    assert thirds[0] < 0.15 * len(sent)
    assert thirds[2] > 0.5 * len(sent)


@some_seeds
def test_virality_is_an_evening_of_people_and_some_days_after(seed: int) -> None:
    arrivals = list(crowd(FloodKind.VIRAL, seed))
    assert all(arrival.genuine for arrival in arrivals)
    assert 5000 * SCALE <= len({arrival.sender for arrival in arrivals}) <= 11_000 * SCALE
    assert share_within(arrivals, 8) > 0.25
    assert len({arrival.text for arrival in arrivals}) > 0.6 * len(arrivals)
    busiest = Counter(paris_time(arrival.at.timestamp()).hour for arrival in arrivals)
    assert busiest.most_common(1)[0][0] >= 18


@some_seeds
def test_a_viral_sentence_is_sent_by_some_as_it_is_and_by_some_changed(seed: int) -> None:
    arrivals = crowd(FloodKind.VIRAL_SENTENCE, seed)
    assert all(arrival.genuine for arrival in arrivals)
    sentence, times = Counter(arrival.text for arrival in arrivals).most_common(1)[0]
    assert sentence in third_people.SENTENCES
    assert 0.35 * 750 * SCALE < times < 0.85 * 750 * SCALE
    start = str(sentence)[8:20].lower()
    changed = {arrival.text for arrival in arrivals if start in (arrival.text or "").lower()}
    assert len(changed) > 8


@some_seeds
def test_a_viral_raid_is_people_and_trolls_in_the_same_hours(seed: int) -> None:
    arrivals = list(crowd(FloodKind.VIRAL_RAID, seed))
    trolls = attack(FloodKind.VIRAL_RAID, seed)
    middle = trolls[len(trolls) // 2].at
    near = [arrival for arrival in arrivals if abs(arrival.at - middle) < timedelta(hours=4)]
    people = sum(arrival.genuine for arrival in near)
    assert people > 100
    assert len(near) - people > 100


@pytest.mark.parametrize("kind", ["tsunami", FloodKind.RAID])
def test_a_kind_that_it_does_not_make_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match=kind):
        next(third.flood(kind, 1))


def test_it_shares_nothing_with_the_other_generators_nor_with_the_judge() -> None:
    for module in (third, third_people, third_trolls, third_writing):
        imported = {
            node.module or ""
            for node in ast.walk(ast.parse(getsource(module)))
            if isinstance(node, ast.ImportFrom)
        }
        ours = {name for name in imported if name.startswith(("simulator", "services", "kernel"))}
        allowed = ("simulator.floods.arrival", "simulator.floods.third")
        assert all(name.startswith(allowed) for name in ours)


def test_people_and_attackers_speak_of_other_places_and_names() -> None:
    assert not set(third_people.MEN["prenom"]) & set(third_trolls.MIMICS["nom"])
    assert not set(third_people.MEN["lieu"]) & set(third_trolls.MIMICS["ou"])
    assert not set(third_people.MEN["opening"]) & set(third_trolls.MIMICS["open"])
