"""F001, F002, F017, F019: killed anywhere, the program converges by itself, and what it said was true."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.life import Place, check, points

pytestmark = pytest.mark.sqlite

# Passed only by a start that finds something to make good: reached after a first end elsewhere.
AFTER = {"recovery.adopt": "archive.published"}


@pytest.mark.parametrize("point", points())
def test_killed_at_any_step_nothing_is_lost_doubled_or_half(
    tmp_path: Path, exports: dict[str, bytes], point: str
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    if point in AFTER:
        assert place.killed_at(AFTER[point])
    assert place.killed_at(point), f"{point} was never passed"
    assert place.run() == 0
    check(place, exports, doses=len(exports))


@pytest.mark.torture
@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize("point", points())
def test_killed_at_a_later_passage_of_any_step(
    tmp_path: Path, exports: dict[str, bytes], point: str, nth: int
) -> None:
    place = Place(tmp_path)
    place.offer(exports)
    place.killed_at(point, nth)
    assert place.run() == 0
    check(place, exports, doses=len(exports))


@pytest.mark.torture
def test_killed_twice_at_any_two_steps(tmp_path: Path, exports: dict[str, bytes]) -> None:
    chance = random.Random(7)
    for number in range(40):
        place = Place(tmp_path / str(number))
        place.offer(exports)
        for point in chance.sample(points(), 2):
            place.killed_at(point)
        assert place.run() == 0
        check(place, exports, doses=len(exports))


@pytest.mark.torture
def test_four_ways_in_at_once_killed_five_hundred_times_lose_and_double_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """About six minutes; `APHERELOG_SEED` repeats a storm."""
    seed = os.environ.get("APHERELOG_SEED") or str(random.SystemRandom().randrange(100_000))
    with capfd.disabled():
        sys.stdout.write(f"\nstorm with seed {seed}\n")
        command = [sys.executable, "-m", "tests.faults.storm", str(tmp_path), seed, "500"]
        subprocess.run(command, cwd=Path(__file__).parents[2], check=True, timeout=1800)


@pytest.mark.torture
def test_killed_at_random_moments_by_four_watchers_at_once(tmp_path: Path, exports: dict[str, bytes]) -> None:
    chance = random.Random(11)
    for number in range(15):
        place = Place(tmp_path / str(number))
        place.offer(exports)
        code = f"from pathlib import Path; from tests.faults.life import Place; Place(Path({str(place.root)!r})).live()"
        lives = [
            subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) for _ in range(4)
        ]
        for life in chance.sample(lives, 4):
            time.sleep(chance.uniform(0.1, 1.0))
            life.send_signal(signal.SIGKILL)
        for life in lives:
            life.wait()
        assert place.run() == 0
        check(place, exports, doses=len(exports))
