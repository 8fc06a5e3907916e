"""docker-compose.yml and the image, as files: what they say of us is what the code says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from antirelou import compose
from kernel.provider.table import PROVIDERS
from kernel.settings.settings import Settings
from kernel.settings.sources import PREFIX

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

MADE_BY_IMAGE = {"listen", "ops_listen", "console_listen", "data_dir"}
NOT_FOR_COMPOSE = {name for name in Settings.model_fields if name.startswith("kafka_security_")}
"""The broker of Compose stands in a network of its own."""
PUBLIC = {"number", "smsgate_url", "smsgate_devices"}


def secrets_needed(service: str) -> set[str]:
    """What it needs under one provider or another, but for what every service may know."""
    found = (compose.needs(service, provider) for provider in PROVIDERS.values())
    return set[str]().union(*found) - PUBLIC


SECRETS = set[str]().union(*map(secrets_needed, compose.SERVICES))
"""What is given to those alone that need it."""


def given(service: str) -> set[str]:
    environment = SERVICES[service].get("environment", {})
    return {name.removeprefix(PREFIX).lower() for name in environment if name.startswith(PREFIX)}


def test_every_setting_reaches_somebody() -> None:
    reached = set[str]().union(*(given(service) for service in SERVICES))
    assert set(Settings.model_fields) - MADE_BY_IMAGE - NOT_FOR_COMPOSE - reached == set()


@pytest.mark.parametrize("service", compose.SERVICES)
def test_a_service_is_given_the_keys_that_it_needs_and_no_other(service: str) -> None:
    assert given(service) & SECRETS == secrets_needed(service)
    assert ("database_url" in given(service)) == (service != "ingest")


def test_no_password_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"(PASSWORD|TOKEN|_KEY)\b.*[:=] *\S", line.split("#")[0]):
            assert "${" in line, line
    assert text.count("POSTGRES_PASSWORD:?") >= 2, "and none starts without it"


def test_only_the_webhooks_are_published_beyond_loopback() -> None:
    published = {
        (service, port)
        for service, one in SERVICES.items()
        for port in one.get("ports", [])
        if not port.startswith("127.0.0.1:")
    }
    # Gifts have a port on loopback, for the proxy.
    assert published == {("ingest", "${ANTIRELOU_WEBHOOK_PORT:-8080}:8080")}


@pytest.mark.parametrize("service", [s for s in SERVICES if s not in {"kafka", "postgres"}])
def test_what_is_ours_can_write_nothing_and_gain_no_right(service: str) -> None:
    one = SERVICES[service]
    if one.get("image") != "antirelou":
        return
    assert one["read_only"]
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]


def test_the_image_installs_what_the_lock_of_the_tests_has_pinned() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))

    image, tests = pins("requirements-image.lock"), pins("requirements.lock")
    assert image.items() <= tests.items()
    assert "aiohttp" in image
    assert not image.keys() & {"pytest", "mypy"}
