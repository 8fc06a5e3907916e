"""One house and one browser for all of the console's tests; a context of its own for each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from antirelou.commands.demo.house import House, embedded_house, run_once
from antirelou.commands.demo.run import operate
from tests.support.browser import open_browser
from tests.support.house import donate

SETTINGS = {"clock_speed": "3600", "quiet_hours": "off"}


@dataclass
class Console:
    """The console of a running house.

    Attributes:
        url: as a browser is to call it.
        states: of browsers that are signed in, by role.
    """

    house: House
    url: str
    folder: Path
    states: dict[str, object] = field(default_factory=dict)

    def settings(self) -> Mapping[str, str]:
        """The settings of a command beside the house."""
        return self.house.services[0].settings

    def run(self, *arguments: str) -> str:
        """Run ``antirelou …`` beside the house. Returns what it printed."""
        return run_once(arguments, self.settings(), self.folder)

    def link(self, name: str, role: str) -> str:
        """A fresh link, as the command asks for one."""
        asked = {"name": name, "role": role}
        link: str = operate(self.house, "POST", "/v1/operators", asked)["link"]
        return link


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("console")
    with embedded_house(folder, SETTINGS) as house:
        donate(house, "100.00", id_="first")
        yield Console(house, house.services[0].settings["console_url"], folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not longer than a module: Playwright's loop runs as long, and no other could meanwhile."""
    with open_browser() as browser:
        yield browser


OpenContext = Callable[..., BrowserContext]


@pytest.fixture
def open_context(browser: Browser, console: Console) -> Iterator[OpenContext]:
    """Opens contexts: a browser each, that has never been here. What it complains of fails."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(**options: object) -> BrowserContext:
        context = browser.new_context(
            base_url=console.url,
            **{"locale": "fr-FR", **options},  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        context.on("console", lambda said: complaints.append(said.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
    assert not _unexpected(complaints), complaints


ASKED_FOR = ("Failed to load resource", "htmx: htmx:sse:error")
"""Answers of 4xx and 5xx, and a stream that a kill cuts off."""


def _unexpected(complaints: Sequence[str]) -> list[str]:
    return [one for one in complaints if not one.startswith(ASKED_FOR)]


@pytest.fixture(scope="module")
def states(browser: Browser, console: Console) -> Callable[[str], object]:
    """Signed-in browsers by role: each role signs in once in the session."""
    known = console.states

    def state(role: str) -> object:
        if role not in known:
            context = browser.new_context(base_url=console.url, locale="fr-FR")
            page = context.new_page()
            page.goto(console.link(f"{role}-one", role))
            page.get_by_role("button").first.click()
            page.wait_for_url("**/passkey")
            known[role] = context.storage_state()
            context.close()
        return known[role]

    return state


@pytest.fixture
def page_of(open_context: OpenContext, states: Callable[[str], object]) -> Callable[..., Page]:
    """Opens a page of somebody who is signed in with a role."""

    def open_page(role: str, **options: object) -> Page:
        return open_context(storage_state=states(role), **options).new_page()

    return open_page
