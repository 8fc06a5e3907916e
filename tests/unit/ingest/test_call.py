"""How a call is answered."""

import xml.etree.ElementTree as ET

import pytest

from kernel.settings.settings import CallAnswer
from services.ingest.core.call import answer_call


@pytest.mark.parametrize(
    ("how", "first", "attributes"),
    [
        (CallAnswer.REJECT, "Hangup", {"reason": "rejected"}),
        (CallAnswer.BUSY, "Hangup", {"reason": "busy"}),
        # First in the document: the provider waits before it picks up.
        (CallAnswer.RING, "Wait", {"length": "180"}),
    ],
)
def test_the_first_element_says_it(how: CallAnswer, first: str, attributes: dict[str, str]) -> None:
    document = ET.fromstring(answer_call(how))
    assert document.tag == "Response"
    assert (document[0].tag, document[0].attrib) == (first, attributes)
    assert {element.tag for element in document} <= {"Hangup", "Wait"}
    assert document[-1].tag == "Hangup"
