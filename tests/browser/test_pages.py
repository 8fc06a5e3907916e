"""Each screen, as an operator uses it: what it shows, what it does, and that it needs no script."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Console
from tests.support.house import donate, status, text_in

PageOf = Callable[..., Page]

SOMEBODY = "+33639980001"


def do(page: Page, act: str, *, why: str, typed: str = "", **fields: str) -> None:
    """One act: its form, its confirmation, what became of it."""
    form = page.locator(f"#{act}")
    if form.get_attribute("open") is None:
        form.locator("summary").click()
    for name, value in fields.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("[name=why]").fill(why)
    form.get_by_role("button").click()
    if typed:
        page.locator("[name=typed]").fill(typed)
    page.get_by_role("button", name=re.compile("^Oui")).click()


def test_now_changes_by_itself(console: Console, page_of: PageOf) -> None:
    page = page_of("view")
    page.goto("/")
    expect(page.get_by_text("Oui : le numéro peut être donné.")).to_be_visible()
    before = status(console.house)["messages"]["received"]
    text_in(console.house, SOMEBODY, "Coucou")
    received = page.locator("dt", has_text=re.compile("^reçus$")).locator("+ dd")
    expect(received).to_have_text(str(before + 1))


def test_pause_then_resume_with_its_preview(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    page.goto("/acts")
    do(page, "pause", why="essai du soir")
    expect(page.get_by_text("Mettre en pause : fait")).to_be_visible()
    assert status(console.house)["posture_cause"] == "operator"
    do(page, "resume", why="fini", typed="99999")
    expect(page.get_by_role("alert")).to_contain_text("Ce n'est pas ce nombre")
    waiting = re.search(r"qui attendent : (\d+)", page.locator("main").inner_text())
    assert waiting
    page.locator("[name=typed]").fill(waiting[1])
    page.get_by_role("button", name=re.compile("^Oui")).click()
    expect(page.get_by_text("Reprendre : fait")).to_be_visible()
    assert status(console.house)["posture_cause"] != "operator"


def test_a_blocked_number_is_nowhere_in_the_log(page_of: PageOf) -> None:
    page = page_of("operate")
    page.goto("/acts")
    do(page, "block", number="06 39 98 00 77", why="menaces")
    expect(page.get_by_text("Bloquer un numéro : fait")).to_be_visible()
    page.goto("/events")
    text = page.content().replace(" ", "")
    assert "menaces" in text
    assert "0639980077" not in text
    assert "33639980077" not in text


def test_what_the_house_refuses_is_said_and_logged(page_of: PageOf) -> None:
    page = page_of("operate")
    page.goto("/acts")
    do(page, "test", number="pas un numéro", why="essai")
    expect(page.get_by_text("Essayer sur un téléphone à nous : refusé")).to_be_visible()


def test_without_script_every_page_works(page_of: PageOf) -> None:
    page = page_of("operate", java_script_enabled=False)
    page.goto("/")
    expect(page.get_by_text("Oui : le numéro peut être donné.")).to_be_visible()
    page.goto("/acts")
    do(page, "pause", why="sans script")
    expect(page.get_by_text("Mettre en pause : fait")).to_be_visible()
    page.goto("/acts")
    form = page.locator("#resume")
    form.locator("summary").click()
    form.locator("[name=why]").fill("repris")
    form.get_by_role("button").click()
    waiting = re.search(r"qui attendent : (\d+)", page.locator("main").inner_text())
    assert waiting
    page.locator("[name=typed]").fill(waiting[1])
    page.get_by_role("button", name=re.compile("^Oui")).click()
    expect(page.get_by_text("Reprendre : fait")).to_be_visible()


def test_the_stream_comes_back_after_a_kill(console: Console, page_of: PageOf) -> None:
    page = page_of("view")
    page.goto("/")
    expect(page.locator(".verdict.good")).to_be_visible()
    service = console.house.services[0]
    service.kill()
    service.start()
    service.wait_ready()
    before = status(console.house)["fund"]["donated_microeuros"]
    donate(console.house, "7.00", id_="after-the-kill")
    donated = page.locator("dt", has_text=re.compile("^dons$")).locator("+ dd")
    told = f"{(before + 7_000_000) / 1_000_000:,.2f} €".translate(str.maketrans(",.", " ,"))
    expect(donated).to_have_text(told, timeout=30_000)
