"""A running service with a small clinic in it, and a real browser to look at it."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest

from ingestor.access import passwords
from ingestor.config import Settings
from ingestor.store import accounts
from tests.web.clinic import furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "a made-up pass phrase"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@cache
def hashed() -> str:
    """Return the hash of the made-up pass phrase, computed once."""
    return passwords.hashed(PASSWORD)


@dataclass(frozen=True)
class Site:
    """The service: where it is, and what stands in it by a short name."""

    url: str
    app: FastAPI
    made: dict[str, str]


def run_app(app: FastAPI) -> tuple[str, object]:
    """Serve an app on a free port from a thread; return its address and the server."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until, "the service did not start"
        time.sleep(0.02)
    return f"http://127.0.0.1:{listener.getsockname()[1]}", (server, thread)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from api.app import create_app

    settings = Settings(
        data_dir=tmp_path_factory.mktemp("site"), centre_name="Universitätsklinik Musterstadt", rate_limits=False,
        support="Klinische EDV, Telefon 4711",
    )  # fmt: skip
    app = create_app(settings)
    url, (server, thread) = run_app(app)
    service = app.state.service
    with service.db.write() as connection:
        made = furnish(connection, service.house.centre)
        for role in ("nurse", "analyst", "steward", "admin", "auditor"):
            accounts.add(
                connection,
                service.house.centre,
                role,
                role,
                service.now(),
                password=hashed(),
            )
    made["pseudonym"] = service.pseudonyms.of(made["anna"])
    yield Site(url, app, made)
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))


def signed_in(browser: Browser, site: Site, role: str, **options: object) -> BrowserContext:
    """Return a browser window in which somebody of this role is signed in."""
    from ingestor.access import logins

    context = browser.new_context(base_url=site.url, **({"locale": "de-AT"} | options))
    opened = logins.log_in(site.app.state.service.db, role, PASSWORD, site.app.state.service.now())
    context.add_cookies(
        [{"name": "sid", "value": opened.secret, "url": site.url, "httpOnly": True, "sameSite": "Lax"}]
    )
    return context


@pytest.fixture
def nurse(browser: Browser, site: Site) -> Iterator[Page]:
    context = signed_in(browser, site, "nurse")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of its own, with nothing in it but one account a role."""
    from api.app import create_app

    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("bare"), rate_limits=False))
    url, (server, thread) = run_app(app)
    service = app.state.service
    with service.db.write() as connection:
        for role in ("nurse", "steward", "admin"):
            accounts.add(connection, service.house.centre, role, role, service.now(), password=hashed())
    yield Site(url, app, {})
    server.should_exit = True
    thread.join(10)
