"""The house of docker-compose.yml as a project of its own, for a test to drive and break."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from antirelou.commands.demo.house import House, Process
from antirelou.commands.init import write_settings_file

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest", "filter", "billing", "responder", "evidence", "console", "donations")
START_SECONDS_MAX = 600
OPTIONAL = {"grafana": "grafana/grafana:11.4.0"}
"""Started where its image is here or can be pulled; the others must come up."""


class Compose:
    """Runs ``docker compose`` for one project.

    Args:
        folder: for the settings; the project is named after it.
    """

    def __init__(self, folder: Path) -> None:
        self.env_file = folder / ".env"
        write_settings_file(self.env_file, simulated=True)
        self._project = f"antirelou-{folder.name}".lower()

    @property
    def settings(self) -> Mapping[str, str]:
        """What the settings file says, by lower-case name."""
        pairs = (
            line.removeprefix("ANTIRELOU_").split("=", 1)
            for line in self.env_file.read_text().splitlines()
            if line.startswith("ANTIRELOU_")
        )
        return {name.lower(): value for name, value in pairs}

    def run(self, *arguments: str) -> str:
        """Run a command; returns what it printed.

        Raises:
            AssertionError: it failed; says what it said.
        """
        done = subprocess.run(
            [
                "docker",
                "compose",
                "--env-file",
                str(self.env_file),
                "-p",
                self._project,
                *arguments,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=START_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout

    def up(self) -> None:
        """Start everything whose image can be had, and the simulated provider."""
        self.run("build", "--quiet", "migrate")
        self.run("up", "-d", "--wait", *SERVICES, "prometheus", *_had(OPTIONAL))
        self.run("--profile", "weekend", "up", "-d", "--wait", "provider")

    def down(self) -> None:
        """Remove containers, network and volumes of this project."""
        self.run("--profile", "weekend", "down", "--volumes", "--timeout", "30")

    def states(self) -> Mapping[str, str]:
        """Of each running service, its health or its state."""
        lines = self.run("ps", "--all", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines]
        return {one["Service"]: one["Health"] or one["State"] for one in found}

    def house(self, folder: Path) -> House:
        """How the demo's own checks see it."""
        settings = {**self.settings, "data_dir": str(folder)}
        nobody = Process("provider", [], settings, folder, "")
        return House(
            folder=folder,
            settings=settings,
            provider=nobody,
            services=[],
            operator_url="http://127.0.0.1:9100",
            operator_token=settings["operator_token"],
            provider_url="http://127.0.0.1:8090",
        )


def _had(images: Mapping[str, str]) -> list[str]:
    here = []
    for service, image in images.items():
        look = ["docker", "image", "inspect", image]
        pull = ["docker", "pull", "--quiet", image]
        if any(
            subprocess.run(one, capture_output=True, check=False).returncode == 0
            for one in (look, pull)
        ):
            here.append(service)
        else:
            print(f"NOT RUN HERE: {service}: {image} is not here and cannot be pulled")
    return here
