"""What is refused: another role, another browser's cookie, another site's form or script."""

import http.client
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Page, expect

from antirelou.commands.demo.run import operate
from tests.browser.conftest import Console, OpenContext
from tests.support.house import status

PageOf = Callable[..., Page]

COOKIE = "antirelou"


def cookie_of(page: Page) -> str:
    page.goto("/")
    found = [one for one in page.context.cookies() if one["name"] == COOKIE]
    assert len(found) == 1
    assert found[0]["httpOnly"]
    assert found[0]["sameSite"] == "Strict"
    return found[0]["value"]


def ask(
    console: Console, method: str, path: str, fields: dict[str, str] | None = None, **headers: str
) -> tuple[int, str]:
    """One request, exactly as given."""
    where = urlsplit(console.url)
    connection = http.client.HTTPConnection("127.0.0.1", where.port or 80, timeout=20)
    body = None if fields is None else urlencode(fields)
    told = {"Host": where.netloc, "User-Agent": "curl"}
    if body is not None:
        told["Content-Type"] = "application/x-www-form-urlencoded"
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def fields_of(page: Page, act: str) -> dict[str, str]:
    page.goto("/acts")
    token = page.locator("#pause [name=token]").get_attribute("value")
    assert token
    return {"token": token, "why": "non", "act_id": "0" * 31 + act}


REFUSED_TO_VIEW = (
    ("/acts/pause", {"why": "x"}),
    ("/acts/pause/do", {"why": "x", "act_id": "a" * 32}),
    ("/acts/give/do", {"why": "x", "amount_eur": "1", "act_id": "b" * 32}),
    ("/explain", {"asked": "06 39 98 00 01"}),
    ("/operators/add", {"name": "eve", "role": "owner"}),
    ("/operators/remove", {"name": "owner-one"}),
)


def test_a_role_that_only_looks_does_nothing(console: Console, page_of: PageOf) -> None:
    page = page_of("view")
    page.goto("/operators")
    token = page.locator("[name=token]").first.get_attribute("value") or ""
    before = status(console.house)["fund"]["donated_microeuros"]
    for path, fields in REFUSED_TO_VIEW:
        answer = page.request.post(
            path, form={**fields, "token": token}, headers={"Origin": console.url}
        )
        assert answer.status == 403, path
        assert "Ce rôle ne le permet pas" in answer.text(), path
    now = status(console.house)
    assert now["posture_cause"] != "operator"
    assert now["fund"]["donated_microeuros"] == before


def test_who_operates_makes_no_operators(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    page.goto("/operators")
    expect(page.get_by_role("heading", name="Ajouter quelqu'un")).to_have_count(0)
    answer = page.request.post(
        "/operators/add", form={"name": "eve", "role": "owner"}, headers={"Origin": console.url}
    )
    assert answer.status == 403
    assert "eve" not in str(operate(console.house, "GET", "/v1/operators"))


def test_a_stolen_cookie_opens_nothing_and_ends_the_session(
    console: Console, open_context: OpenContext
) -> None:
    page = open_context().new_page()
    page.goto(console.link("mallory-s-prey", "operate"))
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url("**/passkey")
    cookie = f"{COOKIE}={cookie_of(page)}"
    assert page.evaluate("document.cookie") == ""

    assert ask(console, "GET", "/acts", Cookie=cookie)[0] == 303
    page.goto("/acts")
    expect(page).to_have_url(f"{console.url}/sign-in")


def test_a_cookie_is_worth_nothing_after_signing_out(
    console: Console, open_context: OpenContext
) -> None:
    page = open_context(user_agent="the same").new_page()
    page.goto(console.link("gone", "view"))
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url("**/passkey")
    cookie = f"{COOKIE}={cookie_of(page)}"
    assert ask(console, "GET", "/", Cookie=cookie, User_Agent="the same")[0] == 200
    page.get_by_role("button", name="Se déconnecter").click()
    page.wait_for_url("**/sign-in")
    assert ask(console, "GET", "/", Cookie=cookie, User_Agent="the same")[0] == 303


def test_who_is_removed_is_out_at_once(console: Console, open_context: OpenContext) -> None:
    page = open_context().new_page()
    page.goto(console.link("removed", "owner"))
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url("**/passkey")
    console.run("operator", "remove", "removed")
    page.goto("/")
    expect(page).to_have_url(f"{console.url}/sign-in")


FROM_ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {},
    {"Origin": "{ours}", "Sec_Fetch_Site": "cross-site"},
    {"Origin": "{ours}", "Host": "evil.example"},
)  # fmt: skip


def test_a_form_of_another_site_does_nothing(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    fields = fields_of(page, "c")
    agent = page.evaluate("navigator.userAgent")
    cookie = f"{COOKIE}={cookie_of(page)}"
    for headers in FROM_ELSEWHERE:
        told = {name: value.replace("{ours}", console.url) for name, value in headers.items()}
        code, said = ask(
            console, "POST", "/acts/pause/do", fields, Cookie=cookie, User_Agent=agent, **told
        )
        assert code == 403, (headers, said)
    assert status(console.house)["posture_cause"] != "operator"


def test_a_form_without_its_token_does_nothing(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    token = {"token": "0" * 64}
    answer = page.request.post(
        "/acts/pause/do", form={**fields_of(page, "d"), **token}, headers={"Origin": console.url}
    )
    assert answer.status == 403
    assert status(console.house)["posture_cause"] != "operator"


def test_another_site_posts_without_the_cookie(console: Console, page_of: PageOf) -> None:
    """A real browser, on another origin, with a form that sends itself."""
    page = page_of("operate")
    page.goto("/acts")
    html = (
        f'<form method=post action="{console.url}/acts/pause/do"><input name=why value=x>'
        "<input name=act_id value=eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee></form>"
        "<script>document.forms[0].submit()</script>"
    )
    page.route("http://evil.localhost/**", lambda route: route.fulfill(
        body=html, content_type="text/html"))  # fmt: skip
    with page.expect_response("**/acts/pause/do") as answered:
        page.goto("http://evil.localhost/")
    assert answered.value.status == 403
    assert status(console.house)["posture_cause"] != "operator"


def test_every_answer_carries_the_strict_headers(page_of: PageOf) -> None:
    page = page_of("view")
    for path in ("/", "/sign-in", "/nothing", "/operators"):
        answer = page.request.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_form_that_is_sent_twice_books_once(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    before = status(console.house)["fund"]["donated_microeuros"]
    fields = fields_of(page, "f") | {"amount_eur": "2.00"}
    for _ in range(2):
        answer = page.request.post(
            "/acts/give/do", form={**fields}, headers={"Origin": console.url}
        )
        assert answer.status == 200
    assert status(console.house)["fund"]["donated_microeuros"] == before + 2_000_000


def test_a_reason_with_a_number_is_kept_nowhere(console: Console, page_of: PageOf) -> None:
    page = page_of("operate")
    fields = fields_of(page, "9") | {"why": "il écrit du 06 39 98 00 42"}
    answer = page.request.post("/acts/detach/do", form={**fields}, headers={"Origin": console.url})
    assert answer.status == 422
    assert status(console.house)["attached"] is True
    page.goto("/events")
    assert "39 98 00 42" not in page.content()
