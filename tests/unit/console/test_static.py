"""What pages are made of: files that are npm's own, and words that are the catalogue's."""

import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from kernel.words.gloss import GLOSS
from services.console.core.acts import ACTS
from services.console.core.picture import Safety

ROOT = Path(__file__).parents[3] / "services" / "console"
TEMPLATES = sorted((ROOT / "templates").iterdir())

VENDORED = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "hx-csp.min.js": "a7e1e6711ae6c3e50ad300fba7936cbe8d07599cdae313414a179ddd6b26e143",
    "hx-sse.min.js": "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
}
"""Of htmx.org 4.0.1's files in npm's package: dist/, dist/ext/."""

ENVIRONMENT = jinja2.Environment(autoescape=True)
SAYING = frozenset({"English", "Français", "antirelou", "operator", "add", "role", "operate"})
"""What is not told but is so in every language: names of languages, and a command to type."""


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_file_is_what_npm_has(name: str) -> None:
    assert sha256((ROOT / "static" / name).read_bytes()).hexdigest() == VENDORED[name]


def test_no_vendored_file_is_unknown() -> None:
    assert {path.name for path in (ROOT / "static").glob("*.min.*")} == set(VENDORED)


class Words(HTMLParser):
    """The words of a template that a person reads or hears."""

    HEARD = frozenset({"alt", "aria-label", "title", "placeholder", "value", "content"})
    QUIET = frozenset({"name", "http-equiv"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            return
        for name, value in attrs:
            if name in self.HEARD and value:
                self.handle_data(value)

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}", data)


def untranslated(source: str) -> set[str]:
    """The words that stand in a template itself."""
    tree = ENVIRONMENT.parse(source)
    words = Words()
    words.feed(
        "".join(
            data.data if isinstance(data, nodes.TemplateData) else " 0 "
            for output in tree.find_all(nodes.Output)
            for data in output.nodes
        )
    )
    return set(words.found) - SAYING


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_word_of_a_template_is_in_one_language_alone(path: Path) -> None:
    assert untranslated(path.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    ["<p>Bonjour</p>", '<button aria-label="Send">{{ w("page", "now") }}</button>',
     "{% if x %}<b>never {{ x }}</b>{% endif %}", '<img alt="un dessin">'],
)  # fmt: skip
def test_an_untranslated_word_is_found(source: str) -> None:
    assert untranslated(source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_word_that_a_template_asks_for_is_there(path: Path) -> None:
    for call in ENVIRONMENT.parse(path.read_text("utf-8")).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "w":
            group, code = (
                one.value if isinstance(one, nodes.Const) else None for one in call.args[:2]
            )
            for known in _codes(call.args[1], code):
                assert known in GLOSS[str(group)], (group, known)


def _codes(node: nodes.Expr, code: object) -> set[str]:
    """The codes that stand in the call: one, or the two of a condition."""
    if isinstance(node, nodes.CondExpr):
        found = {one.value for one in (node.expr1, node.expr2) if isinstance(one, nodes.Const)}
        return {str(one) for one in found}
    return {str(code)} if code is not None else set()


def test_every_act_need_and_safety_has_its_words() -> None:
    assert set(ACTS) <= set(GLOSS["act"])
    assert set(ACTS) == set(GLOSS["act_does"])
    assert set(GLOSS["safety"]) == set(Safety)
    assert set(GLOSS["need"]) == set(GLOSS["need_well"])
    fields = {field.name for act in ACTS.values() for field in act.fields}
    assert fields <= set(GLOSS["field"])


def test_no_template_lets_markup_through() -> None:
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|style=|\bon[a-z]+=|javascript:", text)
