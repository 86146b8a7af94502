"""F004, F006, F007, F008, F014, F052, F053: the order of system calls, and any one of them failing."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from ingestor.archive import Archive
from ingestor.errors import IngestorError
from tests.faults.life import Place, check

pytestmark = [pytest.mark.sqlite]

ROOT = Path(__file__).parents[2]
CALLS = (
    "openat,link,linkat,unlink,unlinkat,rename,renameat,renameat2,fsync,fdatasync,write,pwrite64,mkdir,fchmod"
)
LIVE = "import sys; from pathlib import Path; from tests.faults.life import Place; Place(Path(sys.argv[1])).live()"


def _strace(place: Place, *options: str) -> tuple[int, list[str]]:
    """Live once under strace; return the exit code and the calls of the main thread."""
    out = place.root / "calls"
    command = [
        "strace",
        "-y",
        "-s",
        "0",
        "-o",
        str(out),
        *options,
        sys.executable,
        "-c",
        LIVE,
        str(place.root),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    return done.returncode, out.read_text("utf-8", "replace").splitlines()


def _first(calls: list[str], pattern: str, start: int = 0) -> int:
    found = next((i for i in range(start, len(calls)) if re.search(pattern, calls[i])), None)
    assert found is not None, f"no {pattern} after call {start}"
    return found


@pytest.mark.strace
def test_bytes_and_names_become_durable_in_the_one_right_order(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    name, data = next(iter(exports.items()))
    place.offer({name: data})
    code, calls = _strace(place, "-e", f"trace={CALLS}")
    assert code == 0
    tmp = r"archive/tmp/[0-9a-f]{32}"
    steps = [
        rf"openat\(.*{tmp}\", .*O_CREAT\|O_EXCL",
        rf"write\(\d+<.*{tmp}>",
        rf"fchmod\(\d+<.*{tmp}>, 0440\) += 0",
        rf"fsync\(\d+<.*{tmp}>\) += 0",
        r"mkdir\(.*archive/[0-9a-f]{2}\"",
        r"fsync\(\d+<.*/archive>\) += 0",
        rf"link\(.*{tmp}\", .*archive/[0-9a-f]{{2}}/[0-9a-f]{{64}}\"",
        rf"unlink\(.*{tmp}\"",
        r"fsync\(\d+<.*archive/[0-9a-f]{2}>\) += 0",
        r"f(data)?sync\(\d+<.*apherelog\.db(-wal)?>\) += 0",  # bytes and job
        r"f(data)?sync\(\d+<.*apherelog\.db(-wal)?>\) += 0",  # meaning and receipt
        r"write\(\d+<.*/acknowledged>|openat\(.*/acknowledged",
        rf"rename(at|at2)?\(.*{re.escape(name)}.*{re.escape(name)}",
        r"fsync\(\d+<.*/inbox>\) += 0",
    ]
    at = -1
    for step in steps[:-3]:
        at = _first(calls, step, at + 1)
    for step in steps[-2:]:
        at = _first(calls, step, at + 1)
    synced = [c for c in calls if re.search(rf"fsync\(\d+<.*{tmp}>", c)]
    assert len(synced) == 1
    written = [i for i, c in enumerate(calls) if re.search(rf"write\(\d+<.*{tmp}>", c)]
    assert max(written) < _first(calls, rf"fsync\(\d+<.*{tmp}>")


@pytest.mark.strace
def test_after_a_failed_sync_the_copy_begins_again_and_that_file_is_never_synced_twice(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    archive, source = tmp_path / "archive", tmp_path / "a.txt"
    source.write_bytes(next(iter(exports.values())))
    code = (
        "import sys; from pathlib import Path; from ingestor.archive import Archive\n"
        "from ingestor.errors import StorageTrouble\n"
        "a = Archive(Path(sys.argv[1])); a.prepare()\n"
        "try:\n    a.put_path(sys.argv[2])\nexcept StorageTrouble:\n    a.put_path(sys.argv[2])\n"
    )
    out = tmp_path / "calls"
    command = [
        "strace",
        "-y",
        "-s",
        "0",
        "-o",
        str(out),
        "-e",
        "trace=fsync,unlink",
        "-e",
        "inject=fsync:error=EIO:when=3",  # after the two folders that `prepare` makes
    ]
    subprocess.run([*command, sys.executable, "-c", code, str(archive), str(source)], cwd=ROOT, check=True)
    calls = out.read_text().splitlines()
    synced = [m[1] for c in calls if (m := re.search(r"fsync\(\d+<(.*archive/tmp/[0-9a-f]+)>", c))]
    assert len(synced) == len(set(synced)) == 2
    assert _first(calls, rf"unlink\(\"{synced[0]}\"") < _first(calls, rf"fsync\(\d+<{synced[1]}>")
    assert len(list(Archive(archive).objects())) == 1


@pytest.mark.strace
@pytest.mark.torture
@pytest.mark.parametrize(
    ("call", "error", "last"),
    [
        ("fsync", "EIO", 12),
        ("fdatasync", "EIO", 8),
        ("link", "EIO", 4),
        ("unlink", "EACCES", 6),
        ("renameat2,renameat,rename", "EACCES", 4),
        ("pwrite64", "ENOSPC", 12),
        ("pread64", "EIO", 6),
        ("mkdir,mkdirat", "ENOSPC", 6),
        ("ftruncate", "EIO", 3),
    ],
)
def test_any_one_failing_call_costs_no_file(
    tmp_path: Path, exports: dict[str, bytes], call: str, error: str, last: int
) -> None:
    for nth in range(1, last + 1):
        place = Place(tmp_path / f"{nth}")
        place.offer(exports)
        _strace(place, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={nth}")
        assert place.run() == 0
        check(place, exports, doses=len(exports))


CALLED = {
    "open": (errno.EMFILE, errno.ENFILE, errno.ENOSPC),
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    "fsync": (errno.EIO, errno.ENOSPC),
    "fchmod": (errno.EPERM,),
    "link": (errno.EIO, errno.ENOSPC, errno.EMLINK),
    "fstat": (errno.EIO, errno.ESTALE),
    "read": (errno.EIO, errno.ESTALE),
}


@pytest.mark.parametrize(("call", "number"), [(c, n) for c, numbers in CALLED.items() for n in numbers])
def test_a_put_that_meets_an_error_keeps_nothing_half_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    archive = Archive(tmp_path / "archive")
    archive.prepare()
    source = tmp_path / "a.txt"
    source.write_bytes(b"x" * 2_500_000)
    real, failed, nth = getattr(os, call), True, 0
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    while failed:
        nth += 1
        count = iter(range(1, 1000))

        def failing(*arguments: object, _nth: int = nth, _count: object = count, **more: object) -> object:
            if next(_count) == _nth:  # type: ignore[call-overload] - an iterator handed as a default
                raise OSError(number, os.strerror(number))
            return real(*arguments, **more)

        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing)
            with suppress(IngestorError):
                archive.put_path(source)
                failed = False
        assert list(archive.tmp.iterdir()) == []
        for sha256 in archive.objects():
            archive.read(sha256)
        assert source.exists()
    assert nth > 1
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert archive.put_path(source).size == 2_500_000
