"""Every page in a real browser: reachable, accessible, silent towards other hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from api.web.routes.trays import ORDER
from tests.web.conftest import PASSWORD, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.web.conftest import Site

pytestmark = pytest.mark.browser

# The trays in which the clinic has something; the others are drawn by the same templates.
FULL = tuple(name for name in ORDER if name not in {"unlinked", "waiting", "preview", "questions"})
PAGES = {
    "nurse": (
        "/", "/upload", "/sessions", "/sessions/{unlinked}",
        "/sessions/{linked}/print", "/sessions/{unlinked}/link", "/sessions/{unlinked}/link?q=anna",
        "/sessions/{unlinked}/link/{anna}", "/sessions/{linked}/unlink", "/patients", "/patients?q=nobody",
        "/patients/{anna}", "/patients/{bert}", "/patients/new", "/about", "/glossary", "/sessions/none",
        "/machines", "/machines/{machine}", "/machines/{machine}/accept", "/columns", "/columns/GA-TC20-0117-1",
        "/week?of=2026-10-28", *(f"/trays/{name}" for name in FULL), "/held/{held}",
    ),
    "steward": ("/privacy", "/trays/withheld", "/trays/questions", "/held/{held}", "/machines/{machine}/accept", "/sessions/{withheld}"),
    "analyst": ("/", "/sessions", "/sessions/{linked}", "/upload", "/cohort", "/cohort?from=2030-01-01", "/courses/{pseudonym}"),
    "admin": ("/", "/sessions", "/machines/{machine}", "/accounts", "/site", "/account"),
    "auditor": ("/audit", "/audit?action=none"),
}  # fmt: skip
IN_THE_DARK = (
    "/",
    "/upload",
    "/sessions/{withheld}",
    "/patients/{anna}",
    "/trays/held",
    "/week?of=2026-10-28",
    "/cohort",
)
ALL = [(role, path) for role, paths in PAGES.items() for path in paths]
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe finds, one line a rule; of all rules of the standard if none is named."""
    from axe_playwright_python.base import AXE_FILE_PATH

    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": STANDARDS}
    options = {"runOnly": only, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{v['id']}: {v['help']} {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found["violations"]
    ]


@pytest.fixture(scope="module")
def windows(browser: Browser, site: Site) -> Iterator[dict[str, BrowserContext]]:
    made = {role: signed_in(browser, site, role) for role in PAGES}
    yield made
    for context in made.values():
        context.close()


@pytest.mark.parametrize(("role", "path"), ALL)
def test_a_page_is_accessible_and_asks_no_other_host(
    windows: dict[str, BrowserContext], site: Site, role: str, path: str
):
    page = windows[role].new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    answer = page.goto(path.format(**site.made))
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert [url for url in asked if not url.startswith(site.url)] == []
    assert [c for c in complaints if "the server responded with a status of 4" not in c] == []
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "de"
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert violations(page) == []
    if path in IN_THE_DARK:
        page.emulate_media(color_scheme="dark")
        assert violations(page, "color-contrast") == []
    page.close()


def test_the_login_is_accessible_and_says_what_is_wrong(browser: Browser, site: Site):
    context = browser.new_context(base_url=site.url, locale="en-GB")
    page = context.new_page()
    page.goto("/sessions")
    assert page.url.endswith("/login?next=%2Fsessions")
    assert page.locator("html").get_attribute("lang") == "en"
    assert violations(page) == []
    page.get_by_role("button", name="Deutsch").click()
    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_role("button", name="English").click()
    page.get_by_label("Name").fill("nurse")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    page.locator("#notice").wait_for()
    assert [p.inner_text() != "" for p in page.locator("#notice [data-part]").all()] == [True] * 3
    assert page.get_by_label("Name").input_value() == "nurse"
    assert violations(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions")
    context.close()


def test_the_chosen_language_goes_before_the_browsers(nurse: Page, site: Site):
    nurse.goto("/patients")
    assert nurse.locator("html").get_attribute("lang") == "de"
    nurse.get_by_role("button", name="English").click()
    assert nurse.locator("html").get_attribute("lang") == "en"
    assert nurse.url == f"{site.url}/patients"
    nurse.get_by_role("button", name="Deutsch").click()
    assert nurse.locator("html").get_attribute("lang") == "de"


def test_what_others_typed_is_text_and_never_markup(nurse: Page, site: Site):
    nurse.goto(f"/patients/{site.made['bert']}")
    assert nurse.locator("h1").inner_text() == "Bert <Muster>"
    nurse.goto(f"/sessions/{site.made['linked']}")
    assert "Rückgabedruck <hoch>" in nurse.locator("main").inner_text()
    assert nurse.locator("muster, hoch").count() == 0


def test_an_analyst_sees_a_pseudonym_and_no_name(browser: Browser, site: Site):
    context = signed_in(browser, site, "analyst")
    page = context.new_page()
    for path in ("/sessions", f"/sessions/{site.made['linked']}", f"/sessions/{site.made['linked']}/print"):
        page.goto(path)
        shown = page.content()
        assert "Anna" not in shown
        assert "481516" not in shown
    assert "ps-" in shown
    for path in (f"/patients/{site.made['anna']}", f"/sessions/{site.made['linked']}/link"):
        assert page.goto(path).status == 403
    context.close()


def test_the_first_page_is_light(nurse: Page):
    session = nurse.context.new_cdp_session(nurse)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    nurse.goto("/", wait_until="networkidle")
    assert sizes
    assert sum(sizes) <= 100_000


def test_a_page_fits_at_twice_the_size(browser: Browser, site: Site):
    context = signed_in(browser, site, "nurse", viewport={"width": 640, "height": 400})
    page = context.new_page()
    for path in (
        "/",
        "/upload",
        "/sessions/{linked}",
        "/patients/{anna}",
        "/sessions/{unlinked}/link/{anna}",
    ):
        page.goto(path.format(**site.made))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()


def test_touch_targets_are_large_enough(browser: Browser, site: Site):
    context = signed_in(
        browser, site, "nurse", has_touch=True, is_mobile=True, viewport={"width": 820, "height": 1180}
    )
    page = context.new_page()
    for path in ("/", "/upload", "/sessions", "/sessions/{unlinked}", "/patients/{anna}"):
        page.goto(path.format(**site.made))
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, select, input, summary")]
              .filter(e => e.checkVisibility() && !e.closest("svg, p, li:not(.choice, nav li)") && e.type !== "hidden" && e.type !== "file" && !e.matches(".skip"))
              .map(e => [e.outerHTML.slice(0, 80), e.closest("label, .check")?.getBoundingClientRect().height ?? e.getBoundingClientRect().height])
              .filter(([, height]) => height < 44)"""
        )
        assert small == [], json.dumps(small)
    context.close()
