"""What the database prints is what it holds, and a line has a cell for every value, whatever stands in it."""

from __future__ import annotations

import csv
import io
import json
import math
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from ingestor.exports import delimited, plain
from ingestor.exports.ahead import ahead
from ingestor.exports.batches import batch
from ingestor.exports.fields import names
from ingestor.exports.rows import batches
from ingestor.exports.view import View
from ingestor.store import tables
from ingestor.store.answers import doses, printed
from ingestor.store.answers.doses import Order, Wanted
from tests.benchmarks.seeding import seed

if TYPE_CHECKING:
    from ingestor.flow.house import House

CELLS = st.text(st.sampled_from('a=+-@"\r\n;,|\t\x1f ü–\uff1d'), max_size=6)
AFTER_1900 = st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 30))  # noqa: DTZ001 - made aware where needed


@pytest.fixture
def many(house: House) -> House:
    seed(house.db, house.centre, 200)
    return house


def _cell_by_cell(house: House, wanted: Wanted) -> pa.RecordBatch:
    with house.db.read() as connection:
        return batch("doses", [tuple(r) for r in doses.rows(connection, wanted, Order(), 1000)])


def test_printed_doses_are_those_read_cell_by_cell(many: House) -> None:
    texts = ["two\nlines", 'a "word"', "", "\x1f\x1f", '"', "=1", "ü–€"]
    with many.db.write() as connection:
        for number, text in enumerate(texts, 1):
            one = update(tables.dose).where(tables.dose.c.id == number)
            connection.execute(
                one.values(
                    device_model=text, course=text, agreement=None, status_reasons=["a", 'b"\\,'], sources=[],
                    started_at=datetime(2004, 1, 1, 5, 0, 0, 123000 * (number % 2), tzinfo=UTC),
                    processed_plasma_ml=(0, 1e-7, 0.1, 12345.678901234, None)[number % 5], height_cm=171.5,
                )
            )  # fmt: skip
    for wanted in (Wanted(many.centre), Wanted(many.centre, as_of=datetime(2005, 1, 3, 20, tzinfo=UTC))):
        found = pa.Table.from_batches(batches(many.db, "doses", wanted, View())).to_pylist()
        assert found == pa.Table.from_batches([_cell_by_cell(many, wanted)]).to_pylist()
        assert len(found) > 10
    assert {row["device_model"] for row in found} > set(texts)


def test_pieces_of_printed_doses_leave_no_row_out_and_repeat_none(
    many: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with many.db.write() as connection:  # many at one moment: the place between pieces is the session then
        connection.execute(update(tables.dose).values(started_at=datetime(2011, 1, 1, tzinfo=UTC)))
    monkeypatch.setattr("ingestor.exports.rows.PRINTED", 7)
    monkeypatch.setattr("ingestor.exports.rows.PIECE", 7)
    found = pa.Table.from_batches(batches(many.db, "doses", Wanted(many.centre), View()))
    keys = found["session_id"].to_pylist()
    assert keys == sorted(keys)
    assert len(set(keys)) == 200


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.none() | CELLS, st.none() | CELLS), min_size=1, max_size=8))
def test_any_text_comes_back_from_csv_as_it_was_but_for_the_apostrophe(
    rows: list[tuple[str | None, str | None]],
) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    made = pa.record_batch([*columns, pa.array(range(len(rows)))], names=["a", "b", "n"])
    for write, delimiter in ((delimited.csv, ","), (delimited.german, ";")):
        text = write(made).decode()
        read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        assert [tuple(r[:2]) for r in read] == [tuple(_safe(c) for c in row) for row in rows]
        sliced = write(made.slice(len(rows) // 2)).decode()
        assert text.endswith(sliced)


def _safe(text: str | None) -> str:
    return f"'{text}" if text and text[0] in "=+-@\t\r\n\uff1d" else text or ""


@settings(deadline=None, max_examples=60)
@given(st.lists(st.none() | AFTER_1900, min_size=1, max_size=5))
def test_instants_are_printed_to_the_millisecond_and_read_back(found: list[datetime | None]) -> None:
    kept = [None if t is None else t - timedelta(microseconds=t.microsecond % 1000) for t in found]
    utc = delimited.stamps(pa.array(kept, pa.timestamp("ms", "UTC")), "T", "Z").to_pylist()
    local = delimited.stamps(pa.array(kept, pa.timestamp("ms")), " ", "").to_pylist()
    for at, one, other in zip(kept, utc, local, strict=True):
        if at is None:
            assert one is other is None
            continue
        assert datetime.fromisoformat(one) == at.replace(tzinfo=UTC)
        assert (datetime.fromisoformat(other), one[10], other[10]) == (at, "T", " ")
        assert ("." in one) == bool(at.microsecond)


def test_what_is_made_ahead_comes_in_order_and_breaks_where_it_is_used() -> None:
    def source() -> Any:  # noqa: ANN401 - a generator
        yield from range(5)
        raise OSError(5, "the disk went away")

    made = ahead(source())
    assert [next(made) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="disk"):
        next(made)
    half = ahead(math.sqrt(n) for n in range(1000))
    assert next(half) == 0
    half.close()  # type: ignore[attr-defined] # a generator


def test_what_is_made_ahead_is_made_for_the_same_asker() -> None:
    asker = ContextVar("asker", default="nobody")
    asker.set("analyst")
    assert list(ahead(asker.get() for _ in range(2))) == ["analyst", "analyst"]


@pytest.mark.sqlite
def test_a_dose_printed_as_json_is_the_row_read_cell_by_cell(many: House) -> None:
    texts = ["two\nlines", 'a "word"', "", "\x1f\\", "ü–€\u2028", "\t"]
    with many.db.write() as connection:
        for number, text in enumerate(texts, 1):
            one = update(tables.dose).where(tables.dose.c.id == number)
            connection.execute(
                one.values(
                    device_model=text, course=text, agreement=None, status_reasons=["a", 'b"\\,'], complete=False,
                    ended_at=None if number % 2 else datetime(2004, 1, 1, 10, 20, 30, 120000, tzinfo=UTC),
                    processed_plasma_ml=(0, 1e-7, 0.1, 12345.678901234, None)[number % 5],
                    patient_id=None if number % 3 else f"pat-{number}",
                )
            )  # fmt: skip
    wanted = Wanted(many.centre)
    for order in (Order(), Order(descending=True), Order("processed_plasma_ml"), Order("pv_multiple", True)):
        with many.db.read() as connection:
            found = printed.objects(connection, wanted, order, 300, None)
            raw = doses.rows(connection, wanted, order, 300)
        made = [
            json.loads(json.dumps({"session_id": p.session_id, "patient": p.patient_id})[:-1] + "," + p.rest)
            for p in found
        ]
        assert made == [plain.row("doses", row, None) for row in raw]
        at = names("doses").index(order.by)
        assert [(p.place, p.session_id) for p in found] == [(row[at], row[0]) for row in raw]
        assert len(made) == 200
