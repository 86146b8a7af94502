"""Raw rows of the database as plain JSON values: instants with Z, lists, booleans, numbers; null is null."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from ingestor.exports.fields import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SECONDS = 19


def instant(value: Any) -> str | None:  # noqa: ANN401 - text on SQLite, a datetime on PostgreSQL
    """Return an instant as ISO 8601 in UTC, with a fraction only where there is one."""
    text = _stamp(value.astimezone(UTC) if isinstance(value, datetime) else value)
    return None if text is None else f"{text}Z"


def _stamp(value: Any) -> str | None:  # noqa: ANN401 - as above
    if value is None:
        return None
    text = (
        value.replace(tzinfo=None).isoformat()
        if isinstance(value, datetime)
        else f"{value[:10]}T{value[11:]}"
    )
    return text.rstrip("0").rstrip(".") if len(text) > _SECONDS else text


def _list(value: Any) -> Any:  # noqa: ANN401 - JSON text on SQLite, a list on PostgreSQL
    return json.loads(value) if isinstance(value, str) else value


def _boolean(value: Any) -> bool | None:  # noqa: ANN401 - 0 or 1 on SQLite
    return None if value is None else bool(value)


def _number(value: Any) -> float | None:  # noqa: ANN401 - a float or an exact Decimal
    return None if value is None else float(value)


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "instant": instant, "local": _stamp, "list": _list, "boolean": _boolean,
    "number": _number,
}  # fmt: skip


@cache
def _changes(table: str) -> tuple[tuple[str, ...], tuple[tuple[str, Callable[[Any], Any]], ...]]:
    fields = tables()[table]
    return tuple(f.name for f in fields), tuple(
        (f.name, _BY_KIND[f.kind]) for f in fields if f.kind in _BY_KIND
    )


def row(table: str, raw: Sequence[Any], pseudonym: Callable[[str], str] | None) -> dict[str, Any]:
    """Return one row of a table by name.

    Args:
        table: whose columns `raw` has, in their order.
        raw: as the database driver gave them.
        pseudonym: makes of a patient's id what may be shown; None shows the id.
    """
    names, changes = _changes(table)
    found = dict(zip(names, raw, strict=True))
    for name, change in changes:
        found[name] = change(found[name])
    if pseudonym is not None and found.get("patient") is not None:
        found["patient"] = pseudonym(found["patient"])
    return found
