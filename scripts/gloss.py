"""Write ``docs/gloss.md``: what each code of the house means to a person, French and English.

``python scripts/gloss.py`` writes it; a unit test fails when it is stale.
"""

from pathlib import Path

from kernel.words.gloss import GLOSS

PATH = Path(__file__).resolve().parents[1] / "docs" / "gloss.md"

HEAD = """\
# Gloss · Glossaire

Made from `kernel/words/gloss.py` by `python scripts/gloss.py`; a test fails when it is stale.
The code is what records, metrics and `--json` say; the words are what `antirelou status`, alerts
and dashboards say, in the language of `ANTIRELOU_LANGUAGE`.
"""

TITLES = {
    "posture": "Postures",
    "cause": "Why a posture is as it is · Causes d'une posture",
    "reason": "Why a verdict is as it is · Raisons d'un verdict",
    "reply": "Where a reply stands · États d'une réponse",
    "refusal": "Why a reply was refused · Raisons d'un refus",
    "alert": "Alerts · Alertes",
    "panel": "Dashboards · Tableaux de bord",
}
"""The groups that are explained; the rest are headings and sentences."""


def render() -> str:
    """The whole page."""
    lines = [HEAD]
    for group, title in TITLES.items():
        lines += [f"## {title}", "", "| code | français | English |", "|---|---|---|"]
        lines += [f"| `{code}` | {term.fr} | {term.en} |" for code, term in GLOSS[group].items()]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
