"""What is known of the clocks of machines: zones, known offsets, and what time it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

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
