"""What stands in one reading of a run and not, or not alike, in another."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestor.model import Instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from ingestor.model import Run
    from ingestor.trace import Trace, TraceColumn


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that differs; `old` or `new` None: it stands on one side only. Texts may quote the file."""

    record: str
    field: str
    old: str | None
    new: str | None
    old_line: int = 0
    new_line: int = 0


# Where a record stands, and how it was numbered by us, is not what it says.
_PLACE = {"index", "line", "sequence", "raw", "volume_raw"}
# What an unfinished record may still gain or raise, kind by kind.
_GROWING = {
    "column": {"regenerable"}, "phase": {"end", "volume_ml", "completed"}, "cycle": {"end", "load_ml", "completed"},
    "alarm": {"cleared", "acknowledged"}, "total": {"value"}, "header": {"ended", "patient_printed"},
}  # fmt: skip

Key = tuple[object, ...]
_KINDS: tuple[tuple[str, str, Callable[[Any], Key]], ...] = (
    ("column", "columns", lambda c: (c.position, c.serial)),
    ("phase", "phases", lambda p: (p.cycle, p.position, p.phase)),
    ("cycle", "cycles", lambda c: (c.index, c.position)),
    ("alarm", "alarms", lambda a: (a.code, _clock(a.onset))),
    ("event", "events", lambda e: (e.kind, _clock(e.at), e.text)),
    ("total", "totals", lambda t: (t.kind,)),
    ("fact", "facts", lambda f: (f.kind,)),
)


def differences(old: Run, new: Run) -> list[Difference]:
    """Return everything that the old reading says and the new one does not say too, in the order of the record.

    What the new one says beyond that is no difference if it comes after everything in the old one; a partial
    old reading may also lack records in its middle, and its last records may still grow.
    """
    found = list(_header(old, new))
    for kind, attribute, key in _KINDS:
        found += _records(
            kind, getattr(old, attribute), getattr(new, attribute), key, partial=not old.complete
        )
    if old.trace is not None:
        found += _samples(old.trace, new.trace, partial=not old.complete)
    return found


def _header(old: Run, new: Run) -> Iterator[Difference]:
    for name in ("role", "printed_id", "patient_printed", "started", "ended", "bench"):
        a, b = getattr(old, name), getattr(new, name)
        gained = a is None or (name == "ended" and _grew(a, b))
        if not _alike(a, b) and not (gained and not old.complete and name in _GROWING["header"]):
            yield Difference("header", name, _text(a), _text(b))


def _clock(instant: Instant | None) -> datetime | None:
    """What the machine printed. How that was placed in time is ours, and may have been corrected since."""
    return None if instant is None else instant.local


def _alike(a: Any, b: Any) -> bool:  # noqa: ANN401
    if isinstance(a, Instant) and isinstance(b, Instant):
        return a.local == b.local
    return bool(a == b)


def _records(
    kind: str, old: Sequence[Any], new: Sequence[Any], key: Callable[[Any], Key], *, partial: bool
) -> Iterator[Difference]:
    mine, theirs = _keyed(old, key), _keyed(new, key)
    last = next(reversed(mine), None)
    for name, record in mine.items():
        other = theirs.get(name)
        if other is None:
            yield Difference(_label(kind, name), "", _text(record), None, record.line)
            continue
        growing = _GROWING.get(kind, set()) if partial else set()
        unfinished = kind in {"alarm", "total"} or (name == last and kind != "column")
        yield from _fields(_label(kind, name), record, other, growing, unfinished=unfinished)
    if not partial:
        yield from _between(kind, mine, theirs)


def _keyed(records: Iterable[Any], key: Callable[[Any], Key]) -> dict[Key, Any]:
    """Return records by key; equal keys are told apart by their order."""
    found: dict[Key, Any] = {}
    seen: dict[Key, int] = {}
    for record in records:
        name = key(record)
        seen[name] = seen.get(name, 0) + 1
        found[*name, seen[name]] = record
    return found


def _fields(
    label: str,
    a: Any,  # noqa: ANN401
    b: Any,  # noqa: ANN401
    growing: set[str],
    *,
    unfinished: bool,
) -> Iterator[Difference]:
    for name in (f.name for f in fields(a)):
        x, y = getattr(a, name), getattr(b, name)
        gained = name in growing and (x is None or (unfinished and _grew(x, y)))
        if name not in _PLACE and not _alike(x, y) and not gained:
            yield Difference(label, name, _text(x), _text(y), a.line, b.line)


def _grew(a: Any, b: Any) -> bool:  # noqa: ANN401
    if isinstance(a, bool) or isinstance(b, bool):
        return True
    return b is not None and bool(getattr(a, "local", a) <= getattr(b, "local", b))


def _between(kind: str, mine: dict[Key, Any], theirs: dict[Key, Any]) -> Iterator[Difference]:
    """Records of the new reading that stand before the end of a complete old one: the old one lacks them."""
    known = [i for i, name in enumerate(theirs) if name in mine]
    for name, record in list(theirs.items())[: max(known, default=0)]:
        if name not in mine:
            yield Difference(_label(kind, name), "", None, _text(record), 0, record.line)


def _samples(old: Trace, new: Trace | None, *, partial: bool) -> Iterator[Difference]:
    if new is None:
        yield Difference("samples", "", f"{len(old)} rows", None)
        return
    rows = _rows(old.local_ms, new.local_ms, partial=partial)
    if rows is None:
        yield Difference("samples", "time", f"{len(old)} rows", f"{len(new)} rows")
        return
    for column in old.columns:
        other = new.column(column.channel)
        if other is None:
            yield Difference(f"samples {column.channel}", "", "recorded", None)
        elif len(wrong := np.flatnonzero(~_equal(column, other, rows, partial=partial))):
            first = int(wrong[0])
            yield Difference(
                f"samples {column.channel}", f"{len(wrong)} values", _value(column, first),
                _value(other, int(rows[first])), int(old.line[first]), int(new.line[rows[first]]),
            )  # fmt: skip


def _rows(
    old: npt.NDArray[np.int64], new: npt.NDArray[np.int64], *, partial: bool
) -> npt.NDArray[np.intp] | None:
    """Return where the old rows stand in the new reading, or None if they do not."""
    if len(old) <= len(new) and np.array_equal(old, new[: len(old)]):
        return np.arange(len(old))
    ordered = len(new) > 0 and bool(np.all(np.diff(new) > 0)) and bool(np.all(np.diff(old) > 0))
    if not (partial and ordered):
        return None
    at = np.minimum(np.searchsorted(new, old), len(new) - 1)
    return at if np.array_equal(new[at], old) else None


def _equal(
    a: TraceColumn, b: TraceColumn, rows: npt.NDArray[np.intp], *, partial: bool
) -> npt.NDArray[np.bool_]:
    """Say which values are alike; where a partial reading has none, its file may have been cut in between."""
    scale = max(a.scale, b.scale)
    left, right = a.mantissa * 10 ** (scale - a.scale), b.mantissa[rows] * 10 ** (scale - b.scale)
    nothing = b.null[rows]
    same: npt.NDArray[np.bool_] = np.where(a.null, nothing | partial, ~nothing & (left == right))
    return same


def _value(column: TraceColumn, row: int) -> str | None:
    return None if column.null[row] else f"{column.mantissa[row] / 10**column.scale:.{column.scale}f}"


def _label(kind: str, key: Key) -> str:
    """Name a record as a person would: its kind and what tells it from the others."""
    parts = [part for part in key[:-1] if part not in {None, ""}]
    return " ".join(
        [kind, *(f"{part:%H:%M:%S}" if isinstance(part, datetime) else str(part) for part in parts)]
    )


def _text(value: Any) -> str | None:  # noqa: ANN401
    if value is None:
        return None
    if isinstance(value, Instant):
        return f"{value.local:%Y-%m-%d %H:%M:%S}"
    if is_dataclass(value):
        told = ((f.name, getattr(value, f.name)) for f in fields(value) if f.name not in _PLACE)
        return ", ".join(f"{name} {_text(part)}" for name, part in told if part is not None and part != "")
    return str(value)
