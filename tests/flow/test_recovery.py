"""What a start makes good, so that nothing has to be done by hand after any end."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ingestor.archive import Archive
from ingestor.cli import main
from ingestor.config import Settings
from ingestor.flow import recovery
from ingestor.flow.house import House, open_house
from ingestor.store import audit, site
from ingestor.store.arrivals import Arrival, accept
from ingestor.store.audit import Actor
from ingestor.store.sources import Order, StoredMember
from ingestor.store.tables import job, raw_file, submission

ORDER = Order("ingest", Actor("tester", "admin"))


@contextmanager
def _archive(settings: Settings) -> Iterator[Archive]:
    archive = Archive(settings.data_dir / "archive")
    archive.prepare()
    yield archive
    archive.close()


def _submissions(house: House) -> list[tuple[str, str]]:
    with house.db.read() as connection:
        rows = connection.execute(select(submission.c.source, submission.c.way)).all()
    return sorted((row.source, row.way) for row in rows)


def test_kept_bytes_without_a_row_are_adopted_once(settings: Settings) -> None:
    with _archive(settings) as archive:
        orphan = archive.put_bytes(b"published, then the power went")
    with open_house(settings) as house:
        assert _submissions(house) == [(orphan.sha256, "recovered")]
        with house.db.read() as connection:
            assert connection.execute(select(job.c.state)).scalars().all() == ["queued"]
    with open_house(settings) as house:
        assert _submissions(house) == [(orphan.sha256, "recovered")]


def test_an_older_database_takes_newer_bytes_back(settings: Settings) -> None:
    with open_house(settings):
        pass
    backup = (settings.data_dir / "apherelog.db").read_bytes()
    with open_house(settings) as house:
        kept = house.archive.put_bytes(b"came in after the backup")
        with house.db.write() as connection:
            member = StoredMember("a.csv", kept.sha256, kept.size)
            accept(connection, [Arrival(house.centre, [member], ORDER, house.worker, house.now())])
    for left in settings.data_dir.glob("apherelog.db*"):
        left.unlink()
    (settings.data_dir / "apherelog.db").write_bytes(backup)
    with open_house(settings) as house:
        assert _submissions(house) == [(kept.sha256, "recovered")]


def test_an_orphan_that_is_damaged_is_set_aside_and_stops_nobody(settings: Settings) -> None:
    with _archive(settings) as archive:
        bad = archive.put_bytes(b"bad")
        good = archive.put_bytes(b"good")
        archive.path_of(bad.sha256).chmod(0o640)
        archive.path_of(bad.sha256).write_bytes(b"bat")
    with open_house(settings) as house:
        assert _submissions(house) == [(good.sha256, "recovered")]
        assert [p.name[:64] for p in (house.archive.root / "quarantine").iterdir()] == [bad.sha256]


def test_what_a_living_neighbour_is_bringing_in_is_left_to_it(settings: Settings) -> None:
    with _archive(settings) as archive:
        coming = archive.put_bytes(b"published a moment ago")
        with open_house(settings) as house:
            assert _submissions(house) == []
        with open_house(settings) as house:
            recovery._ON_THE_WAY_S, kept = 0, recovery._ON_THE_WAY_S
            try:
                assert recovery.recover(house).adopted == 1
            finally:
                recovery._ON_THE_WAY_S = kept
            assert _submissions(house) == [(coming.sha256, "recovered")]


def test_a_row_whose_bytes_are_gone_is_told_until_they_are_back(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with open_house(settings) as house:
        kept = house.archive.put_bytes(b"abc")
        member = StoredMember("a.csv", kept.sha256, kept.size)
        with house.db.write() as connection:
            accept(connection, [Arrival(house.centre, [member], ORDER, house.worker, house.now())])
        house.archive.path_of(kept.sha256).unlink()
    for _ in range(2):
        with open_house(settings) as house, house.db.read() as connection:
            assert site.fact(connection, recovery.MISSING) == [kept.sha256]
        assert [r.levelname for r in caplog.records if r.getMessage() == "recovered"][-1] == "CRITICAL"
    with open_house(settings) as house:
        house.archive.put_bytes(b"abc")
    with open_house(settings) as house, house.db.read() as connection:
        assert site.fact(connection, recovery.MISSING) == []
        assert connection.execute(select(func.count()).select_from(raw_file)).scalar() == 1


def test_jobs_of_dead_processes_are_given_back_and_those_of_living_ones_are_not(settings: Settings) -> None:
    with open_house(settings) as house:
        here = house.worker
        host, _, _ = here.partition(":")
        with subprocess.Popen(["/bin/true"]) as dead:
            dead.wait()
        for number, worker in enumerate((here, f"{host}:{dead.pid}:1", f"{host}:{os.getpid()}:1")):
            data = bytes([number])
            house.archive.put_bytes(data)
            member = StoredMember(f"{number}.csv", hashlib.sha256(data).hexdigest(), 1)
            with house.db.write() as connection:
                accept(connection, [Arrival(house.centre, [member], ORDER, worker, house.now())])
        assert recovery.recover(house).requeued == 2
        with house.db.read() as connection:
            states = connection.execute(select(job.c.state, job.c.worker)).all()
        assert sorted((s.state, s.worker) for s in states) == [
            ("queued", None),
            ("queued", None),
            ("running", here),
        ]


def test_a_start_with_nothing_to_do_does_not_read_the_archive(settings: Settings) -> None:
    with open_house(settings) as house:
        for number in range(300):
            kept = house.archive.put_bytes(str(number).encode())
            with house.db.write() as connection:
                member = StoredMember("a", kept.sha256, kept.size)
                accept(connection, [Arrival(house.centre, [member], ORDER, house.worker, house.now())])
    with open_house(settings) as house:
        house.archive.shard = pytest.fail  # type: ignore[method-assign] - the law under test
        began = time.perf_counter()
        assert recovery.recover(house) == recovery.Recovered()
        assert time.perf_counter() - began < 0.1


def test_a_broken_chain_is_told_at_the_start(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with open_house(settings) as house, house.db.write() as connection:
        for number in range(150):
            audit.record(connection, ORDER.actor, "try", f"thing-{number}")
    with open_house(settings) as house:
        assert "audit_broken" not in caplog.text
        with house.db.write() as connection:
            connection.exec_driver_sql("DROP TRIGGER audit_no_update")
            connection.exec_driver_sql("UPDATE audit SET reason = 'another' WHERE seq = 140")
        with house.db.read() as connection:
            assert audit.first_bad(connection) == audit.first_bad(connection, 20) == 140
            assert audit.first_bad(connection, 5) is None
    with open_house(settings):
        assert [r.levelname for r in caplog.records if r.getMessage() == "audit_broken"] == ["CRITICAL"]


def test_ingest_settles_what_a_killed_one_left(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_house(settings) as house:
        kept = house.archive.put_bytes(b"left by a process that was killed")
        with house.db.write() as connection:
            member = StoredMember("left.csv", kept.sha256, kept.size)
            accept(connection, [Arrival(house.centre, [member], ORDER, "nobody:1:1", house.now())])
            connection.execute(job.update().values(state="queued", worker=None))
    (tmp_path / "new.csv").write_bytes(b"something else")
    with pytest.raises(SystemExit):
        main(["--data", str(settings.data_dir), "--json", "ingest", str(tmp_path / "new.csv")])
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 1
    assert "left.csv" in told.err
    with open_house(settings) as house, house.db.read() as connection:
        assert set(connection.execute(select(job.c.state)).scalars()) == {"done"}
