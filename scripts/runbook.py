"""Write ``deploy/prometheus/consoles/runbook.html``: the runbook, for the links in the alerts.

``python scripts/runbook.py`` writes it; a unit test fails when it is stale. Prometheus serves it.
"""

import re
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "operations" / "runbook.md"
PATH = ROOT / "deploy" / "prometheus" / "consoles" / "runbook.html"

HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>antirelou: runbook</title>
<style>body { max-width: 50em; margin: auto; font-family: sans-serif; line-height: 1.5 }</style>
"""


def render() -> str:
    """The page; a heading's anchor is as in the repository: lower case, hyphens."""
    markdown = MarkdownIt().enable("table")
    tokens = markdown.parse(SOURCE.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            bare = re.sub(r"[^\w\- ]", "", inline.content.lower())
            opening.attrSet("id", bare.replace(" ", "-"))
    body = str(markdown.renderer.render(tokens, markdown.options, {}))
    # To Prometheus it is a template.
    return HEAD + body.replace("{{", "{{`{{`}}")


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(render(), encoding="utf-8")
