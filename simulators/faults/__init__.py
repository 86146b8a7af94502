"""Everything that goes wrong between a machine and its reader, by name; composable, and drawn from the seed.

Four stages, always in this order however the faults are named: what happens at the bedside, what the machine
writes wrongly before its checksum, what happens to the text on its medium, what happens to files on their way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.faults import bedside, firmware, hl7, medium, transit, writing

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from simulators.export import Export, Written
    from simulators.layout import Layout
    from simulators.plan import Plan

    Bedside = Callable[[Plan, Layout, int], Plan]
    OnText = Callable[[Export, Layout, np.random.Generator], Export]
    OnFiles = Callable[[Export, list[Written], np.random.Generator], list[Written]]

CONTRADICTING = "contradicting-re-export"
# Halves are cut where the power failed, and nowhere else.
NEVER_TOGETHER = {"two-halves": frozenset({"cut", "torn-copy", "re-export"})}
_CELLS = "cells"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong.

    Attributes:
        name: what is typed after `--fault`.
        tells: one line for the help.
        layouts: where it can happen; empty for everywhere.
    """

    name: str
    tells: str
    at_bedside: Bedside | None = None
    writing: OnText | None = None
    on_medium: OnText | None = None
    in_transit: OnFiles | None = None
    layouts: frozenset[str] = frozenset()

    def fits(self, layout: Layout) -> bool:
        """Whether this can happen to an export of that layout."""
        if not self.layouts:
            return True
        traits = {layout.name}
        traits |= {_CELLS} if layout.cells else set()
        traits |= {"checksum"} if layout.checksum else set()
        traits |= {"many"} if layout.holds_many else set()
        return bool(self.layouts & traits)


def _line(function: Callable[..., object]) -> str:
    return (function.__doc__ or "").splitlines()[0]


def _bedside(function: Bedside, *layouts: str) -> Fault:
    return Fault(_name(function), _line(function), at_bedside=function, layouts=frozenset(layouts))


def _writing(function: OnText, *layouts: str) -> Fault:
    return Fault(_name(function), _line(function), writing=function, layouts=frozenset(layouts))


def _medium(function: OnText, *layouts: str) -> Fault:
    return Fault(_name(function), _line(function), on_medium=function, layouts=frozenset(layouts))


def _transit(function: OnFiles, *layouts: str) -> Fault:
    return Fault(_name(function), _line(function), in_transit=function, layouts=frozenset(layouts))


def _name(function: Callable[..., object]) -> str:
    return function.__name__.replace("_", "-")


_TWIN = ("twin-column-report", "twin-column-journal", "twin-column-serial")
_SAMPLED = (*_TWIN, "single-column-table")
_REPEATING = ("twin-column-journal", "twin-column-serial", "separator-record", "hl7-pcd")
_TABLES = ("twin-column-report", "single-column-table")
_ENCODED = (
    "twin-column-report",
    "twin-column-journal",
    "single-column-table",
    "separator-record",
    "session-sheet",
)
_SECOND = ("many", "twin-column-journal", "twin-column-serial", "hl7-pcd", "prismaflex")

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        _bedside(bedside.clock_back),
        _bedside(bedside.slow_clock),
        _bedside(bedside.wrong_zone),
        _bedside(bedside.dst_autumn),
        _bedside(bedside.dst_spring),
        _bedside(bedside.clock_not_changed),
        _bedside(bedside.midnight),
        _bedside(bedside.leap_day),
        _bedside(bedside.power_failure),
        _bedside(bedside.counter_reset, *_SAMPLED, "hl7-pcd"),
        _bedside(bedside.column_change, *_SAMPLED, "hl7-pcd"),
        _bedside(bedside.keep_alive_storm, *_REPEATING),
        _bedside(bedside.unknown_alarm),
        _bedside(bedside.typed_wrong),
        _bedside(bedside.no_patient),
        _bedside(bedside.machine_as_patient),
        _bedside(bedside.second_patient, *_SECOND),
        _writing(writing.no_rows, *_SAMPLED, "prismaflex"),
        _writing(writing.dropped_lines, *_SAMPLED, "prismaflex"),
        _writing(writing.doubled_lines, *_SAMPLED, "prismaflex"),
        _writing(writing.reordered_lines, *_SAMPLED),
        _writing(writing.encoding_swap, *_ENCODED),
        _writing(writing.locale_swap, _CELLS),
        _writing(writing.unbelievable, *_SAMPLED),
        _writing(firmware.unknown_firmware, *firmware.VERSIONS),
        _writing(firmware.unknown_column, *_TABLES),
        _writing(firmware.doubled_column, *_TABLES),
        _writing(hl7.writer_errors, "hl7-pcd"),
        _writing(hl7.repeated_messages, "hl7-pcd"),
        _writing(hl7.stray_answers, "hl7-pcd"),
        _medium(medium.flipped_digit, _CELLS),
        _medium(medium.wrong_checksum, "checksum"),
        _medium(medium.noise, "twin-column-serial"),
        _medium(medium.lost_bytes, "twin-column-serial"),
        _medium(medium.cable_pulled, "twin-column-serial"),
        _transit(transit.cut),
        _transit(transit.torn_copy),
        _transit(transit.missing_member, "single-column-table", "prismaflex"),
        Fault(
            "two-halves",
            _line(transit.two_halves),
            at_bedside=bedside.power_failure,
            in_transit=transit.two_halves,
            layouts=frozenset({"twin-column-journal", "twin-column-serial"}),
        ),
        _transit(transit.re_export),
        _transit(transit.same_again),
        Fault(CONTRADICTING, "The same treatment is exported again, with other numbers."),
    )
}
ALIASES = {
    "dst-night": "dst-autumn",
    "identifier-typed-wrong": "typed-wrong",
    "re-export-contradicting": CONTRADICTING,
}
