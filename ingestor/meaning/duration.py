"""How long a session lasted, how long plasma was loaded, and how often that was interrupted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestor.meaning.plasma_volume import rounded
from ingestor.meaning.policy import Limits
from ingestor.meaning.readings import length, merged, within
from ingestor.meaning.stamps import EPOCH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestor.meaning.measured import RunFigures, Stretch
    from ingestor.meaning.readings import Span

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Duration:
    """Times of a session [min]; None is unknown, and `missing` says why."""

    started: datetime
    ended: datetime | None
    connected: Decimal | None
    loading: Decimal | None
    interrupted: Decimal | None
    interruptions: int | None
    missing: dict[str, str]


def duration(runs: Sequence[RunFigures], plasma: Sequence[RunFigures]) -> Duration:
    """Measure a session.

    Args:
        runs: all of its runs, earliest first.
        plasma: those of them whose plasma counts.
    """
    missing: dict[str, str] = {}
    started, ended = min(r.started for r in runs), _ended(runs)
    connected = None
    if ended is None:
        missing |= {"ended_at": "end_unknown", "connected_min": "end_unknown"}
    else:
        connected = _minutes(_ms(ended) - _ms(started))
    loading = _loading(plasma, missing)
    breaks = _breaks(plasma, missing)
    interrupted = None if breaks is None else _minutes(length(breaks))
    return Duration(
        started, ended, connected, loading, interrupted, None if breaks is None else len(breaks), missing
    )


def _ended(runs: Sequence[RunFigures]) -> datetime | None:
    """The latest end; unknown where the record that goes on longest has none."""
    last = max(runs, key=lambda r: (r.last_seen, r.ended is None))
    ends = [r.ended for r in runs if r.ended is not None]
    return None if last.ended is None else max(ends)


def _loading(plasma: Sequence[RunFigures], missing: dict[str, str]) -> Decimal | None:
    found = [r.loading_s for r in plasma]
    known = [seconds for seconds in found if seconds is not None]
    if len(known) < len(found):
        missing["loading_min"] = next(
            (r.missing["loading_min"] for r in plasma if "loading_min" in r.missing), "no_phases"
        )
        return None
    return _minutes(int(sum(known, Decimal(0)) * 1000))


def _breaks(plasma: Sequence[RunFigures], missing: dict[str, str]) -> list[Span] | None:
    """Stretches without plasma flow or data of more than a minute between the first and the last load."""
    loads = [_span(r.load_span) for r in plasma if r.load_span is not None]
    if not loads or any(r.still is None for r in plasma):
        code = "no_flow" if any(r.still is None for r in plasma) else "no_loads"
        missing |= {"interrupted_min": code, "interruptions": code}
        return None
    window = (min(start for start, _ in loads), max(end for _, end in loads))
    between = [(one[1], other[0]) for one, other in pairwise(loads)]
    idle = [_span(stretch) for r in plasma for stretch in r.still or ()]
    spans = merged(within([*idle, *between], window))
    return [(start, end) for start, end in spans if end - start > Limits().still_s * 1000]


def alarm_minutes(runs: Sequence[RunFigures]) -> Decimal | None:
    """Return how long an alarm was on [min]; None where alarms were printed and no end of any of them."""
    spans = [_span(stretch) for r in runs for stretch in r.alarm_spans]
    if not spans and any(sum(r.alarms.values()) for r in runs):
        return None
    return _minutes(length(spans))


def alarm_counts(runs: Sequence[RunFigures]) -> Counter[str]:
    """Return the occurrences by priority."""
    tally: Counter[str] = Counter()
    for run in runs:
        tally.update(run.alarms)
    return tally


def _span(stretch: Stretch) -> Span:
    return _ms(stretch[0]), _ms(stretch[1])


def _ms(instant: datetime) -> int:
    return (instant - EPOCH) // _MS


def _minutes(ms: int) -> Decimal:
    return rounded(Decimal(ms) / 60_000)
