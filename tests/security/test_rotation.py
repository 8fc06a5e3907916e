"""After a leak an operator can change a key, and nothing that is under way is lost by it."""

import secrets
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from antirelou.commands.demo.house import embedded_house
from kernel.sealing.keys import OLDER_SENDING_FILES, ensure_keys, new_keys, read_operator_token
from kernel.sealing.privacy import Sealer, Unsealer
from kernel.service.port import Ports
from kernel.settings.settings import load_settings
from kernel.telemetry.metrics import Telemetry
from kernel.values.clock import SystemClock
from kernel.values.errors import Fatal, Rejected
from services.ingest.service import open_ingest
from services.responder.settings import read_settings
from tests.fakes.log import MemoryLog
from tests.security.conftest import own_folder
from tests.support.house import donate, sent_by_provider, status_when, text_in
from tests.support.webhooks import encode_form, ingest_settings, message_form, sign

OLD, NEW = "the-token-of-yesterday", "the-token-of-today"


@pytest.mark.parametrize("mode", ["v2", "ma_v3"])
async def test_the_provider_may_sign_with_either_token_meanwhile(log: MemoryLog, mode: str) -> None:
    settings = ingest_settings(plivo_auth_token=NEW, plivo_auth_token_older=OLD)
    ports = Ports(log, SystemClock(), Telemetry(CollectorRegistry()), "")
    answered = {}
    async with open_ingest(settings, ports) as door, aiohttp.ClientSession() as session:
        for token in (OLD, NEW, "another", ""):
            form = message_form(f"m-{token}")
            headers = sign("message", form, mode=mode, nonce=f"n-{token}", token=token)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            url = f"{door.url}/webhooks/plivo/message"
            async with session.post(url, data=encode_form(form), headers=headers) as answer:
                answered[token] = answer.status
    assert answered == {OLD: 200, NEW: 200, "another": 403, "": 403}


def test_an_older_sending_key_opens_what_waits_and_seals_nothing_more() -> None:
    old, new = dict(new_keys().settings), dict(new_keys().settings)
    more = {"number": "+33937000000", "plivo_auth_id": "MA" + "A" * 18, "plivo_auth_token": NEW}
    settings = load_settings(
        **new, **more, sending_private_keys_older=f"{'0' * 64},{old['sending_private_key']}"
    )
    opener = Unsealer(*read_settings(settings).sending_private_keys)
    for keys in (old, new):
        sealer = Sealer(bytes.fromhex(keys["sending_public_key"]), SystemClock())
        assert opener.unseal(sealer.seal(b"+33639981234")) == b"+33639981234"
    without = Unsealer(*read_settings(load_settings(**new, **more)).sending_private_keys)
    sealed = Sealer(bytes.fromhex(old["sending_public_key"]), SystemClock()).seal(b"x")
    with pytest.raises(Rejected, match="sealed for another key"):
        without.unseal(sealed)


def test_a_wrong_older_key_stops_the_start() -> None:
    with pytest.raises(Fatal, match="SENDING_PRIVATE_KEYS_OLDER"):
        load_settings(sending_private_keys_older=f"{'0' * 64},abc")


def test_what_is_put_aside_is_made_anew(tmp_path: Path) -> None:
    before = ensure_keys(load_settings(data_dir=tmp_path))
    folder = tmp_path / "keys"
    (folder / "sending_private_key").rename(folder / OLDER_SENDING_FILES.replace("*", "-1"))
    (folder / "operator_token").unlink()
    after = ensure_keys(load_settings(data_dir=tmp_path))
    assert after.sending_private_keys_older == before.sending_private_key
    assert after.sending_private_key != before.sending_private_key
    assert after.operator_token != before.operator_token
    assert read_operator_token(load_settings(data_dir=tmp_path)) != ""
    assert after.pseudonym_key == before.pseudonym_key
    assert ensure_keys(load_settings(data_dir=tmp_path)) == after


async def test_a_reply_that_waits_through_a_rotation_is_sent() -> None:
    settings = {"clock_speed": "600", "quiet_hours": "off"}  # ten minutes a second
    with own_folder() as folder, embedded_house(folder, settings) as house:
        donate(house, "30.00")
        text_in(house, "+33639984321", f"Salut, c'est moi {secrets.token_hex(2)}")
        await status_when(house, lambda now: now["messages"]["deliberating"] == 1)
        (service,) = house.services
        assert service.stop() == 0
        assert sent_by_provider(house) == []
        keys = folder / "data" / "keys"
        (keys / "sending_private_key").rename(keys / "sending_private_key.old-1")
        service.start()
        service.wait_ready()
        await status_when(house, lambda now: now["replies"]["delivered"] == 1, seconds_max=60)
        assert len(sent_by_provider(house)) == 1
        assert (keys / "sending_private_key").is_file()
