"""Handing files in: every file gets a row that stays and says what happened, what it means and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestor.store import sessions
from tests.web.conftest import signed_in
from tests.web.test_pages import violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, FileChooser, Page, Route

    from tests.parts import Exports
    from tests.web.conftest import Site

pytestmark = pytest.mark.browser
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
DONE = '.outcome:not([data-status="sending"], [data-status="queued"])'


@pytest.fixture
def nurse(browser: Browser, bare: Site) -> Iterator[Page]:
    context = signed_in(browser, bare, "nurse")
    page = context.new_page()
    page.goto("/upload")
    yield page
    context.close()


def files(simulated: Callable[..., Exports], seed: int, count: int) -> list[Path]:
    return simulated("twin-column-report", "--seed", str(seed), "--sessions", str(count)).files


def as_upload(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def at_once(page: Page) -> None:
    """Save without looking first."""
    page.get_by_label("Erst ansehen, dann speichern").uncheck()


def row_of(page: Page, name: str) -> dict[str, str]:
    row = page.locator(f"{DONE}:has(strong:text-is('{name}'))").first
    row.wait_for(timeout=60_000)
    parts = {part: row.locator(f"[data-part={part}]").inner_text() for part in ("happened", "means", "todo")}
    return parts | {"status": row.get_attribute("data-status") or ""}


def watch_choosers(page: Page) -> list[FileChooser]:
    """Catch every file chooser from now on; the browser is told early enough for the first one."""
    seen: list[FileChooser] = []

    def note(chooser: FileChooser) -> None:
        seen.append(chooser)

    page.on("filechooser", note)
    return seen


def chosen(page: Page, seen: list[FileChooser]) -> FileChooser:
    for _ in range(200):
        if seen:
            return seen.pop()
        page.wait_for_timeout(50)
    pytest.fail("no file chooser opened")


def stored(bare: Site) -> list[str]:
    house = bare.app.state.service.house
    with house.db.read() as connection:
        return sessions.all_sessions(connection)


def test_many_files_of_all_kinds_each_get_their_outcome_and_keep_it(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    good = files(simulated, 301, 3)
    half = good[2].read_bytes()
    before = len(stored(bare))
    at_once(nurse)
    nurse.set_input_files(
        "#files",
        [
            as_upload("gut-1.txt", good[0].read_bytes()),
            as_upload("gut-2.dat", good[1].read_bytes()),
            as_upload("bild.pdf", PNG),
            as_upload("leer.txt", b""),
            as_upload("abgeschnitten.txt", half[: len(half) * 2 // 3]),
        ],
    )
    assert row_of(nurse, "gut-1.txt")["status"] == "stored"
    assert row_of(nurse, "gut-2.dat")["status"] == "stored"
    assert row_of(nurse, "bild.pdf")["status"] == "refused"
    assert row_of(nurse, "leer.txt")["status"] == "refused"
    cut = row_of(nurse, "abgeschnitten.txt")
    assert cut["status"] == "stored"
    assert "Untergrenze" in cut["means"]
    assert all(text for text in cut.values())
    nurse.set_input_files("#files", [as_upload("noch-einmal.txt", good[0].read_bytes())])
    again = row_of(nurse, "noch-einmal.txt")
    assert again["status"] == "duplicate"
    nurse.set_input_files("#files", [as_upload("ganz.txt", half)])
    assert row_of(nurse, "ganz.txt")["status"] == "superseded"
    assert len(stored(bare)) == before + 3
    assert violations(nurse) == []
    nurse.reload()
    assert row_of(nurse, "noch-einmal.txt") == again
    assert nurse.locator(DONE).count() >= 7
    nurse.get_by_role("button", name="English").click()
    assert (
        "complete export"
        in row_of(nurse, "ganz.txt")["happened"] + row_of(nurse, "abgeschnitten.txt")["todo"]
    )
    nurse.get_by_role("button", name="Deutsch").click()


def test_by_default_a_file_is_shown_before_it_counts(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 302, 1)
    before = stored(bare)
    nurse.set_input_files("#files", [as_upload("erst-ansehen.txt", file.read_bytes())])
    assert row_of(nurse, "erst-ansehen.txt")["status"] == "preview"
    assert stored(bare) == before
    nurse.locator(".outcome", has_text="erst-ansehen.txt").get_by_role("button", name="Speichern").click()
    nurse.locator("#notice").wait_for()
    assert row_of(nurse, "erst-ansehen.txt")["status"] == "stored"
    assert len(stored(bare)) == len(before) + 1


def test_all_that_was_shown_is_saved_by_one_button(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    two = files(simulated, 303, 2)
    before = stored(bare)
    nurse.set_input_files("#files", [as_upload(f"alle-{i}.txt", f.read_bytes()) for i, f in enumerate(two)])
    for i in range(2):
        assert row_of(nurse, f"alle-{i}.txt")["status"] == "preview"
    nurse.reload()
    nurse.get_by_role("button", name="Alle 2 Dateien speichern").click()
    nurse.locator("#notice").wait_for()
    assert len(stored(bare)) == len(before) + 2


def test_a_lost_line_is_tried_again_by_itself_and_doubles_nothing(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 304, 1)
    before = stored(bare)
    lost = [True, True]

    def arrive_but_lose_the_answer(route: Route) -> None:
        if lost:
            lost.pop()
            route.fetch()
            route.abort()
        else:
            route.continue_()

    nurse.route("**/v1/imports*", arrive_but_lose_the_answer)
    at_once(nurse)
    nurse.set_input_files("#files", [as_upload("leitung.txt", file.read_bytes())])
    nurse.get_by_text("Die Leitung ist unterbrochen").wait_for()
    assert row_of(nurse, "leitung.txt")["status"] == "stored"
    assert (lost, len(stored(bare))) == ([], len(before) + 1)


@pytest.mark.torture
def test_a_line_that_stays_lost_is_told_and_sending_again_is_one_key(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 314, 1)
    before = stored(bare)
    nurse.route("**/v1/imports*", lambda route: route.abort())
    at_once(nurse)
    nurse.set_input_files("#files", [as_upload("leitung-weg.txt", file.read_bytes())])
    row = nurse.locator('[data-status="lost"]')
    row.wait_for(timeout=60_000)
    assert "Noch einmal senden verdoppelt nichts" in row.locator("[data-part=means]").inner_text()
    assert violations(nurse) == []
    nurse.unroute("**/v1/imports*")
    again = row.get_by_role("button", name="Noch einmal senden")
    again.focus()
    nurse.keyboard.press("Enter")
    assert row_of(nurse, "leitung-weg.txt")["status"] == "stored"
    assert nurse.evaluate("document.activeElement.classList.contains('outcome')")
    assert len(stored(bare)) == len(before) + 1


@pytest.mark.torture
def test_on_a_slow_line_that_breaks_every_file_arrives_once(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    three = files(simulated, 324, 3)
    before = stored(bare)
    line = nurse.context.new_cdp_session(nurse)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 20_000, "uploadThroughput": 8_000}
    line.send("Network.emulateNetworkConditions", slow)
    at_once(nurse)
    uploads = [as_upload(f"langsam-{i}.txt", f.read_bytes()) for i, f in enumerate(three)]
    nurse.set_input_files("#files", uploads)
    nurse.wait_for_timeout(1500)
    line.send("Network.emulateNetworkConditions", slow | {"offline": True})
    nurse.wait_for_timeout(2500)
    line.send("Network.emulateNetworkConditions", slow)
    for i in range(3):
        assert row_of(nurse, f"langsam-{i}.txt")["status"] == "stored"
    assert len(stored(bare)) == len(before) + 3


def test_leaving_while_a_file_is_on_its_way_asks_first(nurse: Page, simulated: Callable[..., Exports]):
    (file,) = files(simulated, 305, 1)
    held: list[Route] = []
    asked: list[str] = []

    def never_answer(route: Route) -> None:
        held.append(route)

    nurse.route("**/v1/imports*", never_answer)
    nurse.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    nurse.get_by_label("Erst ansehen").click()  # a browser asks only after the person has done something
    nurse.set_input_files("#files", [as_upload("unterwegs.txt", file.read_bytes())])
    nurse.locator('[data-status="sending"]').wait_for()
    nurse.close(run_before_unload=True)
    nurse.wait_for_event("close", timeout=10_000)
    assert asked == ["beforeunload"]


def test_files_can_be_dropped_and_the_button_needs_no_mouse(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 306, 1)
    choosers = watch_choosers(nurse)
    at_once(nurse)
    dropped = nurse.evaluate_handle(
        """text => { const data = new DataTransfer(); data.items.add(new File([Uint8Array.from(text, c => c.charCodeAt(0))], "gezogen.txt")); return data }""",
        file.read_bytes().decode("latin-1"),
    )
    nurse.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    assert row_of(nurse, "gezogen.txt")["status"] == "stored"
    nurse.locator("#main").focus()
    nurse.keyboard.press("Tab")
    assert nurse.evaluate("document.activeElement.id") == "files"
    nurse.keyboard.press("Enter")
    chosen(nurse, choosers).set_files([as_upload("mit-tastatur.txt", PNG)])
    assert row_of(nurse, "mit-tastatur.txt")["status"] == "refused"


def test_a_tap_opens_the_chooser(browser: Browser, bare: Site):
    context = signed_in(
        browser, bare, "nurse", has_touch=True, is_mobile=True, viewport={"width": 820, "height": 1180}
    )
    page = context.new_page()
    choosers = watch_choosers(page)
    page.goto("/upload")
    page.get_by_text("Dateien auswählen").tap()
    assert chosen(page, choosers).is_multiple()
    context.close()


def test_without_a_script_the_form_does_the_same(
    browser: Browser, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 307, 1)
    context = signed_in(browser, bare, "nurse", java_script_enabled=False)
    page = context.new_page()
    page.goto("/upload")
    page.get_by_label("Erst ansehen").uncheck()
    page.set_input_files("#files", [as_upload("ohne-skript.txt", file.read_bytes())])
    page.get_by_role("button", name="Senden").click()
    assert row_of(page, "ohne-skript.txt")["status"] == "stored"
    context.close()


def test_a_busy_server_makes_a_file_wait_and_nothing_is_lost(
    nurse: Page, bare: Site, simulated: Callable[..., Exports]
):
    (file,) = files(simulated, 308, 1)
    before = stored(bare)
    busy = [429, 503]

    def be_busy_twice(route: Route) -> None:
        if busy:
            route.fulfill(status=busy.pop(0), headers={"Retry-After": "1"}, body="{}")
        else:
            route.continue_()

    nurse.route("**/v1/imports*", be_busy_twice)
    at_once(nurse)
    nurse.set_input_files("#files", [as_upload("gedraenge.txt", file.read_bytes())])
    assert row_of(nurse, "gedraenge.txt")["status"] == "stored"
    assert (busy, len(stored(bare))) == ([], len(before) + 1)


Batch = dict[str, tuple[bytes, str]]
WAYS = [
    ("de-AT", "mouse"),
    *(
        pytest.param(language, way, marks=pytest.mark.torture)
        for language, way in (
            ("de-AT", "keyboard"), ("de-AT", "touch"), ("en-GB", "mouse"), ("en-GB", "keyboard"), ("en-GB", "touch"),
        )
    ),
]  # fmt: skip
CHOOSE = {"de-AT": "Dateien auswählen", "en-GB": "Choose files"}
PREVIEW = {"de-AT": "Erst ansehen, dann speichern", "en-GB": "Look first, then save"}
ALL_DONE = {"de-AT": "Alle Dateien sind verarbeitet.", "en-GB": "All files are done."}


def forty(simulated: Callable[..., Exports], seed: int) -> tuple[Batch, Batch, int]:
    """Return 35 mixed files, five of them once more, and how many sessions they hold."""
    good = files(simulated, seed, 10)
    cut = [f.read_bytes() for f in files(simulated, seed + 1, 5)]
    pairs = [
        part
        for each in range(5)
        for part in simulated("single-column-table", "--seed", str(seed + 2 + each)).files
    ]
    batch: Batch = {f"gut-{seed}-{i}.txt": (f.read_bytes(), "stored") for i, f in enumerate(good)}
    batch |= {f.name: (f.read_bytes(), "stored") for f in pairs}
    batch |= {f"halb-{seed}-{i}.txt": (data[: len(data) * 3 // 4], "stored") for i, data in enumerate(cut)}
    batch |= {f"fremd-{seed}-{i}.pdf": (PNG + bytes([i, seed % 256]), "refused") for i in range(5)}
    batch |= {
        f"brief-{seed}-{i}.docx": (f"Sehr geehrte Frau {i}-{seed}".encode(), "refused") for i in range(5)
    }
    again = {f"doppelt-{seed}-{i}.txt": (good[i].read_bytes(), "duplicate") for i in range(5)}
    assert len(batch) + len(again) == 40
    return batch, again, 20


def hand_in(page: Page, way: str, language: str, batch: Batch) -> None:
    """Open the chooser as a person does and choose all files."""
    choosers = watch_choosers(page)
    if way == "touch":
        page.get_by_text(CHOOSE[language]).tap()
    elif way == "mouse":
        page.get_by_text(CHOOSE[language]).click()
    else:
        page.locator("#main").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    chosen(page, choosers).set_files([as_upload(name, data) for name, (data, _) in batch.items()])


@pytest.mark.parametrize(("language", "way"), WAYS)
def test_forty_mixed_files_each_end_as_they_should(
    browser: Browser, bare: Site, simulated: Callable[..., Exports], language: str, way: str
):
    touch = {"has_touch": True, "is_mobile": True, "viewport": {"width": 820, "height": 1180}}
    context = signed_in(browser, bare, "nurse", locale=language, **(touch if way == "touch" else {}))
    page = context.new_page()
    page.goto("/upload")
    batch, again, count = forty(simulated, 400 + 20 * len(stored(bare)))
    before = stored(bare)
    if way == "keyboard":
        page.get_by_label(PREVIEW[language]).focus()
        page.keyboard.press("Space")
    else:
        page.get_by_label(PREVIEW[language]).uncheck()
    hand_in(page, way, language, batch)
    for name in batch:
        page.locator(f'{DONE}:has(strong:has-text("{name}"))').first.wait_for(timeout=120_000)
    hand_in(page, way, language, again)
    for name, (_, expected) in (batch | again).items():
        row = page.locator(f'[data-status="{expected}"]:has(strong:has-text("{name}"))').first
        row.wait_for(timeout=60_000)
        assert all(row.locator(f"[data-part={part}]").count() for part in ("happened", "means", "todo"))
    assert len(stored(bare)) == len(before) + count
    assert page.locator("#progress").inner_text() == ALL_DONE[language]
    assert violations(page) == []
    context.close()
