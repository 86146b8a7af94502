"""A listener that is stopped in mid-treatment goes on with it when it starts again.

What came until then is handed in, so that it can be read at once; a second name of the spool stays. If the listener
starts again before the treatment can be over, the spool goes on under its old name: what is handed in at the end
begins with what was handed in before, and replaces it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ingestor import disk
from ingestor.ways.spool import RAW, TIMES

if TYPE_CHECKING:
    from pathlib import Path

_OPEN = ".open"


def stays_open(raw: Path) -> None:
    """Remember that the treatment in this spool was still going on."""
    for path in (raw, raw.with_suffix(TIMES)):
        with suppress(FileExistsError, FileNotFoundError):
            path.with_name(path.name + _OPEN).hardlink_to(path)


def reopen(folder: Path, prefix: str, within: float) -> dict[str, int]:
    """Give spools back their names whose treatments may still be going on; forget the others.

    Return the names of the former with their sizes: so much of them was handed in before.

    Args:
        folder: where the spools stand.
        prefix: of the names of this listener's own.
        within: after so long without a byte a treatment is over [s].
    """
    handed = {}
    for left in sorted(folder.glob(f"{prefix}*{RAW}{_OPEN}")):
        raw = left.with_name(left.name.removesuffix(_OPEN))
        times = raw.with_suffix(TIMES)
        times_left = times.with_name(times.name + _OPEN)
        # With its first name still there it was not handed in: it is taken up like any other.
        if not raw.exists() and time.time() - left.stat().st_mtime < within:
            if times_left.exists():
                times_left.rename(times)
            left.rename(raw)
            handed[raw.name] = raw.stat().st_size
        else:
            left.unlink()
            times_left.unlink(missing_ok=True)
    if folder.is_dir():
        disk.sync_folder(folder)
    return handed
