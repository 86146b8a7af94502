"""A machine on a serial line: a pseudo terminal that a capture can open, or a socket of a device server."""

from __future__ import annotations

import array
import fcntl
import os
import select
import socket
import termios
import time
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Write = Callable[[bytes], None]

_STEP = 0.02
_PATIENCE = 60.0
# A machine that has finished does not unplug itself.
_LINGER = 5.0


@contextmanager
def pseudo_terminal(link: Path | None, tell: Callable[[str], None]) -> Iterator[Write]:
    """Open a pseudo terminal, tell its name, wait until somebody opens it; yields the writer.

    Args:
        link: a name for it that stays, as a symbolic link.
        tell: is given the name before anybody can know it.
    """
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        name = os.ttyname(slave)
        if link:
            link.unlink(missing_ok=True)
            link.symlink_to(name)
        tell(str(link or name))
        os.close(slave)
        _wait(master, until_open=True)
        yield lambda content: _write_all(master, content)
        _wait_until_read(name)
        _wait(master, until_open=False, patience=_LINGER)
    finally:
        os.close(master)
        if link:
            link.unlink(missing_ok=True)


def _wait(master: int, *, until_open: bool, patience: float = float("inf")) -> None:
    """Wait until somebody has opened the terminal, or closed it: one without a reader is hung up."""
    poll, until = select.poll(), time.monotonic() + patience
    poll.register(master, select.POLLHUP)
    while time.monotonic() < until:
        is_open = not any(event & select.POLLHUP for _, event in poll.poll(0))
        if is_open == until_open:
            return
        time.sleep(_STEP)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _wait_until_read(name: str) -> None:
    """Hanging up throws away what was not read yet."""
    slave = os.open(name, os.O_RDONLY | os.O_NOCTTY)
    try:
        waiting, until = array.array("i", [1]), time.monotonic() + _PATIENCE
        while waiting[0] and time.monotonic() < until:
            fcntl.ioctl(slave, termios.FIONREAD, waiting)
            time.sleep(_STEP)
    finally:
        os.close(slave)


@contextmanager
def device_server(host: str, port: int, tell: Callable[[str], None]) -> Iterator[Write]:
    """Listen, tell the address, wait for one connection; yields the writer."""
    with socket.create_server((host, port)) as server:
        tell("{}:{}".format(*server.getsockname()[:2]))
        connection, _ = server.accept()
        with connection:
            yield connection.sendall
            connection.shutdown(socket.SHUT_WR)
            # Wait for the other side to have everything: it closes when it has read the end.
            connection.settimeout(_PATIENCE)
            while connection.recv(4096):
                pass
