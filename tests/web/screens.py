"""Draws the pages anew for the documentation: `python -m tests.web.screens` writes `docs/screens/*.jpg`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from api.app import create_app
from ingestor.config import Settings
from ingestor.store import accounts
from tests.web.clinic import furnish
from tests.web.conftest import FLAGS, Site, hashed, run_app, signed_in

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SIZE = {"width": 1000, "height": 680}
PAGES = {
    "start": ("nurse", "/"),
    "upload": ("nurse", "/upload"),
    "sessions": ("nurse", "/sessions"),
    "session": ("nurse", "/sessions/{linked}"),
    "unlinked": ("nurse", "/sessions/{unlinked}"),
    "same-person": ("nurse", "/sessions/{unlinked}/link/{anna}"),
    "held": ("steward", "/held/{held}"),
    "withheld": ("steward", "/trays/withheld"),
    "patient": ("nurse", "/patients/{anna}"),
    "machine": ("nurse", "/machines/{machine}"),
    "column": ("nurse", "/columns/GA-TC20-0117-1"),
    "week": ("nurse", "/week?of=2026-10-28"),
    "glossary": ("nurse", "/glossary"),
    "print": ("nurse", "/sessions/{linked}/print"),
    "analysis": ("analyst", "/cohort"),
}
WHOLE = {"session", "patient"}


def main() -> None:
    """Start a service with a small made-up clinic and photograph its pages."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(
            data_dir=Path(data), centre_name="Universitätsklinik Musterstadt", support="Telefon 4711"
        )
        app = create_app(settings)
        url, (server, thread) = run_app(app)
        service = app.state.service
        with service.db.write() as connection:
            made = furnish(connection, service.house.centre)
            for role in ("nurse", "steward", "analyst"):
                accounts.add(connection, service.house.centre, role, role, service.now(), password=hashed())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
            for name, (role, path) in PAGES.items():
                context = signed_in(browser, Site(url, app, made), role, viewport=SIZE)
                page = context.new_page()
                page.goto(path.format(**made))
                target = FOLDER / f"{name}.jpg"
                page.screenshot(path=target, type="jpeg", quality=42, full_page=name in WHOLE)
                context.close()
            browser.close()
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    main()
