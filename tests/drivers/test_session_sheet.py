"""Sheets retyped by hand, as CSV and as a workbook."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, time
from decimal import Decimal

import pytest
from openpyxl import Workbook

from ingestor.driver import Bundle, DeviceLog, Member, ParseError
from tests.drivers.said import plain
from tests.drivers.samples import SHEET, all_drivers, crlf

# ruff: noqa: DTZ001 - printed wall clocks have no zone


def read(data: bytes, name: str = "s.csv") -> list[DeviceLog]:
    driver = all_drivers()["session-sheet"]
    bundle = Bundle((Member(name, data),))
    claim = driver.claim(bundle)
    assert claim.claims, claim
    return list(driver.parse(bundle))


def test_each_row_is_a_treatment_with_its_line():
    first, second = read(crlf(SHEET, "utf-8-sig"))
    assert (first.started.local, first.ended and first.ended.local, first.line) == (
        datetime(2024, 3, 18, 8, 12), datetime(2024, 3, 18, 11, 47), 2,
    )  # fmt: skip
    assert (second.ended and second.ended.local, second.line) == (datetime(2024, 3, 20, 1, 40), 3)
    assert {t.kind: t.number.value for t in first.totals}["processed_plasma"] == Decimal("6043.5")
    assert [(c.product, c.serial, c.use, c.position) for c in first.columns] == [
        ("ProtA-62", "S-22871", 7, "")
    ]
    assert [(e.kind, e.text) for e in first.events] == [("remark", "müde; sonst gut"), ("alarm_count", "2")]
    assert all(log.end_reached and log.rows_read == 1 for log in (first, second))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252"])
def test_it_is_read_as_office_programs_save_it(codec: str):
    assert [log.patient for log in read(crlf(SHEET, codec))] == ["0001029384", "0001029384"]


def test_columns_stand_in_any_order_and_optional_ones_may_be_missing():
    text = "Seriennummer;Plasma ml;Datum;Beginn\nAM1-0417;6043,5;18.03.2024;08:12\n"
    (log,) = read(text.encode())
    assert (log.serial, log.ended, log.patient) == ("AM1-0417", None, None)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("18.03.2024", "31.02.2024", "sheet_row_unreadable"),
        ("AM1-0417;Prot", ";Prot", "sheet_row_unreadable"),
        ("11:47;", "", "row_unreadable"),
    ],
)
def test_a_bad_row_is_told_and_blocks_no_other(old: str, new: str, code: str):
    (log,) = read(crlf(SHEET.replace(old, new, 1), "utf-8"))
    assert log.line == 3
    assert [(f.code, f.line) for f in log.findings if f.code == code] == [(code, 2)]
    assert sum(i.rows for i in log.ignored) == 1
    assert log.rows_read == 2


def test_a_value_that_cannot_be_believed_leaves_the_row():
    first, _ = read(crlf(SHEET.replace("6043,5", "6.043", 1), "utf-8"))
    plasma = next(t for t in first.totals if t.kind == "processed_plasma")
    assert (plasma.number.value, plasma.number.text) == (None, "6.043")


def test_a_sheet_with_no_row_that_can_be_read_is_refused():
    with pytest.raises(ParseError) as refused:
        read(crlf(SHEET.splitlines()[0] + "\n", "utf-8"))
    assert refused.value.code == "no_identity"


def test_an_unknown_column_is_a_near_miss():
    claim = all_drivers()["session-sheet"].claim(
        Bundle((Member("s.csv", SHEET.replace(";Alarme", ";Arzt;Alarme", 1).encode()),))
    )
    assert (claim.claims, claim.code) == (False, "other_columns")


def workbook(*, typed: bool) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    rows = [line.replace('"müde; sonst gut"', "müde- sonst gut").split(";") for line in SHEET.splitlines()]
    sheet.append(rows[0])
    for row in rows[1:]:
        cells: list[object] = list(row)
        if typed:
            cells[0] = datetime.strptime(row[0], "%d.%m.%Y").date()  # noqa: DTZ007
            cells[1], cells[2] = time.fromisoformat(row[1]), time.fromisoformat(row[2])
            for at in (9, 10, 11, 12, 13, 14, 15, 16):
                cells[at] = float(row[at].replace(",", "."))
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("typed", [True, False])
def test_a_workbook_says_the_same_as_the_text(typed: bool):
    text = SHEET.replace('"müde; sonst gut"', "müde- sonst gut")
    expected = [plain(log) for log in read(crlf(text, "utf-8"), "s.xlsx")]
    assert [plain(log) for log in read(workbook(typed=typed), "s.xlsx")] == expected


def repacked(data: bytes, change: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for info in old.infolist():
            new.writestr(info.filename, change.get(info.filename, old.read(info)))
        for name, content in change.items():
            if name not in old.namelist():
                new.writestr(name, content)
    return out.getvalue()


FAR = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'


@pytest.mark.parametrize(
    "bad",
    [
        repacked(workbook(typed=False), {"xl/worksheets/sheet1.xml": FAR}),
        repacked(workbook(typed=False), {"xl/media/x.bin": b"\0" * (80 << 20)}),
        repacked(workbook(typed=False), {f"xl/media/{i}.bin": b"" for i in range(60)}),
        workbook(typed=False)[:-30],
        repacked(workbook(typed=False), {"xl/workbook.xml": b"<no"}),
    ],
    ids=["far cell", "bomb", "many parts", "cut", "malformed"],
)
def test_a_workbook_that_does_harm_is_declined_in_little_memory(bad: bytes):
    driver = all_drivers()["session-sheet"]
    bundle = Bundle((Member("s.xlsx", bad),))
    assert not driver.claim(bundle).claims
    with pytest.raises(ParseError):
        list(driver.parse(bundle))


ENGLISH = """\
date,start,end,patient,machine,serial,plasma ml
2024-03-20,08:00,11:00,0001029384,TC-1,AM1-0417,5000.5
"""


def several_sheets() -> bytes:
    """Return a workbook of four sheets: one in German, one of addresses, an empty one and one in English."""
    book = Workbook()
    book.remove(book.worksheets[0])
    rows = SHEET.splitlines()
    for title, lines in (
        ("Müller", [rows[0], rows[2]]),
        ("Adressen", ["Name;Ort", "Maier;Wien", ";", "Huber;Graz"]),
        ("leer", []),
        ("Other", [ENGLISH.splitlines()[0].replace(",", ";"), ENGLISH.splitlines()[1].replace(",", ";")]),
    ):
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line.split(";"))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_every_sheet_of_a_workbook_is_read_or_told_and_counted():
    first, second = read(several_sheets(), "s.xlsx")
    assert [(log.member, log.line) for log in (first, second)] == [("s.xlsx#1", 2), ("s.xlsx#4", 2)]
    assert (first.run_id, first.started.local.year, second.started.local.year) == (None, 2024, 2024)
    assert [(f.code, f.params) for f in first.findings] == [("sheet_not_read", {"sheet": "2", "rows": "3"})]
    assert [(one.reason, one.rows) for one in first.ignored] == [("sheet_not_read", 3)]
    assert first.rows_read + second.rows_read == 5
    assert "Müller" not in repr(first)


def test_a_workbook_without_a_sheet_of_the_layout_says_what_is_nearest():
    book = Workbook()
    book.worksheets[0].append(["Name", "Ort"])
    near = book.create_sheet("x")
    near.append([*SHEET.splitlines()[0].split(";"), "Arzt"])
    out = io.BytesIO()
    book.save(out)
    claim = all_drivers()["session-sheet"].claim(Bundle((Member("s.xlsx", out.getvalue()),)))
    assert (claim.claims, claim.code) == (False, "other_columns")
    assert "Arzt" in claim.near_misses[0]
