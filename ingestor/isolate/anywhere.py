"""The pure part of taking a bundle in, as one function that can run on any machine: bytes to runs.

No database, no archive, no settings: what it needs comes with the task, what it finds goes back as it travels.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestor.driver import Bundle, Member
from ingestor.isolate.reader import Reader

if TYPE_CHECKING:
    from ingestor.isolate.reader import Raw

Profiles = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One bundle to read.

    Attributes:
        members: name, address and SHA-256 of each file; an address is a path or what fsspec opens.
        clock: what is known of the machines' clocks, from `clock_to_json`.
        only: name of the one driver to ask.
        profiles: the site's own profiles, name and content.
    """

    members: tuple[tuple[str, str, str], ...]
    clock: dict[str, Any]
    only: str | None = None
    profiles: Profiles = ()


def read_anywhere(task: Task) -> Raw:
    """Read one bundle in a limited child of this machine.

    A file that is not what was kept any more (`changed`), or cannot be had here (`unreachable`), is answered so:
    whoever asked has the bytes and reads them.
    """
    members = []
    for name, address, sha256 in task.members:
        try:
            data = fetch(address)
        except OSError:
            return {"unread": "unreachable"}, []
        if hashlib.sha256(data).hexdigest() != sha256:
            return {"unread": "changed"}, []
        members.append(Member(name, data))
    return _reader(task.profiles).read_raw(Bundle(tuple(members)), task.clock, task.only)


def fetch(address: str) -> bytes:
    """Return the bytes at a path, or at an address of shared storage.

    Raises:
        OSError: they cannot be had.
    """
    if "://" not in address:
        return Path(address).read_bytes()
    import fsspec

    with fsspec.open(address, "rb") as file:
        return bytes(file.read())


def profiles_in(folder: Path) -> Profiles:
    """Return a site's own profiles as they travel with a task."""
    return tuple((p.name, p.read_bytes()) for p in sorted(folder.glob("*.toml")))


@lru_cache(maxsize=1)
def _reader(profiles: Profiles) -> Reader:
    """Keep one reader a process; a site's profiles get a folder of their own."""
    if not profiles:
        return Reader()
    folder = Path(tempfile.mkdtemp(prefix="profiles-"))
    for name, content in profiles:
        (folder / name).write_bytes(content)
    return Reader(folder)
