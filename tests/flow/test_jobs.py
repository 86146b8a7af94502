"""What is kept is settled, whatever stood in the way the first time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from ingestor.driver import bundle_hash
from ingestor.errors import Busy, DatabaseTrouble
from ingestor.flow import pipeline, recovery, settling
from ingestor.flow.house import open_house
from ingestor.flow.jobs import run_due
from ingestor.flow.pipeline import ingest, keep, settle
from ingestor.store import sources, tables
from ingestor.store.engine import open_database
from ingestor.store.sources import StoredMember
from ingestor.ways.files import ingest_paths
from tests.conftest import NOW
from tests.flow.states import known, plasma
from tests.parts import ORDER
from tests.postgres import Cut
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House
    from ingestor.isolate import Reader

    Bring = Callable[..., dict[str, Any]]

ONE = Treatment()


def member(house: House, data: bytes, name: str = "a.log") -> StoredMember:
    kept = house.archive.put_bytes(data)
    return StoredMember(name, kept.sha256, kept.size)


def statuses(house: House) -> list[str]:
    with house.db.read() as connection:
        return sorted(connection.execute(select(tables.submission.c.status)).scalars())


def test_what_could_not_be_settled_now_is_answered_as_queued_and_settled_later(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    def busy(*_: object) -> None:
        raise Busy

    with monkeypatch.context() as patch:
        patch.setattr(settling, "store", busy)
        receipt = ingest(house, [member(house, ONE.data())], ORDER)
    assert (receipt["status"], receipt["rows"]["read"]) == ("queued", 0)
    assert receipt["message"]["de"]
    assert known(house)["sessions"] == {}
    assert [r["status"] for r in run_due(house)] == ["stored"]
    assert plasma(house) == ONE.plasma_ml
    assert statuses(house) == ["stored"]


def test_work_that_stops_for_want_of_a_database_is_due_again(house: House, monkeypatch: pytest.MonkeyPatch):
    keep(house, [member(house, ONE.data())], ORDER)

    def trouble(*_: object) -> None:
        raise DatabaseTrouble("database_trouble")

    with monkeypatch.context() as patch:
        patch.setattr(settling, "store", trouble)
        with pytest.raises(DatabaseTrouble):
            list(run_due(house))
    later = replace(house, now=lambda: NOW + timedelta(minutes=1))
    assert [r["status"] for r in run_due(later)] == ["stored"]


def test_a_file_that_brings_the_program_down_is_set_aside_and_stops_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    bad = keep(house, [member(house, ONE.data())], ORDER)
    good = keep(house, [member(house, ONE.later(days=1).data())], ORDER)
    real = settling.store

    def fragile(house: House, row: Any, *rest: Any) -> dict[str, Any]:  # noqa: ANN401
        if row.id == bad:
            raise KeyError("Erika Mustermann")
        return real(house, row, *rest)

    monkeypatch.setattr(settling, "store", fragile)
    seen = []
    for minutes in (0, 5, 10, 30):
        seen += [
            (r["submission"] == good, r["status"])
            for r in run_due(replace(house, now=lambda m=minutes: NOW + timedelta(minutes=m)))
        ]
    assert sorted(seen) == [(False, "queued"), (False, "queued"), (False, "refused"), (True, "stored")]
    assert "Mustermann" not in caplog.text
    assert "settling_failed" in caplog.text


def test_a_job_in_work_is_not_taken_away(house: House):
    submission = keep(house, [member(house, ONE.data())], ORDER)
    with house.working_on(submission):
        assert list(run_due(house)) == []
    assert [r["status"] for r in run_due(house)] == ["stored"]


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_line_cut_while_keeping_makes_one_submission(settings: Settings, reader: Reader):
    """F037: the transaction took place, its answer was lost; the same work under the same key changes nothing."""
    with (
        open_house(settings, now=lambda: NOW, reader=reader) as house,
        Cut(str(settings.database_url), "COMMIT") as line,
    ):
        db = open_database(line.url)
        ingest(replace(house, db=db), [member(house, ONE.data())], ORDER)
        db.close()
        with house.db.write() as connection:
            count = connection.execute(select(func.count()).select_from(tables.submission)).scalar()
            entries = connection.execute(
                select(func.count()).select_from(tables.audit).where(tables.audit.c.action == "submit")
            ).scalar()
        assert (count, entries) == (1, 1)


PARTS = [ONE.data(), b'{"t": "A", "code": "113", "at": "2024-03-18T08:30:00"}\n']


def pair(first: Treatment, second: Treatment) -> list[tuple[str, bytes]]:
    return [("x.part1", first.data()), ("x.part2", second.data())]


def test_companions_find_each_other_and_all_their_receipts_tell_of_the_whole(house: House):
    two = pair(ONE, replace(ONE.later(days=1), run="r2"))
    first = ingest(house, [member(house, two[0][1], two[0][0])], ORDER)
    assert (first["status"], first["sessions"]) == ("waiting", [])
    assert plasma(house) == 0
    second = ingest(house, [member(house, two[1][1], two[1][0])], ORDER)
    assert second["status"] == "stored"
    assert [m["name"] for m in second["members"]] == ["x.part1", "x.part2"]
    assert statuses(house) == ["stored"] * 3
    assert second["source"] == bundle_hash([(m["name"], m["sha256"]) for m in second["members"]])
    assert settle(house, first["submission"])["source"] == second["source"]


def test_a_lone_companion_is_read_alone_after_its_time(house: House):
    name, data = pair(ONE, ONE)[0]
    assert ingest(house, [member(house, data, name)], ORDER)["status"] == "waiting"
    assert list(run_due(house)) == []
    late = replace(house, now=lambda: NOW + timedelta(hours=25))
    assert [r["status"] for r in run_due(late)] == ["stored"]


def test_a_name_that_a_machine_uses_again_days_later_is_no_companion(house: House):
    two = pair(ONE, replace(ONE.later(days=3), run="r2"))
    assert ingest(house, [member(house, two[0][1], two[0][0])], ORDER)["status"] == "waiting"
    days_later = replace(house, now=lambda: NOW + timedelta(days=3))
    assert ingest(days_later, [member(house, two[1][1], two[1][0])], ORDER)["status"] == "waiting"
    assert [r["status"] for r in run_due(days_later)] == ["stored"]
    assert sorted(statuses(house)) == ["stored", "waiting"]


def test_where_one_of_two_files_cannot_be_read_the_other_waits_for_it(house: House, tmp_path: Path):
    two = pair(ONE, replace(ONE.later(days=1), run="r2"))
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, data in two:
        (folder / name).write_bytes(data)
    (folder / "x.part2").write_bytes(bytes(33 << 20))
    first = list(ingest_paths(house, [folder], ORDER))
    assert sorted((r["status"], r["code"]) for r in first) == [
        ("refused", "limit_size"), ("waiting", "waiting_companion"),
    ]  # fmt: skip
    assert recovery.recover(house).adopted == 0
    (folder / "x.part2").write_bytes(two[1][1])
    assert [r["status"] for r in ingest_paths(house, [folder], ORDER)] == ["stored"]
    assert "waiting" not in statuses(house)


def test_a_member_left_without_a_row_is_taken_up_and_doubles_nothing(house: House):
    """As after an upload or a look that broke off between two members of one bundle."""
    two = pair(ONE, replace(ONE.later(days=1), run="r2"))
    house.archive.put_bytes(two[0][1])
    assert recovery.recover(house).adopted == 1
    list(run_due(house))
    assert ingest(house, [member(house, d, n) for n, d in two], ORDER)["status"] in {"stored", "superseded"}
    with house.db.read() as connection:
        runs = connection.execute(
            select(tables.revision.c.run_id).where(tables.revision.c.state == "current")
        )
        found = runs.scalars().all()
    assert len(found) == len(set(found)) == 2


def test_companions_whose_whole_cannot_be_settled_yet_get_its_receipt_later(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    two = pair(ONE, replace(ONE.later(days=1), run="r2"))
    ingest(house, [member(house, two[0][1], two[0][0])], ORDER)

    def busy(*_: object) -> None:
        raise Busy

    with monkeypatch.context() as patch:
        patch.setattr(settling, "store", busy)
        assert ingest(house, [member(house, two[1][1], two[1][0])], ORDER)["status"] == "queued"
    assert [r["status"] for r in run_due(house)] == ["stored"]
    assert statuses(house) == ["stored"] * 3


def test_an_export_of_two_machines_at_once_is_two_sessions_and_its_rows_add_up(house: House, bring: Bring):
    both = ONE.data() + replace(ONE, serial="M-2", run="q", patient="4712").data()
    receipt = bring(both)
    assert receipt["code"] == "many"
    assert receipt["rows"]["read"] == receipt["rows"]["stored"] == 2 * bring(ONE.data())["rows"]["read"]
    assert len(receipt["sessions"]) == 2
    assert bring(ONE.data())["status"] == "duplicate"


@pytest.mark.sqlite
def test_an_unfinished_last_line_is_ignored_with_a_reason_and_counted(house: House, bring: Bring):
    receipt = bring(ONE.data()[:-10])
    assert receipt["rows"]["ignored"] == 1
    assert receipt["code"] == "stored_partial"
    rows = receipt["rows"]
    assert rows["read"] == rows["stored"] + rows["ignored"]


def test_a_preview_of_what_is_known_counts_nothing_twice(house: House, bring: Bring):
    bring(ONE.data())
    before = known(house)
    preview = bring(ONE.data(), order=replace(ORDER, preview=True))
    assert preview["status"] == "preview"
    assert pipeline.confirm(house, preview["submission"], ORDER.actor)["status"] == "duplicate"
    assert known(house) == before


def test_sources_refuse_no_name(house: House, tmp_path: Path):
    """A member's name is for show: it may be anything."""
    del tmp_path
    for name in ("../../etc/passwd", "a\0b", "x" * 5000, "\udcff.log", ""):
        receipt = ingest(house, [member(house, ONE.data(), name)], ORDER)
        assert receipt["status"] in {"stored", "duplicate"}
    with house.db.read() as connection:
        assert sources.earlier_receipt(connection, receipt["source"]) is not None
