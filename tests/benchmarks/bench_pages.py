"""Every page of a registry of 40,000 sessions, beside a page that asks the database for nothing.

`SESSIONS=4000` in the environment makes it quicker; `FOLDER` names a data folder that was seeded before.
"""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from sqlalchemy import func, select

from ingestor.access import logins, passwords
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.store import accounts
from ingestor.store.answers import machines
from ingestor.store.tables import column_use, dose, revision, session
from tests import postgres
from tests.benchmarks.seed import SESSIONS, seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.flow.house import House

ROUNDS = 40
EMPTY = "/about"
LIMIT_MS = 150
PASSWORD = "a made-up pass phrase"
_TRAYS = (
    "unlinked",
    "preview",
    "held",
    "withheld",
    "questions",
    "columns",
    "waiting",
    "refused",
    "missing",
    "unseen",
    "share",
)


def main() -> None:
    """Print one table a database."""
    count = int(os.environ.get("SESSIONS", SESSIONS))
    with ExitStack() as opened:
        folder = os.environ.get("FOLDER") or opened.enter_context(tempfile.TemporaryDirectory())
        _table("SQLite", Settings(data_dir=Path(folder)), count)
        if not postgres.can_start() or "FOLDER" in os.environ:
            print("PostgreSQL is not measured here.")
            return
        server = opened.enter_context(postgres.Server({"fsync": "off", "autovacuum": "off"}))
        databases = postgres.Databases(server.url)
        opened.callback(databases.close)
        other = opened.enter_context(tempfile.TemporaryDirectory())
        _table("PostgreSQL", Settings(data_dir=Path(other), database_url=databases.empty()), count)


def _table(name: str, settings: Settings, count: int) -> None:
    with open_house(settings) as house:
        with house.db.read() as connection:
            there = connection.execute(select(func.count()).select_from(session)).scalar_one()
        if not there:
            begun = time.monotonic()
            seed(house, count)
            print(f"{count} sessions seeded in {time.monotonic() - begun:.0f} s")
        pages = _pages(house, count)
        cookies = {role: _signed_in(house, role) for role in {role for role, _ in pages}}
    print(f"\n{name}\n{'page':<44}{'kB':>6}{'p50 ms':>9}{'p95 ms':>9}{'cpu ms':>9}{'ratio':>7}")
    with _served(settings) as (server, port):
        line = http.client.HTTPConnection("127.0.0.1", port)
        empty = _measured(server, line, EMPTY, cookies["nurse"])
        for role, path in pages:
            one = _measured(server, line, path, cookies[role])
            print(
                f"{path[:43]:<44}{one.size / 1e3:>6.0f}{one.p50:>9.1f}{one.p95:>9.1f}{one.cpu:>9.1f}"
                f"{one.p50 / empty.p50:>7.1f}{'  over the limit' if one.p95 > LIMIT_MS else ''}",
                flush=True,
            )


@dataclass(frozen=True)
class Measured:
    """One page: size [B], time until all of it came, and time of the service's processor [ms]."""

    size: int
    p50: float
    p95: float
    cpu: float


def _pages(house: House, count: int) -> list[tuple[str, str]]:
    """Return every page worth a look with the role that looks, on things that are there."""
    with house.db.read() as connection:
        newest = (
            select(session).where(session.c.patient_id.is_not(None)).order_by(session.c.started_at.desc())
        )
        one = connection.execute(newest.limit(1)).one()
        nobody = connection.execute(
            select(session.c.id).where(session.c.patient_id.is_(None)).limit(1)
        ).scalar_one()
        withheld = connection.execute(
            select(dose.c.session_id).where(dose.c.status == "withheld").limit(1)
        ).scalar_one()
        held = connection.execute(
            select(revision.c.id).where(revision.c.state == "held").limit(1)
        ).scalar_one()
        machine = machines.machines(connection, house.centre)[0]["id"]
        serial = connection.execute(select(column_use.c.serial).limit(1).offset(500)).scalar_one()
        place = connection.execute(
            select(session.c.started_at, session.c.id)
            .order_by(session.c.started_at)
            .offset(count // 4)
            .limit(1)
        ).one()
    nurse = (
        EMPTY, "/", "/upload", "/sessions", f"/sessions?before={place.started_at:%Y-%m-%dT%H:%M:%S}Z~{place.id}",
        f"/sessions?device={machine}", "/sessions?status=withheld", "/sessions?from=2015-01-01&to=2015-12-31",
        f"/sessions/{one.id}", f"/sessions/{one.id}/print", f"/sessions/{nobody}", f"/sessions/{withheld}",
        f"/sessions/{nobody}/link", f"/sessions/{nobody}/link?q=muster-001&part=true",
        f"/sessions/{nobody}/link/{one.patient_id}", f"/held/{held}", "/patients", "/patients?q=5001",
        f"/patients/{one.patient_id}", "/patients/new", "/machines", f"/machines/{machine}",
        f"/machines/{machine}/accept", "/columns", "/columns?q=S-1&", "/columns?before=2015-06-01T00:00:00Z", f"/columns/{serial}", "/week",
        "/week?of=2015-06-10", *(f"/trays/{name}" for name in _TRAYS),
    )  # fmt: skip
    analyst = ("/", "/cohort", f"/cohort?device={machine}", "/cohort?from=2015-01-01&to=2016-01-01")
    return [("nurse", path) for path in nurse] + [("analyst", path) for path in analyst]


def _signed_in(house: House, role: str) -> str:
    now = datetime.now(UTC)
    with house.db.write() as connection:
        if accounts.by_name(connection, role) is None:
            accounts.add(connection, house.centre, role, role, now, password=passwords.hashed(PASSWORD))
    return f"sid={logins.log_in(house.db, role, PASSWORD, now).secret}; language=de"


@contextmanager
def _served(settings: Settings) -> Iterator[tuple[psutil.Process, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = ["--data", str(settings.data_dir)]
    where += ["--database-url", settings.database_url] if settings.database_url else []
    command = [sys.executable, "-m", "ingestor", *where, "-q", "serve", "--port", str(port)]
    with subprocess.Popen(command) as server:
        try:
            for _ in range(400):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield psutil.Process(server.pid), port
        finally:
            server.terminate()


def _measured(server: psutil.Process, line: http.client.HTTPConnection, path: str, cookie: str) -> Measured:
    times, size, before = [], 0, server.cpu_times()
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        line.request("GET", path, headers={"Cookie": cookie, "Accept": "text/html"})
        answer = line.getresponse()
        size = len(answer.read())
        times.append((time.perf_counter() - begun) * 1e3)
        assert answer.status == 200, (path, answer.status)
    after = server.cpu_times()
    spent = after.user + after.system - before.user - before.system
    p95 = statistics.quantiles(times, n=20)[-1]
    return Measured(size, statistics.median(times), p95, spent / ROUNDS * 1e3)
