"""What a nurse does, in a real browser, with real exports in a real store."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ingestor.flow import clocks, pipeline
from ingestor.store import doses, sessions
from ingestor.store.audit import Actor
from ingestor.store.sources import Order, StoredMember
from tests.web.conftest import signed_in
from tests.web.test_pages import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from ingestor.flow.house import House
    from tests.parts import Exports
    from tests.web.conftest import Site

pytestmark = pytest.mark.browser
NURSE = Order("web", Actor("nurse", "nurse"))


@pytest.fixture
def running(bare: Site) -> House:
    return bare.app.state.service.house


@pytest.fixture
def export(simulated: Callable[..., Exports], request: pytest.FixtureRequest) -> Exports:
    """One export, another one for each test: other machine, other patient."""
    seed = sum(map(ord, request.node.name))
    return simulated("twin-column-report", "--seed", str(seed))


@pytest.fixture
def nurse(browser: Browser, bare: Site) -> Iterator[Page]:
    context = signed_in(browser, bare, "nurse")
    yield context.new_page()
    context.close()


@pytest.fixture
def steward(browser: Browser, bare: Site) -> Iterator[Page]:
    context = signed_in(browser, bare, "steward")
    yield context.new_page()
    context.close()


def take_in(running: House, name: str, data: bytes, *, preview: bool = False) -> dict:
    kept = running.archive.put_bytes(data)
    member = StoredMember(name, kept.sha256, kept.size)
    return (pipeline.understand if preview else pipeline.ingest)(running, [member], NURSE)


def stored(running: House, export: Exports, number: int = 0) -> str:
    file = export.files[number]
    (key,) = take_in(running, file.name, file.read_bytes())["sessions"]
    return key


def is_here(running: House, session: str) -> bool:
    with running.db.read() as connection:
        return session in sessions.all_sessions(connection)


def patient_of(running: House, session: str) -> str | None:
    with running.db.read() as connection:
        return sessions.session_row(connection, session).patient_id


def multiple_of(running: House, session: str) -> object:
    with running.db.read() as connection:
        return doses.current(connection, session, "ia-dose/1").pv_multiple


def add_patient(page: Page, name: str, identifier: str, sex: str = "female") -> None:
    page.goto("/patients/new")
    page.get_by_label("Kennung", exact=True).fill(identifier)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Geburtsdatum").fill("1968-03-04")
    page.get_by_label("Geschlecht").select_option(sex)
    page.get_by_role("button", name="Patient speichern").click()
    page.get_by_role("heading", name=name).wait_for()


def measure(page: Page, kind: str, value: str, at: str) -> None:
    page.get_by_label("Art", exact=True).select_option(kind)
    page.get_by_label("Wert", exact=True).fill(value)
    page.get_by_label("Gemessen am").fill(at)
    page.get_by_role("button", name="Messwert speichern").click()
    page.locator("#notice").wait_for()


def test_a_new_patient_finds_the_session_that_waited_and_measurements_make_the_dose(
    nurse: Page, running: House, export: Exports
):
    key = stored(running, export)
    truth = export.sessions[0]
    assert patient_of(running, key) is None
    add_patient(nurse, "Anna Beispiel", truth["patient_id"])
    assert patient_of(running, key) is not None
    at = truth["started_local"][:16]
    for kind, value in (("weight", "72,5"), ("height", "170"), ("hematocrit", "36")):
        measure(nurse, kind, value, at)
    assert multiple_of(running, key) is not None
    nurse.goto(f"/sessions/{key}")
    assert "nach Nadler" in nurse.locator("#dose").inner_text()
    assert violations(nurse) == []


def test_a_wrong_link_is_undone_in_three_actions_and_the_dose_moves_along(
    nurse: Page, running: House, export: Exports
):
    key = stored(running, export)
    add_patient(nurse, "Anna Beispiel", export.sessions[0]["patient_id"])
    measure(nurse, "weight", "70", export.sessions[0]["started_local"][:16])
    before = patient_of(running, key)
    assert before is not None
    with running.db.read() as connection:
        assert doses.current(connection, key, "ia-dose/1").patient_id == before
    nurse.goto(f"/sessions/{key}")
    nurse.get_by_role("link", name="Zuordnung aufheben").click()
    nurse.get_by_label("Begründung").fill("falsch zugeordnet")
    nurse.get_by_role("button", name="Zuordnung aufheben").click()
    assert nurse.locator("#notice [data-part=happened]").inner_text() == "Die Zuordnung ist aufgehoben."
    assert patient_of(running, key) is None
    with running.db.read() as connection:
        dose = doses.current(connection, key, "ia-dose/1")
    assert (dose.patient_id, "no_patient" in dose.status_reasons) == (None, True)
    nurse.get_by_text("Verlauf der Zuordnung").click()
    assert "falsch zugeordnet" in nurse.locator("#patient").inner_text()
    assert violations(nurse) == []


def test_a_link_without_a_reason_is_not_made(nurse: Page, running: House, export: Exports):
    add_patient(nurse, "Bert Muster", "999")
    who = nurse.url.split("/")[-1].split("?")[0]
    key = stored(running, export)
    nurse.goto(f"/sessions/{key}/link/{who}")
    nurse.get_by_label("Begründung").evaluate("field => field.removeAttribute('required')")
    nurse.get_by_role("button", name="Zuordnen").click()
    assert nurse.locator("#reason-wrong").is_visible()
    assert patient_of(running, key) is None
    assert violations(nurse) == []


def test_the_keyboard_alone_finds_a_patient_and_links(nurse: Page, running: House, export: Exports):
    add_patient(nurse, "Carla Probe", "4711")
    add_patient(nurse, "Clara Probe", "4712")
    key = stored(running, export)
    nurse.goto(f"/sessions/{key}")
    reach(nurse, "Patient suchen")
    nurse.keyboard.press("Enter")
    nurse.locator("#q:focus").wait_for()
    nurse.keyboard.type("probe")
    nurse.locator("#found .choice").nth(1).wait_for()
    nurse.keyboard.press("ArrowDown")
    nurse.keyboard.press("ArrowDown")
    assert "Clara Probe" in nurse.evaluate("document.activeElement.textContent")
    nurse.keyboard.press("Enter")
    nurse.get_by_role("heading", name="Ist das derselbe Mensch?").wait_for()
    assert "Clara Probe" in nurse.locator("main").inner_text()
    assert export.sessions[0]["patient_id"] in nurse.locator("main").inner_text()
    reach(nurse, field="reason")
    nurse.keyboard.type("beim Patienten nachgefragt")
    reach(nurse, "Zuordnen")
    nurse.keyboard.press("Enter")
    nurse.locator("#notice").wait_for()
    assert patient_of(running, key) is not None


def reach(page: Page, text: str = "", field: str = "") -> None:
    """Press Tab until the focus is on a text or a field; what has the focus must show it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        now = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.textContent.trim(), e.id, s.outlineStyle !== 'none' || s.boxShadow !== 'none' || e === document.body] }"""
        )
        assert now[2], f"the focus on {now[:2]} cannot be seen"
        if (text and now[0].startswith(text)) or (field and now[1] == field):
            return
    pytest.fail(f"Tab never reached {text or field}")


def test_a_preview_counts_only_after_the_nurse_says_so(nurse: Page, running: House, export: Exports):
    add_patient(nurse, "Anna Beispiel", "55501")
    file = export.files[0]
    receipt = take_in(running, file.name, file.read_bytes(), preview=True)
    assert receipt["status"] == "preview"
    (would_be,) = receipt["sessions"]
    assert not is_here(running, would_be)
    nurse.goto("/upload")
    row = nurse.locator(f"#{receipt['submission']}")
    assert "noch nicht gespeichert" in row.locator("[data-part=happened]").inner_text()
    assert violations(nurse) == []
    row.get_by_role("link", name="Ansehen und ergänzen").click()
    assert export.sessions[0]["device"]["serial"] in nurse.locator("main").inner_text()
    assert nurse.locator(".curve svg").first.is_visible()
    assert violations(nurse) == []
    nurse.get_by_label("Kennung des Patienten").fill("99999")
    nurse.get_by_role("button", name="Speichern", exact=True).click()
    assert "gehört noch niemandem" in nurse.locator("#notice").inner_text()
    nurse.get_by_label("Kennung des Patienten").fill("55501")
    nurse.get_by_label("Gewicht").fill("72,5")
    nurse.get_by_role("button", name="Speichern", exact=True).click()
    assert nurse.locator("#notice [data-part=happened]").inner_text() == "Gespeichert."
    with running.db.read() as connection:
        dose = doses.current(connection, would_be, "ia-dose/1")
    assert patient_of(running, would_be) is not None
    assert dose.weight_kg is not None


def test_the_wrong_file_never_counts(nurse: Page, running: House, export: Exports):
    file = export.files[0]
    receipt = take_in(running, file.name, file.read_bytes(), preview=True)
    nurse.goto(f"/upload/{receipt['submission']}")
    nurse.get_by_role("button", name="Falsches Gerät").click()
    assert "zählt nicht" in nurse.locator(f"#{receipt['submission']} [data-part=happened]").inner_text()
    nurse.goto("/trays/preview")
    assert nurse.locator(".outcome").count() == 0
    assert not is_here(running, receipt["sessions"][0])


def test_a_contradiction_is_shown_side_by_side_and_decided_by_the_steward(
    nurse: Page, steward: Page, running: House, export: Exports
):
    key = stored(running, export)
    file = export.files[0]
    other = contradicting(file.read_bytes())
    receipt = take_in(running, file.name, other)
    assert receipt["status"] == "held"
    nurse.goto("/trays/held")
    nurse.get_by_role("link", name="Vergleichen").click()
    nurse.locator("table tbody tr").first.wait_for()
    assert "333.3" in nurse.locator("table").inner_text()
    assert nurse.get_by_role("button", name="Den neuen zählen lassen").count() == 0
    assert violations(nurse) == []
    steward.goto("/trays/held")
    steward.get_by_role("link", name="Vergleichen").click()
    steward.get_by_label("Begründung").fill("am Bildschirm verglichen")
    steward.get_by_role("button", name="Den neuen zählen lassen").click()
    assert "gespeichert" in steward.locator("#notice").inner_text()
    assert steward.locator(".outcome").count() == 0
    steward.goto(f"/sessions/{key}")
    assert "ersetzt" in steward.locator("#origin").inner_text()


def contradicting(data: bytes) -> bytes:
    """Return the same export with another volume in its first load."""
    changed, times = re.subn(rb"(;Beladung;[^;]*;[^;]*;)[0-9,]+", rb"\g<1>333,3", data, count=1)
    assert times == 1
    return changed


def test_a_machine_is_accepted_line_by_line(steward: Page, running: House, export: Exports):
    key = stored(running, export)
    with running.db.read() as connection:
        device = doses.current(connection, key, "ia-dose/1").device
    steward.goto(f"/machines/{device}/accept")
    steward.get_by_role("button", name="unterschreibt").click()
    assert "nicht alles angehakt" in steward.locator("#notice").inner_text()
    for box in steward.get_by_role("checkbox").all():
        box.check()
    steward.get_by_role("button", name="unterschreibt").click()
    assert "steward" in steward.locator("main").inner_text()
    with running.db.read() as connection:
        assert "driver_not_accepted" not in doses.current(connection, key, "ia-dose/1").status_reasons
    assert violations(steward) == []


def test_from_a_figure_a_way_leads_to_the_line_in_the_original(nurse: Page, running: House, export: Exports):
    key = stored(running, export)
    nurse.goto(f"/sessions/{key}")
    nurse.locator("#origin table a").first.click()
    assert nurse.locator(".raw li.here").count() == 1
    first = export.files[0].read_bytes().decode("cp1252").splitlines()[0]
    assert first in nurse.locator(".raw").inner_text()
    assert violations(nurse) == []
    with nurse.expect_download() as download:
        nurse.get_by_role("link", name="Herunterladen").click()
    assert download.value.path().read_bytes() == export.files[0].read_bytes()


def test_a_note_is_shown_where_the_session_is_read_and_on_paper(nurse: Page, running: House, export: Exports):
    file = export.files[0]
    receipt = take_in(running, file.name, file.read_bytes(), preview=True)
    nurse.goto(f"/upload/{receipt['submission']}")
    nurse.get_by_role("textbox", name="Bemerkung").fill("Gerät stand auf Station 3")
    nurse.get_by_role("button", name="Speichern").click()
    nurse.locator("#notice").wait_for()
    nurse.goto("/sessions")
    nurse.get_by_role("link", name=re.compile(r"^\d{2}\.\d{2}\.\d{4}")).first.click()
    assert "Gerät stand auf Station 3" in nurse.locator("main").inner_text()
    assert violations(nurse) == []
    nurse.get_by_role("link", name="Druckansicht").click()
    assert "Gerät stand auf Station 3" in nurse.locator(".sheet").inner_text()


def test_a_clock_that_was_ahead_is_written_down_seen_and_taken_back(
    browser: Browser, bare: Site, running: House, export: Exports
):
    key = stored(running, export)
    with running.db.read() as connection:
        machine = doses.current(connection, key, "ia-dose/1").device
        before = sessions.session_row(connection, key).started_at
    page = signed_in(browser, bare, "admin").new_page()
    page.goto(f"/machines/{machine}")
    page.get_by_role("link", name="Abweichung der Uhr eintragen").click()
    assert violations(page) == []
    page.get_by_label("vor", exact=True).check()
    page.get_by_label("Stunden").fill("1")
    page.get_by_label("Begründung").fill("Sommerzeit nicht umgestellt")
    page.get_by_role("button", name="Betroffene Behandlungen zeigen").click()
    page.get_by_role("heading", name="Das betrifft 1 Behandlung").wait_for()
    assert violations(page) == []
    page.get_by_role("button", name="Abweichung speichern").click()
    page.get_by_text("Die Abweichung ist eingetragen").wait_for()
    clocks.carry_out(running)
    with running.db.read() as connection:
        assert sessions.session_row(connection, key).started_at == before - timedelta(hours=1)
    page.reload()
    assert "3.600 Sekunden vor" in page.locator("main").inner_text()
    assert violations(page) == []
    page.get_by_placeholder("Begründung").fill("war doch richtig")
    page.get_by_role("button", name="Zurücknehmen").click()
    page.get_by_text("Der Eintrag ist zurückgenommen").wait_for()
    clocks.carry_out(running)
    with running.db.read() as connection:
        assert sessions.session_row(connection, key).started_at == before
    page.context.close()
