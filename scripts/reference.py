"""Write ``docs/reference.md`` and README's table: topics, metrics, settings as the code has them.

``python scripts/reference.py`` writes both; a unit test fails when one is stale.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from antirelou.commands.init import settings_shown
from kernel.facts.topics import DEAD_SUFFIX, READS, topic_specs
from kernel.settings.settings import Settings
from kernel.settings.sources import PREFIX
from kernel.telemetry.metrics import METRICS
from kernel.values.money import format_euros

ROOT = Path(__file__).resolve().parents[1]
PATH = ROOT / "docs" / "reference.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- settings: scripts/reference.py -->\n", "<!-- /settings -->\n"

HEAD = """\
# Reference

Made from the code by `python scripts/reference.py`; a test fails when it is stale. What the
topics carry stands in `kernel/facts/records.py`.
"""

MONEY = {"price_receive", "price_reply", "cap_per_exchange", "fund_floor", "provider_rate"}


def render() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_topics(), "", *_metrics(), "", *_settings(), ""])


def _topics() -> list[str]:
    settings = Settings.model_construct()
    specs = topic_specs(
        retain_text=settings.retain_text,
        wait_longest=settings.reply_delay_max + settings.max_wait * 4,
    )
    lines = [
        "## Topics",
        "",
        "| topic | partitions | kept (defaults) | read by |",
        "|---|---|---|---|",
    ]
    for spec in specs:
        if spec.name.endswith(DEAD_SUFFIX):
            continue
        readers = ", ".join(f"`{group}`" for group, topics in READS.items() if spec.name in topics)
        days = (spec.retention_seconds or 0) // 86_400
        lines.append(f"| `{spec.name}` | {spec.partitions} | {days} days | {readers} |")
    lines += ["", f"Each has a twin `…{DEAD_SUFFIX}` of one partition, kept as long."]
    return lines


def _metrics() -> list[str]:
    lines = ["## Metrics", "", "| metric | kind | labels | means |", "|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.meaning} |")
    return lines


def _settings() -> list[str]:
    lines = ["## Settings", "", "| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        meaning = _meaning(field)
        lines.append(f"| `{PREFIX}{name.upper()}` | {_default(name, field)} | {meaning} |")
    return lines


def render_readme() -> str:
    """The README with its table of the settings that ``antirelou init`` writes down."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    shown = {name.lower() for name in settings_shown()}
    rows = [
        f"| `{name.upper()}` | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
        if name in shown
    ]
    return "\n".join([before + BEGIN + "| setting | meaning |", "|---|---|", *rows, END + after])


def _meaning(field: Any) -> str:
    return str(field.description).rstrip(".").replace("\n", " ").replace("|", "\\|")


def _default(name: str, field: Any) -> str:
    if field.default_factory is not None:
        return "the platform's user data folder"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if name in MONEY:
        return f"`{format_euros(value)}`"
    if name == "quiet_hours":
        return f"`{value[0]:%H:%M}-{value[1]:%H:%M}`"
    if isinstance(value, timedelta):
        return f"`{_duration(value)}`"
    if isinstance(value, tuple):
        return "<br>".join(f"`{item}`" for item in value)
    return "–" if value in (None, "") else f"`{str(value).lower() if value is False else value}`"


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0 and (unit != "d" or seconds >= 4 * size):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
    README.write_text(render_readme(), encoding="utf-8")
