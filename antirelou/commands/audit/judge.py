"""Whether the invariants of docs/design.md §7 hold, by facts alone. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise

from antirelou.commands.audit.facts import (
    GIFTS,
    RESERVED,
    SPENT_RECEIVE,
    SPENT_REPLY,
    Books,
    Facts,
    Finding,
    Judgement,
    Logged,
    OutboxRow,
    ReplyRow,
    Told,
)
from kernel.facts.topics import BILLING_GROUP, FILTER_GROUP, RESPONDER_GROUP
from kernel.values.money import convert_microunits
from services.billing.core.gift import SETTLEMENT

WRONG, UNDER_WAY = "wrong", "under way"
Note = tuple[str, str, str]
"""Whether it is wrong or under way, what it is, and whose id it is."""

OPEN = ("sending", "uncertain")
UNKNOWN = (*OPEN, "unresolved")
UNCERTAIN_SMS = "an SMS of a reply whose send is uncertain"
WITHOUT_SMS = ("expired", "refused", "failed")
UNENDED = {
    "waiting": "replies that wait to be paid for",
    "authorized": "replies that are to be sent",
    "sending": "replies that are being sent",
    "uncertain": "replies whose send is uncertain",
    "unresolved": "replies that a person decides about (antirelou unresolved list)",
}
CHARGED = ("sent", "delivered", "undelivered", "failed")
"""States of the provider's log in which its charge stands."""


def judge(facts: Facts) -> list[Judgement]:
    """Hold the facts against every invariant."""
    rows = [
        ("I1", "nothing lost", len(facts.received) + len(facts.books.replies), _lost(facts)),
        ("I2", "nothing overspent", len(facts.books.reserves), _overspent(facts)),
        ("I3", "nobody answered twice", len(facts.books.replies), _doubled(facts)),
        ("I4", "the books balance", _count_booked(facts), _unbalanced(facts)),
        ("I5", "told twice is told the same", _count_told(facts), _retold(facts)),
        ("I6", "no number outside its places", facts.scanned, _leaked(facts)),
    ]
    return [
        Judgement(name, claim, examined, *_sort(list(notes)))
        for name, claim, examined, notes in rows
    ]


def _sort(notes: Iterable[Note]) -> tuple[list[Finding], list[Finding]]:
    by_kind: dict[str, dict[str, list[str]]] = {WRONG: {}, UNDER_WAY: {}}
    for kind, what, about in notes:
        by_kind[kind].setdefault(what, []).append(about)
    wrong, under_way = (
        [Finding(what, sorted(set(ids))) for what, ids in by_kind[kind].items()]
        for kind in (WRONG, UNDER_WAY)
    )
    return wrong, under_way


# -- I1 ------------------------------------------------------------------------------------------


def _lost(facts: Facts) -> Iterator[Note]:
    for message_id, told in facts.received.items():
        yield from _lost_message(facts, message_id, told)
    for message_id, told in facts.judged.items():
        yield from _lost_verdict(facts, message_id, told)
    for reply_id, reply in facts.books.replies.items():
        yield from _lost_reply(facts, reply_id, reply)
    for reply_id, row in facts.outbox.items():
        yield from _lost_change(facts, reply_id, row)
    yield from _lost_at_the_door(facts)


def _lost_at_the_door(facts: Facts) -> Iterator[Note]:
    logged_by_id = facts.provider.received if facts.provider is not None else {}
    for message_id, logged in logged_by_id.items():
        if message_id in facts.books.receipts or message_id in facts.received:
            continue
        if logged.state == "delivered":
            yield WRONG, "acknowledged to the provider, and nowhere", message_id
        else:
            yield UNDER_WAY, "in the provider's log alone; backfill brings it", message_id


def _lost_message(facts: Facts, message_id: str, told: Told) -> Iterator[Note]:
    if told.dead:
        yield UNDER_WAY, "on the dead topic of sms.received", message_id
        return
    row = facts.messages.get(message_id)
    if FILTER_GROUP in told.unread:
        yield UNDER_WAY, "not read by the filter", message_id
    elif row is None:
        if message_id not in facts.judged:
            yield WRONG, "read by the filter, and without a verdict", message_id
    elif row.verdict is None:
        yield UNDER_WAY, "deliberated", message_id
    elif message_id not in facts.judged:
        kind = WRONG if row.emitted else UNDER_WAY
        yield kind, "judged, and not on sms.judged", message_id
    if message_id not in facts.books.receipts:
        kind = UNDER_WAY if BILLING_GROUP in told.unread else WRONG
        yield kind, "not booked as received", message_id


def _lost_verdict(facts: Facts, message_id: str, told: Told) -> Iterator[Note]:
    row = facts.messages.get(message_id)
    said = set(told.said)
    if row is not None and row.verdict is not None:
        said.add(row.verdict)
    if len(said) > 1:
        yield WRONG, "more than one verdict", message_id
    if told.dead:
        yield UNDER_WAY, "on the dead topic of sms.judged", message_id
        return
    heard = facts.books.verdicts.get(message_id)
    if heard is None:
        kind = UNDER_WAY if BILLING_GROUP in told.unread else WRONG
        yield kind, "a verdict that billing does not have", message_id
    elif heard not in said:
        yield WRONG, "billing has another verdict", message_id
    elif heard.startswith("reply ") and message_id not in facts.books.replies:
        yield WRONG, "deserved a reply, and is not among billing's replies", message_id


def _lost_reply(facts: Facts, reply_id: str, reply: ReplyRow) -> Iterator[Note]:
    if reply.state in UNENDED:
        yield UNDER_WAY, UNENDED[reply.state], reply_id
    if reply.reservation == "none" or reply_id in facts.outbox:
        return
    told = facts.authorized.get(reply_id)
    if told is None:
        kind = WRONG if reply.told else UNDER_WAY
        yield kind, "authorised, and not on replies.authorized", reply_id
    elif told.dead:
        yield UNDER_WAY, "on the dead topic of replies.authorized", reply_id
    else:
        kind = UNDER_WAY if RESPONDER_GROUP in told.unread else WRONG
        yield kind, "authorised, and not in the outbox", reply_id


def _lost_change(facts: Facts, reply_id: str, row: OutboxRow) -> Iterator[Note]:
    reply = facts.books.replies.get(reply_id)
    heard = -1 if reply is None else reply.sequence
    if row.sequence > heard:
        place = (reply_id, row.sequence)
        told = facts.changed.get(place)
        waits = place in facts.untold or (
            told is not None and (told.dead or BILLING_GROUP in told.unread)
        )
        yield UNDER_WAY if waits else WRONG, "a change that billing has not heard", reply_id
    elif reply is not None and row.sequence == heard and row.state != reply.state:
        yield WRONG, f"{row.state} in the outbox, {reply.state} in the books", reply_id


# -- I2 ------------------------------------------------------------------------------------------


def _overspent(facts: Facts) -> Iterator[Note]:
    books, rules = facts.books, facts.rules
    for reply_id, reply in books.replies.items():
        if reply.reservation == "none" or not reply.price_microeuros:
            continue
        if reply.price_microeuros + rules.receive_microeuros > rules.cap_microeuros:
            yield WRONG, "authorised above the cap", reply_id
        if books.reserves.get(reply_id) != (1, reply.price_microeuros):
            yield WRONG, "not reserved once, at its price", reply_id
    for reply_id in books.reserves.keys() - books.replies.keys():
        yield WRONG, "reserved for a reply that is none", reply_id
    for reply_id in books.uncovered:
        yield WRONG, "reserved with money that was not there", reply_id
    # What was corrected, or found to cost more, later on says nothing of the time of a reservation.
    given = books.corrected - books.accounts.get("donations", 0) + books.counted
    if sum(map(_take, books.replies.values())) > given:
        yield WRONG, "replies took more than was given", SPENT_REPLY


def _take(reply: ReplyRow) -> int:
    """What a reply holds, or has cost, of its reservation."""
    if reply.reservation == "pending":
        return reply.price_microeuros
    return min(reply.cost_microeuros, reply.price_microeuros)


# -- I3 ------------------------------------------------------------------------------------------


def _doubled(facts: Facts) -> Iterator[Note]:
    yield from _answered_twice(facts)
    yield from _open_twice(facts)
    yield from _sent_twice(facts)


def _answered_twice(facts: Facts) -> Iterator[Note]:
    by_sender: dict[str, list[tuple[str, ReplyRow]]] = defaultdict(list)
    for reply_id, reply in facts.books.replies.items():
        if reply.kind == "reply" and reply.state not in WITHOUT_SMS:
            by_sender[reply.sender].append((reply_id, reply))
    for replies in by_sender.values():
        replies.sort(key=lambda pair: pair[1].due_at)
        for (_, first), (reply_id, second) in pairwise(replies):
            if second.due_at < first.due_at + facts.rules.window:
                yield WRONG, "a second reply to one sender within the window", reply_id


def _open_twice(facts: Facts) -> Iterator[Note]:
    open_ = Counter(row.sender for row in facts.outbox.values() if row.state in OPEN)
    for sender, count in open_.items():
        if count > 1:
            yield WRONG, "two open sends to one number", sender
    named = Counter(row.message_id for row in facts.outbox.values() if row.message_id)
    for message_id, count in named.items():
        if count > 1:
            yield WRONG, "one SMS stands for two replies", message_id


def _sent_twice(facts: Facts) -> Iterator[Note]:
    """Every SMS in the provider's log is one reply's, or may be that of one nobody is sure of."""
    if facts.provider is None:
        return
    known = {row.message_id for row in facts.outbox.values()}
    unsure = Counter(
        row.sender
        for row in facts.outbox.values()
        if row.message_id is None and row.state in UNKNOWN
    )
    for message_id, logged in facts.provider.sent.items():
        if message_id in known or logged.state == "failed":
            continue
        phone = logged.phone if logged.phone is not None else next(iter(+unsure), "")
        if unsure[phone] > 0:
            unsure[phone] -= 1
            yield UNDER_WAY, UNCERTAIN_SMS, message_id
        else:
            yield WRONG, "an SMS that is no reply's", message_id


# -- I4 ------------------------------------------------------------------------------------------


def _unbalanced(facts: Facts) -> Iterator[Note]:
    books = facts.books
    if sum(books.accounts.values()):
        yield WRONG, "the sum over all accounts is not zero", "accounts"
    for name in sorted(books.accounts.keys() | books.moved.keys()):
        if books.accounts.get(name, 0) != books.moved.get(name, 0):
            yield WRONG, "an account is not the sum of its transfers", name
    yield from _miscounted(books)
    yield from _misbooked(books)
    yield from _misgiven(books)
    yield from _misbilled(facts)


def _count_booked(facts: Facts) -> int:
    log = facts.provider
    return len(facts.books.net) + (len(log.received) + len(log.sent) if log is not None else 0)


def _misbooked(books: Books) -> Iterator[Note]:
    costs = {(SPENT_RECEIVE, key): row.cost_microeuros for key, row in books.receipts.items()}
    for reply_id, reply in books.replies.items():
        pending = reply.reservation == "pending"
        costs[SPENT_REPLY, reply_id] = reply.cost_microeuros
        costs[RESERVED, reply_id] = reply.price_microeuros if pending else 0
    for place in costs.keys() | {place for place in books.net if place[0] != GIFTS}:
        if books.net.get(place, 0) != costs.get(place, 0):
            yield WRONG, f"transfers of {place[0]} are not its cost", place[1]


def _misgiven(books: Books) -> Iterator[Note]:
    """Gifts: parts, payments, transfers and sums tell the same."""
    for name in sorted(books.payments.keys() | books.valued.keys()):
        if books.payments.get(name, (0, 0)) != books.valued.get(name, (0, 0)):
            yield WRONG, "a payment is not worth what its parts say", name
    given = {key: -moved for (account, key), moved in books.net.items() if account == GIFTS}
    for name in sorted(books.payments.keys() | (given.keys() - {SETTLEMENT})):
        if books.payments.get(name, (0, 0))[0] != given.get(name, 0):
            yield WRONG, "transfers of a payment are not its worth", name
    sums = [sum(values) for values in zip(*books.payments.values(), strict=True)] or [0, 0]
    if (*sums, books.transferred) != books.pot:
        yield WRONG, "the pot is not the sum of its payments and transfers", "pot"


def _miscounted(books: Books) -> Iterator[Note]:
    sure: Counter[str] = Counter(f"reply.{reply.state}" for reply in books.replies.values())
    sure["received"] = sum(row.kind == "message" for row in books.receipts.values())
    # A verdict may be read before its receipt; until then nobody can say that it is no call's.
    unsure: Counter[str] = Counter()
    for message_id, said in books.verdicts.items():
        decision, _, reason = said.partition(" ")
        name = f"judged.{decision if decision == 'reply' else reason}"
        receipt = books.receipts.get(message_id)
        if receipt is None:
            unsure[name] += 1
        elif receipt.kind == "message":
            sure[name] += 1
    # What a restore brought back is counted from the version on that counts it.
    for name in (sure.keys() | unsure.keys() | books.tallies.keys()) - {"brought_back"}:
        if not sure[name] <= books.tallies.get(name, 0) <= sure[name] + unsure[name]:
            yield WRONG, "a tally is not the count", name


def _misbilled(facts: Facts) -> Iterator[Note]:
    """The ledger against the provider's log, message by message."""
    log = facts.provider
    if log is None:
        return
    for message_id, receipt in facts.books.receipts.items():
        logged = log.received.get(message_id)
        if logged is None:
            if receipt.cost_microeuros and log.since <= receipt.received_at <= log.until:
                yield WRONG, "received by our books, unknown to the provider", message_id
        elif not _is_billed(logged, receipt.cost_microeuros, facts):
            kind = UNDER_WAY if receipt.doubted else WRONG
            yield kind, "receiving cost another amount by the provider's log", message_id
    for reply_id, row in facts.outbox.items():
        if row.message_id is not None:
            yield from _misbilled_reply(facts, reply_id, row)


def _misbilled_reply(facts: Facts, reply_id: str, row: OutboxRow) -> Iterator[Note]:
    log, reply = facts.provider, facts.books.replies.get(reply_id)
    assert log is not None
    logged = log.sent.get(row.message_id or "")
    if logged is None:
        if row.sending_at is not None and log.since <= row.sending_at <= log.until:
            yield WRONG, "sent by our outbox, unknown to the provider", reply_id
    elif reply is None or reply.reservation == "pending" or logged.state not in CHARGED:
        yield UNDER_WAY, "sent, its cost not booked yet", reply_id
    elif not _is_billed(logged, reply.cost_microeuros, facts):
        yield WRONG, "a reply cost another amount by the provider's log", reply_id


def _is_billed(logged: Logged, cost_microeuros: int, facts: Facts) -> bool:
    told = logged.amount_microunits
    return told is None or convert_microunits(told, facts.rules.rate_micro) == cost_microeuros


# -- I5, I6 --------------------------------------------------------------------------------------


def _count_told(facts: Facts) -> int:
    return len(facts.judged) + len(facts.authorized) + len(facts.changed)


def _retold(facts: Facts) -> Iterator[Note]:
    for message_id, told in facts.judged.items():
        if len(told.said) > 1:
            yield WRONG, "a verdict told in two ways", message_id
    for reply_id, told in facts.authorized.items():
        if len(told.said) > 1:
            yield WRONG, "an authorisation told in two ways", reply_id
    for (reply_id, sequence), told in facts.changed.items():
        if len(told.said) > 1:
            yield WRONG, "a change told in two ways", f"{reply_id} #{sequence}"


def _leaked(facts: Facts) -> Iterator[Note]:
    for place, count in facts.leaks.items():
        yield WRONG, "what looks like a phone number", f"{place}: {count}"
