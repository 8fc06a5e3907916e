"""Getting in: by the link that a command prints, then by a passkey; and by nothing else."""

import re
import secrets

from playwright.sync_api import Page, expect

from antirelou.commands.demo.house import Process, free_port
from tests.browser.conftest import Console, OpenContext


def test_a_link_lets_in_once_and_a_passkey_from_then_on(
    console: Console, open_context: OpenContext
) -> None:
    printed = console.run("operator", "add", "ada", "--role", "operate")
    found = re.search(rf"{re.escape(console.url)}/enter/[\w-]+", printed)
    assert found, printed
    assert "▀" in printed, "a QR code"
    link = found[0]
    context = open_context()
    page = context.new_page()
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True,
                     "automaticPresenceSimulation": True}},
    )  # fmt: skip
    page.goto(link)
    expect(page.get_by_text("Vous entrez comme ada.")).to_be_visible()
    page.goto(link)  # a preview uses nothing up
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url("**/passkey")
    page.get_by_role("button", name="Ajouter une clé").click()
    page.wait_for_url(f"{console.url}/")

    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url("**/sign-in")
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in$"))
    page.get_by_role("button", name="par clé d'accès").click()
    page.wait_for_url(f"{console.url}/")
    expect(page.get_by_text("ada (agit)")).to_be_visible()

    again = open_context().new_page()
    assert _status(again, link) == 403
    expect(again.get_by_text("Ce lien a déjà servi")).to_be_visible()


def test_a_console_by_itself_takes_twenty_wrong_links_a_minute(
    console: Console, open_context: OpenContext
) -> None:
    """``antirelou console`` beside the house: the same operators, a door of its own."""
    where = f"localhost:{free_port()}"
    own = {
        "console_listen": where.replace("localhost", "127.0.0.1"),
        "console_url": f"http://{where}",
    }
    process = Process(
        "console", ["console"], {**console.settings(), **own}, console.folder,
        f"http://{where}/sign-in",
    )  # fmt: skip
    process.start()
    try:
        process.wait_ready()
        page = open_context().new_page()
        page.goto(console.link("beside", "view").replace(console.url, f"http://{where}"))
        page.get_by_role("button", name="Entrer").click()
        page.wait_for_url("**/passkey")
        page.goto(f"http://{where}/")
        expect(page.get_by_text("Oui : le numéro peut être donné.")).to_be_visible()
        answers = [
            page.request.get(f"http://{where}/enter/{secrets.token_urlsafe(32)}").status
            for _ in range(21)
        ]
        assert answers == [403] * 20 + [429]
        assert page.request.get(f"http://{where}/").status == 200, "who is in stays in"
    finally:
        assert process.stop() == 0


def _status(page: Page, url: str) -> int:
    answer = page.goto(url)
    assert answer is not None
    return answer.status
