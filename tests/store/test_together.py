"""Several threads, one transaction."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ingestor.errors import Busy
from ingestor.ids import fresh
from ingestor.model import Status
from ingestor.store import audit
from ingestor.store.arrivals import Arrival, accept
from ingestor.store.sources import Order, StoredMember
from ingestor.store.together import Together
from tests.parts import ORDER, PERSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.flow.house import House


def test_who_comes_meanwhile_shares_the_next_batch_and_gets_the_own_answer() -> None:
    batches: list[list[int]] = []
    begun, go_on = threading.Event(), threading.Event()

    def double(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        begun.set()
        assert go_on.wait(10)
        return [2 * item for item in items]

    together = Together(double)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(together.do, 0)
        assert begun.wait(10)
        others = [threads.submit(together.do, number) for number in range(1, 9)]
        while len(together._waiting) < 8:
            time.sleep(0.001)
        go_on.set()
        assert first.result() == 0
        assert [other.result() for other in others] == [2 * number for number in range(1, 9)]
    assert [len(batch) for batch in batches] == [1, 8]


def test_when_a_batch_fails_everybody_in_it_is_told_and_the_next_one_works() -> None:
    begun, go_on = threading.Event(), threading.Event()
    fails = [False, True, False]

    def work(items: Sequence[int]) -> Sequence[int]:
        begun.set()
        assert go_on.wait(10)
        if fails.pop(0):
            raise Busy
        return items

    together = Together(work)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(together.do, 0)
        assert begun.wait(10)
        others = [threads.submit(together.do, number) for number in range(1, 4)]
        while len(together._waiting) < 3:
            time.sleep(0.001)
        go_on.set()
        assert first.result() == 0
        for other in others:
            with pytest.raises(Busy):
                other.result()
    assert together.do(7) == 7


def _arrival(house: House, data: bytes, key: str | None = None) -> Arrival:
    kept = house.archive.put_bytes(data)
    order = Order("test", PERSON, idempotency_key=key)
    return Arrival(house.centre, [StoredMember("a", kept.sha256, kept.size)], order, None, house.now())


def test_one_key_in_one_batch_is_one_submission(house: House) -> None:
    key = fresh("k")
    with house.db.write() as connection:
        first, again, other = accept(
            connection, [_arrival(house, b"a", key), _arrival(house, b"a", key), _arrival(house, b"b")]
        )
    assert first == again != other
    with house.db.write() as connection:
        assert accept(connection, [_arrival(house, b"c", key)]) == [first]
        submissions = connection.exec_driver_sql("SELECT count(*) FROM submission").scalar()
        assert connection.exec_driver_sql("SELECT count(*) FROM source").scalar() == submissions == 2
        assert audit.first_bad(connection) is None


def test_a_batch_that_was_committed_before_its_line_was_cut_is_not_done_twice(house: House) -> None:
    batch = [_arrival(house, b"a"), _arrival(house, b"b")]
    for _ in range(2):
        with house.db.write() as connection:
            assert accept(connection, batch) == [one.key for one in batch]
    with house.db.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM submission").scalar() == 2


def test_many_at_once_are_each_kept_once(house: House) -> None:
    from ingestor.flow import pipeline

    def keep(number: int) -> str:
        kept = house.archive.put_bytes(b"%d" % (number % 20))
        return pipeline.keep(house, [StoredMember("a", kept.sha256, kept.size)], ORDER, later=True)

    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(keep, range(40)))
    assert len(set(keys)) == 40
    with house.db.read() as connection:
        rows = connection.exec_driver_sql("SELECT status FROM submission").scalars().all()
        assert rows == [Status.QUEUED.value] * 40
        assert connection.exec_driver_sql("SELECT count(*) FROM source").scalar() == 20
        assert audit.first_bad(connection) is None
