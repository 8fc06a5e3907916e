"""Is there a Docker engine that can run an image? Decided once a session, in bounded time."""

import functools
import importlib
import os
import socket
import time
import warnings
from typing import Any

PING_SECONDS_MAX = 3
SILENCE_SECONDS_MAX = 5
"""A pull that says nothing for so long reaches no registry."""
PULL_SECONDS_MAX = 180.0


@functools.cache
def can_run(image: str) -> bool:
    """Whether an engine answers and has the image, or can pull it."""
    if not _listens(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"):
        return False
    try:
        docker = _import_docker()
        client = docker.from_env(timeout=PING_SECONDS_MAX)
    except Exception:  # noqa: BLE001 - whatever the reason, there is no engine for us
        return False
    try:
        client.ping()
        return bool(client.images.list(name=image)) or _pull(docker, image)
    except Exception:  # noqa: BLE001
        return False
    finally:
        client.close()


def _listens(host: str) -> bool:
    """Asked first: docker's client leaves its socket open when nobody answers."""
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PING_SECONDS_MAX)
        try:
            probe.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


def _import_docker() -> Any:
    # We stop our containers ourselves; the reaper would be one more image to pull.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in ("testcontainers.kafka", "testcontainers.postgres"):
            importlib.import_module(module)
        return importlib.import_module("docker")


def _pull(docker: Any, image: str) -> bool:
    client = docker.from_env(timeout=SILENCE_SECONDS_MAX)
    deadline = time.monotonic() + PULL_SECONDS_MAX
    try:
        repository, tag = image.rsplit(":", 1)
        for _ in client.api.pull(repository, tag=tag, stream=True):
            if time.monotonic() > deadline:
                return False
        return bool(client.images.list(name=image))
    finally:
        client.close()
