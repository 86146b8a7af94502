"""What both databases promise to everybody who opens them."""

from __future__ import annotations

import multiprocessing
import os
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from ingestor import disk
from ingestor.errors import Busy, DatabaseTrouble, IngestorError, SettingsError
from ingestor.store import engine, postgresql, schema, site, sqlite, tables, tending
from ingestor.store.engine import Database, open_database
from ingestor.store.tables.base import storable

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from sqlalchemy import Connection, TextClause

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEGIN, END = datetime(1950, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAIT_MS", 150)
    monkeypatch.setattr(postgresql, "WAIT_MS", 150)


def test_a_reader_cannot_write(db: Database):
    with pytest.raises((IngestorError, DBAPIError)), db.read() as connection:
        site.set_fact(connection, "a", 1)


def test_a_second_writer_waits_and_then_is_told_that_the_house_is_busy(impatient: None, db: Database):
    """F026."""
    with db.write() as connection:
        site.set_fact(connection, "a", 1)
        with pytest.raises(Busy), db.write():
            raise AssertionError("two writers at once")
    with db.write() as connection:
        assert site.fact(connection, "a") == 1


def test_a_transaction_that_fails_leaves_nothing(db: Database):
    def fail(connection: Connection) -> None:
        site.set_fact(connection, "a", 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.apply(fail)
    with db.read() as connection:
        assert site.fact(connection, "a") is None


def test_a_reader_sees_one_state_while_others_write(db: Database):
    with db.read() as connection:
        assert site.fact(connection, "a") is None
        with db.write() as other:
            site.set_fact(other, "a", 1)
        assert site.fact(connection, "a") is None


def _count(url: str, times: int) -> None:
    db = open_database(url)
    for _ in range(times):
        with db.write() as connection:
            site.set_fact(connection, "n", (site.fact(connection, "n") or 0) + 1)
    db.close()


def test_what_many_processes_write_at_once_is_never_lost(db: Database):
    """F025: read, add one, write: every lost update would show."""
    context = multiprocessing.get_context("spawn")
    crowd = [context.Process(target=_count, args=(db.url, 25)) for _ in range(2)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
        assert one.exitcode == 0
    with db.read() as connection:
        assert site.fact(connection, "n") == 50


def test_readers_beyond_the_pool_are_told_to_come_back_and_the_writer_goes_on(
    db: Database, monkeypatch: pytest.MonkeyPatch
):
    """F039."""
    monkeypatch.setitem(engine._POOL, "pool_size", 2)
    monkeypatch.setitem(engine._POOL, "max_overflow", 0)
    monkeypatch.setitem(engine._POOL, "pool_timeout", 0.1)
    small = open_database(db.url)
    with small.read(), small.read():
        with pytest.raises(Busy), small.read():
            raise AssertionError("a third connection")
        with small.write() as connection:
            site.set_fact(connection, "a", 1)
    small.close()


def test_a_connection_from_before_a_fork_is_not_used_after_it(db: Database):
    """F033."""
    with db.write() as connection:
        site.set_fact(connection, "a", 1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with db.write() as connection:
                site.set_fact(connection, "a", 2)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with db.write() as connection:
        assert site.fact(connection, "a") == 2


VALUES = {"value": ("NaN", "Infinity", "-Infinity", "1e300"), "at": ("infinity", "-infinity")}


@pytest.mark.parametrize(("column", "bad"), [(c, v) for c, many in VALUES.items() for v in many])
def test_numbers_and_times_that_do_not_exist_are_refused_by_the_database_itself(
    db: Database, column: str, bad: str
):
    """F042."""
    good = {"value": "1", "at": "2026-01-01 00:00:00"}
    row = {"id": "m", "patient_id": "p", "kind": "weight", "unit": "kg", "source": "s", "actor": "a",
           "recorded_at": "2026-01-01 00:00:00", **good}  # fmt: skip
    with db.write() as connection:
        connection.execute(insert(tables.centre).values(id="c", name="c", zone="UTC"))
        connection.execute(insert(tables.patient).values(id="p", centre="c", test=False, created_at=NOW))
        connection.execute(literally(row))
        connection.execute(text("DELETE FROM measurement"))
    with pytest.raises(DBAPIError), db.write() as connection:
        connection.execute(literally(row | {column: bad}))


def literally(row: dict[str, str]) -> TextClause:
    """An insert as somebody types it, past every type of ours."""
    values = ", ".join(f"'{value}'" for value in row.values())
    return text(f"INSERT INTO measurement ({', '.join(row)}) VALUES ({values})")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.text(st.characters(codec=None), max_size=30),
    number=st.decimals(-(10**12), 10**12, places=3),
    at=st.datetimes(BEGIN, END, timezones=st.just(UTC)),
)
def test_both_databases_give_back_what_was_given(db: Database, words: str, number: Decimal, at: datetime):
    """F083: what neither can hold (NUL, half a surrogate pair) is kept in its visible form."""
    document = {"text": words, words: [1, None, True]}
    with db.write() as connection, connection.begin_nested() as trial:
        connection.execute(insert(tables.centre).values(id="x", name=words, zone="UTC"))
        site.set_fact(connection, "d", document)
        machine = {
            "maker": words,
            "model": "",
            "serial": "",
            "role": "adsorber",
            "bench": False,
            "first_seen": at,
        }
        connection.execute(insert(tables.device).values(id="d", centre="x", **machine))
        kept = connection.execute(select(tables.device)).one()
        assert (kept.maker, kept.first_seen) == (storable(words), at)
        assert site.fact(connection, "d") == {"text": storable(words), storable(words): [1, None, True]}
        assert connection.execute(select(tables.centre.c.name)).scalar() == storable(words)
        trial.rollback()
    bound = tables.measurement.c.value.type
    assert bound.process_result_value(bound.process_bind_param(number, None), None) == number


def test_texts_are_ordered_alike_on_both_databases(db: Database):
    words = ["a-b", "ab", "B", "a", "Z", "ä", "z"]
    with db.write() as connection:
        for word in words:
            connection.execute(insert(tables.centre).values(id=word, name=word, zone="UTC"))
        found = (
            connection.execute(select(tables.centre.c.name).order_by(tables.centre.c.name)).scalars().all()
        )
    assert found == sorted(words)


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 52, 0)])
def test_a_library_that_may_corrupt_a_shared_log_is_not_given_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: tuple[int, int, int],
):
    """F031."""
    real = sqlite.library()
    old = SimpleNamespace(**{n: getattr(real, n) for n in dir(real) if not n.startswith("__")})
    old.sqlite_version_info, old.sqlite_version = version, ".".join(map(str, version))
    monkeypatch.setattr(sqlite, "library", lambda: old)
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    schema.upgrade(db)
    with db.write() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "delete"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 3
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == ["sqlite_without_wal"]
    db.close()


def test_a_good_library_shares_a_log_and_waits_for_the_disk(tmp_path: Path):
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with db.write() as connection:
        said = [
            connection.execute(text(f"PRAGMA {p}")).scalar()
            for p in ("journal_mode", "synchronous", "mmap_size")
        ]
    assert said == ["wal", 2, 0]
    db.close()


@pytest.mark.parametrize("kind", ["nfs", "cifs", "fuse"])
def test_a_database_on_a_shared_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    """F032."""
    monkeypatch.setattr(disk, "shared_kind", lambda _path: kind)
    with pytest.raises(SettingsError) as caught:
        open_database(f"sqlite:///{tmp_path / 'new' / 'a.db'}")
    assert caught.value.code == "shared_disk"


def test_a_reader_that_holds_a_large_log_back_is_told_and_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(sqlite, "WAL_BYTES", 1 << 20)
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with db.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1), (2), (3)")

    def grow() -> None:
        for _ in range(20):
            with db.write() as connection:
                connection.exec_driver_sql("INSERT INTO t VALUES (randomblob(100000))")

    def read_on() -> None:
        with db.read() as connection:
            rows = connection.exec_driver_sql("SELECT x FROM t").yield_per(1)
            assert next(rows) == (1,)
            grow()
            assert tending.tend(db) > 1 << 20, "a young reader is left alone"
            assert next(rows) == (2,)
            monkeypatch.setattr(tending, "LONGEST_S", 0)
            tending.tend(db)
            rows.all()

    with pytest.raises(Busy):
        read_on()
    assert [r.levelname for r in caplog.records if r.getMessage() == "log_held_back"] == ["CRITICAL"] * 2
    with db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM t").scalar() == 23
    tending.tend(db)
    assert tending.tend(db) == 0
    db.close()


def test_a_reader_that_holds_the_log_back_shows_in_its_size(tmp_path: Path):
    """F028: what an alarm looks at."""
    db = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    schema.upgrade(db)
    with db.read() as stuck:
        stuck.execute(select(tables.setting)).all()
        for number in range(60):
            with db.write() as connection:
                site.set_fact(connection, f"k{number}", "x" * 100_000)
        assert sqlite.wal_bytes(db.url) > 6_000_000
    with db.write() as connection:
        site.set_fact(connection, "last", 1)
    with db.writer.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert sqlite.wal_bytes(db.url) == 0
    db.close()


def test_a_damaged_file_is_told_as_damage(tmp_path: Path):
    """F030."""
    path = tmp_path / "a.db"
    db = open_database(f"sqlite:///{path}")
    schema.upgrade(db)
    db.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    damaged = open_database(f"sqlite:///{path}")
    with pytest.raises(DatabaseTrouble) as caught, damaged.read() as connection:
        connection.execute(select(tables.audit)).all()
    damaged.close()
    assert caught.value.code == "database_damaged"


def test_threads_share_one_database(db: Database):
    errors: list[Exception] = []

    def work() -> None:
        try:
            _count(db.url, 5)
        except IngestorError as error:
            errors.append(error)

    crowd = [threading.Thread(target=work) for _ in range(6)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join(60)
    assert errors == []
    with db.read() as connection:
        assert site.fact(connection, "n") == 30
