"""Doses asked for over HTTP, beside a route that does nothing and beside datasette on the same rows, in one run.

`DOSES=40000` in the environment leaves the registry of a million out; `FOLDER` names where seeded stores stay.
"""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from ingestor.access import tokens
from ingestor.access.permissions import AccountRole
from ingestor.access.pseudonyms import prepare_key
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.store import accounts, audit
from tests.benchmarks.load import Load, load
from tests.benchmarks.seeding import Seeded, seed, session_id, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (40_000, 1_000_000)
SECONDS = float(os.environ.get("SECONDS", "6"))
EMPTY = """
import sys
import fastapi, uvicorn
app = fastapi.FastAPI()
@app.get("/")
async def nothing() -> dict[str, str]:
    return {}
uvicorn.run(app, port=int(sys.argv[1]), log_config=None, http="h11", access_log=False)
"""
# Formats, and what the file of a million rows may take [s].
FILES = (("parquet", 5), ("csv", 15), ("arrow", None), ("ndjson", None))


def main() -> None:
    """Print one table a size."""
    sizes = [int(text) for text in os.environ.get("DOSES", "").split(",") if text] or SIZES
    with ExitStack() as opened:
        kept = os.environ.get("FOLDER")
        root = Path(kept or opened.enter_context(tempfile.TemporaryDirectory()))
        for count in sizes:
            _table(root / str(count), count)


def _table(folder: Path, count: int) -> None:
    settings = Settings(data_dir=folder, centre="bench", rate_limits=False)
    begun = time.monotonic()
    seeded, token, pseudonym = _prepared(settings, count)
    print(f"\n{count} doses, ready in {time.monotonic() - begun:.0f} s")
    print(
        f"{'question':<38}{'answers/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'cpu ms':>9}{'of empty':>10}{'x datasette':>13}"
    )
    with _served([sys.executable, "-c", EMPTY], []) as (server, port):
        empty = _measured(server, port, itertools.repeat("/"), token)
    _line("an empty FastAPI route", empty, empty)
    with _datasette(folder / "apherelog.db") as (server, port):
        path = "/apherelog/dose.json?_size=50&_sort=id&id__gt="
        peer = _measured(server, port, (f"{path}{n}" for n in _steps(count)), token)
        least = "&_nocount=1&_nofacet=1&_nosuggest=1&_shape=arrays"
        bare = _measured(server, port, (f"{path}{n}{least}" for n in _steps(count)), token)
    _line("datasette, 50 rows", peer, empty, peer)
    _line("datasette, nothing counted or offered", bare, empty, peer)
    where = ["-m", "ingestor", "--data", str(folder), "-q", "serve", "--port"]
    with _served([sys.executable, *where], [("APHERELOG_CENTRE", "bench")]) as (server, port):
        for name, paths in _questions(seeded, pseudonym):
            _line(name, _measured(server, port, paths, token), empty, peer)
        print(f"\n{'file of every row':<38}{'s':>11}{'cpu s':>9}{'MB':>9}{'more MB':>10}{'limit s':>13}")
        for suffix, limit in FILES:
            _file(server, port, suffix, token, limit if count == SIZES[-1] else None)


def _questions(seeded: Seeded, pseudonym: str) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield what is asked for: no page twice, so that none is answered from memory, but for the first."""
    count, steps = seeded.sessions, _steps(seeded.sessions)
    starts = (quote(start_of(n)) for n in steps)
    last = quote(start_of(max(count - 60, 0)))
    yield "the same 50 again", itertools.repeat("/v1/doses?limit=50")
    yield "50 doses, every page another", (f"/v1/doses?limit=50&from={at}" for at in starts)
    yield (
        "the first pages",
        (f"/v1/doses?limit=50&from={quote(start_of(n % 200))}&to={last}" for n in itertools.count()),
    )
    yield (
        "the last pages",
        (f"/v1/doses?limit=50&from={quote(start_of(count - 60 - n % 200))}" for n in itertools.count()),
    )
    yield (
        "newest first, another page each",
        (f"/v1/doses?limit=50&sort=-started_at&to={quote(start_of(n))}" for n in _steps(count)),
    )
    for name, value in (("device", seeded.devices[3]), ("status", "provisional"), ("patient", pseudonym)):
        filtered = (
            f"/v1/doses?limit=50&{name}={value}&from={quote(start_of(n))}" for n in _steps(count, 0.9)
        )
        yield f"50 by {name}", filtered
    yield "one dose, every time another", (f"/v1/doses?session={session_id(n)}" for n in _steps(count))
    yield "one dose and its detail", (f"/v1/sessions/{session_id(n)}/dose" for n in _steps(count))


def _steps(count: int, share: float = 1.0) -> Iterator[int]:
    """Yield numbers all over the place, none twice for long."""
    most = max(int(count * share) - 60, 1)
    return ((n * 7919) % most for n in itertools.count(1))


@dataclass(frozen=True, slots=True)
class _Answered:
    """Load, and the service's own time of the processor for one answer [ms], which others on the machine disturb less."""

    load: Load
    cpu: float


def _measured(server: psutil.Process, port: int, paths: Iterator[str], token: str) -> _Answered:
    before = sum(server.cpu_times()[:2])
    found = load(port, paths, token, SECONDS)
    return _Answered(found, (sum(server.cpu_times()[:2]) - before) / found.answers * 1e3)


def _line(name: str, found: _Answered, empty: _Answered, peer: _Answered | None = None) -> None:
    one = found.load
    against = f"{one.rate / peer.load.rate:>13.1f}" if peer else ""
    share = one.rate / empty.load.rate
    print(
        f"{name:<38}{one.rate:>11.0f}{one.p50:>9.1f}{one.p99:>9.1f}{found.cpu:>9.2f}{share:>10.2f}{against}",
        flush=True,
    )


def _file(server: psutil.Process, port: int, suffix: str, token: str, limit: int | None) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/doses.{suffix}", headers={"Authorization": f"Bearer {token}"}
    )
    before, cpu, most, size = server.memory_info().rss, sum(server.cpu_times()[:2]), 0, 0
    begun = time.perf_counter()
    with urllib.request.urlopen(asked) as answer:
        while piece := answer.read(1 << 20):
            size += len(piece)
            most = max(most, server.memory_info().rss)
    spent = time.perf_counter() - begun
    cpu = sum(server.cpu_times()[:2]) - cpu
    told = f"{limit:>13}" if limit else ""
    print(
        f"{suffix:<38}{spent:>11.1f}{cpu:>9.1f}{size / 1e6:>9.0f}{(most - before) / 1e6:>10.0f}{told}",
        flush=True,
    )


def _prepared(settings: Settings, count: int) -> tuple[Seeded, str, str]:
    with open_house(settings) as house:
        with house.db.read() as connection:
            there = accounts.by_name(connection, "analysis") is not None
        seeded = seed(house.db, house.centre, 0 if there else count)
        seeded = Seeded(seeded.centre, count, seeded.patients, seeded.devices)
        pseudonym = prepare_key(house.db, settings.data_dir).of(seeded.patients[0])
        now = datetime.now(UTC)
        with house.db.write() as connection:
            if not there:
                accounts.add(connection, house.centre, "analysis", "analyst", now)
            account = accounts.by_name(connection, "analysis")
            assert account is not None
            actor = audit.Actor("bench", "admin")
            return seeded, tokens.issue(connection, account, AccountRole.ANALYST, 1, now, actor), pseudonym


@contextmanager
def _served(command: list[str], more: list[tuple[str, str]]) -> Iterator[tuple[psutil.Process, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL  # what datasette says of each request
    with subprocess.Popen([*command, str(port)], env=os.environ | dict(more), stderr=quiet) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield psutil.Process(server.pid), port
        finally:
            server.terminate()


@contextmanager
def _datasette(file: Path) -> Iterator[tuple[psutil.Process, int]]:
    command = [
        sys.executable,
        "-m",
        "datasette",
        "serve",
        "--immutable",
        str(file),
        "--setting",
        "suggest_facets",
        "0",
    ]
    with _served([*command, "--port"], []) as served:
        yield served
