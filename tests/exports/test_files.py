"""Every row, in every format, the same values; cells that are safe to open."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from ingestor.exports import files as writing
from ingestor.exports import rows as exporting
from ingestor.exports.batches import schema
from ingestor.exports.fields import names
from ingestor.exports.files import pieces
from ingestor.exports.rows import batches
from ingestor.exports.view import View
from ingestor.flow.pipeline import ingest
from ingestor.store import tables
from ingestor.store.answers.doses import Wanted
from ingestor.store.sources import StoredMember
from ingestor.trace import from_block
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.flow.house import House
    from tests.parts import Exports

FORMATS = ("csv", "parquet", "arrow", "ndjson")
TABLES = ("doses", "sessions", "cycles", "alarms", "events", "traces")


@pytest.fixture
def filled(house: House, simulated: Callable[..., Exports]) -> House:
    for file in simulated("twin-column-report", "--seed", "11", "--sessions", "4").files:
        kept = house.archive.put_path(file)
        ingest(house, [StoredMember(file.name, kept.sha256, kept.size)], ORDER)
    return house


def exported(house: House, table: str, kind: str) -> bytes:
    return b"".join(pieces(table, kind, batches(house.db, table, Wanted(house.centre), View())))


def rows(kind: str, data: bytes) -> list[dict[str, Any]]:
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(data.decode("utf-8"))))
    if kind == "ndjson":
        return [json.loads(line) for line in data.decode("utf-8").splitlines()]
    source = pa.BufferReader(data)
    table = pq.read_table(source) if kind == "parquet" else pa.ipc.open_file(source).read_all()
    return table.to_pylist()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_dose_is_the_same_in_every_format(filled: House, kind: str):
    found = rows(kind, exported(filled, "doses", kind))
    assert len(found) == 4
    assert list(found[0]) == list(names("doses"))
    with filled.db.read() as connection:
        stored = connection.execute(
            tables.dose.select().where(tables.dose.c.known_to.is_(None)).order_by(tables.dose.c.started_at)
        ).all()
    assert [float(r["processed_plasma_ml"]) for r in found] == [float(s.processed_plasma_ml) for s in stored]
    assert [r["session_id"] for r in found] == [s.session_id for s in stored]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_every_row_and_its_declared_columns(filled: House, table: str):
    data = exported(filled, table, "csv")
    assert data.decode("utf-8").splitlines()[0].split(",") == list(names(table))
    found = rows("csv", data)
    if table in {"cycles", "alarms"}:
        with filled.db.read() as connection:
            assert len(found) == len(connection.execute(getattr(tables, table[:-1]).select()).all())


def test_in_csv_null_is_empty_lists_have_bars_and_instants_end_with_z(filled: House):
    (first, *_) = rows("csv", exported(filled, "doses", "csv"))
    assert first["patient"] == ""
    assert "|" in first["status_reasons"]
    assert first["complete"] == "true"
    assert first["started_at"].endswith("Z")
    assert not first["started_local"].endswith("Z")
    assert len(first["sources"]) == 64


def test_units_and_meanings_travel_in_the_metadata_of_the_fields():
    field = schema("doses").field("processed_plasma_ml")
    assert field.metadata[b"unit"] == b"mL"
    assert field.metadata[b"de"]
    assert field.metadata[b"en"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1"])
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(filled: House, text: str):
    with filled.db.write() as connection:
        connection.execute(update(tables.dose).values(device_model=text))
    found = rows("csv", exported(filled, "doses", "csv"))
    assert {r["device_model"] for r in found} == {f"'{text}"}


def test_a_negative_number_stays_a_number(filled: House):
    values = [
        float(r["value"])
        for r in rows("csv", exported(filled, "traces", "csv"))
        if r["channel"] == "access_pressure"
    ]
    assert min(values) < 0


@pytest.mark.parametrize("text", ['a "quoted" word', "two\nlines", "comma, here", "ü–€"])
def test_a_text_with_signs_of_the_format_comes_back_as_it_was(filled: House, text: str):
    with filled.db.write() as connection:
        connection.execute(update(tables.dose).values(device_model=text))
    for kind in FORMATS:
        assert {r["device_model"] for r in rows(kind, exported(filled, "doses", kind))} == {text}


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_store_gives_an_empty_table_that_can_be_read(house: House, kind: str):
    assert rows(kind, exported(house, "doses", kind)) == []


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_the_same_whatever_the_size_of_the_pieces(
    filled: House, table: str, monkeypatch: pytest.MonkeyPatch
):
    whole = exported(filled, table, "ndjson")
    monkeypatch.setattr(exporting, "PIECE", 3)
    monkeypatch.setattr(exporting, "PRINTED", 3)
    assert exported(filled, table, "ndjson") == whole


def test_parquet_row_groups_hold_all_rows(filled: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "_ROW_GROUP", 100)
    data = exported(filled, "traces", "parquet")
    assert pq.ParquetFile(pa.BufferReader(data)).num_row_groups > 10
    assert rows("parquet", data) == rows("arrow", exported(filled, "traces", "arrow"))


def test_samples_are_long_and_exact(filled: House):
    found = rows("csv", exported(filled, "traces", "csv"))
    assert list(found[0]) == ["session_id", "time", "channel", "value", "unit"]
    with filled.db.read() as connection:
        blocks = connection.execute(tables.trace.select()).all()
    values = sum(int((~c.null).sum()) for b in blocks for c in from_block(b.block).columns)
    assert len(found) == values
    flows = [r for r in found if r["channel"] == "plasma_flow"]
    assert {r["unit"] for r in flows} == {"mL/min"}
    assert all(len(r["value"].partition(".")[2]) <= 2 for r in flows)


def test_the_german_spreadsheet_gets_semicolons_commas_and_its_mark(filled: House):
    data = exported(filled, "doses", "excel")
    assert data.startswith(b"\xef\xbb\xbfsession_id;patient;")
    found = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    plain = rows("csv", exported(filled, "doses", "csv"))
    assert len(found) == len(plain) == 4
    for german, other in zip(found, plain, strict=True):
        assert german["processed_plasma_ml"] == other["processed_plasma_ml"].replace(".", ",")
        assert german["started_at"] == other["started_at"].replace("T", " ").rstrip("Z")
        assert german["complete"] == "WAHR"
        assert german["status_reasons"] == other["status_reasons"]


def test_somebody_without_a_right_to_names_gets_pseudonyms_and_no_words_of_persons(filled: House):
    with filled.db.write() as connection:
        (key,) = {r.id for r in connection.execute(tables.revision.select().limit(1))}
        printed = tables.printed_patient.update().where(tables.printed_patient.c.revision_id == key)
        connection.execute(printed.values(text="Beispielhuber"))
        texts = [("note", "Fr. Huber klagt"), ("setting", "Beispielhuber: Fluss 30"), ("setting", "Fluss 30")]
        connection.execute(
            tables.event.insert(),
            [
                {"revision_id": key, "position": 900 + i, "kind": kind, "text": text, "unit": "", "line": 1}
                for i, (kind, text) in enumerate(texts)
            ],
        )
    view = View(lambda patient: f"ps-{len(patient)}")
    data = b"".join(pieces("events", "csv", batches(filled.db, "events", Wanted(filled.centre), view)))
    seen = [r["text"] for r in rows("csv", data) if int(r["event"]) >= 900]
    assert seen == ["", "***: Fluss 30", "Fluss 30"]
    named = [r["text"] for r in rows("csv", exported(filled, "events", "csv")) if int(r["event"]) >= 900]
    assert named == [text for _, text in texts]
