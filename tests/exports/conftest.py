"""A clinic of two decades as other data models see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ingestor.access.pseudonyms import Pseudonyms
from ingestor.exports.treatments import Treatment, treatments
from ingestor.exports.view import View
from ingestor.store.answers.doses import Wanted
from ingestor.store.engine import open_database
from tests import clinics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestor.store.engine import Database
    from simulators.archive import ArchiveOrder
    from tests.clinics import Taken

MOMENT = Wanted("site", as_of=datetime(2026, 6, 1, 12, tzinfo=UTC))
PSEUDONYMS = View(Pseudonyms(b"k" * 32).of)


@pytest.fixture(scope="session")
def decades(taken_clinic: Callable[[ArchiveOrder], Taken]) -> Iterator[Database]:
    """The store of the clinic, to be read only."""
    db = open_database(f"sqlite:///{taken_clinic(clinics.SAMPLE).data / 'apherelog.db'}")
    yield db
    db.close()


@pytest.fixture(scope="session")
def treated(decades: Database) -> list[Treatment]:
    """Every session of it, and one in every state that the clinic may not have had."""
    found = [one for piece in treatments(decades, MOMENT, PSEUDONYMS, 50) for one in piece]
    return [*found, *_rare(next(one for one in found if one.patient and one.columns))]


def _rare(one: Treatment) -> Iterator[Treatment]:
    assert one.patient is not None
    patient = one.patient
    yield _as(one, "final", status="final", status_reasons=[])
    yield _as(one, "withheld", status="withheld", processed_plasma_ml=None, pv_multiple=None)
    yield _as(one, "bench", status="bench")
    yield _as(one, "open", ended_at=None, complete=False, course=None)
    partial = _as(one, "partial")
    yield replace(partial, detail={**partial.detail, "lower_bound": True, "columns": []})
    for name, changes in (
        ("old", {"birth_year": patient.last_year - 90}),
        ("almost-old", {"birth_year": patient.last_year - 89}),
        ("unknown", {"birth_year": None, "sex": None}),
        ("made-up", {"test": True}),
    ):
        other = replace(patient, id=f"ps-{name}", **changes)  # type: ignore[arg-type] # each fits its field
        yield replace(_as(one, name), patient=other)
    yield replace(_as(one, "made"), machines=(replace(one.machines[0], maker="Made by hand"),))
    yield replace(_as(one, "nobody"), patient=None)


def _as(one: Treatment, name: str, **changes: Any) -> Treatment:  # noqa: ANN401 - columns of a dose
    return replace(one, dose={**one.dose, "session_id": f"ses-{name}", **changes})
