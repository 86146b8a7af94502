"""One limited child process, seen from the parent: asked, watched, and ended when it breaks a limit."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestor.isolate.wire import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_LOOK_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Nothing else of the environment reaches foreign code: it may hold passwords.
_KEPT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SYSTEMROOT")
# Arrays of a file are asked for and given back by the dozen: memory that is kept meanwhile need not be made anew.
ALONE = {
    "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
    "ARROW_IO_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use: memory [B], time [s], bytes.

    Attributes:
        claim_s: a claim is cheap: no driver may think longer about it [s].
        jobs: after so many it is replaced.
        kept: a child that holds more memory than this after a job is replaced [B].
    """

    address_space: int = 2 << 30
    resident: int = 512 << 20
    kept: int = 300 << 20
    cpu_s: int = 30
    wall_s: float = 60
    claim_s: float = 10
    file_bytes: int = 64 << 20
    files: int = 64
    answer_bytes: int = 128 << 20
    jobs: int = 500


class Lost(Exception):
    """A child is gone. Internal to this room.

    Attributes:
        code: `limit_time`, `limit_memory` or `driver_failed`.
        stage, driver: whose code ran when it was lost.
        problem: how it ended.
    """

    def __init__(self, code: str, at: tuple[str, str], problem: str) -> None:
        self.code = code
        self.stage, self.driver = at
        self.problem = problem
        super().__init__(code)


class Child:
    """A running child with its drivers loaded.

    Args:
        profiles: the site's own profiles.
        limits: what it may use.
        skip: entry points not to load.

    Raises:
        Lost: it did not come up.
    """

    def __init__(self, profiles: Path | None, limits: Limits, skip: Collection[str] = ()) -> None:
        self._limits = limits
        self._jobs = 0
        self._at = ("start", "")
        settings = asdict(limits) | {
            "profiles": None if profiles is None else str(profiles.absolute()),
            "skip": sorted(skip),
            "wall_s": limits.wall_s + 5,
        }
        try:
            self._socket, self._process = _start(settings)
        except OSError as error:
            raise Lost("driver_failed", self._at, errno.errorcode.get(error.errno or 0, "")) from error
        self._deadline = time.monotonic() + limits.wall_s
        self._answer()

    def ask(self, head: dict[str, Any], blocks: Sequence[bytes] = ()) -> tuple[dict[str, Any], list[bytes]]:
        """Send one request and return its answer.

        Raises:
            Lost: it broke a limit or broke down; it is gone.
        """
        self._jobs += 1
        self._at = ("start", "")
        self._deadline = time.monotonic() + self._limits.wall_s
        self._socket.settimeout(self._limits.wall_s)
        try:
            for piece in pack(head, blocks):
                self._socket.sendall(piece)
        except OSError as error:
            raise self._lost() from error
        return self._answer()

    @property
    def is_spent(self) -> bool:
        """Say whether it should be replaced before the next job."""
        gone = self._process.poll() is not None
        return gone or self._jobs >= self._limits.jobs or self._resident() > self._limits.kept

    def close(self) -> None:
        """End it now."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _answer(self) -> tuple[dict[str, Any], list[bytes]]:
        self._left = self._limits.answer_bytes
        while True:
            head, blocks = unpack(self._take)
            if "lost" in head:
                raise self._lost(head["lost"])
            if "at" not in head:
                return head, blocks
            stage, driver = head["at"]
            self._at = (stage, driver)
            self._since = time.monotonic()

    def _take(self, size: int) -> bytes:
        """Return exactly so many bytes, watching the child's time and memory meanwhile."""
        self._left -= size
        if self._left < 0:
            raise self._lost("limit_memory")
        data = bytearray(size)
        view = memoryview(data)
        self._socket.settimeout(_LOOK_S)
        while view:
            try:
                got = self._socket.recv_into(view)
            except TimeoutError:
                self._watch()
                continue
            except OSError as error:
                raise self._lost() from error
            if not got:
                raise self._lost()
            view = view[got:]
        view.release()
        return bytes(data)

    def _watch(self) -> None:
        now = time.monotonic()
        if now > self._deadline or (self._at[0] == "claim" and now - self._since > self._limits.claim_s):
            raise self._lost("limit_time")
        if self._resident() > self._limits.resident:
            raise self._lost("limit_memory")

    def _resident(self) -> int:
        try:
            return int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]) * _PAGE
        except (OSError, IndexError):
            return 0

    def _lost(self, code: str | None = None) -> Lost:
        """End the child and say how it ended; without a code it ended by itself."""
        if code is None:
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self.close()
        how = self._process.returncode
        problem = signal.Signals(-how).name if how < 0 else f"exit {how}"
        if code is None:
            over_time = how in {-signal.SIGXCPU, -signal.SIGALRM}
            code = "limit_time" if over_time else "driver_failed"
        return Lost(code, self._at, problem)


def _start(settings: dict[str, Any]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a child; return our end of the line to it."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            return ours, subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
                [sys.executable, "-P", "-m", "ingestor.isolate.worker", str(theirs.fileno()), json.dumps(settings)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),), cwd="/", start_new_session=True,
                env={k: os.environ[k] for k in _KEPT if k in os.environ} | ALONE,
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
