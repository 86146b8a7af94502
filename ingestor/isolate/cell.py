"""The walls of the child, closed from inside before any driver is loaded.

Source: Linux setrlimit(2) and unshare(2); Python's audit events for what they do not cover.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Any

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
    "shutil.", "ctypes.dlopen",
)  # fmt: skip


def close_in(address_space: int, file_bytes: int, files: int) -> None:
    """Limit memory [B], size [B] of written files and open files; cut the network off where the system lets us."""
    for kind, value in (
        (resource.RLIMIT_AS, address_space),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    libc = ctypes.CDLL(None)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def forbid() -> None:
    """Refuse network, other programs and changes to files to everything that runs in this process from now on."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if isinstance(flags, int) and flags & _WRITING:
                raise PermissionError("a driver only reads the bytes it is given")
        elif event.startswith(_FORBIDDEN):
            raise PermissionError("a driver only reads the bytes it is given")

    sys.addaudithook(refuse)


def start_job(cpu_s: int, wall_s: float) -> None:
    """Allow so much more processor time [s], and end this process after so long [s], parent or no parent."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + cpu_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, wall_s)


def end_job() -> None:
    """Stop the clock of the job."""
    signal.setitimer(signal.ITIMER_REAL, 0)
