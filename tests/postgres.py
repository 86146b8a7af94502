"""A PostgreSQL server of the system's own, started once a test process, and databases that cost little."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from sqlalchemy import URL

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
_PR_SET_PDEATHSIG = 1
# Speed; what a test has to say of durability it says with settings of its own.
QUICK = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


def can_start() -> bool:
    """Tell whether a test can have a server of its own."""
    return bool(_BINARIES)


def is_there() -> bool:
    """Tell whether a test can have a database on some server."""
    return can_start() or "TEST_DATABASE_URL" in os.environ


class Server:
    """A server in a folder of its own, reached by a socket; it ends with this process, however that ends.

    Args:
        settings: `name=value` settings of the server.
    """

    def __init__(self, settings: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="apherelog-pg-"))
        self.settings = settings
        self._user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(self.folder, self._user, self._user)
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "test", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> URL:
        """Return the address of the database that administers the others."""
        return make_url(f"postgresql+psycopg://test@/postgres?host={self.folder}")

    def start(self) -> None:
        given = [f"-c{k}={v}" for k, v in self.settings.items()]
        self._process = subprocess.Popen(
            [_BINARIES[-1] / "postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-h", "", *given],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=self._dies_with_us,  # noqa: PLW1509 - one system call, no lock
            **self._as_user(),
        )  # fmt: skip
        self._run("pg_isready", "-h", str(self.folder), "-U", "test", "-t", "10")
        for _ in range(200):
            if self._run("pg_isready", "-q", "-h", str(self.folder), check=False) == 0:
                return
            threading.Event().wait(0.02)
        raise AssertionError("the server did not start")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server: at once, as in a power failure, unless told otherwise."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def _dies_with_us(self) -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)

    def _as_user(self) -> dict[str, object]:
        if os.getuid() != 0:
            return {}
        known = pwd.getpwnam(self._user)
        return {"user": known.pw_uid, "group": known.pw_gid, "extra_groups": [], "cwd": self.folder}

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [_BINARIES[-1] / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        if check and done.returncode and program != "pg_isready":
            raise AssertionError(done.stderr)
        return done.returncode


class Databases:
    """Databases of one server: each is a copy of one that holds the schema, and is dropped after its test."""

    def __init__(self, admin: URL) -> None:
        self._admin = create_engine(admin, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True)
        self._prefix = f"t{os.getpid()}"
        self._made = 0
        self.template: str | None = None

    def empty(self) -> str:
        """Make a database without tables; return its URL."""
        return self._make("template0")

    def with_schema(self) -> str:
        """Make a database at this program's version; return its URL."""
        from ingestor.store import schema
        from ingestor.store.engine import open_database

        if self.template is None:
            url = self.empty()
            db = open_database(url)
            schema.upgrade(db)
            db.close()
            self.template = str(make_url(url).database)
        return self._make(self.template)

    def _make(self, template: str) -> str:
        self._made += 1
        name = f"{self._prefix}_{self._made}"
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
        return self._admin.url.set(drivername="postgresql", database=name).render_as_string(
            hide_password=False
        )

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        with self._admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)"))

    def close(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        if self.template is not None:
            self.drop(self._admin.url.set(database=self.template).render_as_string(hide_password=False))
        self._admin.dispose()


class Cut:
    """A line to a server that breaks, once, right after the client has sent a certain word.

    Args:
        url: of the database.
        word: which the server still hears.
    """

    def __init__(self, url: str, word: str) -> None:
        known = make_url(url)
        self._to = f"{known.query['host']}/.s.PGSQL.5432"
        # The path of a socket may have 107 bytes only.
        self._folder = Path(tempfile.mkdtemp(prefix="cut-"))
        self.url = known.set(query={"host": str(self._folder)}).render_as_string(hide_password=False)
        self._word: bytes | None = word.encode()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder}/.s.PGSQL.5432")
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            one.close()
        shutil.rmtree(self._folder)

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(self._to)
            self._open += [ours, theirs]
            threading.Thread(target=self._carry, args=(theirs, ours, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(ours, theirs, True), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        while data := self._heard(source):
            cut = outward and self._word is not None and self._word in data
            try:
                if cut:
                    source.shutdown(socket.SHUT_RDWR)
                target.sendall(data)
            except OSError:
                return
            if cut:
                self._word = None
                threading.Event().wait(0.2)
                target.close()
                return

    @staticmethod
    def _heard(source: socket.socket) -> bytes:
        try:
            return source.recv(65536)
        except OSError:
            return b""
