"""CRDs as JSON schemas that refuse unknown fields: ``crd_schemas.py OUT KIND,KIND… CRD.yaml …``.

deploy/k8s/schemas was made with it, so that `make test` needs no network, from:
KEDA 2.18.1 and CloudNativePG 1.27.1 (`config/crd/bases` of their Go modules), Strimzi 1.2.0 (its
CrdGenerator from Maven Central), prometheus-operator 0.85.0 (`example/prometheus-operator-crd`).
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

PROSE = ("description", "x-kubernetes-validations", "example", "externalDocs")
KEPT_BY_NAME = ("properties", "patternProperties", "definitions")


def closed(node: Any, *, names: bool = False) -> Any:
    """A structural schema of Kubernetes as a JSON schema that takes only the fields it names.

    Args:
        names: the keys of this mapping are fields, of whatever name.
    """
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    done = {
        key: closed(value, names=not names and key in KEPT_BY_NAME)
        for key, value in node.items()
        if names or key not in PROSE
    }
    if names:
        return done
    if node.get("x-kubernetes-int-or-string") is True:
        done.pop("anyOf", None)
        done["type"] = ["integer", "string"]
    if node.get("nullable") is True and isinstance(done.get("type"), str):
        done["type"] = [done["type"], "null"]
    open_ = node.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(node.get("properties"), dict) and not open_:
        done.setdefault("additionalProperties", False)
    return done


def main(out: Path, kinds: set[str], crds: list[Path]) -> None:
    """Write ``OUT/<kind>-<group>-<version>.json`` for each of the kinds that a CRD serves."""
    out.mkdir(parents=True, exist_ok=True)
    for path in crds:
        for crd in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            spec = crd["spec"]
            if spec["names"]["kind"] not in kinds:
                continue
            for version in spec["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema["properties"] |= {
                    "apiVersion": {"const": f"{spec['group']}/{version['name']}"},
                    "kind": {"const": spec["names"]["kind"]},
                    "metadata": {"type": "object"},
                }
                name = f"{spec['names']['kind']}-{spec['group']}-{version['name']}.json".lower()
                (out / name).write_text(json.dumps(schema, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2].split(",")), [Path(name) for name in sys.argv[3:]])
