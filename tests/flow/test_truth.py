"""Every layout, clean and with every fault: the truth, or a refusal; never a wrong dose."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.flow.verify import verify
from ingestor.isolate import find_drivers
from ingestor.store import tables
from ingestor.ways.files import ingest_paths
from simulators.catalogue import LAYOUTS
from simulators.faults import FAULTS
from tests.parts import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Row

    from ingestor.isolate import Reader
    from tests.parts import Exports

DRIVERS = {d.name for d in find_drivers(None)[0]}
READ = sorted(set(LAYOUTS) & DRIVERS)
CASES = [
    (name, fault) for name in READ for fault in (None, *FAULTS) if fault is None or FAULTS[fault].fits(LAYOUTS[name])
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(part or "clean" for part in case))
def taken(
    request: pytest.FixtureRequest,
    simulated: Callable[..., Exports],
    reader: Reader,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]], Sequence[Any]]]:
    """Receipts, truth and served doses of one simulated set of exports."""
    layout, fault = request.param
    more = ("--fault", fault) if fault else ()
    exports = simulated(layout, "--seed", "3", "--sessions", "2", "--hours", "2", *more)
    with open_house(Settings(data_dir=tmp_path_factory.mktemp("truth"))) as opened:
        house = replace(opened, reader=reader)
        receipts = list(ingest_paths(house, [exports.folder], ORDER))
        query = (
            select(tables.dose, tables.run.c.printed_id)
            .join(tables.run, tables.run.c.session_id == tables.dose.c.session_id)
            .where(tables.dose.c.known_to.is_(None))
        )
        with house.db.read() as connection:
            rows = connection.execute(query).all()
        assert list(verify(house)) == []
        yield receipts, exports.sessions, rows


def _of(row: Row[Any], truth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The truths of one served session: several, if the same run was exported more than once."""
    mine = [t for t in truth if t["device"]["serial"] == row.device_serial]
    return [t for t in mine if t["run"] in {None, row.printed_id}] or mine


def test_receipts_add_up_and_no_dose_is_wrong(taken: tuple[list[Any], list[Any], list[Any]]):
    receipts, truth, rows = taken
    for receipt in receipts:
        counts = receipt["rows"]
        assert counts["read"] == sum(counts[k] for k in ("stored", "held", "duplicate", "ignored"))
    for row in rows:
        known = _of(row, truth)
        assert known, "a session that nobody simulated"
        volumes = [t["processed_plasma_ml"] for t in known]
        if row.processed_plasma_ml is None or row.status == "withheld":
            continue
        served = float(row.processed_plasma_ml)
        if row.complete:
            assert any(v is not None and served == pytest.approx(v, rel=0.005, abs=1) for v in volumes)
        else:
            assert served <= max(v or 0 for v in volumes) * 1.005 + 1


@pytest.mark.parametrize("layout", READ)
def test_a_clean_export_is_stored_whole(layout: str, simulated: Callable[..., Exports], tmp_path: Path):
    exports = simulated(layout, "--seed", "4", "--sessions", "2", "--hours", "2")
    with open_house(Settings(data_dir=tmp_path)) as house:
        receipts = list(ingest_paths(house, [exports.folder], ORDER))
        with house.db.read() as connection:
            rows = connection.execute(select(tables.dose).where(tables.dose.c.known_to.is_(None))).all()
    assert {r["status"] for r in receipts} == {"stored"}
    volumes = sorted(t["processed_plasma_ml"] or 0 for t in exports.sessions if t["complete"])
    served = sorted(float(row.processed_plasma_ml or 0) for row in rows if row.complete)
    assert served == pytest.approx(volumes, rel=0.005, abs=1)
    assert len(rows) == len(exports.sessions)


def test_a_refusal_names_file_and_line(taken: tuple[list[Any], list[Any], list[Any]]):
    for receipt in taken[0]:
        if receipt["status"] != "refused":
            continue
        whole = "the text is in" in receipt["message"]["en"]  # another encoding is so in every line
        stems = {m["name"].partition(".")[0] for m in receipt["members"]}
        for tongue, line in (("en", "line"), ("de", "(line|Zeile)")):
            told = receipt["message"][tongue]
            assert any(stem in told for stem in stems), told
            assert whole or re.search(rf"\b{line} [1-9]", told), told


def test_every_treatment_is_stored_or_somebody_is_told_why_not(taken: tuple[list[Any], list[Any], list[Any]]):
    receipts, truth, rows = taken
    told = any(r["status"] in {"refused", "held", "waiting"} or r["rows"]["ignored"] for r in receipts)
    for one in truth:
        if not any(one in _of(row, truth) for row in rows):
            assert told, one["run"]


def test_a_whole_export_gives_its_cycles_and_alarms(taken: tuple[list[Any], list[Any], list[Any]]):
    _, truth, rows = taken
    for row in rows:
        whole = [t for t in _of(row, truth) if t["complete"]]
        if not row.complete or not whole:
            continue
        if row.cycles_completed is not None:
            counts = {sum(bool(c["completed"]) for c in t["cycles"]) for t in whole}
            # Only the report prints how a load ended; elsewhere a load that was left for another phase is complete.
            counts |= {len(t["cycles"]) for t in whole if row.driver != "twin-column-report"}
            assert row.cycles_completed in counts
        alarms = sum(getattr(row, f"alarms_{p}") for p in ("high", "medium", "low", "info", "unknown"))
        assert alarms in {len(t["alarms"]) for t in whole}


def test_every_layout_that_is_simulated_is_read():
    assert set(LAYOUTS) - DRIVERS == set()


def test_the_truth_file_is_never_taken_for_an_export(simulated: Callable[..., Exports], tmp_path: Path):
    exports = simulated("twin-column-report", "--seed", "3", "--sessions", "2")
    with open_house(Settings(data_dir=tmp_path)) as house:
        names = {m["name"] for r in ingest_paths(house, [exports.folder], ORDER) for m in r["members"]}
    assert names == {p.name for p in exports.files}
    assert (
        json.loads(Path(exports.folder / "truth.json").read_text("utf-8"))["layout"] == "twin-column-report"
    )
