"""A folder that fills itself: what is taken, what waits, and what is never touched."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest

from ingestor import disk
from ingestor.disk import Room
from ingestor.store import watching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Watch = Callable[..., Any]

pytestmark = pytest.mark.sqlite


def test_a_file_is_taken_once_it_has_settled_and_never_again(watch: Watch) -> None:
    w = watch()
    w.write("a.one")
    assert w.look().state == "folder_waiting"
    assert w.look().left == 1
    assert w.look().state == "folder_working"
    assert w.statuses == ["waiting"]
    assert w.look(3).state == "folder_nothing_new"
    assert len(w.receipts) == 1
    assert (w.path / "a.one").exists()


@pytest.mark.parametrize("chunks", [[b"plain\n", b"1", b"2", b"3"]])
def test_a_growing_file_that_looks_old_is_not_taken_early(watch: Watch, chunks: list[bytes]) -> None:
    w = watch()
    path = w.write("a.one", b"")
    for chunk in chunks:
        with path.open("ab") as file:
            file.write(chunk)
        os.utime(path, (1, 1))
        assert w.look(2).left == 1
    w.look(2)
    assert [r["members"][0]["bytes"] for r in w.receipts] == [len(b"".join(chunks))]


def test_a_file_whose_size_was_reserved_is_not_taken_while_its_end_is_blank(watch: Watch) -> None:
    w = watch()
    path = w.write("a.one", b"plain" + bytes(10_000))
    assert w.look(4).left == 1
    assert w.codes() == {"a.one": "source_blank"}
    path.write_bytes(b"plain\n" + b"x" * 10_000)
    w.look(8)
    assert w.statuses == ["waiting"]


def test_an_empty_file_waits_and_is_told_after_a_day(watch: Watch) -> None:
    w = watch()
    w.write("a.one", b"")
    assert w.look(5).left == 1
    assert w.states() == {}
    assert w.look(after=25 * 3600).left == 1
    assert w.codes() == {"a.one": "source_empty"}
    w.write("a.one")
    w.look(4)
    assert w.statuses == ["waiting"]


def test_one_byte_is_a_file(watch: Watch) -> None:
    w = watch()
    w.write("a.txt", b"x")
    w.look(3)
    assert w.statuses == ["refused"]


@pytest.mark.parametrize("restored", [False, True])
def test_a_file_replaced_in_place_is_a_new_version(watch: Watch, restored: bool) -> None:
    w = watch()
    path = w.write("a.one", b"plain\n1")
    times = path.stat()
    w.look(3)
    path.write_bytes(b"plain\n2")
    if restored:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    w.look(3)
    assert [r["source"] for r in w.receipts] == [hashlib.sha256(b"plain\n%d" % n).hexdigest() for n in (1, 2)]


def test_a_file_that_only_looks_new_is_recognised_by_its_bytes(watch: Watch) -> None:
    w = watch()
    path = w.write("a.one")
    w.look(3)
    path.touch()
    assert w.look(3).state == "folder_working"
    assert len(w.receipts) == 1
    assert w.look().state == "folder_nothing_new"


def test_a_renamed_file_is_the_same_content_again(watch: Watch) -> None:
    w = watch()
    w.write("x.txt", b"nobody knows this").rename(w.path / "first.TXT")
    w.look(3)
    (w.path / "first.TXT").rename(w.path / "First.txt")
    w.look(3)
    assert len({r["source"] for r in w.receipts}) == 1
    assert len(w.receipts) == 2


LEFT_BEHIND = [
    "a.part", "a.csv.partial", "a.filepart", "a.tmp", "a.crdownload", "~$a.xlsx", ".~lock.a.ods#", ".smbdelete1",
    ".nfs0001", "._a.csv", "Thumbs.db", "desktop.ini", ".DS_Store", "truth.json", "a.csv.done", "a.csv.sha256",
]  # fmt: skip


def test_what_copy_programs_and_systems_leave_is_ignored(watch: Watch) -> None:
    w = watch()
    for name in LEFT_BEHIND:
        w.write(name)
    assert w.look(4).left == 0
    assert w.receipts == []


def test_a_sender_that_renames_at_the_end_is_served(watch: Watch) -> None:
    w = watch()
    part = w.write("a.one.part")
    w.look(4)
    part.rename(w.path / "a.one")
    w.look(3)
    assert [m["name"] for r in w.receipts for m in r["members"]] == ["a.one"]


def test_a_sentinel_makes_the_wait_short(watch: Watch) -> None:
    w = watch()
    w.write("a.one")
    w.write("a.one.done", b"")
    assert w.look().state == "folder_working"
    assert w.statuses == ["waiting"]


def test_a_sum_beside_a_file_is_checked(watch: Watch) -> None:
    w = watch()
    path = w.write("a.one", b"plain\nhalf")
    told = hashlib.sha256(b"plain\nhalf and half").hexdigest()
    w.write("a.one.sha256", f"{told}  a.one\n".encode())
    assert w.look(3).left == 1
    assert w.codes() == {"a.one": "source_sum"}
    assert list(w.house.archive.objects()) == []
    path.write_bytes(b"plain\nhalf and half")
    w.look(3)
    assert w.statuses == ["waiting"]


def test_the_oldest_file_is_taken_first(watch: Watch) -> None:
    w = watch()
    for name, age in (("new.txt", 10), ("old.txt", 1000), ("mid.txt", 100)):
        path = w.write(name, name.encode())
        os.utime(path, (10_000 - age, 10_000 - age))
    w.look(3)
    assert [r["members"][0]["name"] for r in w.receipts] == ["old.txt", "mid.txt", "new.txt"]


NAMES = [
    b"umlaut-\xe4.txt", b"new\nline.txt", b"x" * 251 + b".txt", "rtl-\u202egnp.txt".encode(), "😀.txt".encode(),
    b"trailing .", b"CON.log", b"-rf.txt", b"a;b|c&d.txt", b"%s%n.txt", b"bell\x07.txt", b"zero\xe2\x80\x8bwidth.txt",
]  # fmt: skip


def test_any_name_is_taken_and_shown_on_one_safe_line(watch: Watch) -> None:
    w = watch()
    for name in NAMES:
        w.write(name, b"content of " + name)
    w.look(3)
    assert [c for c in w.codes().items() if c[1] != "not_recognised"] == []
    shown = [r["members"][0]["name"] for r in w.receipts]
    assert len(shown) == len(NAMES)
    assert all(name.isprintable() for name in shown)
    assert w.states().keys() == {os.fsdecode(name) for name in NAMES}


def test_names_that_look_alike_are_two_files_and_one_content(watch: Watch) -> None:
    w = watch()
    for name in ("é.txt", "e\u0301.txt"):
        w.write(name, b"same")
    w.look(3)
    assert len(w.receipts) == 2
    assert len({r["source"] for r in w.receipts}) == 1


def test_what_is_no_file_is_told_once_and_never_opened(
    watch: Watch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    w = watch()
    outside = tmp_path / "outside.one"
    outside.write_bytes(b"plain")
    (w.path / "link.one").symlink_to(outside)
    (w.path / "self").symlink_to("self")
    (w.path / "up").symlink_to("..")
    (w.path / "x.log").mkdir()
    os.mkfifo(w.path / "pipe.one")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(w.path / "s"))
        assert w.look(4).left == 0
    assert w.receipts == []
    told = sorted(r.file for r in caplog.records if r.getMessage() == "ignored")
    assert told == ["link.one", "pipe.one", "s", "self", "up"]


def test_a_hard_link_is_content_and_its_other_name_stays(watch: Watch, tmp_path: Path) -> None:
    w = watch(moves=True)
    outside = tmp_path / "outside"
    outside.write_bytes(b"plain")
    (w.path / "a.one").hardlink_to(outside)
    w.look(3)
    assert w.statuses == ["waiting"]
    assert outside.read_bytes() == b"plain"


def test_folders_inside_are_watched_only_when_asked_and_eight_deep(watch: Watch) -> None:
    flat, deep = watch(), watch(recursive=True)
    inside = flat.path
    for level in range(12):
        (inside / f"{level}.txt").write_bytes(b"level %d" % level)
        inside = inside / "d"
        inside.mkdir()
    flat.look(3)
    flat.folder.leave()
    assert len(flat.receipts) == 1
    deep.look(4)
    assert sorted(s.rsplit("/", 1)[-1] for s in deep.states()) == [f"{n}.txt" for n in range(8)]


def test_a_folder_that_is_gone_is_no_empty_folder_and_comes_back_by_itself(watch: Watch) -> None:
    w = watch()
    w.write("a.one")
    w.look(3)
    away = w.path.rename(w.path.with_name("away"))
    assert w.look(3).state == "folder_gone"
    assert w.states() == {"a.one": "taken"}
    away.rename(w.path)
    w.write("b.one")
    w.look(3)
    assert len(w.receipts) == 2


def test_a_folder_that_never_was_is_told_from_one_that_is_gone(watch: Watch) -> None:
    w = watch()
    w.path.rmdir()
    assert w.look(4).state == "folder_missing"
    w.path.mkdir()
    w.write("a.one")
    w.look(3)
    assert len(w.receipts) == 1
    shutil.rmtree(w.path)
    assert w.look().state == "folder_gone"


def test_a_folder_made_again_is_not_all_new(watch: Watch) -> None:
    w = watch()
    path = w.write("a.one")
    data = path.read_bytes()
    w.look(3)
    shutil.rmtree(w.path)
    assert w.look().state == "folder_gone"
    w.path.mkdir()
    assert w.look().state == "folder_empty"
    path.write_bytes(data)
    w.look(4)
    assert len(w.receipts) == 1
    assert w.states() == {"a.one": "taken"}


def test_a_mount_point_without_its_mount_is_told_from_an_empty_folder(watch: Watch) -> None:
    w = watch()
    assert w.look().state == "folder_empty"
    w.write("a.one")
    w.look(3)
    with w.house.db.write() as connection:
        watching.note(connection, w.folder._id, "folder_nothing_new", 4711, (1, 0), w.house.now())
    (w.path / "a.one").unlink()
    assert w.look().state == "folder_not_mounted"
    w.write("b.one")
    assert w.look().state == "folder_waiting"


def test_a_full_disk_stops_the_taking_and_work_goes_on_by_itself(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = watch(moves=True)
    w.write("a.one")
    with monkeypatch.context() as full:
        full.setattr(disk, "room", lambda _: Room(free=0, whole=1 << 40))
        look = w.look(4)
        assert (look.state, look.trouble) == ("folder_stuck", "disk_full")
        assert (w.path / "a.one").exists()
    w.look(2)
    assert w.statuses == ["waiting"]


def test_a_locked_file_waits_visibly_and_stops_no_other(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = watch()
    locked = os.fsencode(w.write("locked.one"))
    w.write("free.txt", b"x")
    real = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if path == locked:
            raise OSError(16, "busy")
        return real(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        assert w.look(6).left == 1
        assert w.statuses == ["refused"]
        assert w.codes()["locked.one"] == "source_locked"
    w.look(after=400)
    assert w.statuses == ["refused", "waiting"]


def test_what_is_too_large_is_refused_at_once(watch: Watch) -> None:
    w = watch(moves=True)
    w.house.archive.limit = 100
    w.write("big.txt", b"x" * 101)
    w.look(3)
    assert [r["code"] for r in w.receipts] == ["limit_size"]
    assert "MiB" in (w.path / "refused" / "big.txt.reason.txt").read_text("utf-8")
    assert w.look(2).state == "folder_empty"


def test_a_bug_met_by_one_file_sets_it_aside_and_stops_no_other(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    w = watch(moves=True)
    w.write("bad.txt", b"bad")
    w.write("good.txt", b"good")
    real = w.house.archive.put_path

    def broken(path: bytes, *rest: object) -> object:
        if b"bad" in path:
            raise ZeroDivisionError("Erika Mustermann")
        return real(path, *rest)

    monkeypatch.setattr(w.house.archive, "put_path", broken)
    w.look(12)
    assert w.statuses == ["refused"]
    assert {p.name for p in (w.path / "refused").iterdir()} >= {"bad.txt.reason.txt", "good.txt.reason.txt"}
    assert "Mustermann" not in caplog.text


def test_moved_files_stand_by_month_and_refused_ones_beside_their_reason(watch: Watch) -> None:
    w = watch(moves=True)
    w.write("a.one", b"plain")
    w.write("a.one.done", b"")
    w.write("b.txt", b"nobody knows this")
    w.look(3)
    assert sorted(str(p.relative_to(w.path)) for p in w.path.rglob("*.*")) == [
        "done/2026/06/a.one",
        "refused/b.txt",
        "refused/b.txt.reason.txt",
    ]
    reason = (w.path / "refused" / "b.txt.reason.txt").read_text("utf-8")
    assert "nicht verwendet" in reason
    assert "not used" in reason
    assert w.look().state == "folder_empty"


def test_a_moved_file_overwrites_nothing(watch: Watch) -> None:
    w = watch(moves=True)
    for text in (b"plain\n1", b"plain\n2", b"plain\n3"):
        w.write("a.one", text)
        w.look(4)
    month = w.path / "done" / "2026" / "06"
    assert {p.name: p.read_bytes() for p in month.iterdir()} == {
        "a.one": b"plain\n1",
        "a~2.one": b"plain\n2",
        "a~3.one": b"plain\n3",
    }


def test_a_link_in_the_way_of_done_leads_nowhere(watch: Watch, tmp_path: Path) -> None:
    w = watch(moves=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (w.path / "done").symlink_to(elsewhere)
    w.write("a.one")
    w.look(5)
    assert list(elsewhere.iterdir()) == []
    assert (w.path / "a.one").exists()
    assert len(w.receipts) == 1


def test_a_file_that_changed_after_the_copy_is_not_moved_and_taken_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = watch(moves=True)
    path = w.write("a.one", b"plain\n1")
    real = watching.remember

    def and_then_written(*arguments: object) -> None:
        real(*arguments)  # type: ignore[arg-type] - handed through
        path.write_bytes(b"plain\n2")

    with monkeypatch.context() as patched:
        patched.setattr(watching, "remember", and_then_written)
        w.look(3)
    assert path.read_bytes() == b"plain\n2"
    w.look(3)
    assert len({r["source"] for r in w.receipts}) == 2
    assert not path.exists()


def test_a_source_that_may_not_be_changed_is_taken_once_and_stays(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = watch(moves=True)
    w.write("a.one")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only share")

    monkeypatch.setattr(os, "rename", refuse)
    w.look(8)
    assert len(w.receipts) == 1
    assert (w.path / "a.one").exists()


def test_a_watcher_that_left_is_followed_at_once(watch: Watch) -> None:
    first, second = watch(), watch()
    first.look()
    first.folder.leave()
    assert second.look().state == "folder_empty"
