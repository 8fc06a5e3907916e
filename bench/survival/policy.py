"""What three simple policies would do with a flood and a fund; the judge is measured on them. Pure.

All three pay for a text an hour after it came, as in 2017, without quiet hours or a limit of
sending: only money decides. Receiving is paid before anything; at its floor a policy pays no reply,
and the number is off: what comes then costs nothing and is not answered.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from kernel.values.phone import answerable_number, classify_number
from kernel.values.text import segment_text
from simulator.floods.arrival import Arrival

PRICE_RECEIVE = 10_000
"""Micro-euros for a segment received."""
PRICE_REPLY = 150_000
FUND_FLOOR = 20_000_000
SHARE_OF_ALL = 0.6
DELAY_SECONDS = 3600.0
OWN_NUMBER = "+33937000000"


@dataclass(frozen=True, slots=True)
class Text:
    """An arrival as a policy sees it.

    Attributes:
        at: seconds since 1970.
        genuine: what only the oracle looks at.
        answerable: from a French mobile.
        cost: of receiving it, in micro-euros.
    """

    at: float
    id: str
    sender: str
    genuine: bool
    answerable: bool
    cost: int


def price_texts(arrivals: Iterable[Arrival]) -> list[Text]:
    """The arrivals with what they cost and whether they can be answered."""
    answerable: dict[str, bool] = {}
    texts = []
    for arrival in arrivals:
        sender = arrival.sender
        if sender not in answerable:
            answerable[sender] = _is_answerable(sender)
        cost = segment_text(arrival.text or "").segments * PRICE_RECEIVE
        at = arrival.at.timestamp()
        texts.append(Text(at, arrival.id, sender, arrival.genuine, answerable[sender], cost))
    return texts


def _is_answerable(sender: str) -> bool:
    facts = classify_number(sender, OWN_NUMBER)
    return facts.country == "FR" and answerable_number(facts, to_ours=True) is not None


def genuine_senders(texts: Iterable[Text]) -> set[str]:
    """Whom to answer."""
    return {text.sender for text in texts if text.genuine and text.answerable}


def price_fund(texts: Sequence[Text]) -> int:
    """The fund of issue 5, and the floor, in micro-euros."""
    everybody = {text.sender for text in texts}
    replies = max(len(genuine_senders(texts)), ceil(SHARE_OF_ALL * len(everybody)))
    return sum(text.cost for text in texts) + replies * PRICE_REPLY + FUND_FLOOR


def answered_by_oracle(texts: Sequence[Text], fund: int) -> set[str]:
    """Genuine senders answered by who knows them and pays for them alone, as they come."""
    return _answered(texts, fund, FUND_FLOOR, _firsts(text for text in texts if text.genuine))


def answered_first_come(texts: Sequence[Text], fund: int) -> set[str]:
    """Genuine senders answered by one reply a sender, first come first served."""
    return _answered(texts, fund, FUND_FLOOR, _firsts(texts))


def answered_in_2017(texts: Sequence[Text], fund: int) -> set[str]:
    """Genuine senders answered by replying to every text until the money is gone."""
    return _answered(texts, fund, 0, lambda _text: True)


def _firsts(texts: Iterable[Text]) -> Callable[[Text], bool]:
    first: dict[str, str] = {}
    for text in texts:
        if text.answerable:
            first.setdefault(text.sender, text.id)
    return lambda text: first.get(text.sender) == text.id


def _answered(
    texts: Sequence[Text], fund: int, floor: int, wants: Callable[[Text], bool]
) -> set[str]:
    """Who of the genuine gets a reply if ``wants`` says which texts deserve one."""
    available = fund
    answered: set[str] = set()
    due: deque[Text] = deque()

    def pay(until: float) -> None:
        nonlocal available
        while due and due[0].at + DELAY_SECONDS <= until:
            text = due.popleft()
            if available - PRICE_REPLY >= floor:
                available -= PRICE_REPLY
                answered.add(text.sender)

    for text in texts:
        pay(text.at)
        if available <= floor:
            continue
        available -= text.cost
        if wants(text):
            due.append(text)
    pay(float("inf"))
    return answered & genuine_senders(texts)
