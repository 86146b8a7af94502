"""Ends of phases that last until the next one of the same column."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ingestor.driver import Stamp

if TYPE_CHECKING:
    from drivers.profile.raw import Raw
    from ingestor.driver import PhaseRow, SampleBlock


def until_next(
    raw: Raw, phases: tuple[PhaseRow, ...], samples: SampleBlock | None, ended: Stamp | None
) -> tuple[PhaseRow, ...]:
    """Return the phases with their ends.

    A phase ends where the next one of its column begins. One that was cut by a restart ends with the last
    sample before it; the last one ends with the treatment, and has no end where that is not printed.
    """
    out: list[PhaseRow] = []
    next_of: dict[str, PhaseRow] = {}
    for one in reversed(phases):
        following = next_of.get(one.position)
        next_of[one.position] = one
        after = bisect_right(raw.restarts, one.line)
        cut = raw.restarts[after] if after < len(raw.restarts) else None
        if cut is not None and (following is None or following.line > cut):
            end = _last_before(samples, cut, one)
        else:
            end = _start_of(following) if following is not None else ended
        out.append(replace(one, end=end))
    return tuple(reversed(out))


def _last_before(samples: SampleBlock | None, line: int, one: PhaseRow) -> Stamp | None:
    """Return the time of the last sample before a line, the phase's own start if it is later."""
    if samples is None or one.start is None:
        return one.start
    before = np.flatnonzero(samples.line < line)
    if not len(before):
        return one.start
    last = int(before[-1])
    local = datetime.fromtimestamp(int(samples.local_ms[last]) / 1000, UTC).replace(tzinfo=None)
    return Stamp(local, "", line=int(samples.line[last])) if local > one.start.local else one.start


def _start_of(following: PhaseRow) -> Stamp | None:
    start = following.start
    return None if start is None else Stamp(start.local, start.text, start.offset_min, following.line)
