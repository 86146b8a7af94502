"""Everything the dose needs to know of one run; measured once, when the run is read, and kept beside it."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ingestor.meaning import counted, readings
from ingestor.meaning.measured import ColumnFigures, RunFigures, Stretch
from ingestor.meaning.plasma_volume import rounded
from ingestor.meaning.policy import Limits
from ingestor.meaning.stamps import EPOCH, utc_of
from ingestor.model import Phase, Priority, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestor.meaning.readings import Counter, Span
    from ingestor.model import Alarm, Run

__all__ = ["ColumnFigures", "RunFigures", "run_figures"]

_MS = timedelta(milliseconds=1)
# Findings of a driver that concern the dose itself.
_CARRIED = ("no_plasma_therapy", "plasma_assumed")


def run_figures(run: Run, limits: Limits | None = None) -> RunFigures:
    """Measure one run, its trace included."""
    return _Measuring(run, limits or Limits()).figures()


class _Measuring:
    """One run on the bench: each method measures one thing and notes why it could not."""

    def __init__(self, run: Run, limits: Limits) -> None:
        self.run, self.limits = run, limits
        self.missing: dict[str, str] = {}
        self.notes = [f.code for f in run.findings if f.code in _CARRIED]
        self.last_seen = _last_seen(run)
        self.flow = readings.flow_of(run.trace, limits.gap_factor)
        self.plasma = self._counter("processed_plasma")
        self.loads = self._loads()

    def figures(self) -> RunFigures:
        run = self.run
        integrated, gap = self._integrated()
        found: dict[str, Decimal | None] = {
            "reported": self._reported(),
            "cycles": self._cycles_ml(),
            "counter": None if self.plasma is None else self.plasma.total,
            "integrated": integrated,
        }
        if self.plasma is None:
            self.missing["counter"] = "no_counter"
        completed, aborted = self._cycle_counts()
        return RunFigures(
            role=run.role.value,
            printed_id=run.printed_id,
            complete=run.complete,
            bench=run.bench or self._is_empty(found),
            started=run.started.utc,
            started_local=run.started.local,
            time_method=run.started.method.value,
            ended=None if run.ended is None else run.ended.utc,
            last_seen=self.last_seen,
            readings=found,
            integrated_gap_s=_seconds(gap),
            counter_first=None if self.plasma is None else rounded(self.plasma.first),
            counter_last=None if self.plasma is None else rounded(self.plasma.last),
            blood_processed_ml=self._blood(),
            ac_volume_ml=self._volume("ac_volume", "no_ac_volume"),
            cycles_completed=completed,
            cycles_aborted=aborted,
            load_volumes=tuple(
                rounded(c.load_ml) for c in run.cycles if c.completed and c.load_ml is not None
            ),
            load_span=self._load_span(),
            loading_s=self._loading_s(),
            still=self._still(),
            alarms={p.value: n for p, n in _by_priority(run.alarms).items()},
            alarm_spans=self._alarm_spans(),
            columns=counted.columns(run),
            facts={f.kind: rounded(f.value) for f in run.facts if f.value is not None},
            missing=self.missing,
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _total(self, kind: str) -> Decimal | None:
        values = [t.value for t in self.run.totals if t.kind == kind and t.value is not None]
        return rounded(values[-1]) if values else None

    def _counter(self, channel: str) -> Counter | None:
        return readings.counter(self.run.trace, channel, self.run.segments, self.limits.reset_ml)

    def _volume(self, kind: str, code: str) -> Decimal | None:
        """A printed sum, or the counter; a sum printed after a restart tells of the last stretch only."""
        total = None if self.run.segments else self._total(kind)
        if total is None:
            counter = self._counter(kind)
            total = None if counter is None else counter.total
        if total is None:
            self.missing[f"{kind}_ml"] = code
        return total

    def _reported(self) -> Decimal | None:
        kinds = (
            ("processed_plasma",)
            if self.run.role is Role.ADSORBER
            else ("processed_plasma", "plasma_removed")
        )
        found = [total for total in map(self._total, kinds) if total is not None]
        if not found:
            self.missing["reported"] = (
                "no_plasma_therapy" if "no_plasma_therapy" in self.notes else "not_printed"
            )
            return None
        if self.run.segments or self._covers_last_stretch(found[0]):
            self.missing["reported"] = "reported_after_restart"
            return None
        return found[0]

    def _covers_last_stretch(self, printed: Decimal) -> bool:
        """The counter began again in silence, and what is printed is what it counted since."""
        if self.plasma is None or self.plasma.total == self.plasma.last:
            return False
        off = abs(printed - self.plasma.last)
        near = off <= max(self.limits.reset_ml, self.plasma.last * self.limits.same_fraction)
        return near and off < abs(printed - self.plasma.total)

    def _cycles_ml(self) -> Decimal | None:
        volumes = [c.load_ml for c in self.run.cycles if c.load_ml is not None]
        if volumes and len(volumes) == len(self.run.cycles):
            return rounded(sum(volumes, Decimal(0)))
        self.missing["cycles"] = "load_volumes_incomplete" if volumes else "load_volumes_not_printed"
        return None

    def _blood(self) -> Decimal | None:
        inlet, ac = self._total("inlet_processed"), self._total("ac_volume")
        if inlet is not None and ac is not None and not self.run.segments:
            return rounded(max(inlet - ac, Decimal(0)))
        return self._volume("blood_processed", "no_blood_volume")

    def _loads(self) -> list[Span] | None:
        """When plasma was loaded [ms UTC]; None where the machine prints no phases, or not when they were."""
        found = []
        for one in self.run.phases:
            if one.phase is not Phase.LOAD:
                continue
            if one.start is None:
                return None
            end = one.end.utc if one.end is not None else self._open_end(one.position, one.index)
            found.append((_ms(one.start.utc), _ms(end)))
        return readings.merged(found) if found else None

    def _open_end(self, position: str, index: int) -> datetime:
        later = [
            p.start.utc for p in self.run.phases if p.position == position and p.index > index and p.start
        ]
        return min([*later, self.last_seen])

    def _integrated(self) -> tuple[Decimal | None, int]:
        if self.flow is None:
            self.missing["integrated"] = "no_flow"
            return None, 0
        if self.loads is None and counted.has_loads(self.run):
            self.missing["integrated"] = "load_times_missing"
            return None, 0
        return self.flow.integrated([self.flow.whole()] if self.loads is None else self.loads)

    def _load_span(self) -> Stretch | None:
        span = (self.loads[0][0], self.loads[-1][1]) if self.loads else None
        if span is None and self.flow is not None and not counted.has_loads(self.run):
            span = self.flow.flowing()
        return None if span is None else (utc_of(span[0]), utc_of(span[1]))

    def _loading_s(self) -> Decimal | None:
        if self.loads is not None:
            return _seconds(readings.length(self.loads))
        if self.flow is None or counted.has_loads(self.run):
            self.missing["loading_min"] = "load_times_missing" if counted.has_loads(self.run) else "no_phases"
            return None
        return _seconds(self.flow.flowing_ms())

    def _still(self) -> tuple[Stretch, ...] | None:
        if self.flow is None:
            self.missing["interrupted_min"] = "no_flow"
            return None
        first, last = self.flow.whole()
        return tuple(
            (utc_of(start), utc_of(end))
            for start, end in self.flow.still()
            if end - start > self.limits.still_s * 1000 or start == first or end == last
        )

    def _cycle_counts(self) -> tuple[int | None, int | None]:
        done, cut, missing = counted.cycles(self.run, self._total("cycles"))
        self.missing |= missing
        if counted.disagrees(self.run, self._total("cycles")):
            self.notes.append("cycles_disagree")
        return done, cut

    def _alarm_spans(self) -> tuple[Stretch, ...]:
        spans = []
        for alarm in self.run.alarms:
            if alarm.cleared is None:
                self.notes.append("alarm_end_unknown")
                continue
            onset = self.run.started.utc if alarm.onset is None else alarm.onset.utc
            spans.append((min(onset, alarm.cleared.utc), alarm.cleared.utc))
        return tuple(spans)

    def _is_empty(self, found: dict[str, Decimal | None]) -> bool:
        """Nobody was treated: no patient, no cycle, and plasma that was measured and is none."""
        values = [v for v in found.values() if v is not None]
        return not self.run.patient_printed and not self.run.cycles and bool(values) and not any(values)


def _ms(instant: datetime) -> int:
    return (instant - EPOCH) // _MS


def _seconds(ms: int) -> Decimal:
    return rounded(Decimal(ms) / 1000)


def _last_seen(run: Run) -> datetime:
    found = [run.started, run.ended]
    found += [instant for p in run.phases for instant in (p.start, p.end)]
    found += [instant for a in run.alarms for instant in (a.onset, a.cleared)]
    found += [event.at for event in run.events]
    last = max(instant.utc for instant in found if instant is not None)
    if run.trace is not None and len(run.trace):
        last = max(last, utc_of(int(run.trace.utc_ms.max())))
    return last


def _by_priority(alarms: Sequence[Alarm]) -> dict[Priority, int]:
    tally = Tally(alarm.priority for alarm in alarms)
    return {priority: tally[priority] for priority in Priority}
