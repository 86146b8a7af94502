"""When is a file whole? Pure: stamps and moments are handed in, no clock is asked and no file opened.

A file's own times prove nothing: copy programs set them to the past, clocks differ, and some writers reserve the
final size first. What counts is that nothing changed between our own looks, for long enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestor.disk import FileStamp

LOOKS = 3


class Settling:
    """Remembers how long files have stayed as they are.

    Args:
        quiet: how long a file must not change [s]; 0 takes everything at once.
    """

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._known: dict[bytes, tuple[FileStamp, float, int]] = {}

    def look(self, files: Mapping[bytes, FileStamp], now: float) -> set[bytes]:
        """Return the files that have settled.

        Args:
            files: all files that are there and not taken yet.
            now: a monotonic moment [s].
        """
        known: dict[bytes, tuple[FileStamp, float, int]] = {}
        settled = set()
        for path, stamp in files.items():
            before = self._known.get(path)
            since, looks = (before[1], before[2] + 1) if before and before[0] == stamp else (now, 1)
            known[path] = (stamp, since, looks)
            if stamp.size > 0 and self._is_long_enough(now - since, looks):
                settled.add(path)
        self._known = known
        return settled

    def since(self, path: bytes) -> float | None:
        """Return the moment since which a file has not changed."""
        found = self._known.get(path)
        return None if found is None else found[1]

    def _is_long_enough(self, unchanged: float, looks: int) -> bool:
        return self._quiet == 0 or (looks >= LOOKS and unchanged >= self._quiet)
