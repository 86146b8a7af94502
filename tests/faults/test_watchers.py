"""F043, F050, F051, F057, F058, F065 to F069: watchers among slow writers, each other, odd clocks and missing rights."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingestor.archive import Archive
from ingestor.config import Settings
from ingestor.errors import SourceChanged
from ingestor.flow.house import open_house
from ingestor.ways.watch.folder import Folder, Habits
from ingestor.ways.watch.scan import print_of, scan
from tests.faults.life import Place, check
from tests.parts import needs

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.sqlite]

ROOT = Path(__file__).parents[2]
FOREVER = (
    "import os, sys, time; from pathlib import Path; from tests.faults.life import Place\n"
    "from ingestor.config import Settings; from ingestor.flow.house import open_house\n"
    "from ingestor.ways.watch.folder import Folder, Habits\n"
    "place = Place(Path(sys.argv[1]))\n"
    "with open_house(Settings(data_dir=place.data)) as house:\n"
    "    folder = Folder(house, os.fsencode(place.inbox), Habits(quiet=0, moves=True, silence=float(sys.argv[2])),\n"
    "                    place._write_down)\n"
    "    print('ready', flush=True)\n"
    "    while not (place.root / 'stop').exists():\n"
    "        print(folder.look().state, flush=True)\n"
    "        time.sleep(0.05)\n"
)


def _watcher(place: Place, silence: float = 60) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FOREVER, str(place.root), str(silence)]
    watcher = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "ready\n"
    return watcher


def _until(seen: Callable[[], bool], patience: float = 20) -> None:
    end = time.monotonic() + patience
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.05)


def _end(place: Place, *watchers: subprocess.Popen[str]) -> list[list[str]]:
    (place.root / "stop").touch()
    states = []
    for watcher in watchers:
        said, _ = watcher.communicate(timeout=20)
        states.append(list(dict.fromkeys(said.split())))
        assert watcher.returncode == 0
    (place.root / "stop").unlink()
    return states


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.torture)])
def test_several_watchers_take_every_file_once(tmp_path: Path, exports: dict[str, bytes], count: int) -> None:
    place = Place(tmp_path)
    place.inbox.mkdir()
    watchers = [_watcher(place) for _ in range(count)]
    place.offer(exports)
    _until(lambda: not list(place.inbox.glob("*.txt")))
    states = _end(place, *watchers)
    assert sum("folder_standby" in s for s in states) >= count - 1
    assert len(place.acknowledged.read_text().splitlines()) == len(exports)
    check(place, exports, doses=len(exports))


def test_a_frozen_watcher_is_followed_and_notices_when_it_wakes(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.inbox.mkdir()
    first = _watcher(place)
    assert first.stdout is not None
    assert first.stdout.readline() == "folder_empty\n"
    first.send_signal(signal.SIGSTOP)
    second = _watcher(place, silence=0.5)
    place.offer(exports)
    _until(lambda: not list(place.inbox.glob("*.txt")))
    first.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    _end(place, first, second)
    assert len(place.acknowledged.read_text().splitlines()) == len(exports)
    check(place, exports, doses=len(exports))


def test_a_killed_watcher_is_followed_at_once(tmp_path: Path, exports: dict[str, bytes]) -> None:
    place = Place(tmp_path)
    place.inbox.mkdir()
    first = _watcher(place)
    assert first.stdout is not None
    assert first.stdout.readline() == "folder_empty\n"
    first.kill()
    first.communicate()
    second = _watcher(place)
    place.offer(exports)
    _until(lambda: not list(place.inbox.glob("*.txt")), patience=10)
    _end(place, second)
    check(place, exports, doses=len(exports))


def test_a_writer_with_pauses_is_waited_for(tmp_path: Path, exports: dict[str, bytes]) -> None:
    place = Place(tmp_path)
    place.inbox.mkdir()
    name, data = next(iter(exports.items()))

    def write() -> None:
        with (place.inbox / name).open("wb", buffering=0) as file:
            for start in range(0, len(data), len(data) // 8 + 1):
                file.write(data[start : start + len(data) // 8 + 1])
                time.sleep(0.15)

    receipts: list[dict[str, str]] = []
    with open_house(Settings(data_dir=place.data)) as house:
        folder = Folder(house, os.fsencode(place.inbox), Habits(quiet=0.5, moves=True), receipts.append)
        writer = threading.Thread(target=write)
        writer.start()
        while not receipts:
            folder.look()
            time.sleep(0.05)
        writer.join()
        assert [r["status"] for r in receipts] == ["stored"]
        folder.leave()
    check(place, {name: data}, doses=1)


def test_a_wrong_quiet_time_delays_and_never_gives_a_wrong_session(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    name, data = next(iter(exports.items()))
    receipts: list[dict[str, str]] = []
    with open_house(Settings(data_dir=place.data)) as house:
        place.offer({name: data[: len(data) * 2 // 3]})
        folder = Folder(house, os.fsencode(place.inbox), Habits(quiet=0), receipts.append)
        folder.look()
        place.offer({name: data})
        folder.look()
    assert receipts[0]["code"] == "stored_partial"
    assert [r["status"] for r in receipts] == ["stored", "superseded"]


def test_a_file_that_changes_while_it_is_copied_is_not_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    archive.prepare()
    source = tmp_path / "a"
    source.write_bytes(bytes(8 << 20))
    stop = threading.Event()

    def write() -> None:
        with source.open("r+b", buffering=0) as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(16))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            with pytest.raises(SourceChanged):
                archive.put_path(source)
    finally:
        stop.set()
        writer.join()
    assert list(archive.objects()) == []
    assert list(archive.tmp.iterdir()) == []
    archive.close()


@pytest.mark.parametrize("day", ["+1d", "-1d", "1970-01-01 00:00:10"])
def test_a_wrong_clock_changes_nothing_about_what_is_taken(
    tmp_path: Path, exports: dict[str, bytes], day: str
) -> None:
    needs("faketime")
    place = Place(tmp_path)
    place.offer(exports)
    live = "import sys; from pathlib import Path; from tests.faults.life import Place; Place(Path(sys.argv[1])).live()"
    subprocess.run(["faketime", "-f", day, sys.executable, "-c", live, str(tmp_path)], cwd=ROOT, check=True)
    assert not list(place.inbox.glob("*.txt"))
    with open_house(Settings(data_dir=place.data)) as house:
        assert len(list(house.archive.objects())) == len(exports)


def test_a_folder_without_rights_stops_no_other(tmp_path: Path, exports: dict[str, bytes]) -> None:
    """Root may read everything, unless it gives that right away."""
    needs("setpriv")
    if os.geteuid() != 0:
        pytest.skip("giving rights away needs root")
    place = Place(tmp_path)
    place.offer(exports | {"locked.txt": b"locked"})
    (tmp_path / "closed").mkdir()
    for path in (tmp_path / "closed", place.inbox / "locked.txt"):
        path.chmod(0)
        os.chown(path, 65534, 65534)
    live = (
        "import os, sys; from pathlib import Path\n"
        "from ingestor.config import Settings; from ingestor.flow.house import open_house\n"
        "from ingestor.ways.watch.folder import Folder, Habits\n"
        "root = Path(sys.argv[1])\n"
        "with open_house(Settings(data_dir=root / 'data')) as house:\n"
        "    for name in ('closed', 'inbox'):\n"
        "        look = Folder(house, os.fsencode(root / name), Habits(quiet=0, moves=True)).look()\n"
        "        print(look.state, look.left)\n"
    )
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    done = subprocess.run(
        [*rights, sys.executable, "-c", live, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["folder_gone 0", "folder_working 1"]
    assert [p.name for p in place.inbox.glob("*.txt")] == ["locked.txt"]


def test_a_process_out_of_descriptors_says_so_and_goes_on_afterwards(
    tmp_path: Path, exports: dict[str, bytes]
) -> None:
    place = Place(tmp_path)
    place.offer(exports)

    def live(where: Place) -> None:
        with open_house(Settings(data_dir=where.data)) as house:
            folder = Folder(house, os.fsencode(where.inbox), Habits(quiet=0, moves=True))
            folder.look()
            where.offer({"late.txt": b"nobody knows this"})
            held = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
            try:
                while True:
                    held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                pass
            assert folder.look().state in {"folder_gone", "folder_stuck"}
            for fd in held:
                os.close(fd)
            folder.look()
            assert (where.inbox / "refused" / "late.txt").exists()

    assert place.run(life=live) == 0


@pytest.mark.torture
def test_a_hundred_thousand_files_are_looked_at_within_a_second(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(100_000):
        (folder / f"TC_AM-0007_{number:06d}.txt").write_bytes(b"%d" % number)
    path = os.fsencode(folder)
    known = {p: print_of(s) for p, s in scan(path, {}).fresh.items()}
    best = min(_timed(path, known) for _ in range(5))
    assert best < 1
    code = (
        "import os, sys; from pathlib import Path\n"
        "from ingestor.config import Settings; from ingestor.flow.house import open_house\n"
        "from ingestor.ways.watch.folder import Folder, Habits\n"
        "now = [0.0]\n"
        "with open_house(Settings(data_dir=Path(sys.argv[2]))) as house:\n"
        "    folder = Folder(house, os.fsencode(sys.argv[1]), Habits(), clock=lambda: now[0])\n"
        "    for _ in range(3):\n"
        "        now[0] += 3\n"
        "        assert folder.look().left == 100_000\n"
        "    print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "data")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 200 << 10


def _timed(path: bytes, known: dict[bytes, int]) -> float:
    began = time.perf_counter()
    assert scan(path, known).files == 100_000
    return time.perf_counter() - began


@pytest.mark.torture
def test_twenty_thousand_files_that_came_while_frozen_are_all_seen(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.inbox.mkdir()
    with open_house(Settings(data_dir=place.data)) as house:
        folder = Folder(house, os.fsencode(place.inbox), Habits(quiet=1000))
        folder.look()
        place.offer({f"{number}.txt": b"%d" % number for number in range(20_000)})
        assert folder.look().left == 20_000
