"""A real control plane with real KEDA and simulated nodes (scripts/k8s), for a test."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from antirelou.commands.init import write_settings_file

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts" / "k8s"
START_SECONDS_MAX = 3600
"""The first start builds everything."""
PORT = 18440
"""And a dozen after it; below those that outgoing connections take."""
NAMESPACE = "antirelou"


class Cluster:
    """One cluster, and the manifests as they are applied to it.

    Args:
        folder: for state, logs and a copy of deploy/k8s with a settings file in it.
    """

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state"
        self._manifests = folder / "k8s"
        shutil.copytree(ROOT / "deploy" / "k8s", self._manifests)
        settings = self._manifests / "overlays" / "kind" / ".env"
        settings.unlink(missing_ok=True)  # somebody's own
        write_settings_file(settings, simulated=True)

    def start(self) -> None:
        """Build what is missing, start control plane and KEDA."""
        _script("cluster.sh", "start", str(self._state), str(PORT))
        _script("keda.sh", "start", str(self._state))

    def stop(self) -> None:
        """Stop both."""
        if self._state.exists():
            _script("cluster.sh", "stop", str(self._state))

    def use_broker(self, bootstrap: str) -> None:
        """KEDA runs outside of the cluster: it is told another name for the broker."""
        scaling = self._manifests / "base" / "scaling.yaml"
        text = scaling.read_text(encoding="utf-8")
        assert "bootstrapServers: kafka:9092" in text
        scaling.write_text(text.replace("kafka:9092", bootstrap), encoding="utf-8")

    def render(self, overlay: str) -> str:
        """What kustomize makes of an overlay."""
        return self.kubectl("kustomize", str(self._manifests / "overlays" / overlay))

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        """Run kubectl; returns what it printed.

        Raises:
            RefusedError: it failed; says what it said.
        """
        done = subprocess.run(
            [SCRIPTS / "cluster.sh", "kubectl", str(self._state), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RefusedError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def read(self, *arguments: str) -> Any:
        """``kubectl get`` in our namespace, as values."""
        return json.loads(self.kubectl("-n", NAMESPACE, "get", *arguments, "-o", "json"))

    def evict(self, pod: str) -> None:
        """Ask the API to evict a pod, as a drain does. Raises ``RefusedError``."""
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": NAMESPACE},
        }
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
        self.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))


class RefusedError(AssertionError):
    """The API server, or kubectl, said no."""


def _script(name: str, *arguments: str, more: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        [SCRIPTS / name, *arguments],
        env={**os.environ, **(more or {})},
        stdin=subprocess.DEVNULL,
        timeout=START_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{name} {' '.join(arguments)} failed: see above"
