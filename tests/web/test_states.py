"""Every page in every state of the reader: language, darkness, contrast, size, touch, motion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.web.conftest import signed_in
from tests.web.test_pages import ALL, violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.web.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.torture]

SMALL = """least => [...document.querySelectorAll("a, button, select, input, summary, textarea, [tabindex='0']")]
  .filter(e => e.checkVisibility() && e.type !== "hidden" && e.type !== "file" && !e.matches(".skip, .wide, .zoom"))
  .filter(e => !e.closest("svg"))
  .map(e => [e, (e.matches("input[type=checkbox], input[type=radio]") ? e.closest("label") ?? e : e).getBoundingClientRect()])
  .filter(([e, box]) => !inText(e) && Math.min(box.height, box.width) < least)
  .map(([e, box]) => [e.outerHTML.slice(0, 90), Math.round(box.width), Math.round(box.height)])"""
# A link inside a sentence or a cell of words may be as small as its line (WCAG 2.2, 2.5.8: inline).
IN_TEXT = """() => { window.inText = e => e.matches("a") && !e.matches(".button, nav a, .brand, .trays a")
  && !!e.closest("p, td, th, li, dd, dt, ol, header, .head, .row, section") }"""
MOVING = """() => [...document.querySelectorAll("*")].filter(e => {
  const s = getComputedStyle(e);
  return [s.transitionDuration, s.animationDuration].some(d => d.split(",").some(t => parseFloat(t) > 0.01));
}).map(e => e.tagName)"""


@pytest.fixture(scope="module", params=["de-AT", "en-GB"])
def windows(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[dict[str, Page]]:
    made = {role: signed_in(browser, site, role, locale=request.param) for role, _ in ALL}
    yield {role: context.new_page() for role, context in made.items()}
    for context in made.values():
        context.close()


@pytest.mark.parametrize(("role", "path"), ALL)
def test_a_page_is_accessible_in_every_state(windows: dict[str, Page], site: Site, role: str, path: str):
    page = windows[role]
    page.emulate_media(
        color_scheme="light", forced_colors="none", reduced_motion="no-preference", contrast="no-preference"
    )
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(path.format(**site.made))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert violations(page) == []
    page.evaluate(IN_TEXT)
    assert page.evaluate(SMALL, 24) == []
    for state in (
        {"color_scheme": "dark"},
        {"contrast": "more"},
        {"color_scheme": "dark", "contrast": "more"},
    ):
        page.emulate_media(**{"color_scheme": "light", "contrast": "no-preference"} | state)
        assert violations(page, "color-contrast") == [], state
    page.emulate_media(color_scheme="light", contrast="no-preference", reduced_motion="reduce")
    assert page.evaluate(MOVING) == []
    for width in (640, 320):
        page.set_viewport_size({"width": width, "height": 400})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width


@pytest.mark.parametrize(("role", "path"), ALL)
def test_a_finger_finds_every_target(browser: Browser, site: Site, role: str, path: str):
    context = signed_in(
        browser, site, role, has_touch=True, is_mobile=True, viewport={"width": 820, "height": 1180}
    )
    page = context.new_page()
    page.goto(path.format(**site.made))
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate(IN_TEXT)
    small = [one for one in page.evaluate(SMALL, 44) if one[2] < 44]
    context.close()
    assert small == [], json.dumps(small)
