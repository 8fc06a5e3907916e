"""The public page in a browser: axe finds nothing, it fits a phone, and asks for nothing else."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from antirelou.page.render import CARD, PAGES
from tests.browser.test_access import violations
from tests.unit.antirelou.test_page import build, status


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("attached", [True, False])
def test_axe_finds_nothing_on_the_public_page(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"], *, attached: bool
) -> None:
    build(tmp_path, status(9000, attached=attached), publisher="Association Exemple")
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme=scheme, bypass_csp=True
    )
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    for name in (*PAGES.values(), CARD):
        url = (tmp_path / "page" / name).as_uri()
        page.goto(url)
        assert asked == [url]
        asked.clear()
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
    context.close()
