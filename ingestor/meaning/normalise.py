"""From what a file says to what it means: a device's log becomes a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestor.driver import DeviceLog
    from ingestor.meaning.clock import Clock
    from ingestor.meaning.plausibility import Plausibility
    from ingestor.model import Run


def normalise(
    log: DeviceLog, clock: Clock, plausibility: Plausibility | None = None, *, layout: str = ""
) -> Run:
    """Return the run that a log describes: canonical units, UTC instants, cycles, findings.

    Args:
        log: what the driver read.
        clock: zones, known clock errors and the present moment.
        plausibility: ranges; the defaults if None.
        layout: the driver's name.
    """
    raise NotImplementedError
