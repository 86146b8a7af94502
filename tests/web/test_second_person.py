"""A link that two persons make, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestor.config import Settings
from ingestor.flow.patients import NewPatient, add
from ingestor.store import accounts
from ingestor.store.answers import worklist
from ingestor.store.answers.worklist import Wanted
from ingestor.store.audit import Actor
from ingestor.ways.files import ingest_paths
from tests.parts import ORDER
from tests.web.conftest import PASSWORD, Site, hashed, run_app, signed_in
from tests.web.test_pages import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tests.parts import Exports

pytestmark = pytest.mark.browser


@pytest.fixture
def careful(tmp_path_factory: pytest.TempPathFactory, simulated: Callable[..., Exports]) -> Iterator[Site]:
    from api.app import create_app

    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("two"), rate_limits=False, second_person=True))
    url, (server, thread) = run_app(app)
    house = app.state.service.house
    list(ingest_paths(house, simulated("twin-column-report", "--seed", "31").files, ORDER))
    with house.db.write() as connection:
        for name in ("nurse", "night"):
            accounts.add(connection, house.centre, name, "nurse", house.now(), password=hashed())
        (row,) = worklist.sessions(connection, house.centre, Wanted())
        new = NewPatient(name="Anna Beispiel", identifiers={"KIS": "999999999"})
        anna = add(house, connection, new, Actor("nurse", "nurse"))
    yield Site(url, app, {"session": row["id"], "anna": anna})
    server.should_exit = True
    thread.join(10)


def vouch(page: Page, name: str) -> None:
    page.get_by_label("Anmeldename der zweiten Person").fill(name)
    page.get_by_label("Passwort der zweiten Person").fill(PASSWORD)
    page.get_by_role("button", name="Zuordnen").click()


def test_two_persons_link_at_one_screen_or_each_at_their_own(browser: Browser, careful: Site):
    first = signed_in(browser, careful, "nurse").new_page()
    confirmation = f"/sessions/{careful.made['session']}/link/{careful.made['anna']}"
    first.goto(confirmation)
    assert violations(first) == []
    first.get_by_label("Begründung").fill("am Bett gesehen")
    first.get_by_label("Sie bestätigt später").check()
    first.get_by_role("button", name="Zuordnen").click()
    first.get_by_text("Vorgeschlagen: Anna Beispiel").wait_for()
    assert first.get_by_role("button", name="Bestätigen").count() == 0
    assert violations(first) == []
    other = signed_in(browser, careful, "night").new_page()
    other.goto("/")
    other.get_by_role("link", name="Zweite Person").click()
    assert violations(other) == []
    other.get_by_role("button", name="Ablehnen").click()
    other.locator("#notice").wait_for()
    other.get_by_text("Hier wartet nichts").wait_for()
    first.goto(confirmation)
    first.get_by_label("Begründung").fill("am Bett gesehen")
    vouch(first, "nurse")
    first.get_by_text("Das hat dieselbe Person vorgeschlagen").wait_for()
    assert first.get_by_label("Begründung").input_value() == "am Bett gesehen"
    vouch(first, "night")
    first.get_by_text("Die Sitzung ist zugeordnet").wait_for()
    first.get_by_text("Verlauf der Zuordnung").click()
    assert "nurse + night" in first.locator("details[open]").inner_text()
    first.context.close()
    other.context.close()
