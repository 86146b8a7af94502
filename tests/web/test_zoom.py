"""The curve with every sample, to zoom by mouse and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.test_pages import violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.web.conftest import Site

pytestmark = pytest.mark.browser
FRAMES = """async () => {
  const box = document.querySelector(".zoom"), times = [];
  let last = performance.now();
  for (let i = 0; i < 30; i++) {
    box.dispatchEvent(new KeyboardEvent("keydown", { key: i % 2 ? "-" : "+", bubbles: true }));
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
  }
  return times.sort((a, b) => a - b);
}"""


def test_a_long_session_zooms_by_keys_and_mouse(nurse: Page, site: Site):
    complaints: list[str] = []
    nurse.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    nurse.goto(f"/sessions/{site.made['unlinked']}")
    trace = nurse.request.get(nurse.locator("[data-zoom]").get_attribute("data-zoom")).json()
    assert len(trace["local_s"]) == 14_400
    assert [len(c["values"]) for c in trace["channels"]] == [14_400] * 6
    nurse.get_by_role("button", name="Vergrößern").click()
    nurse.locator(".zoom .u-over").nth(2).wait_for()
    assert nurse.evaluate("document.activeElement.className") == "zoom"
    whole = nurse.locator(".zoom canvas").first.screenshot()
    nurse.keyboard.press("+")
    nurse.keyboard.press("ArrowRight")
    nurse.wait_for_timeout(50)
    closer = nurse.locator(".zoom canvas").first.screenshot()
    assert closer != whole
    nurse.keyboard.press("0")
    nurse.wait_for_timeout(50)
    assert nurse.locator(".zoom canvas").first.screenshot() == whole
    box = nurse.locator(".zoom .u-over").first.bounding_box()
    nurse.mouse.move(box["x"] + 100, box["y"] + 50)
    nurse.mouse.down()
    nurse.mouse.move(box["x"] + 300, box["y"] + 50, steps=4)
    nurse.mouse.up()
    nurse.wait_for_timeout(50)
    assert nurse.locator(".zoom canvas").first.screenshot() != whole
    frames = nurse.evaluate(FRAMES)
    assert frames[15] < 500, f"frames took {frames[15]:.0f} ms in the middle"
    assert violations(nurse) == []
    assert complaints == []
