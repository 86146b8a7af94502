"""What is learnt of a machine's clock moves its runs, exactly and reversibly."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ingestor.cli import main
from ingestor.errors import Invalid, NotFound
from ingestor.flow import clocks, rereading
from ingestor.flow.house import House, open_house
from ingestor.flow.jobs import run_due
from ingestor.flow.patients import NewPatient, add
from ingestor.flow.verify import verify
from ingestor.store import audit, places, runs, tables
from tests.flow.states import known, plasma
from tests.parts import PERSON
from tests.site import Treatment

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.config import Settings
    from ingestor.isolate import Reader

    Bring = Callable[..., dict[str, Any]]

ONE = Treatment()
ALWAYS = (None, None)


def device(house: House, serial: str = "M-1") -> str:
    with house.db.read() as connection:
        return next(d.id for d in places.known_devices(connection, house.centre) if d.serial == serial)


def zone(house: House, name: str | None, serial: str = "M-1") -> None:
    with house.db.write() as connection:
        clocks.set_zone(house, connection, device(house, serial), name, PERSON, "looked at it")
    clocks.carry_out(house)


def offset(house: House, seconds: int, span: Any = ALWAYS, serial: str = "M-1") -> str:  # noqa: ANN401
    with house.db.write() as connection:
        key = clocks.add_offset(house, connection, device(house, serial), seconds, span, PERSON, "compared")
    clocks.carry_out(house)
    return key


def revoke(house: House, key: str) -> None:
    with house.db.write() as connection:
        clocks.revoke_offset(house, connection, key, PERSON, "compared wrongly")
    clocks.carry_out(house)


def starts(house: House) -> list[datetime]:
    return sorted(d["started_at"] for d in known(house)["doses"].values())


def reading(house: House) -> Any:  # noqa: ANN401 - a run
    with house.db.read() as connection:
        key = connection.execute(
            select(tables.revision.c.id).where(tables.revision.c.state == "current")
        ).scalar_one()
        return runs.load(connection, key)


def test_a_known_error_moves_every_time_of_a_run_and_no_value(house: House, bring: Bring):
    bring(ONE.data())
    before, was = reading(house), known(house)
    offset(house, 5400)
    after = reading(house)
    moved = timedelta(seconds=5400)
    assert after.started.utc == before.started.utc - moved
    assert [p.start.utc for p in after.phases] == [p.start.utc - moved for p in before.phases]
    assert [a.onset.utc for a in after.alarms] == [a.onset.utc - moved for a in before.alarms]
    assert (after.trace.utc_ms == before.trace.utc_ms - 5_400_000).all()
    assert [p.start.local for p in after.phases] == [p.start.local for p in before.phases]
    assert "clock_offset_applied" in {f.code for f in after.findings}
    (now,), (then,) = known(house)["doses"].values(), was["doses"].values()
    told = {k for k in now if now[k] != then[k]}
    assert told == {"started_at", "ended_at"}
    assert list(verify(house)) == []


def test_a_correction_that_is_taken_back_leaves_everything_as_it_was(house: House, bring: Bring):
    with house.db.write() as connection:
        add(house, connection, NewPatient("female", identifiers={"h": "4711"}), PERSON)
    for n in range(3):
        bring(replace(ONE.later(days=n), run=f"r{n}").data())
    before = known(house)
    first, second = offset(house, 90), offset(house, -7200)
    assert starts(house) != sorted(d["started_at"] for d in before["doses"].values())
    revoke(house, second)
    revoke(house, first)
    assert known(house) == before
    with house.db.read() as connection:
        done = [e["action"] for e in audit.entries(connection)]
        assert audit.first_bad(connection) is None
    assert [d for d in done if d.endswith("offset")] == [
        "add-offset",
        "add-offset",
        "revoke-offset",
        "revoke-offset",
    ]
    with pytest.raises(NotFound):
        revoke(house, first)


def test_only_runs_within_the_stretch_on_the_machines_own_clock_are_moved(house: House, bring: Bring):
    for n in range(3):
        bring(replace(ONE.later(days=n), run=f"r{n}").data())
    bring(replace(ONE, serial="M-2", run="x").data())
    begun = starts(house)
    day = datetime(2024, 3, 19, tzinfo=UTC)
    offset(house, 600, (day, day + timedelta(days=1)))
    assert set(starts(house)) - set(begun) == {begun[2] - timedelta(seconds=600)}


def test_a_zone_that_is_learnt_late_moves_the_runs_and_the_finding_goes(house: House, bring: Bring):
    bring(ONE.data())
    assert "zone_defaulted" in {f.code for f in reading(house).findings}
    (before,) = starts(house)
    zone(house, "America/New_York")
    assert starts(house) == [before + timedelta(hours=5)]
    assert "zone_defaulted" not in {f.code for f in reading(house).findings}
    zone(house, None)
    assert starts(house) == [before]


def test_the_hour_that_happens_twice_is_clear_in_a_zone_without_summer_time(house: House, bring: Bring):
    night = replace(ONE, start=datetime(2024, 10, 27, 2, 10), minutes=30)  # noqa: DTZ001 - a wall clock
    bring(night.data())
    assert "time_ambiguous" in {f.code for f in reading(house).findings}
    zone(house, "UTC")
    assert starts(house) == [datetime(2024, 10, 27, 2, 10, tzinfo=UTC)]
    assert "time_ambiguous" not in {f.code for f in reading(house).findings}
    assert plasma(house) == night.plasma_ml


def test_a_correction_brings_a_separator_and_its_adsorber_together(house: House, bring: Bring):
    bring(ONE.data())
    bring(replace(ONE.later(days=5), serial="Z-1", run="z", role="separator").data())
    assert len(known(house)["sessions"]) == 2
    key = offset(house, 5 * 86_400, serial="Z-1")
    assert len(known(house)["sessions"]) == 1
    assert plasma(house) == ONE.plasma_ml
    revoke(house, key)
    assert len(known(house)["sessions"]) == 2


def test_a_machine_whose_battery_died_is_believed_once_its_error_is_known(house: House, bring: Bring):
    """Its clock began at 1990 again: nobody believes that, until a person says by how much it was behind."""
    behind = datetime(2024, 3, 18, 8) - datetime(1990, 1, 1, 8)  # noqa: DTZ001 - wall clocks
    receipt = bring(replace(ONE, start=datetime(1990, 1, 1, 8)).data())  # noqa: DTZ001 - a wall clock
    assert receipt["status"] == "held"
    offset(house, -int(behind.total_seconds()))
    assert [s.date().isoformat() for s in starts(house)] == ["2024-03-18"]
    assert plasma(house) == ONE.plasma_ml


def test_a_file_that_comes_later_is_read_with_the_ledger_and_is_no_contradiction(house: House, bring: Bring):
    bring(ONE.cut(30))
    offset(house, 600)
    assert bring(ONE.data())["status"] == "superseded"
    assert bring(ONE.cut(20))["status"] == "duplicate"
    assert list(verify(house)) == []


def test_a_correction_whose_program_ended_is_carried_out_by_the_next_one(
    house: House, bring: Bring, settings: Settings, reader: Reader
):
    bring(ONE.data())
    (before,) = starts(house)
    with house.db.write() as connection:
        clocks.add_offset(house, connection, device(house), 60, ALWAYS, PERSON, "compared")
    with open_house(settings, reader=reader) as later:
        assert list(run_due(later)) == []
        assert starts(later) == [before - timedelta(minutes=1)]


def test_two_threads_that_find_the_same_correction_carry_it_out_once(
    house: House, bring: Bring, monkeypatch: pytest.MonkeyPatch
):
    """The service looks for corrections while a request makes one."""
    for n in range(3):
        bring(replace(ONE.later(days=n), run=f"r{n}").data())
    before = starts(house)
    with house.db.write() as connection:
        clocks.add_offset(house, connection, device(house), 60, ALWAYS, PERSON, "compared")
    together, read = threading.Barrier(2), rereading.read_unit

    def read_side_by_side(*arguments: Any) -> Any:  # noqa: ANN401 - passed through
        with suppress(threading.BrokenBarrierError):
            together.wait(1)
        return read(*arguments)

    monkeypatch.setattr(rereading, "read_unit", read_side_by_side)
    with ThreadPoolExecutor(2) as threads:
        done = [
            key for one in [threads.submit(clocks.carry_out, house) for _ in "ab"] for key in one.result()
        ]
    assert len(done) == 1
    assert starts(house) == [at - timedelta(minutes=1) for at in before]


def test_what_cannot_be_is_refused(house: House, bring: Bring):
    bring(ONE.data())
    at = datetime(2024, 1, 1, tzinfo=UTC)
    for seconds, span in ((60, (at, at)), (3_000_000_000, ALWAYS)):
        with pytest.raises(Invalid):
            offset(house, seconds, span)
    with pytest.raises(Invalid):
        zone(house, "Mars/Olympus")
    with house.db.write() as connection, pytest.raises(NotFound):
        clocks.add_offset(house, connection, "dev-none", 1, ALWAYS, PERSON, "x")


@pytest.mark.sqlite
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.lists(st.integers(-200_000, 200_000), min_size=1, max_size=3))
def test_any_corrections_taken_back_in_any_order_leave_nothing(
    house: House, bring: Bring, seconds: list[int]
):
    bring(ONE.data())
    before = known(house)
    keys = [offset(house, s) for s in seconds]
    (start,) = starts(house)
    (was,) = (d["started_at"] for d in before["doses"].values())
    assert start == was - timedelta(seconds=seconds[-1])
    for key in keys:
        revoke(house, key)
    assert known(house) == before


@pytest.mark.sqlite
def test_the_command_lists_corrects_and_takes_back(
    house: House, bring: Bring, settings: Settings, capsys: pytest.CaptureFixture[str]
):
    bring(ONE.data())
    key = device(house)

    def run(*words: str) -> list[dict[str, Any]]:
        with pytest.raises(SystemExit) as ended:
            main(["--data", str(settings.data_dir), "--json", "devices", *words])
        assert ended.value.code == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (moved,) = run("offset", key, "-120", "--from", "2024-01-01", "--reason", "compared with a radio clock")
    assert len(moved["sessions"]) == 1
    (back,) = run("revoke-offset", moved["offset"], "--reason", "the radio was wrong")
    assert back["sessions"][0]["fields"]["started_at"] == moved["sessions"][0]["fields"]["started_at"][::-1]
    run("zone", key, "Europe/London", "--reason", "it says so")
    (listed,) = run("list")
    assert (listed["id"], listed["zone"], listed["ledger"][0]["seconds"]) == (key, "Europe/London", -120)
    assert listed["ledger"][0]["revoked_at"]
