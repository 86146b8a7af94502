"""How lists are asked for over HTTP: the filter of `ingestor.exports.asked`, an order, a page and a place in it."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingestor.exports import asked
from ingestor.exports.asked import EQUAL, FILTERS, LONGEST, OTHERS, Asker, boolean, moment, whole
from ingestor.store.answers.doses import SORTS, Order, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.requests import Request

    from api.service import Service
    from ingestor.access.permissions import Caller

__all__ = ["EQUAL", "FILTERS", "LIMIT", "MOST", "OTHERS", "Listing", "boolean", "moment", "whole"]
LIMIT, MOST = 50, 1000
_NOBODY = "nobody"


def query_of(request: Request, known: Iterable[str]) -> asked.Query:
    """Return the parameters of a request, of which only `known` ones may be given."""
    return asked.Query(request.query_params.multi_items(), known)


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


def wanted(query: asked.Query, service: Service, caller: Caller) -> Wanted:
    """Return the filter of a request."""

    def patient(given: str) -> str:
        return service.patient_of(given, caller) or (given if caller.sees_identity else _NOBODY)

    return asked.wanted(query, Asker(caller.centre, service.settings.zone, patient, caller.ward))


def listing(query: asked.Query, service: Service, caller: Caller, sorts: Sequence[str] = SORTS) -> Listing:
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
    return len(text) <= LONGEST and "\0" not in text


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
