"""deploy/k8s: strict schemas, and what it says of us is what the code says.

Files are checked as they stand; overlays as they render, where `make test-k8s` can build kubectl.
"""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from antirelou.compose import SERVICES, needs
from kernel.facts.records import SmsJudged, SmsReceived
from kernel.facts.topics import PARTITIONS, READS
from kernel.provider.table import PROVIDERS
from kernel.settings.sources import PREFIX

PROJECT = Path(__file__).parents[3]
ROOT = PROJECT / "deploy" / "k8s"
MANIFESTS = runpy.run_path(str(PROJECT / "scripts" / "manifests.py"))
WRITTEN: dict[Path, str] = dict(MANIFESTS["written"]())
SCHEMAS = ROOT / "schemas"
KUBERNETES = "1.34"


def documents(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if isinstance(document, dict) and document.get("kind") != "Kustomization":
                metadata = document["metadata"]
                name = f"{path.relative_to(ROOT)}:{document['kind']}/{metadata['name']}"
                yield name, document


def check(document: dict[str, Any]) -> None:
    """Raise where a document is not what its schema takes, an unknown field included."""
    group, _, version = document["apiVersion"].rpartition("/")
    path = SCHEMAS / f"{document['kind']}-{group}-{version}.json".lower()
    if path.exists():
        jsonschema.validate(document, json.loads(path.read_text(encoding="utf-8")))
    else:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


EVERY = dict(documents(ROOT))
BASE = {(one["kind"], one["metadata"]["name"]): one for _, one in documents(ROOT / "base")}


@pytest.mark.parametrize("name", EVERY)
def test_a_manifest_is_what_its_schema_takes(name: str) -> None:
    check(EVERY[name])


@pytest.mark.parametrize(
    "harm",
    [
        ("Deployment", "filter", ("spec", "template", "spec", "containers", 0, "commands")),
        ("ScaledObject", "filter", ("spec", "maxReplicas")),
        ("PodDisruptionBudget", "ingest", ("spec", "minimum")),
    ],
)
def test_an_unknown_field_is_refused(harm: tuple[str, str, tuple[Any, ...]]) -> None:
    kind, name, place = harm
    document = json.loads(json.dumps(BASE[kind, name]))
    inside = document
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = 1
    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(document)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_what_is_written_by_a_script_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == WRITTEN[path], "run scripts/manifests.py"


def secrets_of(service: str) -> set[str]:
    [container] = BASE["Deployment", service]["spec"]["template"]["spec"]["containers"]
    return {one["name"].removeprefix(PREFIX).lower() for one in container.get("env", [])}


ROTATED = {"plivo_auth_token_older", "sending_private_keys_older"}
GIFTS = {
    "helloasso_client_id", "helloasso_client_secret", "helloasso_bell", "stripe_webhook_secrets",
    "stripe_api_key",
}  # fmt: skip
OPTIONAL = {"plivo_app_id", "plivo_mute_app_id", "alert_url", "heartbeat_url", *ROTATED, *GIFTS}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_the_secrets_that_it_needs_and_no_other(service: str) -> None:
    public = {"number", "smsgate_url", "smsgate_devices"}
    needed = {name for one in PROVIDERS.values() for name in needs(service, one)} - public
    if service != "ingest":
        needed.add("database_url")
    assert secrets_of(service) - OPTIONAL == needed


def test_the_secrets_of_gifts_are_given_to_donations_alone() -> None:
    assert secrets_of("donations") >= GIFTS
    assert not [name for name in SERVICES if name != "donations" and secrets_of(name) & GIFTS]


@pytest.mark.parametrize("service", ["filter", "billing"])
def test_lag_scales_within_the_partitions_and_never_to_zero(service: str) -> None:
    assert "replicas" not in BASE["Deployment", service]["spec"], "each rollout would undo KEDA"
    spec = BASE["ScaledObject", service]["spec"]
    assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= PARTITIONS
    for trigger in spec["triggers"]:
        said = trigger["metadata"]
        assert said["consumerGroup"] == f"antirelou-{service}"
        assert said["topic"] in READS[said["consumerGroup"]]
        assert said["limitToPartitionsWithLag"] == "true"


@pytest.mark.parametrize("service", ["filter", "billing"])
def test_in_earnest_every_lag_is_read_at_the_broker_of_earnest(service: str) -> None:
    overlay = yaml.safe_load((ROOT / "overlays/production/kustomization.yaml").read_text("utf-8"))
    [patch] = [
        one["patch"] for one in overlay["patches"]
        if one["target"] == {"kind": "ScaledObject", "name": service}
    ]  # fmt: skip
    patched = {one["path"] for one in yaml.safe_load(patch)}
    for number, _ in enumerate(BASE["ScaledObject", service]["spec"]["triggers"]):
        assert f"/spec/triggers/{number}/metadata/bootstrapServers" in patched
        assert f"/spec/triggers/{number}/authenticationRef" in patched


def test_lag_is_no_reason_for_another_responder() -> None:
    assert ("ScaledObject", "responder") not in BASE
    assert BASE["Deployment", "responder"]["spec"]["replicas"] == 2


@pytest.mark.parametrize("service", ["filter", "billing"])
def test_what_a_flood_fills_is_what_scales(service: str) -> None:
    """Of what a group reads, the topics with a record a message."""
    triggers = BASE["ScaledObject", service]["spec"]["triggers"]
    flooded = {SmsReceived.TOPIC, SmsJudged.TOPIC} & set(READS[f"antirelou-{service}"])
    assert {trigger["metadata"]["topic"] for trigger in triggers} == flooded


def test_only_the_webhooks_are_reached_from_outside() -> None:
    [rule] = BASE["Ingress", "webhooks"]["spec"]["rules"]
    paths = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert paths == {"/webhooks/plivo/": "ingest", "/webhooks/donations/": "donations"}
    assert not [
        name for (kind, name), one in BASE.items()
        if kind == "Service" and one["spec"].get("type", "ClusterIP") != "ClusterIP"
    ]  # fmt: skip
