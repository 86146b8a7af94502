"""A 4 h export at 1 Hz taken in whole, beside reading, hashing and copying the same bytes with a sync."""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from click.testing import CliRunner

from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.store.audit import Actor
from ingestor.store.sources import Order
from ingestor.ways.files import ingest_paths
from simulators.command import simulate

if TYPE_CHECKING:
    from ingestor.flow.house import House

FILES = 22
ORDER = Order("bench", Actor("bench", "agent"))


def main() -> None:
    """Print one row for exports at 1 Hz and one for exports at 1/min."""
    print(
        f"{'export':<10}{'kB':>7}{'ingest ms':>11}{'cpu ms':>9}{'bound ms':>10}{'ratio':>8}{'store/text':>12}"
    )
    for name, hz in (("1 Hz", "1"), ("1/min", "0.016666667")):
        with tempfile.TemporaryDirectory() as folder:
            _row(name, hz, Path(folder))


def _row(name: str, hz: str, root: Path) -> None:
    arguments = [
        "twin-column-report",
        "--seed",
        "5",
        "--sessions",
        str(FILES),
        "--hours",
        "4",
        "--hz",
        hz,
        "--out",
        str(root / "x"),
    ]
    done = CliRunner().invoke(simulate, arguments)
    assert done.exit_code == 0, done.output
    files = sorted(p for p in (root / "x").iterdir() if p.name != "truth.json")
    size = sum(p.stat().st_size for p in files)
    with open_house(Settings(data_dir=root / "data")) as house:
        list(ingest_paths(house, files[:2], ORDER))
        before = _stored(house)
        walls, cpus, bounds = [], [], []
        for file in files[2:]:
            bounds.append(_bound(file, root))
            wall, cpu = _ingest(house, file)
            walls.append(wall)
            cpus.append(cpu)
        stored = (_stored(house) - before) / sum(p.stat().st_size for p in files[2:])
    wall, bound = statistics.median(walls), statistics.median(bounds)
    print(
        f"{name:<10}{size / len(files) / 1e3:>7.0f}{wall * 1e3:>11.1f}{statistics.median(cpus) * 1e3:>9.1f}"
        f"{bound * 1e3:>10.1f}{bound / wall:>8.2f}{stored:>12.3f}"
    )


def _stored(house: House) -> int:
    """Return the pages in use [B]; the write-ahead log is not storage."""
    with house.db.read() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {n}").scalar() for n in ("page_count", "page_size")
        )
    return int(pages) * int(size)


def _ingest(house: House, file: Path) -> tuple[float, float]:
    """Return wall and processor seconds, those of the limited child included."""
    me = psutil.Process()
    processes = [me, *me.children(recursive=True)]
    cpu = sum(sum(p.cpu_times()[:2]) for p in processes)
    start = time.perf_counter()
    (receipt,) = ingest_paths(house, [file], ORDER)
    wall = time.perf_counter() - start
    assert receipt["status"] == "stored", receipt
    return wall, sum(sum(p.cpu_times()[:2]) for p in processes) - cpu


def _bound(file: Path, root: Path) -> float:
    """Read, hash, count lines and copy with a sync: what no ingest can do without."""
    start = time.perf_counter()
    data = file.read_bytes()
    hashlib.sha256(data).hexdigest()
    data.count(b"\n")
    copy = os.open(root / "copy", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.write(copy, data)
    os.fsync(copy)
    os.close(copy)
    return time.perf_counter() - start
