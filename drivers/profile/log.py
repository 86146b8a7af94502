"""Puts a treatment together from what was found of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from drivers._clock import Clock
from drivers.profile.alarms import read_alarms
from drivers.profile.header import (
    check_identity,
    facts_and_totals,
    header_column,
    header_events,
    read_finish,
    read_header,
    read_start,
)
from drivers.profile.phase_ends import until_next
from drivers.profile.raw import EndMark
from drivers.profile.running_index import check_numbers, drop_repeated
from drivers.profile.samples import read_samples
from drivers.profile.states import further_columns, read_states
from drivers.profile.treatment_rows import read_columns, read_events, read_phases, rows_of, stamp
from ingestor.driver import DeviceLog, Ignored, ParseError, SampleBlock, Stamp

if TYPE_CHECKING:
    from drivers.profile.header import Header
    from drivers.profile.raw import Raw
    from ingestor.driver import PhaseRow

_ANY_DAY = datetime(1970, 1, 1)  # noqa: DTZ001 - stands in for a start where all stamps carry a date


def build(raw: Raw) -> DeviceLog:
    """Return the log of one treatment.

    Raises:
        ParseError: `no_identity` where machine or start cannot be read.
    """
    if raw.broken is not None:
        raise raw.broken
    header = read_header(raw)
    check_identity(raw, header)
    printed_start = read_start(raw, header)
    drop_repeated(raw)
    sampled = read_samples(raw, printed_start.local if printed_start else _ANY_DAY)
    samples = sampled.block if sampled is not None else None
    start = printed_start or _first(raw, samples)
    if start is None:
        raise ParseError(raw.member, raw.line, "a printed start", "none that can be read", "no_identity")
    model = header.text("model")
    told: tuple[PhaseRow, ...] = ()
    number = 1
    if sampled is not None:
        sampled, told, number = read_states(raw, sampled)
        samples = sampled.block
    columns, alarms = read_columns(raw), read_alarms(raw, Clock(start.local), model)
    phases = read_phases(raw, Clock(start.local))
    events = (*read_events(raw, Clock(start.local)), *header_events(header))
    ended = _finish(raw, header, start, samples)
    if any(block.until_next for block in raw.layout.of("phases")):
        phases = until_next(raw, phases, samples, ended)
    facts, totals = facts_and_totals(raw)
    own = header_column(raw, header)
    check_numbers(raw, sampled)
    whole = _is_whole(raw, header)
    return DeviceLog(
        version=raw.version,
        role=raw.layout.role,
        maker=header.text("maker") or raw.layout.maker,
        model=model,
        serial=header.text("serial"),
        software=header.text("software"),
        run_id=header.text("run_id") or None,
        patient=header.text("patient") or None,
        started=start,
        ended=ended,
        end_reached=whole,
        hold=raw.hold,
        bench=header.text("service") != "",
        cycle_definition=raw.layout.cycle_definition,
        columns=(() if own is None else further_columns(own, number) if told else (own,)) + columns,
        phases=phases or told,
        alarms=alarms,
        events=events,
        totals=totals,
        facts=facts,
        samples=samples,
        rows_read=raw.notes.rows_read,
        ignored=tuple(Ignored(reason, rows) for reason, rows in sorted(raw.notes.ignored.items()) if rows),
        findings=raw.notes.all_findings(),
        member=raw.member,
        line=raw.line,
    )


def _finish(raw: Raw, header: Header, start: Stamp, samples: SampleBlock | None) -> Stamp | None:
    if raw.end is not None and raw.end.time:
        return Clock(start.local).at(raw.end.time, raw.layout.stamps)
    printed_end = read_finish(raw, header, start)
    if printed_end is None and samples is not None and raw.layout.end.state and raw.end is not None:
        return _row_stamp(samples, -1)
    return printed_end


def _row_stamp(samples: SampleBlock, row: int) -> Stamp:
    local = datetime.fromtimestamp(int(samples.local_ms[row]) / 1000, UTC).replace(tzinfo=None)
    return Stamp(local, local.isoformat(" "), samples.offset_min)


def _first(raw: Raw, samples: SampleBlock | None) -> Stamp | None:
    """Return the first time that a row carries, where no start is printed."""
    if any("started" in b.fields and not b.fields["started"].optional for b in raw.layout.of("header")):
        return None  # a start that is declared and not there: no other time stands for it
    if raw.layout.of("samples"):
        found = [_row_stamp(samples, 0)] if samples is not None and len(samples.local_ms) else []
    else:
        found = [
            one
            for kind, name in (("phases", "start"), ("alarms", "time"), ("events", "time"))
            for row in rows_of(raw, kind)[:1]
            if (one := stamp(raw, row, name, Clock(_ANY_DAY))) is not None
        ]
    return min(
        (one for one in found if one.local - _ANY_DAY > timedelta(days=2)),
        key=lambda s: s.local,
        default=None,
    )


def _is_whole(raw: Raw, header: Header) -> bool:
    """Say whether the end was reached and nothing before it is known to be missing."""
    _end_without_mark(raw, header)
    if raw.end is None:
        raw.notes.find("truncated", raw.last_line)
        return False
    return raw.end.agreed and not raw.gaps and not raw.cut


def _end_without_mark(raw: Raw, header: Header) -> None:
    """Take the end as read where the layout proves it by a header field, or not at all."""
    end = raw.layout.end
    if raw.end is None and not raw.cut and (end.file or (end.field and header.text(end.field))):
        raw.end = EndMark(raw.last_line, agreed=True)
