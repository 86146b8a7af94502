"""The limited child: whatever a driver or a file does, the parent goes on and can say what happened."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestor.driver import Bundle, BundleKey, Member
from ingestor.isolate import Limits, Reader, find_drivers, read_here
from ingestor.meaning.clock import Clock
from ingestor.phrases import both

Make = Callable[..., Bundle]

SITE = Path(__file__).with_name("site")

CLOCK = Clock(default_zone="Europe/Vienna", now=datetime(2026, 1, 1, tzinfo=UTC))
TIGHT = Limits(cpu_s=1, wall_s=20, claim_s=2)


@pytest.fixture(scope="module", autouse=True)
def foreign() -> Iterator[Path]:
    """The drivers of the site, where a child finds them; and a secret that it must not find."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(SITE))
        patched.setenv("APHERELOG_SECRET", "must not reach a driver")
        yield SITE


@pytest.fixture(scope="module")
def reader(foreign: Path) -> Iterator[Reader]:
    assert foreign.exists()
    with Reader(limits=TIGHT) as made:
        yield made


@pytest.fixture
def bundle() -> Callable[..., Bundle]:
    def make(*members: bytes, names: tuple[str, ...] = ()) -> Bundle:
        named = names or tuple(f"{i}.txt" for i in range(len(members)))
        return Bundle(tuple(Member(n, d) for n, d in zip(named, members, strict=True)))

    return make


def _goes_on(reader: Reader, bundle: Make) -> None:
    """The next file is treated as if nothing had happened."""
    after = reader.read(bundle(b"plain cut"), CLOCK)
    assert after.trouble is not None
    assert after.trouble.code == "unreadable"


@pytest.mark.parametrize(
    ("misdeed", "code"),
    [
        ("spin", "limit_time"),
        ("hoard", "limit_memory"),
        ("reserve", "limit_memory"),
        ("segv", "driver_failed"),
        ("exit", "driver_failed"),
        ("raises", "driver_failed"),
        ("deep", "driver_failed"),
        ("network", "driver_failed"),
        ("command", "driver_failed"),
        ("scribble", "driver_failed"),
        ("remove", "driver_failed"),
    ],
)
def test_a_driver_that_misbehaves_harms_nobody(
    reader: Reader, bundle: Make, foreign: Path, misdeed: str, code: str
) -> None:
    reading = reader.read(bundle(b"parse-" + misdeed.encode()), CLOCK)
    assert reading.trouble is not None
    assert (reading.trouble.code, reading.trouble.retry) == (code, True)
    assert reading.trouble.details["driver"] == "foreign-plain"
    assert both(code, **reading.trouble.details)
    assert not Path("/tmp/apherelog-driver-was-here").exists()
    assert (foreign / "foreign_drivers.py").exists()
    _goes_on(reader, bundle)


def test_a_driver_that_sleeps_is_woken_by_the_wall_clock(bundle: Make) -> None:
    with Reader(limits=Limits(wall_s=1)) as impatient:
        began = time.monotonic()
        reading = impatient.read(bundle(b"parse-nap"), CLOCK)
        assert reading.trouble is not None
        assert reading.trouble.code == "limit_time"
        assert time.monotonic() - began < 4


def test_the_text_of_a_drivers_error_never_leaves_the_child(reader: Reader, bundle: Make) -> None:
    reading = reader.read(bundle(b"parse-raises"), CLOCK)
    assert "Mustermann" not in str(reading)


@pytest.mark.parametrize("misdeed", ["segv", "exit", "raises", "spin"])
def test_a_claim_that_breaks_leaves_the_other_drivers_their_say(
    reader: Reader, bundle: Make, misdeed: str
) -> None:
    reading = reader.read(bundle(b"claim-" + misdeed.encode() + b" "), CLOCK)
    assert {b.name for b in reading.broken} == {"foreign-rude", "foreign-both"}
    assert "foreign-plain" in {a.driver.name for a in reading.claims}
    assert reading.trouble is not None
    assert (reading.trouble.code, reading.trouble.retry) == ("driver_failed", True)
    _goes_on(reader, bundle)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\t\n", "empty_file"),
        (b"nothing known", "not_recognised"),
        (b"%PDF-1.7\n" + b"\x93" * 100_000, "not_recognised"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100_000), "not_recognised"),
        (b"plain9", "unknown_version"),
        (b"both x", "ambiguous_format"),
        (b"plain cut", "unreadable"),
        (b"plain\n" + b"x" * ((64 << 10) + 1), "limit_line"),
        (b"plain\n" * 2_000_001, "limit_lines"),
        (b"plain 3 1 1 513", "limit_fields"),
        (b"plain 3 200001", "limit_alarms"),
        (b"plain 3 1 0", "no_treatment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    reader: Reader, bundle: Make, data: bytes, code: str
) -> None:
    trouble = reader.read(bundle(data), CLOCK).trouble
    assert trouble is not None
    assert (trouble.code, trouble.retry) == (code, False)
    assert both(code, **trouble.details)


def test_the_kind_of_a_stranger_is_told(reader: Reader, bundle: Make) -> None:
    trouble = reader.read(bundle(b"%PDF-1.7"), CLOCK).trouble
    assert trouble is not None
    assert trouble.details["kind"] == "PDF"


def test_a_line_of_exactly_the_limit_is_read_over(reader: Reader, bundle: Make) -> None:
    trouble = reader.read(
        bundle(b"plain cut\n" + b"x" * (64 << 10) + b"\n" + b"y" * (64 << 10)), CLOCK
    ).trouble
    assert trouble is not None
    assert trouble.code == "unreadable"


@pytest.mark.parametrize(
    "rest", [b"line\r" * 20_000 + b"\n", b"line\n" * 2_000 + bytes(100_000)], ids=["mixed ends", "zero bytes"]
)
def test_mixed_line_ends_and_room_reserved_by_a_copy_are_no_long_line(
    reader: Reader, bundle: Make, rest: bytes
) -> None:
    trouble = reader.read(bundle(b"plain cut\n" + rest), CLOCK).trouble
    assert trouble is not None
    assert trouble.code == "unreadable"


@pytest.mark.parametrize("size_mib", [100, pytest.param(256, marks=pytest.mark.torture)])
def test_one_endless_line_costs_little_time_and_memory(reader: Reader, bundle: Make, size_mib: int) -> None:
    began = time.monotonic()
    trouble = reader.read(bundle(b"x" * (size_mib << 20)), CLOCK).trouble
    assert trouble is not None
    assert trouble.code == "limit_line"
    assert time.monotonic() - began < 5
    child = reader._all[0].child
    assert child is not None
    status = Path(f"/proc/{child._process.pid}/status").read_text("ascii")
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_kib < 400 << 10


def test_a_broken_entry_point_is_told_and_the_others_are_used(reader: Reader) -> None:
    known, broken = reader.drivers()
    assert {"foreign-plain", "foreign-rude", "foreign-both"} <= {d.stamp.name for d in known}
    assert {"a-missing", "b-no-driver", "foreign-both"} <= {b.name for b in broken}


def test_names_are_paired_by_every_driver_and_a_driver_that_cannot_is_passed_over(reader: Reader) -> None:
    keys = reader.bundle_keys(["sub/a.one", "a.two", "a.csv", "rude"])
    assert keys["sub/a.one"] == {"foreign-plain": BundleKey("a", "one", ("one", "two"))}
    assert keys["a.two"]["foreign-plain"].part == "two"
    assert "foreign-plain" not in keys["a.csv"]
    assert "foreign-rude" not in keys["rude"]


def test_only_the_driver_that_a_person_chose_is_asked(reader: Reader, bundle: Make) -> None:
    reading = reader.read(bundle(b"both x"), CLOCK, only="foreign-plain")
    assert [a.driver.name for a in reading.claims] == ["foreign-plain"]
    assert reading.trouble is not None
    assert reading.trouble.code == "not_recognised"


def test_a_new_profile_is_known_without_a_restart(tmp_path: Path) -> None:
    with Reader(profiles=tmp_path, limits=TIGHT) as reader:
        assert not [d for d in reader.drivers()[0] if d.stamp.name.startswith("site-")]
        (tmp_path / "ward.toml").touch()
        assert "site-ward" in {d.stamp.name for d in reader.drivers()[0]}


def test_a_driver_that_brings_the_child_down_while_loading_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Make
) -> None:
    about = tmp_path / "bomb-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: bomb\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[ingestor.drivers]\na-bomb = bomb:driver\n")
    (tmp_path / "bomb.py").write_text("import os\nos._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{SITE}")
    with Reader(limits=TIGHT) as reader:
        known, broken = reader.drivers()
        assert "foreign-plain" in {d.stamp.name for d in known}
        assert "a-bomb" in {b.name for b in broken}
        _goes_on(reader, bundle)


def test_a_slow_file_does_not_stop_another_seat(bundle: Make) -> None:
    with Reader(limits=Limits(wall_s=3), seats=2) as reader, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(reader.read, bundle(b"parse-nap"), CLOCK)
        began = time.monotonic()
        _goes_on(reader, bundle)
        assert time.monotonic() - began < 2
        assert not slow.done()
        trouble = slow.result().trouble
        assert trouble is not None
        assert trouble.code == "limit_time"


def test_a_child_ends_with_its_parent() -> None:
    reader = Reader(limits=TIGHT)
    reader.drivers()
    child = reader._all[0].child
    assert child is not None
    child._socket.close()
    assert child._process.wait(timeout=5) == 0
    reader.close()


def test_reading_here_and_in_the_child_is_the_same_sum(
    reader: Reader, bundle: Make, foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(foreign)
    drivers, _ = find_drivers(None)
    for data in (b"plain9", b"both x", b"plain cut", b"%PDF-1"):
        assert read_here(bundle(data), drivers, CLOCK) == reader.read(bundle(data), CLOCK)
