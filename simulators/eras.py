"""Two decades of machines: which layouts a clinic saw when, with machines replaced and firmware updated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from simulators.catalogue import LAYOUTS
from simulators.layout import Style

if TYPE_CHECKING:
    from simulators.layout import Layout
    from simulators.plan import Device


@dataclass(frozen=True, slots=True)
class Firmware:
    """What a machine runs from some point of its era on (a share from 0 to 1), and how it prints then."""

    since: float
    software: str
    version: str


@dataclass(frozen=True, slots=True)
class Era:
    """One kind of machine in one clinic.

    Attributes:
        begin, end: shares of the clinic's years.
        weight: how much it is used while it is there.
        machines: how many replace each other over the era.
        by_month: whether a month of sessions makes one file.
        with_separator: whether a separator stands before it and writes a record of its own.
    """

    key: str
    layout: Layout
    begin: float
    end: float
    weight: float
    firmware: tuple[Firmware, ...]
    language: str = "de"
    model: str = ""
    machines: int = 1
    by_month: bool = False
    with_separator: bool = False
    therapy: str = ""

    def device(self, share: float, stem: str) -> Device:
        """The machine that stands there at that share of the era, and its software."""
        own = self.layout.device
        machine = min(int(share * self.machines), self.machines - 1)
        software = self._firmware(share).software
        return replace(
            own, model=self.model or own.model, serial=f"{own.serial}{stem}{machine + 1}", software=software
        )

    def style(self, share: float) -> Style:
        """How it prints then."""
        return Style(self.language, self._firmware(share).version, 1 / 60, self.therapy)

    def share(self, moment: float) -> float:
        """Share of this era at a share of all years."""
        return (moment - self.begin) / (self.end - self.begin)

    def _firmware(self, share: float) -> Firmware:
        return [f for f in self.firmware if f.since <= share][-1]


def _era(key: str, layout: str, years: tuple[float, float], weight: float, *firmware: Firmware) -> Era:
    return Era(key, LAYOUTS[layout], *years, weight, firmware)


PAPER = replace(
    _era("paper", "session-sheet", (0.0, 0.20), 1.0, Firmware(0.0, "", "csv"), Firmware(0.6, "", "xlsx")),
    by_month=True,
    model="TC-1",
)
OLD_TWIN = replace(
    _era(
        "old-twin",
        "twin-column-report",
        (0.15, 0.45),
        1.0,
        Firmware(0.0, "2.04", "2.0"),
        Firmware(0.5, "2.11", "2.0"),
    ),
    model="AdsorptionsMonitor TC-1b",
    machines=2,
)
TWIN = replace(
    _era(
        "twin",
        "twin-column-report",
        (0.40, 1.0),
        1.0,
        Firmware(0.0, "3.10", "2.1"),
        Firmware(0.3, "3.20", "2.1"),
        Firmware(0.8, "3.30", "2.1"),
    ),
    machines=2,
)
ENGLISH_TWIN = replace(
    _era("twin-en", "twin-column-report", (0.55, 0.9), 0.3, Firmware(0.0, "3.20", "2.1")), language="en"
)
MEMBRANE = _era(
    "membrane",
    "single-column-table",
    (0.35, 0.85),
    0.6,
    Firmware(0.0, "2.6.0", "1"),
    Firmware(0.4, "2.7.1", "1"),
)
JOURNAL = _era(
    "journal",
    "twin-column-journal",
    (0.50, 0.90),
    0.7,
    Firmware(0.0, "4.02", "1"),
    Firmware(0.5, "4.11", "1"),
)
SERIES = replace(
    _era("series", "twin-column-report", (0.60, 1.0), 0.4, Firmware(0.0, "3.20", "2.1")), with_separator=True
)
SERIAL = _era("serial", "twin-column-serial", (0.70, 1.0), 0.5, Firmware(0.0, "5.02", "1"))
EXCHANGE = replace(
    _era(
        "exchange",
        "prismaflex",
        (0.72, 1.0),
        0.2,
        Firmware(0.0, "5.10 V02R01", "5.10"),
        Firmware(0.4, "8.20 V04R00", "8.20"),
    ),
    therapy="TPE",
)
NETWORKED = _era("networked", "hl7-pcd", (0.85, 1.0), 0.25, Firmware(0.0, "1.9.2", "batch"))
# The order is part of the serial numbers: append only.
ERAS = (PAPER, OLD_TWIN, TWIN, ENGLISH_TWIN, MEMBRANE, JOURNAL, SERIES, SERIAL, EXCHANGE, NETWORKED)
SEPARATOR = LAYOUTS["separator-record"]
