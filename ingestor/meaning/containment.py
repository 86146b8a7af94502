"""Is everything that one reading records recorded in another one too, wherever it stands there?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from ingestor.model import Fact, Instant, PhaseSpan, Run, Total
    from ingestor.trace import Trace, TraceColumn

Facts = Counter[tuple[Any, ...]]


def contains(whole: Run, part: Run) -> bool:
    """Tell whether `whole` records all that `part` does, so that counting both would count it twice.

    Compared are the samples, the phases and the alarms by the machine's own clock, not the numbers that count from
    the beginning of a file. The last phase of a part that was cut off may have gone on. Both must agree on what
    both say of the treatment as a whole: the patient, the weight, the sums of a record that reached its end.
    """
    if (whole.device.serial, whole.role) != (part.device.serial, part.role):
        return False
    if part.patient_printed is not None and part.patient_printed != whole.patient_printed:
        return False
    phases = part.phases if part.complete else part.phases[:-1]
    return (
        bool(phases or (part.trace is not None and len(part.trace)))
        and _phases(phases) <= _phases(whole.phases)
        and _alarms(part) <= _alarms(whole)
        and _has_samples(whole.trace, part.trace)
        and _agree(whole.facts, part.facts)
        and (not part.complete or _agree(whole.totals, part.totals))
    )


def _agree(said: Iterable[Total | Fact], also: Iterable[Total | Fact]) -> bool:
    values = {one.kind: one.value for one in said if one.value is not None}
    return all(values.get(one.kind, one.value) == one.value for one in also if one.value is not None)


def _local(at: Instant | None) -> Any:  # noqa: ANN401
    return None if at is None else at.local


def _phases(spans: Iterable[PhaseSpan]) -> Facts:
    return Counter((p.position, p.phase, _local(p.start), p.volume_ml) for p in spans)


def _alarms(run: Run) -> Facts:
    return Counter((a.code, _local(a.onset)) for a in run.alarms)


def _has_samples(whole: Trace | None, part: Trace | None) -> bool:
    if part is None or not len(part):
        return True
    if whole is None or len(whole) < len(part):
        return False
    pairs = [(column, whole.column(column.channel)) for column in part.columns]
    found = [(a, b) for a, b in pairs if b is not None]
    if len(found) < len(pairs):
        return False
    scales = [max(a.scale, b.scale) for a, b in found]
    mine = _rows(part, [a for a, _ in found], scales)
    theirs = _rows(whole, [b for _, b in found], scales)
    return bool(np.isin(mine, theirs).all())


def _rows(trace: Trace, columns: list[TraceColumn], scales: list[int]) -> npt.NDArray[np.void]:
    """One opaque value a row: its printed time and what all channels say."""
    values = [trace.local_ms]
    for column, scale in zip(columns, scales, strict=True):
        values += [
            np.where(column.null, 0, column.mantissa * 10 ** (scale - column.scale)),
            column.null.astype(np.int64),
        ]
    table = np.ascontiguousarray(np.stack(values, axis=1).astype(np.int64))
    return table.view(np.dtype((np.void, table.dtype.itemsize * table.shape[1]))).ravel()
