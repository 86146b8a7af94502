"""From what a file says to what it means: a device's log becomes a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ingestor.meaning.amounts import Amounts, events, facts, totals
from ingestor.meaning.belief import Belief, without_impossible_times
from ingestor.meaning.clock import device_key, offset_at, on_its_clock
from ingestor.meaning.cycles import cycles_of, known_regenerable, phase_spans, single_use_cycles
from ingestor.meaning.plausibility import Plausibility
from ingestor.meaning.policy import Limits
from ingestor.meaning.readings import begun_again
from ingestor.meaning.stamps import EPOCH, Timeline, local_ms_of
from ingestor.meaning.times import place
from ingestor.meaning.traces import sampled
from ingestor.meaning.witness import time_findings
from ingestor.model import Alarm, Device, Finding, Instant, Role, Run, Severity, TimeMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.driver import AlarmRow, DeviceLog
    from ingestor.meaning.clock import Clock
    from ingestor.meaning.traces import Sampled

_MS = timedelta(milliseconds=1)


def normalise(
    log: DeviceLog, clock: Clock, plausibility: Plausibility | None = None, *, layout: str = ""
) -> Run:
    """Return the run that a log describes: canonical units, UTC instants, cycles, findings.

    Args:
        log: what the driver read.
        clock: zones, known clock errors and the present moment.
        plausibility: ranges; the defaults if None.
        layout: the driver's name.

    Raises:
        Invalid: a zone in `clock` does not exist.
    """
    believed = plausibility or Plausibility()
    key = device_key(log.maker, log.model, log.serial)
    zone = clock.zone or clock.zones.get(key) or clock.default_zone
    offset = offset_at(clock.offsets.get(key, ()), on_its_clock(log.started, zone))
    belief = Belief(clock.now, zone, believed.earliest_year, timedelta(seconds=offset))
    start_believed = belief.of(log.started, log.line) is not None
    log = without_impossible_times(log, belief)
    samples = None if log.samples is None else sampled(log.samples, belief, log.member, believed)
    timeline = _timeline(log, samples, zone)
    started, ended = _ends(log, timeline, believed=start_believed)
    if offset:
        timeline = replace(timeline, correction_ms=offset * 1000)
        samples = None if samples is None else samples.corrected(offset * 1000)
        started, ended = _ends(log, timeline, believed=start_believed)
    amounts = Amounts(log.member, (f.line for f in log.findings))
    phases = phase_spans(log.phases, timeline, amounts, believed)
    alarms = _alarms(log.alarms, timeline)
    happened = events(log.events, timeline, amounts)
    columns = known_regenerable(log.columns, log.phases)
    cycles = cycles_of(phases, complete=log.end_reached)
    if not log.phases and log.role is not Role.SEPARATOR:
        cycles = single_use_cycles(columns, samples, complete=log.end_reached)
    run = Run(
        layout=layout,
        layout_version=log.version,
        device=Device(log.maker, log.model, log.serial, log.software),
        role=log.role,
        printed_id=log.run_id,
        patient_printed=log.patient,
        started=started,
        ended=ended,
        complete=log.end_reached,
        zone=zone,
        member=log.member,
        rows_read=log.rows_read,
        hold=log.hold or (None if start_believed else "time_not_believed"),
        bench=log.bench,
        cycle_definition=log.cycle_definition,
        facts=facts(log.facts, amounts, believed.facts),
        columns=columns,
        phases=phases,
        cycles=cycles,
        alarms=alarms,
        events=happened,
        totals=totals(log.totals, amounts, believed.totals),
        trace=None if samples is None else samples.trace,
        segments=() if samples is None else samples.segments,
        ignored=log.ignored + (() if samples is None else samples.ignored),
    )
    settled = log.started.offset_min is not None or clock.zone is not None or key in clock.zones
    return replace(
        run,
        ended=None if _backwards(run) else run.ended,
        findings=(
            *log.findings,
            *belief.finding(log.member),
            *(() if settled else (_about("zone_defaulted", run, log.line, Severity.INFO, zone=zone),)),
            *(
                ()
                if not offset
                else (_about("clock_offset_applied", run, log.line, Severity.INFO, seconds=str(offset)),)
            ),
            *time_findings(run, timeline),
            *(() if samples is None else samples.findings),
            *amounts.findings,
            *_counter_findings(run),
            *_span_findings(run, believed, log.line),
        ),
    )


def _timeline(log: DeviceLog, samples: Sampled | None, zone: str) -> Timeline:
    """The rows that guide single times: samples, else the events in printed order."""
    if samples is not None and len(samples.trace):
        offset = log.samples.offset_min if log.samples is not None else None
        return Timeline(samples.placed, samples.trace.line, zone, offset_min=offset)
    rows = [
        (row.at.local, row.line) for row in log.events if row.at is not None and row.at.offset_min is None
    ]
    local = np.array([local_ms_of(at) for at, _ in rows], np.int64)
    return Timeline(place(local, zone), np.array([line for _, line in rows], np.int32), zone)


def _ends(log: DeviceLog, timeline: Timeline, *, believed: bool) -> tuple[Instant, Instant | None]:
    utc = timeline.rows.utc_ms
    low, high = (int(utc.min()), int(utc.max())) if len(utc) else (None, None)
    if believed:
        (started,) = timeline.series((log.started,), (0,), (None, low))
    else:
        started = Instant(log.started.local, log.started.local.replace(tzinfo=UTC), TimeMethod.ZONE)
    if started is None:
        raise AssertionError(log.line)
    begun = (started.utc - EPOCH) // _MS + timeline.correction_ms
    (ended,) = timeline.series((log.ended,), (0,), (high if high is not None else begun, None))
    return started, ended


def _alarms(rows: Sequence[AlarmRow], timeline: Timeline) -> tuple[Alarm, ...]:
    onsets = timeline.series([row.onset for row in rows], [row.line for row in rows])
    found = []
    for index, (row, onset) in enumerate(zip(rows, onsets, strict=True), start=1):
        since = None if onset is None else (onset.utc - EPOCH) // _MS + timeline.correction_ms
        cleared, seen = (
            timeline.series((stamp,), (0,), (since, None))[0] for stamp in (row.cleared, row.acknowledged)
        )
        found.append(
            Alarm(
                index, row.code, row.klass, row.kind, row.priority, row.text, onset, cleared, seen, row.line
            )
        )
    return tuple(found)


def _backwards(run: Run) -> bool:
    return run.ended is not None and run.ended.utc < run.started.utc


def _about(code: str, run: Run, line: int, severity: Severity = Severity.WARNING, **params: str) -> Finding:
    return Finding(code, severity, run.member, line, params)


def _counter_findings(run: Run) -> tuple[Finding, ...]:
    """A fall that no restart explains is a restart only as far as anybody can tell: a person should look."""
    rows = begun_again(run.trace, run.segments, Limits().reset_ml)
    if run.trace is None or not rows:
        return ()
    return (_about("counter_began_again", run, int(run.trace.line[rows[0]]), times=str(len(rows))),)


def _span_findings(run: Run, believed: Plausibility, line: int) -> tuple[Finding, ...]:
    if run.ended is None:
        return ()
    if _backwards(run):
        start, end = str(run.started.local), str(run.ended.local)
        return (_about("end_before_start", run, line, start=start, end=end),)
    lasted = run.ended.utc - run.started.utc
    shortest, longest = believed.duration
    if run.complete and not shortest <= lasted <= longest:
        return (_about("duration_unusual", run, line, minutes=str(round(lasted / timedelta(minutes=1)))),)
    return ()
