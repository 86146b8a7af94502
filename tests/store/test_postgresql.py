"""What a server can do to us: deadlocks, restarts, cut lines, careless settings."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from ingestor.errors import Busy, DatabaseTrouble
from ingestor.store import schema, site
from ingestor.store.engine import durability_warnings, open_database
from ingestor.store.trouble import GivenUp
from tests.postgres import Cut, Databases, Server, can_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from ingestor.store.engine import Database

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that is safe, and may be hurt."""
    if not can_start():
        pytest.skip("postgresql not installed: run `make test-system`")
    with Server({"deadlock_timeout": "50ms", "autovacuum": "off"}) as one:
        yield one


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    databases = Databases(server.url)
    opened = open_database(databases.empty())
    schema.upgrade(opened)
    with opened.write() as connection:
        site.set_fact(connection, "ours", 0)
        site.set_fact(connection, "theirs", 0)
    yield opened
    opened.close()
    databases.drop(opened.url)
    databases.close()


def stranger(url: str) -> psycopg.Connection:
    known = make_url(url)
    return psycopg.connect(dbname=known.database, user="test", host=str(known.query["host"]))


def raise_by_one(connection: Connection, key: str) -> None:
    site.set_fact(connection, key, site.fact(connection, key) + 1)


def test_a_deadlock_with_a_stranger_is_tried_again_and_nothing_is_done_twice(db: Database):
    """F040."""
    tries = []
    with stranger(db.url) as other:
        other.execute("UPDATE setting SET value = '1' WHERE key = 'theirs'")
        other.execute("SET deadlock_timeout = '10s'")

        def cross() -> None:
            other.execute("UPDATE setting SET value = '1' WHERE key = 'ours'")
            other.commit()

        crossing = threading.Thread(target=cross)

        def work(connection: Connection) -> None:
            tries.append(1)
            raise_by_one(connection, "ours")
            if len(tries) == 1:
                crossing.start()
            raise_by_one(connection, "theirs")

        db.apply(work)
        crossing.join()
    with db.read() as connection:
        assert (site.fact(connection, "ours"), site.fact(connection, "theirs")) == (2, 2)
    assert len(tries) == 2


def test_a_server_that_dies_in_a_transaction_leaves_nothing_half_and_the_work_is_done_again(
    server: Server, db: Database
):
    """F036."""
    tries = []

    def work(connection: Connection) -> None:
        tries.append(1)
        raise_by_one(connection, "ours")
        if len(tries) == 1:
            server.stop(signal.SIGQUIT)
            server.start()
        raise_by_one(connection, "theirs")

    db.apply(work)
    with db.read() as connection:
        assert (site.fact(connection, "ours"), site.fact(connection, "theirs")) == (1, 1)
    assert len(tries) == 2


def test_a_line_cut_during_commit_is_told_as_unknown_not_as_a_bug(db: Database):
    """F037: whether it took place is for the one who comes again with the same key to see."""
    with Cut(db.url, "COMMIT") as line:
        cut = open_database(line.url)
        with pytest.raises(GivenUp), cut.write() as connection:
            raise_by_one(connection, "ours")
        cut.close()
    # A writer waits until the server is through with the other one.
    with db.write() as connection:
        assert site.fact(connection, "ours") == 1


def test_a_server_that_is_down_is_trouble_and_comes_back_by_itself(server: Server, db: Database):
    """F038."""
    server.stop()
    with pytest.raises((DatabaseTrouble, Busy)), db.write():
        raise AssertionError("no server")
    with pytest.raises((DatabaseTrouble, Busy)), db.read():
        raise AssertionError("no server")
    server.start()
    db.apply(lambda connection: raise_by_one(connection, "ours"))
    with db.read() as connection:
        assert site.fact(connection, "ours") == 1


def test_careless_settings_of_the_server_are_named(
    server: Server, db: Database, caplog: pytest.LogCaptureFixture
):
    """F041."""
    assert durability_warnings(db) == []
    server.stop(signal.SIGINT)
    server.settings |= {"fsync": "off", "synchronous_commit": "off"}
    server.start()
    db.writer.dispose()
    db.reader.dispose()
    assert durability_warnings(db) == ["fsync", "synchronous_commit"]
    with caplog.at_level(logging.CRITICAL):
        from ingestor.flow.house import _warn

        _warn(db)
    assert {r.__dict__["setting"] for r in caplog.records} == {"fsync", "synchronous_commit"}
    server.stop(signal.SIGINT)
    server.settings = {"deadlock_timeout": "50ms", "autovacuum": "off"}
    server.start()
