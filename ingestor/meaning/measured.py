"""One run in numbers, as they are kept beside it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What one column did in one run."""

    position: str
    sequence: int
    product: str
    serial: str
    lot: str
    use: int | None
    cycles_completed: int | None
    cycles_aborted: int | None
    load_ml: Decimal | None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run in numbers. Volumes [mL], times UTC; None is unknown, and `missing` says why.

    Attributes:
        printed_id: the machine's own number of the treatment.
        last_seen: the last instant of the record, its end included.
        readings: the four readings of processed plasma: reported, cycles, counter, integrated [mL].
        integrated_gap_s: time of missing data within the integrated reading [s].
        counter_first, counter_last: of the cumulative plasma channel, so that a second half can go on from it.
        load_volumes: volumes of the completed loads, in order [mL].
        load_span: from the first load's start to the last load's end.
        still: stretches without plasma flow or without data that count as interruptions, and those at the edges.
        alarms: occurrences by priority.
        alarm_spans: occurrences that have a known end; one that was on when the record began counts from there.
        facts: weight [kg], height [cm], hematocrit [1], ac_ratio [1] as the machine recorded them.
        missing: what could not be measured -> reason code.
        notes: codes that the dose must carry.
    """

    role: str
    printed_id: str | None
    complete: bool
    bench: bool
    started: datetime
    started_local: datetime
    time_method: str
    ended: datetime | None
    last_seen: datetime
    readings: Mapping[str, Decimal | None]
    integrated_gap_s: Decimal
    counter_first: Decimal | None
    counter_last: Decimal | None
    blood_processed_ml: Decimal | None
    ac_volume_ml: Decimal | None
    cycles_completed: int | None
    cycles_aborted: int | None
    load_volumes: tuple[Decimal, ...]
    load_span: Stretch | None
    loading_s: Decimal | None
    still: tuple[Stretch, ...] | None
    alarms: Mapping[str, int]
    alarm_spans: tuple[Stretch, ...]
    columns: tuple[ColumnFigures, ...]
    facts: Mapping[str, Decimal]
    missing: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values; numbers as text, so that none is rounded."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RunFigures:
        """Read back what `to_json` wrote."""
        d = dict(document)
        for name in ("started", "started_local", "ended", "last_seen"):
            d[name] = _time(d[name])
        for name in _NUMBERS:
            d[name] = _number(d[name])
        d["readings"] = {key: _number(value) for key, value in d["readings"].items()}
        d["facts"] = {key: Decimal(value) for key, value in d["facts"].items()}
        d["load_volumes"] = tuple(Decimal(value) for value in d["load_volumes"])
        d["load_span"] = None if d["load_span"] is None else _stretch(d["load_span"])
        d["still"] = None if d["still"] is None else tuple(_stretch(pair) for pair in d["still"])
        d["alarm_spans"] = tuple(_stretch(pair) for pair in d["alarm_spans"])
        d["columns"] = tuple(
            ColumnFigures(**(column | {"load_ml": _number(column["load_ml"])})) for column in d["columns"]
        )
        d["notes"] = tuple(d["notes"])
        return cls(**d)


_NUMBERS = (
    "integrated_gap_s", "counter_first", "counter_last", "blood_processed_ml", "ac_volume_ml", "loading_s",
)  # fmt: skip


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON is what it is
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, ColumnFigures):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _stretch(pair: tuple[str, str]) -> Stretch:
    return datetime.fromisoformat(pair[0]), datetime.fromisoformat(pair[1])
