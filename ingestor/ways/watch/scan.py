"""One look at a folder: names and stamps, in bytes, following nothing and opening nothing.

Scanning is the only mechanism: network shares send no events, and event queues overflow in silence.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.disk import FileStamp

if TYPE_CHECKING:
    from collections.abc import Mapping

DEPTH = 8
# Half-written and left-behind files of copy programs, editors and servers; sentinels; our own folders.
_IGNORED = (
    b"*.part", b"*.partial", b"*.filepart", b"*.tmp", b"*.crdownload", b"~$*", b".~lock*", b".smb*", b".nfs*",
    b"._*", b"thumbs.db", b"desktop.ini", b".ds_store", b"@eadir", b"truth.json", b"*.done", b"*.sha256",
    b"*.reason.txt", b".ingest-here",
)  # fmt: skip
_SENTINELS = (b".done", b".sha256")
_OURS = (b"done", b"refused")
_KIND = 0o170000
_plain = tuple(p for p in _IGNORED if not p.startswith(b"*") and not p.endswith(b"*"))
_ends = tuple(p[1:] for p in _IGNORED if p.startswith(b"*"))
_starts = tuple(p[:-1] for p in _IGNORED if p.endswith(b"*"))


@dataclass(slots=True)
class Seen:
    """What a look at a folder found.

    Attributes:
        device: device number of the folder itself.
        fresh: regular files by relative path, but for those that are `known` with the same stamp.
        sentinels: names that say that another file is whole, such as `x.log.done`.
        odd: what is no file and no folder, or cannot be looked into, with why.
        files: number of regular files.
        entries: everything there, ignored names included.
    """

    device: int
    fresh: dict[bytes, FileStamp] = field(default_factory=dict)
    sentinels: set[bytes] = field(default_factory=set)
    odd: dict[bytes, str] = field(default_factory=dict)
    files: int = 0
    entries: int = 0


def scan(folder: bytes, known: Mapping[bytes, int], *, recursive: bool = False) -> Seen:
    """Look at a folder.

    Args:
        folder: absolute.
        known: `print_of` the stamp of files that need no second look.
        recursive: look into folders inside as well, `DEPTH` levels deep.

    Raises:
        OSError: the folder cannot be reached; nothing is known of it then.
    """
    seen = Seen(os.stat(folder).st_dev)  # noqa: PTH116 - bytes paths
    below = [(b"", 1)]
    while below:
        inside, level = below.pop()
        try:
            folders = _look_into(folder, inside, known, seen)
        except OSError:
            if not inside:
                raise
            seen.odd[inside] = "source_locked"
            continue
        if recursive and level < DEPTH:
            below += [(path, level + 1) for path in folders]
    return seen


def _look_into(folder: bytes, inside: bytes, known: Mapping[bytes, int], seen: Seen) -> list[bytes]:
    """Add what stands in one folder to `seen`; return the folders in it."""
    folders = []
    with os.scandir(folder + b"/" + inside) as found:
        for entry in found:
            name = entry.name
            if name in _OURS and not inside:
                continue
            seen.entries += 1
            path = inside + b"/" + name if inside else name
            if is_ignored(name):
                if name.endswith(_SENTINELS):
                    seen.sentinels.add(path)
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone between two calls: the next look tells
            kind = status.st_mode & _KIND
            if kind == stat.S_IFREG:
                seen.files += 1
                stamp = FileStamp.of(status)
                if known.get(path) != print_of(stamp):
                    seen.fresh[path] = stamp
            elif kind == stat.S_IFDIR:
                folders.append(path)
            else:
                seen.odd[path] = "source_not_a_file"
    return folders


def print_of(stamp: FileStamp) -> int:
    """Return one number for a stamp, so that a hundred thousand of them fit into little memory."""
    return hash(stamp)


def is_ignored(name: bytes) -> bool:
    """Say whether a name never belongs to an export."""
    lower = name.lower()
    return lower.endswith(_ends) or lower.startswith(_starts) or lower in _plain
