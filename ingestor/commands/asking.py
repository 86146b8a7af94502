"""The filters of the interface as options of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ingestor.access.pseudonyms import is_pseudonym, prepare_key
from ingestor.exports.asked import EQUAL, OTHERS, Asker, Query, wanted
from ingestor.store.answers import patients
from ingestor.store.answers.doses import RANGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestor.config import Settings
    from ingestor.store.answers.doses import Wanted
    from ingestor.store.engine import Database

_ONCE = {
    "from": "Sessions that began on this day (or at this instant) or later.",
    "to": "Sessions that began until the end of this day, or before this instant.",
    "as_of": "Doses as they were known at the end of this day, or at this instant.",
    "complete": "true: only complete records; false: only incomplete ones.",
    "linked": "true: only sessions with a patient; false: only those without.",
}


def options() -> list[click.Option]:
    """Return the filters of the interface as options; ranges work, but would fill the page of the help."""
    found: list[click.Option] = [
        click.Option(
            [_flag(name)], multiple=True, help=f"Only this {name.replace('_', ' ')}; may be repeated."
        )
        for name in (*EQUAL, *OTHERS)
    ]
    found += [click.Option([_flag(name), f"given_{name}"], help=text) for name, text in _ONCE.items()]
    found += [
        click.Option([_flag(f"{name}_{end}")], hidden=True) for name in RANGES for end in ("min", "max")
    ]
    return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def asked_for(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of every filter that was given."""
    for name, values in given.items():
        for value in values if isinstance(values, tuple) else (values,):
            if value is not None:
                yield name.removeprefix("given_"), value


def wanted_of(settings: Settings, db: Database, given: Iterable[tuple[str, str]]) -> Wanted:
    """Return the filter; patients may be named by pseudonym or by id.

    Raises:
        Invalid: `invalid_request`.
    """
    pseudonyms = prepare_key(db, settings.data_dir)

    def patient(text: str) -> str:
        if not is_pseudonym(text):
            return text
        with db.read() as connection:
            return pseudonyms.patient_of(text, patients.ids(connection, settings.centre)) or text

    ranges = (f"{name}_{end}" for name in RANGES for end in ("min", "max"))
    query = Query(given, {*EQUAL, *OTHERS, *_ONCE, *ranges})
    found = wanted(query, Asker(settings.centre, settings.zone, patient))
    query.finish()
    return found
