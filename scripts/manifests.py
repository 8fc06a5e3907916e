"""Writes what deploy/k8s takes from elsewhere in the project: topics, and Prometheus's rules.

``python scripts/manifests.py`` writes; with ``--check`` it says what is stale, and exits 1.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from antirelou.compose import QUIET_STRETCH
from kernel.facts.topics import topic_specs
from kernel.log.kafka.topics import REPLICAS, configure_topic
from kernel.settings.settings import Settings

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "k8s" / "overlays" / "production"
RULES = ROOT / "deploy" / "prometheus" / "rules"
NOTE = "# Written by scripts/manifests.py from {source}: change that.\n"


def topics() -> str:
    """A ``KafkaTopic`` for each topic, as `antirelou topics apply` would make it."""
    settings = Settings.model_construct()
    waits = settings.reply_delay_max + settings.max_wait * QUIET_STRETCH
    documents = [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": spec.name, "labels": {"strimzi.io/cluster": "antirelou"}},
            "spec": {
                "partitions": spec.partitions,
                "replicas": REPLICAS,
                "config": configure_topic(spec, REPLICAS),
            },
        }
        for spec in topic_specs(retain_text=settings.retain_text, wait_longest=waits)
    ]
    text = yaml.safe_dump_all(documents, sort_keys=False)
    return NOTE.format(source="kernel/facts/topics.py") + text


def rules() -> str:
    """The rules of deploy/prometheus as a ``PrometheusRule`` each."""
    documents = [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"antirelou-{path.stem}"},
            "spec": yaml.safe_load(path.read_text(encoding="utf-8")),
        }
        for path in sorted(RULES.glob("*.yml"))
    ]
    return NOTE.format(source="deploy/prometheus/rules") + yaml.safe_dump_all(
        documents, sort_keys=False, allow_unicode=True, width=100
    )


def written() -> Iterator[tuple[Path, str]]:
    """Each file that this script writes, and what belongs into it."""
    yield FOLDER / "topics.yaml", topics()
    yield FOLDER / "rules.yaml", rules()


def main() -> int:
    """Write, or with ``--check`` compare. Returns the exit code."""
    stale = [path for path, text in written() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"stale: {path.relative_to(ROOT)}: run scripts/manifests.py")
        return 1 if stale else 0
    for path, text in written():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
