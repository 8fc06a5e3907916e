"""Every page, in both languages: axe finds nothing, it fits a phone, a keyboard is enough."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Console
from tests.browser.test_pages import do

PageOf = Callable[..., Page]

AXE = Path(__file__).with_name("axe.min.js")
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""Of axe-core 4.14.1's file in npm's package."""

PAGES = ("/", "/acts", "/money", "/explain", "/events", "/operators", "/passkey", "/nowhere")
LOOKS = {"fr": ("fr-FR", "light"), "en": ("en-GB", "dark")}

RUN_AXE = """async () => {
  const found = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
    "wcag22aa", "best-practice"]});
  return found.violations.map(one => one.id + ": " + one.nodes.map(node => node.html).join(" | "));
}"""


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(RUN_AXE)
    return found


def test_axe_is_what_npm_has() -> None:
    assert sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256


@pytest.mark.parametrize("language", LOOKS)
def test_axe_finds_nothing_on_any_page(page_of: PageOf, language: str) -> None:
    locale, scheme = LOOKS[language]
    page = page_of(
        "owner", locale=locale, color_scheme=scheme, viewport={"width": 390, "height": 844},
        bypass_csp=True, reduced_motion="reduce",
    )  # fmt: skip
    set_language(page, language)
    for path in PAGES:
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto("/acts")
    for act in ("resume", "block"):
        form = page.locator(f"#{act}")
        form.locator("summary").click()
        assert violations(page) == [], act
    page.locator("#resume [name=why]").fill("x")
    page.locator("#resume button").click()
    expect(page.locator("[name=typed]")).to_be_visible()
    assert violations(page) == []
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert violations(page), "axe can fail"


def set_language(page: Page, language: str) -> None:
    page.goto("/")
    if page.locator("html").get_attribute("lang") != language:
        page.locator("button[name=language]").click()
        expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", LOOKS)
def test_axe_finds_nothing_before_signing_in(
    console: Console, open_context: Callable[..., object], language: str
) -> None:
    locale, scheme = LOOKS[language]
    context = open_context(locale=locale, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()  # type: ignore[attr-defined]
    for path in ("/sign-in", console.link(f"axe-{language}", "view").removeprefix(console.url)):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == language
        assert violations(page) == [], path


def test_a_keyboard_is_enough_to_pause(page_of: PageOf) -> None:
    page = page_of("operate")
    page.goto("/acts")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Aller au contenu")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # unfolds the first act
    page.keyboard.press("Tab")
    page.keyboard.type("au clavier")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Mettre en pause")).to_be_visible()
    page.get_by_role("button", name="Oui : Mettre en pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Mettre en pause : fait")).to_be_visible()
    resume(page)


def resume(page: Page) -> None:
    page.goto("/acts")
    page.locator("#resume summary").click()
    page.locator("#resume [name=why]").fill("fini")
    page.locator("#resume button").click()
    typed = page.locator("label", has=page.locator("[name=typed]")).inner_text()
    page.locator("[name=typed]").fill("".join(char for char in typed if char.isdigit()))
    page.get_by_role("button", name="Oui").click()
    expect(page.get_by_text("Reprendre : fait")).to_be_visible()


def test_what_a_stranger_writes_is_text(console: Console, page_of: PageOf) -> None:
    """A donation's note that is markup, script and attributes of htmx: shown, never run."""
    note = '<img src=x onerror="alert(1)"><b hx-get="/sign-out">x</b><script>alert(2)</script>'
    page = page_of("operate")
    shouted: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        shouted.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto("/money")
    do(page, "give", amount_eur="1.50", why=note)
    expect(page.get_by_text("Noter un don : fait")).to_be_visible()
    for path in ("/money", "/events"):
        page.goto(path)
        expect(page.get_by_text(note, exact=True).first).to_be_visible()
        assert page.locator("main img, main script, main [hx-get]").count() == 0
    assert shouted == []
    assert console.url in page.url
