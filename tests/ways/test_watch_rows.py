"""What a watcher keeps in the database, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.store import watching
from ingestor.store.tables import submission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    Watch = Callable[..., Any]


def test_a_restart_repeats_nothing(watch: Watch) -> None:
    first = watch()
    first.write("a.one")
    first.look(3)
    first.folder.leave()
    again = watch()
    assert again.look(4).state == "folder_nothing_new"
    assert again.receipts == []


def test_companions_are_taken_together_once_both_have_settled(watch: Watch) -> None:
    w = watch()
    w.write("s.two")
    w.look(2)
    w.write("s.one")
    w.look()
    assert w.receipts == []
    w.look(2)
    assert [[m["name"] for m in r["members"]] for r in w.receipts] == [["s.one", "s.two"]]


def test_a_second_watcher_stands_by_and_steps_in_when_the_first_falls_silent(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = watch(), watch()
    object.__setattr__(second.house, "worker", first.house.worker)
    monkeypatch.setattr("ingestor.ways.watch.owner.is_alive", lambda _: True)
    first.look()
    other = second.folder._owner
    other._house = type(first.house)(
        **{f: getattr(first.house, f) for f in first.house.__slots__} | {"worker": "b"}
    )
    assert second.look().state == "folder_standby"
    first.write("a.one")
    first.look(3)
    assert second.look(3, after=30).state == "folder_standby"
    assert second.look(after=200).state != "folder_standby"
    assert first.look(after=30).state == "folder_standby"
    second.look(3)
    assert len(first.receipts) + len(second.receipts) == 1


def test_the_state_of_a_folder_and_its_open_files_can_be_asked(watch: Watch) -> None:
    w = watch()
    w.write("a.txt", b"nobody knows this")
    w.look(3)
    with w.house.db.read() as connection:
        (folder,) = watching.folders(connection, w.house.centre)
        (file,) = watching.open_files(connection, folder.id)
    assert (folder.name, folder.state, folder.files) == (str(w.path), "folder_working", 1)
    assert (file.name, file.state, file.code) == ("a.txt", "refused", "not_recognised")


def test_the_same_file_in_two_folders_is_one_source_with_two_receipts(watch: Watch, tmp_path: Path) -> None:
    one, two = watch(tmp_path / "one"), watch(tmp_path / "two")
    for w in (one, two):
        w.write("a.txt", b"same")
        w.look(3)
    with one.house.db.read() as connection:
        rows = connection.execute(submission.select()).all()
    assert len(rows) == 2
    assert len({row.source for row in rows}) == 1


def test_a_file_that_vanishes_makes_no_noise(watch: Watch) -> None:
    w = watch()
    path = w.write("a.one")
    w.look(2)
    path.unlink()
    assert w.look(2).state == "folder_empty"
    assert w.states() == {}
