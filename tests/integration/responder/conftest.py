"""Everything that is looked at now and then is looked at at once."""

import pytest


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.responder.housekeeper.TICK_SECONDS", 0.05)
    monkeypatch.setattr("services.responder.linker.TICK_SECONDS", 0.05)
    monkeypatch.setattr("services.responder.linker.LEASE_SECONDS", 0.5)
    monkeypatch.setattr("services.responder.housekeeper.LEASE_SECONDS", 0.5)
    monkeypatch.setattr("services.responder.dispatcher.IDLE_SECONDS", 0.2)
    monkeypatch.setattr("services.responder.handler.LOOK_SECONDS", 0.2)
