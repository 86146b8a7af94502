"""The tables of `codes.toml`, with what a site declares of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from drivers._tables import shipped, with_site
from ingestor.model import Priority

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Codes:
    """What class and type codes mean at one site; `stamp` is the hash of what the site declares."""

    tables: dict[str, Any]
    stamp: str = ""

    def event(self, klass: int, kind: int) -> str | None:
        """Return the name of an event or setting, None where nobody knows it."""
        name = self.tables["events"].get(f"{klass}/{kind}")
        return None if name is None else str(name)

    def priority(self, klass: int) -> Priority | None:
        """Return the priority of an alarm class, None for classes that are no alarms."""
        name = self.tables["priorities"].get(str(klass))
        return None if name is None else Priority(name)

    def alarm_kind(self, klass: int, kind: int) -> str | None:
        """Return the canonical kind of an alarm, None where nobody knows it."""
        name = self.tables["alarms"].get(f"{klass}/{kind}")
        return None if name is None else str(name)

    def unit(self, klass: int, kind: int) -> str:
        """Return the unit of a set value, empty where it is not known."""
        return str(self.tables["units"].get(f"{klass}/{kind}", ""))

    def is_known_class(self, klass: int) -> bool:
        """Say whether a class code has been seen before."""
        return str(klass) in self.tables["classes"]

    def removes_plasma(self, therapy: str) -> bool:
        """Say whether a therapy is a plasma exchange."""
        return bool(self.tables["plasma"].get(therapy))


@cache
def published() -> Codes:
    """Return the tables as they come with the product."""
    return Codes(shipped(__package__))


def codes_of(folder: Path | None) -> Codes:
    """Return the tables with the site's own lines over them, see `drivers._tables`."""
    return Codes(*with_site(published().tables, "prismaflex", folder))
