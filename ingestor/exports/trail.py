"""The audit chain as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from ingestor.exports.delimited import FORMULA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS = ("seq", "at", "actor", "role", "action", "object", "reason", "detail", "previous", "hash")
_RISKY = re.compile(FORMULA)


def as_csv(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield lines: the header, then one an entry. A text that would be run as a formula gets an apostrophe."""
    yield _line(COLUMNS)
    for entry in entries:
        row = entry | {
            "at": entry["at"].isoformat(),
            "detail": json.dumps(entry["detail"], ensure_ascii=False),
        }
        yield _line(_safe(row[name]) for name in COLUMNS)


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _safe(cell: Any) -> Any:  # noqa: ANN401 - a cell
    return f"'{cell}" if isinstance(cell, str) and _RISKY.match(cell) else cell
