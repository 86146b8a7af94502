"""Reading what is asked for. What is not known is refused: a filter with a slip in it must not show all."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ingestor.errors import Invalid
from ingestor.exports.codes import codes
from ingestor.store.answers.doses import RANGES, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_VALUES, LONGEST = 100, 200
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,9})?")
# Filter of equal values -> the list of codes it must be one of, None for free text.
EQUAL: dict[str, str | None] = {
    "patient": None, "session": None, "course": None, "device": None, "device_model": None,
    "device_serial": None, "driver": None, "role": "role", "status": "dose_status", "evidence": "evidence",
    "agreement": "agreement",
}  # fmt: skip
OTHERS: dict[str, str | None] = {"column": None, "alarm": "alarm_kind", "reason": None}
FILTERS = frozenset(
    {*EQUAL, *OTHERS, "from", "to", "as_of", "complete", "linked"}
    | {f"{name}_{bound}" for name in RANGES for bound in ("min", "max")}
)
_INSTANT = "a date such as 2026-11-01 or an instant such as 2026-11-01T08:15:00Z"


class Query:
    """The parameters of one question. All that is wrong with them is told at once, by `finish`.

    Args:
        given: names and values as they came.
        known: names that may stand there.
    """

    def __init__(self, given: Iterable[tuple[str, str]], known: Iterable[str]) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in given:
            self._given.setdefault(name, []).append(value)
        self._wrong: list[tuple[str, str]] = []
        allowed = set(known)
        for name in self._given:
            if name not in allowed:
                self.refuse(name[:LONGEST], f"is not known here; possible are: {', '.join(sorted(allowed))}")

    def refuse(self, name: str, problem: str) -> None:
        """Note what is wrong with a parameter."""
        self._wrong.append((name, problem))

    def finish(self) -> None:
        """Stop if something is wrong.

        Raises:
            Invalid: `invalid_request`, naming every place.
        """
        if self._wrong:
            errors = [{"where": where, "problem": problem} for where, problem in self._wrong]
            places = "; ".join(f"{where} {problem}" for where, problem in self._wrong)
            raise Invalid("invalid_request", places=places, errors=errors)

    def texts(self, name: str, allowed: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return all values of a parameter."""
        values = self._given.get(name, [])
        if len(values) > _VALUES or any(not 0 < len(v) <= LONGEST or "\0" in v for v in values):
            self.refuse(name, f"takes at most {_VALUES} values of 1 to {LONGEST} characters")
            return ()
        if allowed is not None and not set(values) <= set(allowed):
            self.refuse(name, f"must be one of: {', '.join(allowed)}")
            return ()
        return tuple(values)

    def one(self, name: str, read: Callable[[str], Any], expected: str) -> Any:  # noqa: ANN401 - what `read` makes
        """Return the only value of a parameter, or None where it is not given."""
        values = self._given.get(name)
        if values is None:
            return None
        if len(values) == 1:
            with contextlib.suppress(ValueError, KeyError, OverflowError):
                return read(values[0])
        self.refuse(name, f"expects {expected}, once")
        return None


def number(text: str) -> float:
    """Read a plain decimal number; nothing else that Python would take for one."""
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(text)
    return float(text)


def boolean(text: str) -> bool:
    """Read `true` or `false`."""
    return {"true": True, "false": False}[text]


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return the reader of a whole number between two bounds."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text[:20]) <= most:
            raise ValueError(text)
        return int(text)

    return read


def moment(zone: str, *, end: bool = False) -> Callable[[str], datetime]:
    """Return the reader of an instant; a bare date is midnight at the site, as `end` that of the next day."""

    def read(text: str) -> datetime:
        if not text.isascii():
            raise ValueError(text)
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
        at = datetime.fromisoformat(text.replace(" ", "+"))
        if at.tzinfo is None:
            raise ValueError(text)
        return at.astimezone(UTC)

    return read


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose question it is.

    Attributes:
        zone: of the site; a bare date is a day there.
        patient: gives the id of the patient meant by what was asked for; an id that nobody has where none is.
    """

    centre: str
    zone: str
    patient: Callable[[str], str]
    ward: str | None = None


def wanted(query: Query, asker: Asker) -> Wanted:
    """Return the filter of a question."""
    zone = asker.zone
    equal = {name: query.texts(name, _allowed(code_list)) for name, code_list in EQUAL.items()}
    equal["patient"] = tuple(asker.patient(given) for given in equal["patient"])
    bound = {
        (name, end): query.one(f"{name}_{end}", number, "a number such as 1234.5")
        for name in RANGES for end in ("min", "max")
    }  # fmt: skip
    others = {name: query.texts(name, _allowed(code_list)) for name, code_list in OTHERS.items()}
    return Wanted(
        centre=asker.centre, ward=asker.ward,
        equal=tuple((name, values) for name, values in equal.items() if values),
        start=query.one("from", moment(zone), _INSTANT), end=query.one("to", moment(zone, end=True), _INSTANT),
        as_of=query.one("as_of", moment(zone, end=True), _INSTANT),
        least=tuple((n, v) for (n, end), v in bound.items() if end == "min" and v is not None),
        most=tuple((n, v) for (n, end), v in bound.items() if end == "max" and v is not None),
        complete=query.one("complete", boolean, "true or false"),
        linked=query.one("linked", boolean, "true or false"), **others,
    )  # fmt: skip


def _allowed(code_list: str | None) -> Sequence[str] | None:
    return None if code_list is None else tuple(codes(code_list))
