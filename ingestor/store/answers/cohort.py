"""Served doses of many sessions as a few numbers each, for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Float, String, cast, func, select, type_coerce

from ingestor.store.privacy import open_to_research
from ingestor.store.tables import dose, patient

if TYPE_CHECKING:
    from datetime import datetime

    import numpy.typing as npt
    from sqlalchemy import ColumnElement, Connection


@dataclass(frozen=True, slots=True)
class Points:
    """Sessions as columns of equal length: month counted from year 0, plasma [mL], multiple (NaN: none), whose.

    Attributes:
        formulas: of all multiples.
    """

    month: npt.NDArray[np.int64]
    plasma: npt.NDArray[np.float64]
    multiple: npt.NDArray[np.float64]
    formulas: frozenset[str]
    person: npt.NDArray[np.int64]

    def only(self, chosen: npt.NDArray[np.bool_]) -> Points:
        """Return the chosen sessions."""
        return Points(
            self.month[chosen], self.plasma[chosen], self.multiple[chosen], self.formulas, self.person[chosen]
        )

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.plasma)


@dataclass(frozen=True, slots=True)
class Quality:
    """How far the numbers can be trusted: what readings say of each other, their distance (NaN: one only), what is missing.

    Attributes:
        missing: (column, sessions without a value), the most first.
    """

    agreement: npt.NDArray[np.str_]
    apart: npt.NDArray[np.float64]
    person: npt.NDArray[np.int64]
    sessions: int
    missing: tuple[tuple[str, int], ...]


_WORTH_HAVING = (
    "processed_plasma_ml", "pv_multiple", "native_plasma_ml", "reported_ml", "cycles_ml", "counter_ml", "integrated_ml",
    "weight_kg", "height_cm", "hematocrit", "blood_processed_ml", "loading_min", "patient_id",
)  # fmt: skip


def _chosen(
    centre: str, start: datetime | None, end: datetime | None, device: str | None
) -> list[ColumnElement[bool]]:
    found = [dose.c.centre == centre, dose.c.known_to.is_(None), open_to_research(dose.c.patient_id)]
    if start:
        found.append(dose.c.started_at >= start)
    if end:
        found.append(dose.c.started_at < end)
    if device:
        found.append(dose.c.device == device)
    return found


def quality(
    connection: Connection, centre: str, start: datetime | None, end: datetime | None, device: str | None
) -> Quality:
    """Return what is known of all doses but those of service runs."""
    chosen = (*_chosen(centre, start, end, device), dose.c.status != "bench")
    query = select(dose.c.agreement, type_coerce(dose.c.max_disagreement, Float), dose.c.patient_id).where(
        *chosen
    )
    rows = connection.execute(query).all()
    known = select(*(func.count(dose.c[name]) for name in _WORTH_HAVING)).where(*chosen)
    counts = connection.execute(known).one()
    said, apart, whose = zip(*rows, strict=True) if rows else ((), (), ())
    numbers = {key: number for number, key in enumerate(dict.fromkeys(whose))}
    lacking = (
        (name.removesuffix("_id"), len(rows) - n) for name, n in zip(_WORTH_HAVING, counts, strict=True)
    )
    return Quality(
        np.array([one or "" for one in said], np.str_), np.array(apart, np.float64),
        np.array([numbers[key] for key in whose], np.int64), len(rows),
        tuple(sorted(lacking, key=lambda pair: -pair[1])),
    )  # fmt: skip


def points(
    connection: Connection, centre: str, start: datetime | None, end: datetime | None, device: str | None
) -> Points:
    """Return the final and provisional doses that have a volume."""
    query = select(
        func.substr(cast(dose.c.started_local, String), 1, 7), type_coerce(dose.c.processed_plasma_ml, Float),
        type_coerce(dose.c.pv_multiple, Float), dose.c.plasma_volume_formula, dose.c.patient_id,
    ).where(
        *_chosen(centre, start, end, device), dose.c.status.in_(("final", "provisional")),
        dose.c.processed_plasma_ml.is_not(None),
    )  # fmt: skip
    rows = connection.execute(query).all()
    months, plasma, multiples, formulas, whose = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    numbers = {key: number for number, key in enumerate(dict.fromkeys(whose))}
    return Points(
        np.array(months, "datetime64[M]").astype(np.int64) + 1970 * 12, np.array(plasma, np.float64), np.array(multiples, np.float64),
        frozenset(formulas) - {None}, np.array([numbers[key] for key in whose], np.int64),
    )  # fmt: skip


def patient_ids(connection: Connection, centre: str) -> list[str]:
    """Return the ids of all patients of a centre, to find the one behind a pseudonym."""
    return list(connection.execute(select(patient.c.id).where(patient.c.centre == centre)).scalars())
