"""The columns of everything that is served or exported, defined once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        kind: text, number, count, instant, local, boolean or list.
        unit: UCUM code; None where the column has none of its own.
        codes: name of the list of codes that may stand in it, see `ingestor.exports.codes`.
    """

    name: str
    kind: str
    de: str
    en: str
    unit: str | None = None
    codes: str | None = None


Table = tuple[Field, ...]


@cache
def tables() -> Mapping[str, Table]:
    """Return the columns of every table in the order in which they are served."""
    page = tomllib.loads(files("ingestor.exports").joinpath("fields.toml").read_text("utf-8"))
    return {
        name: tuple(Field(column, **about) for column, about in columns.items())
        for name, columns in page.items()
    }


def names(table: str) -> tuple[str, ...]:
    """Return the column names of a table."""
    return tuple(field.name for field in tables()[table])
