"""Reading what a list is asked for. What is not known is refused: a filter with a slip in it must not show all."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ingestor.errors import Invalid
from ingestor.exports.codes import codes
from ingestor.store.answers.doses import RANGES, SORTS, Order, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.datastructures import QueryParams

    from api.service import Service
    from ingestor.access.permissions import Caller

LIMIT, MOST = 50, 1000
_VALUES, _LONGEST = 100, 200
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?")
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
_NOBODY = "nobody"


class Query:
    """The parameters of one request. All that is wrong with them is told at once, by `finish`.

    Args:
        given: as they came.
        known: names that may stand there.
    """

    def __init__(self, given: QueryParams, known: Iterable[str]) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in given.multi_items():
            self._given.setdefault(name, []).append(value)
        self._wrong: list[tuple[str, str]] = []
        allowed = set(known)
        for name in self._given:
            if name not in allowed:
                self.refuse(name[:_LONGEST], f"is not known here; possible are: {', '.join(sorted(allowed))}")

    def refuse(self, name: str, problem: str) -> None:
        """Note what is wrong with a parameter."""
        self._wrong.append((f"query.{name}", problem))

    def finish(self) -> None:
        """Stop if something is wrong.

        Raises:
            Invalid: `invalid_request`, naming every place.
        """
        if self._wrong:
            errors = [{"where": where, "problem": problem} for where, problem in self._wrong]
            places = ", ".join(dict.fromkeys(where for where, _ in self._wrong))
            raise Invalid("invalid_request", places=places, errors=errors)

    def texts(self, name: str, allowed: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return all values of a parameter."""
        values = self._given.get(name, [])
        if len(values) > _VALUES or any(not 0 < len(v) <= _LONGEST or "\0" in v for v in values):
            self.refuse(name, f"takes at most {_VALUES} values of 1 to {_LONGEST} characters")
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
class Listing:
    """What a list is asked for.

    Attributes:
        after: value and session of the last row before this page.
    """

    wanted: Wanted
    order: Order = field(default_factory=Order)
    limit: int = LIMIT
    after: tuple[Any, str] | None = None
    count: bool = False


def wanted(query: Query, service: Service, caller: Caller) -> Wanted:
    """Return the filter of a request."""
    zone = service.settings.zone
    equal = {name: query.texts(name, _allowed(code_list)) for name, code_list in EQUAL.items()}
    equal["patient"] = tuple(_patient(p, service, caller) for p in equal["patient"])
    bound = {
        (name, end): query.one(f"{name}_{end}", number, "a number such as 1234.5")
        for name in RANGES for end in ("min", "max")
    }  # fmt: skip
    others = {name: query.texts(name, _allowed(code_list)) for name, code_list in OTHERS.items()}
    instant = "a date such as 2026-11-01 or an instant such as 2026-11-01T08:15:00Z"
    return Wanted(
        centre=caller.centre, ward=caller.ward,
        equal=tuple((name, values) for name, values in equal.items() if values),
        start=query.one("from", moment(zone), instant), end=query.one("to", moment(zone, end=True), instant),
        as_of=query.one("as_of", moment(zone, end=True), instant),
        least=tuple((n, v) for (n, end), v in bound.items() if end == "min" and v is not None),
        most=tuple((n, v) for (n, end), v in bound.items() if end == "max" and v is not None),
        complete=query.one("complete", boolean, "true or false"),
        linked=query.one("linked", boolean, "true or false"), **others,
    )  # fmt: skip


def _allowed(code_list: str | None) -> Sequence[str] | None:
    return None if code_list is None else tuple(codes(code_list))


def _patient(given: str, service: Service, caller: Caller) -> str:
    """Return the id of the patient meant; one that cannot be is answered like one without sessions."""
    return service.patient_of(given) or (given if caller.sees_identity else _NOBODY)


def listing(query: Query, service: Service, caller: Caller, sorts: Sequence[str] = SORTS) -> Listing:
    """Return everything a list is asked for.

    Raises:
        Invalid: `invalid_request`.
    """
    found = wanted(query, service, caller)
    by = query.one(
        "sort", lambda text: _order(text, sorts), f"one of {', '.join(sorts)}, - before it for descending"
    )
    order = by or Order()
    result = Listing(
        found, order,
        query.one("limit", whole(1, MOST), f"a number from 1 to {MOST}") or LIMIT,
        query.one("cursor", lambda text: _opened(text, order), "the cursor of an answer to the same question"),
        bool(query.one("count", boolean, "true or false")),
    )  # fmt: skip
    query.finish()
    return result


def _order(text: str, sorts: Sequence[str]) -> Order:
    name = text.removeprefix("-")
    if name not in sorts:
        raise ValueError(text)
    return Order(name, descending=text.startswith("-"))


def cursor(order: Order, value: Any, session: str) -> str:  # noqa: ANN401 - a number, an instant's text or None
    """Return the place after a row of doses or sessions, to be handed back as it is."""
    return packed(order.by, order.descending, value, session)


def packed(*place: Any) -> str:  # noqa: ANN401 - plain JSON values
    """Return a place in a list as a cursor."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpacked(text: str) -> list[Any]:
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, UnicodeDecodeError, RecursionError):
        raise ValueError(text) from None
    if not isinstance(found, list):
        raise ValueError(text)  # noqa: TRY004 - what `one` takes for a slip
    return found


def place_after(*kinds: type) -> Callable[[str], tuple[Any, ...]]:
    """Return the reader of a cursor made of values of these types."""

    def read(text: str) -> tuple[Any, ...]:
        found = _unpacked(text)
        if [type(v) for v in found] != list(kinds) or any(
            isinstance(v, str) and not _is_plain(v) for v in found
        ):
            raise ValueError(text)
        return tuple(found)

    return read


def _is_plain(text: str) -> bool:
    return len(text) <= _LONGEST and "\0" not in text


def _opened(text: str, order: Order) -> tuple[Any, str]:
    found = _unpacked(text)
    if len(found) != 4 or found[:2] != [order.by, order.descending]:  # noqa: PLR2004 - see `cursor`
        raise ValueError(text)
    value, session = found[2:]
    if not isinstance(session, str) or not _is_plain(session):
        raise ValueError(text)
    if order.by == "started_at":
        return datetime.fromisoformat(value.replace("Z", "+00:00") if isinstance(value, str) else ""), session
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if value is not None and not is_number:
        raise ValueError(text)
    return value, session
