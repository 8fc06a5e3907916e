"""I6 at the end: after everything of this folder, and odd senders and texts, a full scan."""

import secrets

import aiohttp

from antirelou.commands.demo.house import House
from antirelou.commands.demo.run import operate
from kernel.facts.records import SmsReceived
from kernel.facts.topics import dead
from kernel.log.port import Outgoing
from tests.security.webhooks import Caller
from tests.support.eventually import eventually
from tests.support.house import donate, status, status_when, text_in
from tests.support.scan import find_people, reading
from tests.support.webhooks import message_form

TEXTS = (
    "Réponds-moi, je suis « pressé » \U0001f600 sinon…",
    'un "texte" avec \\ et des guillemets',
    "appelle-moi au 06 39 98 77 77 ce soir",
    "ligne une\nligne deux\tet une tabulation",
    "texte   avec \x00 un NUL quelque part",
    "\u202eécrit de droite à gauche pour voir",
)


async def test_no_number_and_no_text_outside_their_places(house: House) -> None:
    donate(house, "20.00", id_="scan")
    before = status(house)["messages"]["received"]
    numbers = [f"+3363998{7000 + n:04d}" for n in range(12)]
    for number, text in zip(numbers, TEXTS * 2, strict=True):
        text_in(house, number, f"{text} {secrets.token_hex(3)}")
    async with aiohttp.ClientSession() as session:
        await _odd_spellings(Caller(house, session))
    for path, body in (
        ("/v1/blocks", {"number": numbers[0]}),
        ("/v1/explain", {"number": numbers[1]}),
        ("/v1/tests", {"number": numbers[2]}),
        ("/v1/subjects/show", {"number": numbers[3]}),
    ):
        operate(house, "POST", path, body)
    await status_when(house, lambda now: now["messages"]["received"] >= before + 16)
    await status_when(house, lambda now: now["messages"]["deliberating"] == 0, seconds_max=60)
    everybody = [*numbers, *(f"+3363998{7100 + n:04d}" for n in range(4))]
    in_a_text = "06 39 98 77 77"
    assert await find_people(house, everybody, [*TEXTS, in_a_text]) == []
    await _see_it_fail(house, everybody[0])


async def _odd_spellings(caller: Caller) -> None:
    for n, spelt in enumerate(("0639987100", "0033639987101", "+33 6 39 98 71 02", "33639987103x")):
        form = message_form(f"odd-{secrets.token_hex(6)}", From=spelt, Text=TEXTS[n])
        headers = caller.sign("message", form, nonce=secrets.token_hex(8))
        assert await caller.post("message", form, headers) == 200


async def _see_it_fail(house: House, number: str) -> None:
    """A number that somebody left on a dead topic is found."""
    topic = dead("sms.judged")
    async with reading(house) as (log, _):
        await log.append([Outgoing(topic, b"k", b'{"from":"' + number.encode() + b'"}')])

        async def there() -> bool:
            return len([record async for record in log.scan(topic)]) > 0

        await eventually(there, seconds_max=10)
    found = await find_people(house, [number])
    assert {one.place for one in found} == {f"topic {topic}"}
    assert SmsReceived.TOPIC not in str(found)
