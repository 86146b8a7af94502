"""The service can look after a folder as well."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from ingestor.store import tables
from ingestor.store.engine import open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.parts import Exports


def sessions_in(database: Path) -> int:
    if not database.exists():
        return 0
    db = open_database(f"sqlite:///{database}")
    try:
        with db.read() as connection:
            known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'session'").first()
            return (
                connection.execute(select(func.count()).select_from(tables.session)).scalar_one()
                if known
                else 0
            )
    finally:
        db.close()


def test_serve_takes_what_settles_in_its_folder_and_ends_its_watcher(
    tmp_path: Path, simulated: Callable[..., Exports]
):
    folder, data = tmp_path / "exports", tmp_path / "data"
    folder.mkdir()
    shutil.copy(simulated("twin-column-report", "--seed", "7", "--sessions", "1").files[0], folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "ingestor",
        "--data",
        str(data),
        "serve",
        "--port",
        str(port),
        "--watch",
        str(folder),
    ]
    database = data / "with-a-password.db"
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"APHERELOG_DATABASE_URL": f"sqlite:///{database}"},
    )  # fmt: skip
    try:
        patience = time.monotonic() + 90
        while sessions_in(database) == 0:
            assert time.monotonic() < patience
            time.sleep(0.5)
        shown = subprocess.run(["pgrep", "-f", database.name], capture_output=True, text=True, check=False)
        assert shown.stdout == "", "the address of the database stands on a command line"
    finally:
        server.terminate()
        server.wait(30)
    alive = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    assert alive.stdout == ""
