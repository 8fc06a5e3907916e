"""How the settings become a connection to Kafka, and what stops the start."""

from pathlib import Path

import pytest

from antirelou.errors import Fatal
from antirelou.log.kafka_client import connection_arguments
from antirelou.settings import load_settings


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    settings = load_settings(
        kafka_bootstrap="127.0.0.1:1",
        kafka_security_protocol="SASL_SSL",
        kafka_security_ca_file=str(file),
    )
    with pytest.raises(Fatal, match="ANTIRELOU_KAFKA_SECURITY_CA_FILE: ") as refusal:
        connection_arguments(settings)
    assert refusal.value.code == "settings"


def test_credentials_go_with_sasl_alone() -> None:
    given = {"kafka_security_username": "me", "kafka_security_password": "secret"}
    plain = connection_arguments(load_settings(kafka_bootstrap="a:1,b:2", **given))
    assert plain["bootstrap_servers"] == ["a:1", "b:2"]
    assert "sasl_plain_password" not in plain
    sasl = connection_arguments(
        load_settings(
            kafka_bootstrap="a:1",
            kafka_security_protocol="SASL_PLAINTEXT",
            kafka_security_sasl_mechanism="SCRAM-SHA-512",
            **given,
        )
    )
    assert (sasl["sasl_mechanism"], sasl["sasl_plain_password"]) == ("SCRAM-SHA-512", "secret")
    assert "ssl_context" not in sasl
