"""Which tables and columns are written, in which order, and as which text."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A cell that begins like this is run as a formula by spreadsheet programs.
_FORMULA = re.compile("[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
SOURCE_WIDTH = 50
# Not a table of the model: what of the filter is not in it, and why.
EXCLUSIONS = "exclusions"


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Return every table with its columns and where each value comes from."""
    page = files("ingestor.exports.omop").joinpath("tables.toml").read_text("utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(page)
    return found


def header(table: str) -> bytes:
    """Return the first line of a table's file."""
    return (",".join(tables()[table]) + "\n").encode()


def lines(table: str, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as CSV that PostgreSQL's COPY reads: null is empty, texts of machines are safe to open.

    Raises:
        KeyError: a row has not exactly the columns of the table.
    """
    columns = tuple(tables()[table])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        if len(row) != len(columns):
            raise KeyError(table, *set(columns) ^ set(row))
        writer.writerow([row[name] for name in columns])
    return text.getvalue().encode()


def printed(text: str | None, width: int = SOURCE_WIDTH) -> str | None:
    """Return a text that a machine or a person wrote, as wide as the column and never a formula."""
    if not text:
        return None
    safe = f"'{text}" if _FORMULA.match(text) else text
    return safe[:width]
