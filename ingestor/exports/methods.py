"""The definition sheet of each method: what a dose means, in words and with the site's own limits."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ingestor.phrases import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def _page() -> dict[str, Any]:
    return tomllib.loads(files("ingestor.exports").joinpath("methods.toml").read_text("utf-8"))


def methods() -> tuple[str, ...]:
    """Return the names of all methods, oldest first."""
    return tuple(_page())


def sheet(name: str, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return one sheet.

    Args:
        name: of the method, one of `methods`.
        limits: the site's numbers, by the names that the page uses.
    """
    page = _page()[name]
    terms = [
        {
            "term": one["term"], "columns": one["columns"],
            "definition": {language: one[language].format_map(limits) for language in LANGUAGES},
        }
        for one in page["terms"]
    ]  # fmt: skip
    return {"method": name, "title": page["title"], "terms": terms}
