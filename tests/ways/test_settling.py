"""When a file is whole: nothing changed between enough of our own looks, for long enough."""

from hypothesis import given
from hypothesis import strategies as st

from ingestor.disk import FileStamp
from ingestor.ways.watch.settling import LOOKS, Settling

A = FileStamp(1, 1, 10, 100, 100)
B = FileStamp(1, 1, 10, 100, 101)
EMPTY = FileStamp(1, 2, 0, 100, 100)


def test_a_file_settles_after_three_like_looks_over_the_quiet_time() -> None:
    settling = Settling(10)
    assert settling.look({b"a": A}, 0) == set()
    assert settling.look({b"a": A}, 11) == set()
    assert settling.look({b"a": A}, 12) == {b"a"}


def test_many_quick_looks_are_no_quiet_time() -> None:
    settling = Settling(10)
    assert all(settling.look({b"a": A}, t / 10) == set() for t in range(100))
    assert settling.look({b"a": A}, 10) == {b"a"}


def test_any_change_of_the_stamp_begins_anew() -> None:
    settling = Settling(10)
    for moment in (0, 5):
        settling.look({b"a": A}, moment)
    assert settling.look({b"a": B}, 10) == set()
    assert settling.since(b"a") == 10
    assert settling.look({b"a": A}, 20) == set()


def test_a_file_that_went_and_came_back_begins_anew() -> None:
    settling = Settling(10)
    for moment in (0, 5):
        settling.look({b"a": A}, moment)
    settling.look({}, 8)
    assert settling.look({b"a": A}, 11) == set()


def test_an_empty_file_never_settles() -> None:
    settling = Settling(0)
    assert settling.look({b"a": EMPTY, b"b": A}, 0) == {b"b"}


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.floats(0.1, 8)), min_size=1, max_size=30))
def test_what_settles_had_not_changed_for_the_quiet_time(looks: list[tuple[FileStamp, float]]) -> None:
    settling, now, history = Settling(10), 0.0, []
    for stamp, pause in looks:
        now += pause
        history.append((now, stamp))
        settled = settling.look({b"a": stamp}, now)
        same = [t for t, s in history if s == stamp and all(later == s for u, later in history if u > t)]
        assert bool(settled) == (len(same) >= LOOKS and now - same[0] >= 10)
