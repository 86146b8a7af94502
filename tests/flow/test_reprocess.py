"""A driver that was wrong, put right: what changes is told, approved, switched, and can be taken back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from ingestor import faultpoints
from ingestor.cli import main
from ingestor.errors import Busy, Invalid, NotFound
from ingestor.flow import decisions, linking, reprocess
from ingestor.flow.house import open_house
from ingestor.flow.patients import NewMeasurement, NewPatient, add, measure
from ingestor.flow.pipeline import ingest
from ingestor.flow.verify import verify
from ingestor.isolate import Reader
from ingestor.meaning.policy import METHOD
from ingestor.store import audit, doses, links, plans, runs, sessions, tables
from ingestor.store.plans import Scope
from ingestor.store.sources import StoredMember
from tests.conftest import NOW
from tests.flow.states import known
from tests.parts import ORDER, PERSON
from tests.site import Treatment, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ingestor.config import Settings
    from ingestor.flow.house import House

    AtSite = Callable[..., AbstractContextManager[House]]

ALL = Scope()
ONE = Treatment()
SEPARATOR = Treatment(serial="Z-1", run="z1", role="separator")
BOTH = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture(scope="session")
def reader_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, str]], Reader]]:
    """Return a function that gives a child with a driver: one for each driver, as coming up takes its time."""
    made: dict[tuple[tuple[str, str], ...], Reader] = {}

    def give(driver: dict[str, str]) -> Reader:
        key = tuple(sorted(driver.items()))
        if key not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PYTHONPATH", str(install(tmp_path_factory.mktemp("driver"), **driver)))
                made[key] = Reader()
                assert made[key].drivers()
        return made[key]

    yield give
    for reader in made.values():
        reader.close()


@pytest.fixture
def at_site(settings: Settings, reader_of: Callable[[dict[str, str]], Reader]) -> AtSite:
    """Return a function that opens the house with a driver: at_site(VERSION="2", FACTOR="1.02")."""
    minutes = iter(range(0, 100_000, 10))

    @contextmanager
    def opened(
        chosen: Settings | None = None, reader: Reader | None = None, **driver: str
    ) -> Iterator[House]:
        now = NOW + timedelta(minutes=next(minutes))
        with open_house(chosen or settings, now=lambda: now, reader=reader or reader_of(driver)) as house:
            yield house

    return opened


FIXED = {"VERSION": "2", "FACTOR": "1.02"}


def bring(house: House, *files: bytes) -> list[dict[str, Any]]:
    kept = [house.archive.put_bytes(data) for data in files]
    return [ingest(house, [StoredMember("a.log", k.sha256, k.size)], ORDER) for k in kept]


def dose(house: House, session: str) -> Any:  # noqa: ANN401 - a row
    with house.db.read() as connection:
        return doses.current(connection, sessions.session_row(connection, session).id, METHOD)


def report(house: House, key: str) -> list[dict[str, Any]]:
    with house.db.read() as connection:
        return [change for item in plans.items(connection, key) for change in item.changes]


def values(house: House) -> dict[str, Any]:
    """What is served, whoever has read it."""
    stamp = {"driver_version"}
    return {k: {n: v for n, v in d.items() if n not in stamp} for k, d in known(house)["doses"].items()}


def test_nothing_is_to_be_done_where_no_driver_changed(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
        key = reprocess.propose(house, ALL, PERSON)
        with house.db.read() as connection:
            assert plans.items(connection, key) == []
            assert plans.require(connection, key).unchanged == 1


@BOTH
def test_a_plan_tells_which_sessions_change_by_how_much_and_changes_nothing(at_site: AtSite) -> None:
    with at_site() as house:
        (first,) = bring(house, ONE.data())
        before = known(house)
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, ALL, PERSON)
        (change,) = report(house, key)
        assert change["session"] == first["sessions"][0]
        assert change["fields"]["reported_ml"] == [1800.0, 1836.0]
        assert change["fields"]["processed_plasma_ml"] == [1800.0, 1836.0]
        assert change["fields"]["driver_version"] == ["1", "2"]
        assert known(house) == before
        assert list(verify(house)) == []


@BOTH
def test_an_approved_plan_switches_keeps_the_old_and_says_why(at_site: AtSite) -> None:
    with at_site() as house:
        (first,) = bring(house, ONE.data())
        session, then = first["sessions"][0], house.now()
        old = dose(house, session)
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, ALL, PERSON)
        reprocess.approve(house, key, PERSON, "the sum was read with the wrong factor")
        assert dose(house, session).processed_plasma_ml == 1836
        assert list(verify(house)) == []
        with house.db.read() as connection:
            rows = connection.execute(
                select(tables.dose).where(
                    tables.dose.c.session_id == session,
                    tables.dose.c.known_from <= then,
                    tables.dose.c.known_to > then,
                )
            ).all()
            assert [r.processed_plasma_ml for r in rows] == [old.processed_plasma_ml]
            states = [r.state for r in runs.revisions_of(connection, first["runs"])]
            assert states == ["superseded", "current"]
            causes = connection.execute(select(tables.change.c.cause)).scalars().all()
            assert causes == ["ingest", "reprocess"]
            assert [e["action"] for e in audit.entries(connection)][-3:] == [
                "propose-plan", "approve-plan", "plan-done",
            ]  # fmt: skip
        with pytest.raises(Invalid):
            reprocess.approve(house, key, PERSON)


@BOTH
def test_a_changed_driver_and_back_is_the_same_dose_the_same_ids_and_the_same_links(at_site: AtSite) -> None:
    second = replace(ONE.later(days=3), run="r2", patient=None)
    with at_site() as house:
        with house.db.write() as connection:
            person = add(house, connection, NewPatient("female", identifiers={"h": "4711"}), PERSON)
        answers = bring(house, ONE.data(), SEPARATOR.data(), second.half(0, 20), second.half(30, 60))
        with house.db.write() as connection:
            linking.link(house, connection, answers[2]["sessions"][0], person, PERSON, "asked her")
        before = known(house)
    for driver in (FIXED, {}):
        with at_site(**driver) as house:
            reprocess.approve(house, reprocess.propose(house, ALL, PERSON), PERSON)
            assert known(house)["sessions"] == before["sessions"]
            assert (known(house) == before) is (driver == {})
            assert list(verify(house)) == []
            with house.db.read() as connection:
                held = [links.newest(connection, s) for s in before["sessions"]]
                assert {link.patient_id for link in held if link} == {person}


def test_a_rehearsal_tells_the_same_and_keeps_nothing(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
    with at_site(**FIXED) as house:
        (item,) = reprocess.rehearse(house, ALL)
        with house.db.read() as connection:
            assert list(plans.listing(connection, house.centre)) == []
            assert connection.execute(select(tables.revision.c.id)).scalars().all() == item.retire
        key = reprocess.propose(house, ALL, PERSON)
        assert report(house, key) == item.changes


def test_only_what_one_driver_has_read_is_read_again(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, Scope("another"), PERSON)
        assert report(house, key) == []
        assert len(report(house, reprocess.propose(house, Scope("plain"), PERSON))) == 1


def test_a_new_plan_takes_the_place_of_one_that_nobody_approved(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
    with at_site(**FIXED) as house:
        first = reprocess.propose(house, ALL, PERSON)
    with at_site(VERSION="3", FACTOR="1.05") as house:
        second = reprocess.propose(house, ALL, PERSON)
        with pytest.raises(Invalid):
            reprocess.approve(house, first, PERSON)
        reprocess.approve(house, second, PERSON)
        (row,) = known(house)["doses"].values()
        assert row["processed_plasma_ml"] == 1890
        with pytest.raises(NotFound):
            reprocess.approve(house, "plan-none", PERSON)


def test_a_setting_that_changes_doses_is_reported_and_carried_out_alike(
    at_site: AtSite, settings: Settings
) -> None:
    other = settings.model_copy(update={"plasma_volume_formula": "lemmens"})
    with at_site() as house:
        with house.db.write() as connection:
            person = add(house, connection, NewPatient("female", identifiers={"h": "4711"}), PERSON)
            at = datetime(2024, 3, 1, tzinfo=UTC)
            measure(house, connection, person, NewMeasurement("height", Decimal(170), "cm", at), PERSON)
        bring(house, ONE.data())
        before = known(house)
    with at_site(other) as house:
        key = reprocess.propose(house, ALL, PERSON)
        (change,) = report(house, key)
        assert change["fields"]["plasma_volume_formula"] == ["nadler", "lemmens"]
        assert known(house) == before
        reprocess.approve(house, key, PERSON)
        assert list(verify(house)) == []
    with at_site() as house:
        reprocess.approve(house, reprocess.propose(house, ALL, PERSON), PERSON)
        assert known(house) == before


def test_a_file_that_was_refused_and_can_be_read_now_is_offered_and_stored_on_approval(
    at_site: AtSite,
) -> None:
    with at_site(OPENS="not yet") as house:
        (receipt,) = bring(house, ONE.data())
        assert receipt["status"] == "refused"
    with at_site() as house:
        key = reprocess.propose(house, ALL, PERSON)
        assert known(house)["doses"] == {}
        reprocess.approve(house, key, PERSON)
        assert len(known(house)["doses"]) == 1


def test_a_driver_that_can_read_a_file_no_more_takes_nothing_away(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
        before = known(house)
    with at_site(VERSION="2", OPENS="not any more") as house:
        key = reprocess.propose(house, ALL, PERSON)
        with house.db.read() as connection:
            (item,) = plans.items(connection, key)
        assert (item.kind, item.troubles[0]["code"]) == ("unreadable", "not_recognised")
        reprocess.approve(house, key, PERSON)
        assert known(house) == before


def test_what_has_changed_since_the_report_is_left_alone(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.cut(30))
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, ALL, PERSON)
        bring(house, ONE.data())
        after = known(house)
        reprocess.approve(house, key, PERSON)
        assert known(house) == after
        with house.db.read() as connection:
            assert [item.state for item in plans.items(connection, key)] == ["stale"]


def test_a_reading_of_a_plan_counts_by_approval_only(at_site: AtSite) -> None:
    with at_site() as house:
        (first,) = bring(house, ONE.data())
    with at_site(**FIXED) as house:
        reprocess.propose(house, ALL, PERSON)
        with house.db.write() as connection:
            key = next(r.id for r in runs.revisions_of(connection, first["runs"]) if r.state == "proposed")
            with pytest.raises(Invalid) as caught:
                decisions.let_count(house, connection, key, PERSON, "now")
        assert caught.value.code == "only_proposed"


def test_another_number_of_the_machine_moves_the_session_and_its_link(at_site: AtSite) -> None:
    """The old driver took no number: the run is known by another name now, its session and its link are not lost."""
    with at_site(NUMBERED="") as house:
        with house.db.write() as connection:
            person = add(house, connection, NewPatient("female"), PERSON)
        (first,) = bring(house, ONE.data())
        session = first["sessions"][0]
        with house.db.write() as connection:
            linking.link(house, connection, session, person, PERSON, "seen")
    with at_site(VERSION="2") as house:
        reprocess.approve(house, reprocess.propose(house, ALL, PERSON), PERSON)
        row = dose(house, session)
        assert row.session_id != session
        assert row.patient_id == person
        assert len(known(house)["sessions"]) == 1
        assert list(verify(house)) == []


@BOTH
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_held_stays_held_and_what_counts_goes_on_counting(at_site: AtSite, *, turned: bool) -> None:
    """Whichever of the two sources comes first by name."""
    files = [ONE.data(), replace(ONE, total=1900).data()]
    with at_site() as house:
        first, held = bring(house, *(reversed(files) if turned else files))
        assert held["status"] == "held"
        source = first["source"]
    for driver in (FIXED, {}):
        with at_site(**driver) as house:
            reprocess.approve(house, reprocess.propose(house, ALL, PERSON), PERSON)
            (row,) = known(house)["doses"].values()
            assert row["sources"] == [source]
            with house.db.read() as connection:
                states = {
                    r.source: r.state
                    for r in runs.revisions_of(connection, first["runs"])
                    if r.state in {"current", "held"}
                }
            assert states == {source: "current", held["source"]: "held"}


def test_a_source_of_several_treatments_is_switched_as_a_whole(at_site: AtSite) -> None:
    many = b"".join(replace(ONE.later(days=n), run=f"r{n}").data() for n in range(5))
    with at_site() as house:
        bring(house, many)
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, ALL, PERSON)
        with house.db.read() as connection:
            assert len(plans.items(connection, key)) == 1
        assert len(report(house, key)) == 5
        reprocess.approve(house, key, PERSON)
        assert {d["processed_plasma_ml"] for d in known(house)["doses"].values()} == {1836}


def test_two_plans_are_not_made_at_once(at_site: AtSite) -> None:
    with at_site() as house, subprocess.Popen(["sleep", "60"]) as other:
        bring(house, ONE.data())
        with open(f"/proc/{other.pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
            began = stat.read().rsplit(")", 1)[1].split()[19]
        host = house.worker.partition(":")[0]
        with house.db.write() as connection:
            plans.add(connection, house.centre, ALL, f"{host}:{other.pid}:{began}", "other", house.now())
        with pytest.raises(Busy):
            reprocess.propose(house, ALL, PERSON)
        other.kill()
        other.wait()
        reprocess.propose(house, ALL, PERSON)


POINTS = ["read", "propose", "proposed", "ready", "approved", "switch", "switched"]


def end_of(life: Callable[[], None], fault: str | None = None) -> int:
    """Live in a forked process; return how it ended, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.environ.pop("APHERELOG_FAULT", None)
            if fault:
                os.environ["APHERELOG_FAULT"] = fault
            faultpoints._plan.cache_clear()
            faultpoints._passages.clear()
            life()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    ("point", "nth"),
    [*((p, 1) for p in POINTS), *(pytest.param(p, 2, marks=pytest.mark.torture) for p in POINTS)],
)
def test_killed_at_any_point_it_ends_complete(
    at_site: AtSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, nth: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path / "site", **FIXED)))
    with at_site() as house:
        bring(house, *(replace(ONE.later(days=n), run=f"r{n}").data() for n in range(3)))

    def live() -> None:
        with Reader() as own, at_site(reader=own) as house:
            with house.db.read() as connection:
                known_plan = plans.open_plan(connection, house.centre, ALL)
            approved = known_plan is not None and known_plan.state == "approved"
            key = known_plan.id if approved else reprocess.propose(house, ALL, PERSON)
            reprocess.approve(house, key, PERSON)

    ended = end_of(live, f"reprocess.{point}:kill:{nth}")
    assert ended in {0, -signal.SIGKILL}
    assert nth > 1 or ended == -signal.SIGKILL
    if ended:
        assert end_of(live) == 0
    with at_site(**FIXED) as house:
        assert {d["processed_plasma_ml"] for d in known(house)["doses"].values()} == {1836}
        assert list(verify(house)) == []
        with house.db.read() as connection:
            assert audit.first_bad(connection) is None
            feed = select(tables.change.c.session_id).where(tables.change.c.cause == "reprocess")
            assert len(connection.execute(feed).all()) == 3


def test_the_command_tells_and_carries_out(
    at_site: AtSite,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path / "site", **FIXED)))
    with at_site() as house:
        (first,) = bring(house, ONE.data())
    told = []
    for options in (("--dry-run",), (), ("--approve", "?")):
        words = [told[-1]["plan"] if o == "?" else o for o in options]
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(settings.data_dir), "--json", "reprocess", *words])
        assert ended.value.code == 0
        told.append(json.loads(capsys.readouterr().out))
    assert [t["state"] for t in told] == ["dry-run", "ready", "done"]
    assert [t["sessions"][0]["session"] for t in told] == [first["sessions"][0]] * 3
    assert [t["sessions"][0]["fields"]["processed_plasma_ml"] for t in told] == [[1800.0, 1836.0]] * 3
    with pytest.raises(SystemExit) as ended:
        main(["--data", str(settings.data_dir), "reprocess"])
    assert "0 change" in capsys.readouterr().out


def test_an_interrupted_approval_is_finished_before_anything_new(at_site: AtSite) -> None:
    with at_site() as house:
        bring(house, ONE.data())
    with at_site(**FIXED) as house:
        key = reprocess.propose(house, ALL, PERSON)
        with house.db.write() as connection:
            plans.set_state(connection, key, "approved")
        with pytest.raises(Invalid) as caught:
            reprocess.propose(house, ALL, PERSON)
        assert caught.value.details == {"plan": key}
        reprocess.approve(house, key, PERSON)
