"""What is known of the clocks of machines: zones, known offsets, and what time it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, timedelta, timezone
from typing import TYPE_CHECKING

from ingestor.meaning.policy import NORMALISED
from ingestor.meaning.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ingestor.driver import Stamp
    from ingestor.model import Run

DeviceKey = tuple[str, str, str]


def device_key(maker: str, model: str, serial: str) -> DeviceKey:
    """Return what a machine is known by, as it names itself."""
    return (maker, model, serial)


@dataclass(frozen=True, slots=True)
class Offset:
    """A known error of a machine's clock.

    Attributes:
        seconds: how far the machine was ahead of the true time; negative where it was behind.
        valid_from, valid_to: aware; the stretch, on the machine's own uncorrected clock, for which this holds.
            None is open. Where two entries hold, the later one in the sequence wins.
    """

    seconds: int
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def on_its_clock(stamp: Stamp, zone: str) -> datetime:
    """Return the instant that a machine meant by a printed time, if its clock was right."""
    if stamp.offset_min is not None:
        return stamp.local.replace(tzinfo=timezone(timedelta(minutes=stamp.offset_min)))
    return stamp.local.replace(tzinfo=zone_named(zone)).astimezone(UTC)


def offset_at(offsets: Sequence[Offset], at: datetime) -> int:
    """Return the seconds by which a clock was ahead at a time on itself; 0 where nothing is known."""
    fitting = [
        o.seconds
        for o in offsets
        if (o.valid_from is None or o.valid_from <= at) and (o.valid_to is None or at < o.valid_to)
    ]
    return fitting[-1] if fitting else 0


def basis(zone: str, seconds: int) -> str:
    """Return by which rules and with which clock a log was given its meaning, as one word."""
    return f"{NORMALISED} {zone} {seconds}"


def basis_of(run: Run) -> str:
    """Return the basis on which a run was made."""
    applied = (f.params["seconds"] for f in run.findings if f.code == "clock_offset_applied")
    return basis(run.zone, int(next(applied, "0")))


@dataclass(frozen=True, slots=True)
class Clock:
    """Everything that is needed to make an instant of a printed time.

    Attributes:
        default_zone: the site's zone, used with a finding where a machine has none of its own.
        now: aware; event times more than a day after it are not believed.
        zones: zone by machine.
        offsets: entries of the clock ledger by machine.
        zone: named by a person for this one source; stronger than `zones`.
    """

    default_zone: str
    now: datetime
    zones: Mapping[DeviceKey, str] = field(default_factory=dict)
    offsets: Mapping[DeviceKey, tuple[Offset, ...]] = field(default_factory=dict)
    zone: str | None = None

    def basis_at(self, key: DeviceKey, on_its_clock: datetime) -> str:
        """Return the basis on which a machine's run that began then would be made now."""
        zone = self.zone or self.zones.get(key) or self.default_zone
        return basis(zone, offset_at(self.offsets.get(key, ()), on_its_clock))
