"""What a person should know about the clock of a machine in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.model import Finding, Severity, TimeMethod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.meaning.stamps import Timeline
    from ingestor.model import Instant, Run

_CODES = {
    TimeMethod.ZONE_AMBIGUOUS: "time_ambiguous",
    TimeMethod.ZONE_NONEXISTENT: "time_nonexistent",
}


def time_findings(run: Run, timeline: Timeline) -> tuple[Finding, ...]:
    """Return one finding for each kind of trouble with the clock, with the first line and the number of rows."""
    return (*_unclear(run, timeline), *_set_back(run, timeline), *_out_of_order(run, timeline))


def _instants(run: Run) -> Iterator[tuple[Instant | None, int]]:
    yield run.started, 0
    yield run.ended, 0
    for phase in run.phases:
        yield phase.start, phase.line
        yield phase.end, phase.line
    for alarm in run.alarms:
        yield alarm.onset, alarm.line
        yield alarm.cleared, alarm.line
        yield alarm.acknowledged, alarm.line
    for event in run.events:
        yield event.at, event.line


def _unclear(run: Run, timeline: Timeline) -> Iterator[Finding]:
    single: dict[TimeMethod, list[int]] = {method: [] for method in _CODES}
    for instant, line in _instants(run):
        if instant is not None and instant.method in single:
            single[instant.method].append(line)
    for method, code in _CODES.items():
        rows = timeline.rows.rows_by(method) if run.trace is not None else ()
        lines = [int(timeline.line[row]) for row in rows[:1]] + [line for line in single[method] if line]
        count = len(rows) + len(single[method])
        if count:
            params = {"rows": str(count), "zone": run.zone}
            yield Finding(code, Severity.WARNING, run.member, min(lines, default=0), params)


def _set_back(run: Run, timeline: Timeline) -> Iterator[Finding]:
    rows = timeline.rows
    if rows.set_back:
        first = rows.set_back[0]
        back = (int(rows.local_ms[first - 1]) - int(rows.local_ms[first])) // 1000
        params = {"times": str(len(rows.set_back)), "seconds": str(back), "minutes": str(round(back / 60))}
        yield Finding("clock_set_back", Severity.WARNING, run.member, int(timeline.line[first]), params)


def _out_of_order(run: Run, timeline: Timeline) -> Iterator[Finding]:
    rows = timeline.rows
    if rows.out_of_order:
        params = {"rows": str(len(rows.out_of_order))}
        line = int(timeline.line[rows.out_of_order[0]])
        yield Finding("row_out_of_order", Severity.WARNING, run.member, line, params)
