"""One message, all the way: webhook, verdict, reservation, SMS, report, settlement."""

from tests.e2e.conftest import Built
from tests.support.house import donate, sent_by_provider, status_when, text_in

SENDER = "+33639980001"


async def test_a_message_is_answered_once_and_settled(built: Built) -> None:
    donate(built.house, "100.00")
    for text in ("Coucou c'est Thomas", "tu es là ?"):
        text_in(built.house, SENDER, text)

    end = await status_when(
        built.house,
        lambda now: (
            now["replies"]["delivered"] == 1
            and not now["fund"]["reserved_microeuros"]
            and now["messages"]["received"] == 2
        ),
    )

    judged = {reason: count for reason, count in end["messages"]["judged"].items() if count}
    assert judged == {"reply": 1, "already_deliberating": 1}
    assert end["fund"]["spent_receive_microeuros"] == 20_000
    assert end["fund"]["spent_reply_microeuros"] == 150_000
    assert end["fund"]["available_microeuros"] == 100_000_000 - 170_000
    assert [sent["to"].lstrip("+") for sent in sent_by_provider(built.house)] == [SENDER[1:]]

    text_in(built.house, SENDER, "alors ?")
    end = await status_when(built.house, lambda now: sum(now["messages"]["judged"].values()) == 3)
    assert end["messages"]["judged"]["already_answered"] == 1
