"""Four ways in at once, killed again and again at random moments: run as a program of its own.

A template process has everything imported; each life of `watch`, `serve`, `capture` and `listen` is forked from it,
so that a kill costs milliseconds and not a second of imports. Senders run beside: a copy program, a person who
repeats an upload until it is answered, a machine on a line, a machine that speaks HL7.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import tty
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner
from sqlalchemy import select, text

from ingestor.cli import main
from ingestor.config import Settings
from ingestor.flow.house import open_house
from ingestor.flow.verify import verify
from ingestor.ops.scrub import scrub
from ingestor.store import audit
from ingestor.store.tables import job, raw_file, revision
from simulators.command import simulate
from simulators.live.mllp import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from ingestor.flow.house import House

_SETTLED_S = 240.0
_SHORTEST_S, _LONGEST_S = 0.02, 0.6


@dataclass
class Way:
    """One program that lets files in."""

    name: str
    words: list[str]
    pid: int = 0
    kills: int = 0

    def live(self, root: Path, close: Callable[[], None]) -> None:
        """Begin a life in a process of its own."""
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                close()
                out = os.open(root / f"{self.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(out, 1)
                os.dup2(out, 2)
                main(["--data", str(root / "data"), "--json", *self.words])
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
            finally:
                os._exit(code)

    def end(self, number: int) -> int:
        """End it by a signal; return how it ended."""
        os.kill(self.pid, number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


def exports(layout: str, seed: int, sessions: int, folder: Path) -> dict[str, bytes]:
    """Return simulated exports by name."""
    words = [layout, "--seed", str(seed), "--sessions", str(sessions), "--hours", "0.5", "--out", str(folder)]
    done = CliRunner().invoke(simulate, words)
    assert done.exit_code == 0, done.output
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.name != "truth.json"}


def messages(batch: bytes) -> list[bytes]:
    """Return the messages of an HL7 file."""
    parts = batch.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\rMSH|")
    return [b"MSH|" + part.split(b"\rBTS")[0].strip(b"\r") for part in parts[1:]]


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Storm:
    """The senders, what they were promised, and the four ways."""

    root: Path
    chance: random.Random
    length: float
    sessions: int = 100
    stop: threading.Event = field(default_factory=threading.Event)
    promised: set[str] = field(default_factory=set)
    told: list[bytes] = field(default_factory=list)
    spooled: set[bytes] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Make the files and the ways; nothing runs yet."""
        self.inbox, self.data = self.root / "inbox", self.root / "data"
        self.inbox.mkdir()
        seed = self.chance.randrange(10_000)
        self.dropped = exports("twin-column-report", seed, self.sessions, self.root / "dropped")
        self.sent = exports("twin-column-report", seed + 1, self.sessions, self.root / "sent")
        self.lines = list(exports("twin-column-serial", seed + 2, 8, self.root / "lines").values())
        self.hl7 = [messages(b) for b in exports("hl7-pcd", seed + 3, 8, self.root / "hl7").values()]
        self.http, self.mllp = free_port(), free_port()
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        link = self.root / "tty"
        link.symlink_to(os.ttyname(self.slave))
        self.ways = [
            Way("watch", ["watch", str(self.inbox), "--quiet", "0", "--interval", "0.2", "--after", "move"]),
            Way("serve", ["serve", "--port", str(self.http)]),
            Way("capture", ["capture", str(link), "--profile", "twin-column-serial", "--silence", "2"]),
            Way("listen", ["listen", "--mllp", f"127.0.0.1:{self.mllp}", "--silence", "2"]),
        ]
        self.token = _token(self.data)

    def senders(self) -> list[threading.Thread]:
        """Return the threads that hand files in."""
        jobs = (self._drop, self._upload, self._speak, self._deliver)
        return [threading.Thread(target=job, daemon=True) for job in jobs]

    def _drop(self) -> None:
        for name, data in self.dropped.items():
            half = self.inbox / (name + ".part")
            half.write_bytes(data)
            half.rename(self.inbox / name)
            self.done["dropped"] += 1
            time.sleep(self.length / self.sessions)

    def _upload(self) -> None:
        for number, (name, data) in enumerate(self.sent.items()):
            while not self._post(name, data, f"key-{number}"):
                time.sleep(0.1)
            self.promised.add(hashlib.sha256(data).hexdigest())
            self.done["uploaded"] += 1
            time.sleep(self.length / self.sessions / 2)

    def _post(self, name: str, data: bytes, key: str) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        heads = {"Authorization": f"Bearer {self.token}", "X-Filename": name, "Idempotency-Key": key}
        try:
            line.request("POST", "/v1/imports", data, heads)
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            line.close()
        assert answer.status in {200, 201, 202, 409, 429, 503}, answer.status
        return answer.status < 429

    def _speak(self) -> None:
        pause = self.length / (sum(map(len, self.lines)) / 512)
        for stream in self.lines:
            for start in range(0, len(stream), 512):
                os.write(self.master, stream[start : start + 512])
                time.sleep(pause)
            self.done["spoken"] += 1

    def _deliver(self) -> None:
        pause = self.length / sum(map(len, self.hl7)) / 2
        for treatment in self.hl7:
            for message in treatment:
                while not self._say(message):
                    time.sleep(0.1)
                self.told.append(message)
                time.sleep(pause)
            self.done["told"] += 1

    def _say(self, message: bytes) -> bool:
        try:
            return Client("127.0.0.1", self.mllp, patience=5).deliver([message]).accepted == 1
        except OSError:
            return False

    def rage(self, kills: int) -> None:
        """Kill one way after the other, at random, and start it again."""
        for way in self.ways:
            way.live(self.root, self._close)
        for _ in range(kills):
            time.sleep(self.chance.uniform(_SHORTEST_S, _LONGEST_S))
            way = self.chance.choice(self.ways)
            assert way.end(signal.SIGKILL) == -signal.SIGKILL, f"{way.name} had ended by itself"
            way.kills += 1
            if way.name == "capture":
                self._remember()
            way.live(self.root, self._close)

    def _close(self) -> None:
        os.close(self.master)
        os.close(self.slave)

    def _remember(self) -> None:
        """Note what the line's spools hold: bytes on the disk must never go again."""
        for raw in (self.data / "spool" / "serial").glob("*.raw"):
            self.spooled.update(raw.read_bytes().split(b"\r\n")[1:-1])

    def calm(self) -> None:
        """Wait until nothing is left to do, and stop everybody well."""
        end = time.monotonic() + _SETTLED_S
        while not self._is_settled():
            assert time.monotonic() < end, "does not come to rest"
            time.sleep(0.5)
        # uvicorn raises the signal that ended it once more when it is done.
        ends = {way.name: way.end(signal.SIGTERM) for way in self.ways}
        assert set(ends.values()) <= {0, -signal.SIGTERM}, ends

    def _is_settled(self) -> bool:
        spools = [p for p in (self.data / "spool").rglob("*.raw") if p.stat().st_size]
        waiting = [p for p in self.inbox.iterdir() if p.is_file()]
        with open_house(Settings(data_dir=self.data)) as house, house.db.read() as connection:
            return not spools and not waiting and not _unfinished(connection)

    def check(self) -> None:
        """Check that nothing was lost, nothing is double, and all agrees."""
        files = {hashlib.sha256(d).hexdigest(): n for n, d in (self.dropped | self.sent).items()}
        assert self.promised <= set(files)
        with open_house(Settings(data_dir=self.data)) as house:
            _check_house(house)
            with house.db.read() as connection:
                _check_files(connection, files)
                live = list(_live(house, connection))
        streams = [d for d in live if not any(o != d and o.startswith(d) for o in live)]
        _check_parts(streams, self.told, b"\x1c\r\x0b")
        kept = Counter(line for d in streams for line in d.split(b"\r\n"))
        lost = [line for line in self.spooled if line not in kept]
        assert not lost, (
            f"{len(lost)} lines of the serial line were on the disk once and are gone: {lost[:3]}"
        )


def _check_house(house: House) -> None:
    found = scrub(house.archive, house.db)
    assert (found.damaged, found.missing, found.orphans) == ([], [], [])
    assert list(house.archive.tmp.iterdir()) == []
    assert [m.session for m in verify(house)] == []
    with house.db.read() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert audit.first_bad(connection) is None
        assert _unfinished(connection) == []
        rows = set(connection.execute(select(raw_file.c.sha256)).scalars())
    assert rows == set(house.archive.objects())


def _unfinished(connection: Connection) -> list[str]:
    return list(connection.execute(select(job.c.state).where(job.c.state != "done")).scalars())


def _check_files(connection: Connection, files: dict[str, str]) -> None:
    """Every export is one run, current once."""
    current = select(revision.c.source, revision.c.run_id).where(revision.c.state == "current")
    found = [tuple(row) for row in connection.execute(current) if row.source in files]
    assert sorted(s for s, _ in found) == sorted(files)
    assert len({run for _, run in found}) == len(files)
    double = select(revision.c.run_id).where(revision.c.state == "current")
    runs = Counter(connection.execute(double).scalars())
    assert [run for run, times in runs.items() if times > 1] == []


def _live(house: House, connection: Connection) -> Iterator[bytes]:
    ways = text("SELECT DISTINCT source FROM submission WHERE way IN ('capture', 'mllp')")
    for source in connection.execute(ways).scalars():
        yield house.archive.read(source)


def _check_parts(streams: list[bytes], told: list[bytes], between: bytes) -> None:
    """Every acknowledged message is there, once."""
    found: Counter[bytes] = Counter()
    for data in streams:
        if data.startswith(b"\x0b"):
            found.update(m.strip(b"\r") for m in data[1:].removesuffix(b"\x1c\r").split(between))
    wrong = {m[:80]: found[m] for m in told if found[m] != 1}
    assert not wrong, (
        f"{len(wrong)} of {len(told)} acknowledged messages are not there once: {list(wrong.items())[:3]}"
    )


def _token(data: Path) -> str:
    said = [sys.executable, "-m", "ingestor", "--data", str(data), "--json", "users"]
    subprocess.run(
        [*said, "add", "sender", "--role", "agent"], input="", text=True, check=True, capture_output=True
    )
    made = subprocess.run([*said, "token", "sender"], text=True, check=True, capture_output=True)
    return str(json.loads(made.stdout)["token"])


def _import_all() -> None:
    """Whatever a life needs is imported once."""
    from importlib.metadata import entry_points

    for group in ("apherelog.commands", "ingestor.lines", "ingestor.conversations"):
        for entry in entry_points(group=group):
            entry.load()


def run(root: Path, seed: int, kills: int) -> None:
    """Let a storm pass and look at what is left."""
    os.environ |= {"APHERELOG_RATE_LIMITS": "false"}
    _import_all()
    storm = Storm(root, random.Random(seed), kills * (_SHORTEST_S + _LONGEST_S) / 2)
    senders = storm.senders()
    for sender in senders:
        sender.start()
    began = time.monotonic()
    storm.rage(kills)
    raged = time.monotonic() - began
    for sender in senders:
        sender.join(_SETTLED_S)
        assert not sender.is_alive()
    storm.calm()
    storm.check()
    by = {way.name: way.kills for way in storm.ways}
    sys.stdout.write(
        f"seed {seed}: {kills} kills in {raged:.0f} s {by}, at rest after {time.monotonic() - began:.0f} s, {dict(storm.done)}\n"
    )


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
