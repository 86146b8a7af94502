"""The reports of a treatment as sampled channels, one row a report."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from drivers._packing import local_ms, sample_column
from drivers.hl7_pcd.terms import EVENTS
from drivers.hl7_pcd.values import is_number, number_of
from ingestor.driver import NamedNumber, Number, SampleBlock, StateColumn
from ingestor.quantity import CHANNELS, convert, ucum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers._remarks import Remarks
    from drivers.hl7_pcd.report import Observation, Report
    from drivers.hl7_pcd.terms import Codes
    from ingestor.driver import SampleColumn

_DOSE = ("processed_plasma", "plasma_flow")
_TOTALS = ("processed_plasma", "blood_processed", "ac_volume")
# A channel of kind `channel`; the rest is kept under its printed name.
_SAMPLED = frozenset({"channel", "facts", "known", "mean", "unknown"})
_THERAPY_TIME = 158720
_MOST_WORDS = 2**15 - 1
# Kept where a unit that changes in mid-treatment is converted: more than any machine prints.
_DECIMALS = 6
_JITTER_ML = Decimal(20)


class SampleTable:
    """Gathers the values of all reports, channel by channel."""

    def __init__(self, rows: Sequence[Report], codes: Codes, model: str, remarks: Remarks) -> None:
        self.rows = [row for row in rows if row.at is not None]
        self.codes, self.model, self.remarks = codes, model, remarks
        self.numbers: dict[tuple[str | None, str], dict[int, tuple[Number, int]]] = {}
        self.labels: dict[tuple[str | None, str], str] = {}
        self.words: dict[str, dict[int, str]] = {}
        self.elapsed: dict[int, Decimal] = {}
        for index, row in enumerate(self.rows):
            self._take(index, row)

    def _take(self, index: int, row: Report) -> None:
        seen: Counter[tuple[str | None, str]] = Counter()
        for one in row.observations:
            meaning = self.codes.meaning(one.term, self.model)
            if meaning.remark:
                self.remarks.add(meaning.remark, one.line, term=one.term.label)
            if meaning.kind not in _SAMPLED or one.is_setting or self.codes.number(one.term) in EVENTS:
                continue
            channel = meaning.name if meaning.kind == "channel" else None
            if channel is not None or is_number(one):
                self._number(index, channel, one, seen)
            elif meaning.kind == "unknown" and one.text:
                self.words.setdefault(one.term.label, {})[index] = one.text
            if meaning.kind == "unknown" and any(one.values):
                self.remarks.add("unknown_term", one.line, term=one.term.label)

    def _number(
        self, index: int, channel: str | None, one: Observation, seen: Counter[tuple[str | None, str]]
    ) -> None:
        key = (channel, "" if channel else one.term.label)
        self.labels.setdefault(key, one.term.label)
        seen[key] += 1
        number = number_of(one, self.remarks)
        if seen[key] > 1:
            key = (None, f"{one.term.label} ({seen[key]})")
            self.labels.setdefault(key, key[1])
        self.numbers.setdefault(key, {})[index] = (number, one.line)
        if self.codes.number(one.term) == _THERAPY_TIME and number.value is not None:
            seconds = convert(number.value, number.unit, "s")
            if seconds is not None:
                self.elapsed[index] = seconds

    def block(self) -> SampleBlock | None:
        """Return all channels, None where there is no row."""
        if not self.rows:
            return None
        stamps = [row.at for row in self.rows if row.at is not None]
        base = stamps[0].offset_min
        moved = [
            s.local + timedelta(minutes=base - s.offset_min)
            if base is not None and s.offset_min is not None
            else s.local
            for s in stamps
        ]
        if any(s.offset_min != base for s in stamps):
            self.remarks.add("offset_changed", self.rows[0].line)
        return SampleBlock(
            local_ms=local_ms(moved),
            line=np.array([self._line(i) for i in range(len(self.rows))], dtype=np.int32),
            columns=tuple(self._column(channel, name) for channel, name in self.numbers),
            states=tuple(self._state(name) for name in self.words),
            elapsed_s=self._elapsed(),
            offset_min=base,
        )

    def _line(self, index: int) -> int:
        """Where the row's dose stands; its report, where it prints none."""
        for channel in _DOSE:
            if cell := self.numbers.get((channel, ""), {}).get(index):
                return cell[1]
        return self.rows[index].line

    def _column(self, channel: str | None, name: str) -> SampleColumn:
        cells = self.numbers[channel, name]
        units = list(dict.fromkeys(number.unit for number, _ in cells.values()))
        changes = len({ucum(unit) or unit for unit in units}) > 1
        values: list[Decimal | None] = [None] * len(self.rows)
        unit = units[0]
        if changes:
            unit = CHANNELS[channel].unit if channel else unit
        for index, (number, line) in cells.items():
            values[index] = number.value
            if changes and number.value is not None:
                converted = convert(number.value, number.unit, unit)
                values[index] = None if converted is None else round(converted, _DECIMALS)
                if converted is None:
                    self.remarks.add("unit_unknown", line, kind=channel or name, unit=number.unit[:40])
        return sample_column(channel, self.labels[channel, name], unit, values)

    def _state(self, name: str) -> StateColumn:
        cells = self.words[name]
        words = tuple(dict.fromkeys(cells.values()))[:_MOST_WORDS]
        place = {word: i for i, word in enumerate(words)}
        codes = [place.get(cells.get(i, ""), -1) for i in range(len(self.rows))]
        return StateColumn(name, words, np.array(codes, dtype=np.int16))

    def _elapsed(self) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        if len(self.elapsed) < len(self.rows):
            return None
        return np.array([int(self.elapsed[i]) for i in range(len(self.rows))], dtype=np.int64)

    def totals(self) -> tuple[NamedNumber, ...]:
        """Return the last values of the counters; none of a counter that began again within the treatment."""
        found: list[NamedNumber] = []
        for kind in _TOTALS:
            cells = [
                (n, line) for n, line in self.numbers.get((kind, ""), {}).values() if n.value is not None
            ]
            if not cells:
                continue
            number, line = cells[-1]
            if _restarted([n for n, _ in cells]):
                self.remarks.add("total_of_last_segment", line, total=kind)
            else:
                found.append(NamedNumber(kind, number, line))
        return tuple(found)


def _restarted(numbers: Sequence[Number]) -> bool:
    """A fall by more than half, and by more than a few millilitres, is a counter that began again."""
    volumes = [convert(n.value, n.unit, "mL") or n.value for n in numbers if n.value is not None]
    return any(before - now > max(_JITTER_ML, before / 2) for before, now in pairwise(volumes))
