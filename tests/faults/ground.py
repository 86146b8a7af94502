"""Disks that can be full, read-only, split, gone, or lose what was not synced."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.parts import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Source: Linux include/uapi/linux/fs.h, FS_IOC_SHUTDOWN; flag 2 drops what is not in the journal yet.
_SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125
_NO_LOG_FLUSH = 2


def needs_root() -> None:
    """Skip where file systems cannot be mounted, with a line that says so."""
    if os.geteuid() != 0:
        pytest.skip("mounting file systems needs root")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} does not work here: {done.stderr.strip()}")


@contextmanager
def tmpfs(path: Path, options: str) -> Iterator[None]:
    """Mount a small file system in memory."""
    needs_root()
    path.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def remount(path: Path, options: str) -> None:
    """Change the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(path)], check=True)


class Disk:
    """An ext4 file system in a file, whose power can be cut."""

    def __init__(self, image: Path, mount: Path) -> None:
        needs_root()
        needs("mkfs.ext4")
        self._image, self.mount = image, mount
        with image.open("wb") as file:
            file.truncate(96 << 20)
        _run("mkfs.ext4", "-q", str(image))
        mount.mkdir()
        self.plug_in()

    def plug_in(self) -> None:
        """Mount it; the file system repairs itself from its journal."""
        _run("mount", "-o", "loop", str(self._image), str(self.mount))

    def cut_power(self) -> None:
        """Lose everything that was not synced."""
        fd = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(fd)
        self.unplug()

    def unplug(self) -> None:
        """Unmount it."""
        subprocess.run(["umount", str(self.mount)], check=False)
