"""What a code means: the published terms, our private ones, and what a site has declared for a model.

Source: ISO/IEEE 11073-10101 for how codes are built; `codes.toml` beside this module for the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from drivers._tables import shipped, with_site
from ingestor.model import Role

if TYPE_CHECKING:
    from pathlib import Path

SETTING, MEAN = 2**24, 3
# Partition 3 holds events.
EVENTS = range(196608, 262144)
_TABLES = ("channels", "facts", "device", "events", "known")
_MOST_KEPT = 10_000
_PRIVATE = range(0x2F000, 0x30000)


@dataclass(frozen=True, slots=True)
class Term:
    """A code as printed: number (0 where the writer knew none) and name."""

    number: int
    name: str

    @property
    def label(self) -> str:
        """How it is shown."""
        return self.name or str(self.number)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a term is: `kind` channel, facts, device, events, column, known, setting, mean or unknown."""

    kind: str
    name: str = ""
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Codes:
    """The tables of one site.

    Attributes:
        stamp: hash of what the site declares, empty where it declares nothing.
    """

    tables: dict[str, Any]
    stamp: str = ""
    _known: dict[tuple[Term, str], Meaning] = field(default_factory=dict, compare=False, repr=False)

    def number(self, term: Term) -> int:
        """Return the code of a term, by its name where no number is printed; 0 where nobody knows it."""
        if term.number:
            return term.number
        names, private = self.tables["names"], self.tables["private"]
        if term.name in names:
            return int(names[term.name])
        if term.name in private:
            return int(private[term.name]["code"])
        for ending, step in (("_SETTING", SETTING), ("_MEAN", MEAN)):
            base = names.get(term.name.removesuffix(ending))
            if base and term.name.endswith(ending):
                return int(base) + step
        return 0

    def meaning(self, term: Term, model: str) -> Meaning:
        """Return what a term means on a machine of this model."""
        known = self._known.get((term, model))
        if known is None:
            known = self._meaning(term, model)
            if len(self._known) < _MOST_KEPT:
                self._known[term, model] = known
        return known

    def _meaning(self, term: Term, model: str) -> Meaning:
        number = self.number(term)
        remark = "code_by_name" if number and not term.number else None
        own = self.tables["models"].get(model, {})
        for table in _TABLES:
            if str(number) in own.get(table, {}):
                return Meaning(_kind(table), own[table][str(number)])
        known = self._private if number in _PRIVATE else self._published
        return known(term, number, remark)

    def _published(self, term: Term, number: int, remark: str | None) -> Meaning:
        named = self.tables["names"].get(term.name)
        if named is not None and named != number:
            return Meaning("unknown", remark="code_contradicts_name")
        for table in _TABLES:
            if str(number) in self.tables[table]:
                return Meaning(_kind(table), self.tables[table][str(number)], remark)
        if number >= SETTING:
            return Meaning("setting", remark=remark)
        mean = str(number - MEAN) in self.tables["channels"]
        return Meaning("mean", remark=remark) if mean else Meaning("unknown")

    def _private(self, term: Term, number: int, remark: str | None) -> Meaning:
        entry = self.tables["private"].get(term.name)
        if entry is None:
            return Meaning("unknown")
        if entry["code"] != number:
            return Meaning("unknown", remark="code_contradicts_name")
        kind = "column" if "column" in entry else "channel"
        return Meaning(kind, entry[kind], remark)

    def alarm_kind(self, event: int, source: int, model: str) -> str | None:
        """Return the canonical kind of an alarm, or None where the table has none."""
        for table in (self.tables["models"].get(model, {}).get("alarms", {}), self.tables["alarms"]):
            for key in (f"{event}/{source}", str(source), str(event)):
                if key in table:
                    return str(table[key])
        return None

    def role(self, model: str) -> Role:
        """Return what a model does in a treatment; both parts of it where nothing is declared."""
        return Role(self.tables["models"].get(model, {}).get("role", Role.COMBINED))


def _kind(table: str) -> str:
    return "channel" if table == "channels" else table


@cache
def published() -> Codes:
    """Return the tables as they come with the product."""
    return Codes(shipped(__package__))


def codes_of(folder: Path | None) -> Codes:
    """Return the tables with the site's own lines over them, see `drivers._tables`."""
    return Codes(*with_site(published().tables, "hl7-pcd", folder))
