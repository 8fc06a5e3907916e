"""What is counted, and what a verdict asks of the counts."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.filter.core.campaign import Alike
from services.filter.core.neighbours import NONE, Neighbours
from services.filter.core.retention import Retention, plan_cutoffs
from services.filter.core.sender import Deliberation, Sender, hear_message, inquire
from services.filter.core.signature import sign_text
from services.filter.core.tally import (
    BLOCK_BYTES,
    CALM_CONTACTS,
    CALM_DAYS,
    CONTACTS,
    DAY,
    DETAILS,
    HOUR,
    Inquiry,
    Question,
    Traits,
    add_counts,
    bucket_of,
    calm_keys,
    contact_keys,
    day_of,
    end_of,
    join,
    mark_keys,
)
from tests.unit.filter.cases import DAY as A_DAY
from tests.unit.filter.cases import HOUR as AN_HOUR
from tests.unit.filter.cases import KEY, MINUTE, NOW, RAID, RULES, arrival, blocks_of, pseudonym

MARKS = join(sign_text(RAID, KEY))
BLOCKS = join(blocks_of(1234))
FIRST, LAST = 100 * DAY + 50, 100 * DAY + 57
INQUIRY = Inquiry(Traits(MARKS, BLOCKS), FIRST, LAST)
Table = Counter[tuple[bytes, int]]


def answer(inquiry: Inquiry, counted: Table) -> dict[Question, int]:
    """As a store does."""
    return {
        question: sum(
            count
            for (key, bucket), count in counted.items()
            if key == question.key and question.first <= bucket <= question.last
        )
        for question in inquiry.questions()
    }


def count_contact(table: Table, bucket: int, marks: bytes = MARKS, blocks: bytes = BLOCKS) -> None:
    table.update((key, bucket) for key in [*contact_keys(blocks), *mark_keys(marks)])


def deliberated(**fields: Any) -> Deliberation:
    sender, _ = hear_message(Sender(pseudonym(1)), arrival(**fields), RULES, NOW)
    assert sender.deliberation is not None
    return sender.deliberation


keys = st.sampled_from([CONTACTS, *mark_keys(MARKS)[:2]])
places = st.dictionaries(st.tuples(keys, st.integers(0, 5)), st.integers(1, 9), max_size=9)


@given(places, places, st.lists(st.tuples(keys, st.integers(0, 5), st.integers(0, 5)), max_size=9))
def test_what_is_not_saved_yet_counts_as_what_is(
    saved: dict[tuple[bytes, int], int],
    fresh: dict[tuple[bytes, int], int],
    asked: list[tuple[bytes, int, int]],
) -> None:
    def count(counted: Table) -> dict[Question, int]:
        return {
            Question(key, first, last): sum(counted[key, n] for n in range(first, last + 1))
            for key, first, last in asked
        }

    answers = count(Counter(saved))
    add_counts(answers, fresh)
    assert answers == count(Counter(saved) + Counter(fresh))


@given(st.timedeltas(-1000 * A_DAY, 1000 * A_DAY), st.timedeltas(10 * MINUTE / 600, A_DAY))
def test_buckets_are_of_one_width_and_do_not_overlap(by: timedelta, width: timedelta) -> None:
    bucket = bucket_of(NOW + by, width)
    assert bucket_of(NOW + by + width, width) == bucket + 1
    assert bucket_of(NOW + by - width, width) == bucket - 1
    assert end_of(bucket - 1, width) <= NOW + by < end_of(bucket, width)
    assert day_of(bucket) <= bucket < day_of(bucket) + DAY


def test_those_of_an_hour_and_its_texts_are_found() -> None:
    table: Table = Counter()
    for bucket, count in ((FIRST - HOUR, 3), (FIRST, 5), (LAST, 7)):
        for _ in range(count):
            count_contact(table, bucket)
    for outside in (FIRST - HOUR - 1, LAST + 1):
        for _ in range(100):
            count_contact(table, outside)
    for _ in range(20):
        count_contact(table, FIRST, b"", join(blocks_of(1399)))
    answers = answer(INQUIRY, table)
    # Within the hour 15 of 35, within a day 115 of 135: that tells more.
    assert INQUIRY.alike(answers) == Alike(senders=115, contacts=135)
    # Of his hundred and of others, likewise.
    assert INQUIRY.neighbours(answers) == Neighbours(115, 115.0)


def test_within_the_hour_he_may_be_one_of_more_than_within_a_day() -> None:
    table: Table = Counter()
    for bucket, count, marks in ((FIRST - DAY, 4000, b""), (FIRST - HOUR, 15, MARKS)):
        table.update({(key, bucket): count for key in [CONTACTS, *mark_keys(marks)]})
    table[CALM_CONTACTS, day_of(FIRST)] = 850
    answers = answer(INQUIRY, table)
    assert INQUIRY.alike(answers) == Alike(15, 15, 0, 850)
    table[CONTACTS, FIRST - DAY - 1] = table[CONTACTS, LAST + 1] = 10**6
    assert answer(INQUIRY, table) == answers


def test_calm_is_of_the_last_days_and_of_this_one() -> None:
    table: Table = Counter()
    today = day_of(FIRST)
    for day, count in (
        (today, 1),
        (today - CALM_DAYS * DAY, 2),
        (today - (CALM_DAYS + 1) * DAY, 9),
    ):
        for _ in range(count):
            table.update((key, day) for key in calm_keys(Traits(MARKS, BLOCKS)))
    table.update((key, today) for key in calm_keys(Traits(b"", b"")))
    count_contact(table, FIRST)
    alike = INQUIRY.alike(answer(INQUIRY, table))
    assert (alike.calm_senders, alike.calm_contacts) == (3, 4)


def test_a_text_of_which_some_marks_are_changed_still_counts() -> None:
    table: Table = Counter()
    other = join(sign_text(RAID.replace("faites", "faite"), KEY))
    assert other != MARKS
    for _ in range(12):
        count_contact(table, FIRST, other)
    count_contact(table, FIRST)
    assert INQUIRY.alike(answer(INQUIRY, table)).senders == 13


def test_who_wrote_nothing_informative_is_like_nobody() -> None:
    inquiry = Inquiry(Traits(b"", BLOCKS), FIRST, LAST)
    table: Table = Counter()
    count_contact(table, FIRST)
    answers = answer(inquiry, table)
    assert inquiry.alike(answers) == Alike()
    assert {question.key[:1] for question in answers} >= {CONTACTS, CALM_CONTACTS, DETAILS[1]}
    assert DETAILS[0] not in {question.key[:1] for question in answers}


def test_a_number_without_blocks_has_no_neighbours() -> None:
    inquiry = Inquiry(Traits(b"", b""), FIRST, LAST)
    assert inquiry.questions() == []
    assert inquiry.neighbours({}) == NONE


def test_nothing_that_is_counted_is_taken_for_another_thing() -> None:
    same = b"x" * BLOCK_BYTES
    keys = [*contact_keys(same), *mark_keys(same), *calm_keys(Traits(same, b"x" * 3 * BLOCK_BYTES))]
    assert len(set(keys)) == len(keys) == 6
    assert {CONTACTS, CALM_CONTACTS} < set(keys)
    assert len(contact_keys(BLOCKS)) == 4
    # What is deleted first are the marks and blocks, not what is kept for a week.
    assert {key for key in keys if key[:1] in DETAILS} == {
        mark_keys(same)[0],
        contact_keys(same)[1],
    }


@given(st.timedeltas(timedelta(), A_DAY))
def test_only_whole_buckets_that_ended_before_it_was_due_are_asked_for(start: timedelta) -> None:
    case = deliberated(text=RAID, at=NOW + start)
    inquiry = inquire(case, RULES)
    assert inquiry.first == bucket_of(case.first_at, RULES.bucket)
    assert inquiry.last + 1 == bucket_of(case.due_at, RULES.bucket)
    assert bucket_of(case.due_at - RULES.bucket, RULES.bucket) == inquiry.last
    assert all(question.last <= inquiry.last for question in inquiry.questions())
    assert inquiry.first <= inquiry.last  # he is counted himself: the delay is longer


RETENTION = Retention(
    messages=200 * A_DAY,
    window=180 * A_DAY,
    silenced=3 * A_DAY,
    deliberated=4 * AN_HOUR,
    bucket=RULES.bucket,
)


@given(st.timedeltas(timedelta(), 4 * AN_HOUR), st.timedeltas(timedelta(), 9 * A_DAY))
def test_whatever_a_verdict_asks_for_is_kept_until_it_is_given(
    waited: timedelta, lag: timedelta
) -> None:
    case = deliberated(text=RAID, blocks=blocks_of(1))
    inquiry = Inquiry(
        Traits(case.marks, case.blocks),
        bucket_of(case.first_at, RULES.bucket),
        bucket_of(case.first_at + waited, RULES.bucket) - 1,
    )
    due_at = case.first_at + waited
    cutoffs = plan_cutoffs(due_at + lag, due_at + lag, due_at, RETENTION)
    for question in inquiry.questions():
        kept = cutoffs.details if question.key[:1] in DETAILS else cutoffs.contacts
        assert question.first >= kept


def test_what_is_read_late_keeps_more() -> None:
    read_until, due = NOW - 2 * A_DAY, NOW - 3 * A_DAY
    for cutoffs in (
        plan_cutoffs(NOW, read_until, None, RETENTION),
        plan_cutoffs(NOW, NOW, read_until, RETENTION),
        plan_cutoffs(read_until, NOW, None, RETENTION),
    ):
        assert cutoffs.answers == read_until - RETENTION.window
        assert cutoffs.silences == read_until - RETENTION.silenced
        assert cutoffs.details == bucket_of(read_until - A_DAY - 4 * AN_HOUR, RULES.bucket)
    assert plan_cutoffs(NOW, read_until, due, RETENTION).silences == due - RETENTION.silenced
    assert plan_cutoffs(NOW, read_until, due, RETENTION).messages == NOW - RETENTION.messages
