"""What the archive promises when nothing goes wrong, and when the source does."""

import errno
import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestor import disk
from ingestor.archive import Archive
from ingestor.disk import FileStamp, Room
from ingestor.errors import (
    IngestorError,
    LimitExceeded,
    NotFound,
    SettingsError,
    SourceChanged,
    SourceTrouble,
    StorageTrouble,
)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path / "archive")
    archive.prepare()
    yield archive
    archive.close()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _left_in_tmp(archive: Archive) -> list[str]:
    return sorted(entry.name for entry in archive.tmp.iterdir())


@given(pieces=st.lists(st.binary(max_size=200), max_size=8))
@settings(max_examples=25, deadline=None)
def test_what_is_put_in_pieces_is_read_back_as_it_came(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    archive = Archive(tmp_path_factory.mktemp("a"))
    archive.prepare()
    with archive.put_stream() as writer:
        for piece in pieces:
            writer.write(piece)
        kept = writer.finish()
    data = b"".join(pieces)
    assert (kept.sha256, kept.size, kept.new) == (_sum(data), len(data), True)
    assert archive.read(kept.sha256) == data
    assert list(archive.objects()) == [kept.sha256]


def test_an_object_stands_under_its_sum_and_nobody_may_write_it(archive: Archive) -> None:
    kept = archive.put_bytes(b"abc")
    path = archive.root / kept.sha256[:2] / kept.sha256
    assert path.read_bytes() == b"abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    assert path.stat().st_nlink == 1
    assert not _left_in_tmp(archive)


def test_a_second_put_of_the_same_bytes_changes_nothing(archive: Archive, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"abc")
    first = archive.put_path(source)
    before = archive.path_of(first.sha256).stat()
    second = archive.put_path(source)
    assert (first.new, second.new) == (True, False)
    assert archive.path_of(first.sha256).stat().st_ino == before.st_ino
    assert source.read_bytes() == b"abc"
    assert not _left_in_tmp(archive)


def test_a_file_is_copied_with_the_stamp_it_had(archive: Archive, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"x" * 3_000_000)
    kept = archive.put_path(os.fsencode(source))
    assert kept.stamp == FileStamp.of(source.stat())
    assert kept.size == 3_000_000


def test_a_file_that_is_not_what_was_seen_before_is_not_copied(archive: Archive, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"one")
    seen = FileStamp.of(source.stat())
    source.write_bytes(b"more")
    with pytest.raises(SourceChanged):
        archive.put_path(source, expect=seen)
    assert list(archive.objects()) == []


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: p.mkdir(), "source_not_a_file"),
        (lambda p: p.symlink_to(p.parent / "other"), "source_not_a_file"),
        (lambda p: p.symlink_to(p), "source_not_a_file"),
        (os.mkfifo, "source_not_a_file"),
        (lambda p: socket.socket(socket.AF_UNIX).bind(str(p)), "source_not_a_file"),
        (lambda p: os.mknod(p, stat.S_IFCHR, os.makedev(1, 3)), "source_not_a_file"),
        (lambda _: None, "source_vanished"),
    ],
    ids=["folder", "link", "loop", "pipe", "socket", "device", "nothing"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_no_regular_file_is_neither_opened_nor_followed(
    archive: Archive, tmp_path: Path, make: object, code: str
) -> None:
    (tmp_path / "other").write_bytes(b"secret")
    source = tmp_path / "x.log"
    try:
        make(source)
    except PermissionError:
        pytest.skip("devices can only be made by root")
    with pytest.raises(SourceTrouble) as told:
        archive.put_path(source)
    assert told.value.code == code
    assert list(archive.objects()) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EBUSY, "source_locked"),
        (errno.EACCES, "source_locked"),
        (errno.ETXTBSY, "source_locked"),
        (errno.ESTALE, "source_unreadable"),
        (errno.EIO, "source_unreadable"),
        (errno.EMFILE, "too_many_files"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"abc")
    real = os.open

    def refuse(path: object, *rest: int, **more: int) -> int:
        if path == source:
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(IngestorError) as told:
        archive.put_path(source)
    assert told.value.code == code


def test_a_hard_link_is_taken_as_content(archive: Archive, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"abc")
    (tmp_path / "in.csv").hardlink_to(outside)
    assert archive.put_path(tmp_path / "in.csv").sha256 == _sum(b"abc")
    assert outside.stat().st_nlink == 2


def test_nothing_larger_than_the_limit_is_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive", limit=1 << 20)
    archive.prepare()
    source = tmp_path / "big"
    source.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(LimitExceeded) as told:
        archive.put_path(source)
    assert (told.value.code, told.value.details) == ("limit_size", {"limit_mib": 1})
    writer = archive.put_stream()
    writer.write(b"x" * 500_000)
    writer.write(b"x" * 500_000)
    with pytest.raises(LimitExceeded):
        writer.write(b"x" * 500_000)
    assert not _left_in_tmp(archive)
    assert list(archive.objects()) == []


def test_an_aborted_stream_leaves_no_trace(archive: Archive) -> None:
    writer = archive.put_stream()
    writer.write(b"half")
    writer.abort()
    writer.abort()
    assert not _left_in_tmp(archive)
    assert list(archive.objects()) == []


def test_wrong_bytes_at_the_final_name_are_set_aside_and_the_right_ones_kept(archive: Archive) -> None:
    final = archive.path_of(_sum(b"right"))
    final.parent.mkdir()
    final.write_bytes(b"wrong")
    assert archive.put_bytes(b"right").new
    assert archive.read(_sum(b"right")) == b"right"
    (aside,) = (archive.root / "quarantine").iterdir()
    assert aside.read_bytes() == b"wrong"
    assert aside.name.startswith(_sum(b"right"))


@pytest.mark.parametrize("damage", [b"", b"abd", b"abcabc"])
def test_a_damaged_object_is_never_served(archive: Archive, damage: bytes) -> None:
    kept = archive.put_bytes(b"abc")
    path = archive.path_of(kept.sha256)
    path.chmod(0o640)
    path.write_bytes(damage)
    with pytest.raises(StorageTrouble) as told:
        archive.read(kept.sha256)
    assert told.value.code == "archive_damaged"
    archive.quarantine(kept.sha256)
    with pytest.raises(NotFound):
        archive.read(kept.sha256)
    assert archive.put_bytes(b"abc").new


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "0" * 63, "0" * 64 + "\n"])
def test_only_a_sum_names_an_object(archive: Archive, name: str) -> None:
    with pytest.raises(NotFound):
        archive.read(name)


def test_leftovers_are_swept_and_copies_in_progress_are_not(archive: Archive) -> None:
    for number in range(50):
        (archive.tmp / f"left-{number}").write_bytes(b"half")
    with archive.put_stream() as writer:
        writer.write(b"alive")
        assert archive.sweep_tmp() == 50
        assert writer.finish().new
    assert list(archive.objects()) == [_sum(b"alive")]


def test_strangers_in_the_archive_are_no_objects(archive: Archive) -> None:
    kept = archive.put_bytes(b"abc")
    (archive.path_of(kept.sha256).parent / "README").touch()
    (archive.root / "zz").mkdir()
    assert list(archive.objects()) == [kept.sha256]


def test_below_the_floor_nothing_is_taken(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "room", lambda _: Room(free=(1 << 30) + 2, whole=1 << 50))
    archive.put_bytes(b"ab")
    with pytest.raises(StorageTrouble) as told:
        archive.put_bytes(b"abc")
    assert told.value.code == "disk_full"


def test_the_floor_of_a_small_disk_is_five_percent() -> None:
    assert Room(free=100, whole=2_000).holds()
    assert not Room(free=99, whole=2_000).holds()
    assert Room(free=1 << 30, whole=1 << 50).holds()
    assert not Room(free=1 << 30, whole=1 << 50).holds(1)


@pytest.mark.parametrize("kind", sorted(disk._SHARED))
def test_an_archive_on_a_network_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    monkeypatch.setattr(disk, "shared_kind", lambda _: disk._SHARED[kind])
    with pytest.raises(SettingsError) as told:
        Archive(tmp_path).prepare()
    assert told.value.code == "shared_disk"


def test_a_local_disk_is_told_from_others(tmp_path: Path) -> None:
    assert disk.shared_kind(tmp_path) is None
    with pytest.raises(OSError, match="No such file"):
        disk.shared_kind(tmp_path / "nothing")


def test_preparing_twice_is_preparing_once(archive: Archive) -> None:
    archive.put_bytes(b"abc")
    archive.prepare()
    assert sorted(entry.name for entry in archive.root.iterdir()) == sorted(
        ["open.lock", "tmp", _sum(b"abc")[:2]]
    )


def test_processes_with_the_archive_open_see_each_other(archive: Archive) -> None:
    assert archive.is_alone()
    other = Archive(archive.root)
    other.prepare()
    assert not archive.is_alone()
    assert not other.is_alone()
    other.close()
    other.close()
    assert archive.is_alone()


def test_the_mark_of_a_shard_changes_with_its_names(archive: Archive) -> None:
    kept = archive.put_bytes(b"abc")
    before = archive.shards()
    assert archive.shard(kept.sha256[:2]) == [kept.sha256]
    archive.quarantine(kept.sha256)
    assert archive.shards() != before
    assert archive.shard(kept.sha256[:2]) == []
