"""The description of the interface in a real browser, with nothing from another host."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import sleep

import pytest
import uvicorn

from api.app import create_app
from api.protocol import BoundedProtocol
from ingestor.config import Settings

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture
def address(settings: Settings) -> Iterator[str]:
    config = uvicorn.Config(create_app(settings), port=0, http=BoundedProtocol, ws="none", log_config=None)
    running = uvicorn.Server(config)
    thread = Thread(target=running.run)
    thread.start()
    while not running.started:
        sleep(0.01)
    host, port = running.servers[0].sockets[0].getsockname()[:2]
    yield f"http://{host}:{port}"
    running.should_exit = True
    thread.join()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")
def test_the_description_can_be_browsed_offline(address: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/docs")
        page.locator("#operations-account-read_me .opblock-summary").first.click()
        page.locator("#operations-account-read_me .execute").click()
        page.locator(
            "#operations-account-read_me .live-responses-table >> text=login_needed"
        ).first.wait_for()
        browser.close()
    assert all(url.startswith((address, "data:")) for url in asked)
    assert [c for c in complaints if "401" not in c] == []
