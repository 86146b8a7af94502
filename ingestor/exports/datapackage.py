"""A data set describes itself: `datapackage.json`, version 2 of the standard.

Source: https://datapackage.org/standard/data-package/ and https://datapackage.org/standard/table-schema/
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ingestor.exports.codes import codes
from ingestor.exports.fields import Field, tables

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROFILES = "https://datapackage.org/profiles/2.0"
_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"}, "number": {"type": "number"}, "count": {"type": "integer"},
    "instant": {"type": "datetime"}, "local": {"type": "datetime", "format": "%Y-%m-%dT%H:%M:%S"},
    "date": {"type": "date"}, "boolean": {"type": "boolean"},
    "list": {"type": "list", "delimiter": "|", "itemType": "string"},
}  # fmt: skip
_KEYS = {"doses": "session_id", "sessions": "session_id", "exclusions": "session_id"}
EXCLUSIONS = (
    Field("session_id", "text", "Kennung der Sitzung", "Identity of the session"),
    Field("started_at", "instant", "Beginn (UTC)", "Start (UTC)"),
    Field("reason", "text", "Warum sie fehlt: no_dose (es wird keine geliefert) oder filtered (vom Filter)",
          "Why it is left out: no_dose (none is served) or filtered (by the filter)"),
)  # fmt: skip


READINGS = (
    Field("session_id", "text", "Kennung der Sitzung", "Identity of the session"),
    Field("started_at", "instant", "Beginn (UTC)", "Start (UTC)"),
    Field("ended_at", "instant", "Ende (UTC)", "End (UTC)"),
    Field("patient", "text", "Pseudonym des Patienten", "Pseudonym of the patient"),
    Field("included", "boolean", "Ob die Sitzung zum Filter passt", "Whether the session fits the filter"),
    Field("dosed", "boolean", "Ob eine Dosis geliefert wurde", "Whether a dose was served"),
    Field("run_id", "text", "Kennung des Gerätelaufs", "Identity of the run"),
    Field("reading", "text", "Lesung, aus der gerechnet wurde", "Reading that was computed from"),
    Field("source", "text", "SHA-256 der Quelldatei", "SHA-256 of the source file"),
    Field("driver", "text", "Treiber", "Driver"),
    Field("driver_version", "text", "Version des Treibers und seines Profils", "Version of the driver and its profile"),
)  # fmt: skip
_OWN = {"exclusions": EXCLUSIONS, "readings": READINGS}


@dataclass(frozen=True, slots=True)
class Resource:
    """One file of the data set; `table` is empty for a page of text."""

    path: str
    media_type: str
    bytes: int
    sha256: str
    table: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What the data set says of itself.

    Attributes:
        created: ISO 8601.
        facts: members of our own: filter, moment, methods, drivers.
    """

    name: str
    created: str
    facts: dict[str, Any] = field(default_factory=dict)


def descriptor(about: About, resources: Sequence[Resource]) -> dict[str, Any]:
    """Return the document."""
    return {
        "$schema": f"{_PROFILES}/datapackage.json",
        "id": identifier(about.name, resources),
        "name": about.name,
        "title": f"Doses of immunoadsorption sessions: {about.name}",
        "created": about.created,
        "sources": [{"title": f"apherelog {version('apherelog')}"}],
        "apherelog": {"version": version("apherelog"), **about.facts},
        "resources": [_resource(one) for one in resources],
    }


def identifier(name: str, resources: Sequence[Resource]) -> str:
    """Return by what the data set is cited: its name and the beginning of the sum of its files' sums."""
    sums = "".join(f"{one.sha256}  {one.path}\n" for one in resources)
    return f"apherelog:{name}:{hashlib.sha256(sums.encode()).hexdigest()[:20]}"


def _resource(one: Resource) -> dict[str, Any]:
    stem, _, suffix = one.path.rpartition(".")
    name = stem if suffix == "csv" else f"{stem}-{suffix}"
    found: dict[str, Any] = {
        "name": name.replace(".", "-").lower(), "path": one.path, "format": suffix,
        "mediatype": one.media_type.split(";")[0], "bytes": one.bytes, "hash": f"sha256:{one.sha256}",
    }  # fmt: skip
    if suffix in {"csv", "md"}:
        found["encoding"] = "utf-8"
    if one.table and suffix == "csv":
        found |= {"type": "table", "schema": table_schema(one.table)}
    elif one.table:  # the same rows; such a file describes its columns itself
        found["type"] = "file"
    return found


def table_schema(table: str) -> dict[str, Any]:
    """Return the columns of a table as a table schema; `exclusions` and `readings` are a snapshot's own."""
    fields = _OWN[table] if table in _OWN else tables()[table]
    found: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(f) for f in fields],
        "missingValues": [""],
    }
    if table == "readings":
        return found  # of the sessions that are left out as well
    if table in _KEYS:
        found["primaryKey"] = [_KEYS[table]]
    else:
        reference = {"resource": "sessions", "fields": ["session_id"]}
        found["foreignKeys"] = [{"fields": ["session_id"], "reference": reference}]
    return found


def _field(one: Field) -> dict[str, Any]:
    found = {"name": one.name, **_TYPES[one.kind], "description": one.en, "description_de": one.de}
    if one.unit:
        found["unit"] = one.unit
    if one.codes and one.kind == "text":
        found["categories"] = [{"value": c, "label": words["en"]} for c, words in codes(one.codes).items()]
    return found
