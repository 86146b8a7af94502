"""The texts of the pages, German and English side by side in `texts/*.toml`.

A text is a pair `[German, English]`; one that counts is a pair of tables by plural category (CLDR).
What a code means (findings, refusals, reasons) stands in `ingestor.phrases` and is read there.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from babel import Locale
from babel.numbers import format_decimal

from api.web.language import LOCALES
from ingestor import phrases
from ingestor.phrases import LANGUAGES
from ingestor.quantity import CHANNELS, FACTS, TOTALS

if TYPE_CHECKING:
    from collections.abc import Iterator

Text: TypeAlias = str | dict[str, str]


@cache
def texts() -> dict[str, tuple[Text, Text]]:
    """Return every text by its dotted key, as (German, English)."""
    entries: dict[str, tuple[Text, Text]] = {}
    for file in sorted((files(__package__) / "texts").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            for key, pair in _flat(tomllib.loads(file.read_text("utf-8"))):
                if key in entries:
                    msg = f"{key} is defined twice"
                    raise ValueError(msg)
                entries[key] = pair
    for kind, table in (("channel", CHANNELS), ("total", TOTALS), ("fact", FACTS)):
        entries |= {f"{kind}.{q.id}": (q.de, q.en) for q in table.values()}
    return entries


def _flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[Text, Text]]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            german, english = value
            yield prefix + key, (german, english)


def text(key: str, language: str, /, **params: object) -> str:
    """Return one text. `n` picks the plural form; whole numbers are written as the language does.

    Raises:
        KeyError: there is no such text. A page never shows a bare key.
    """
    found = texts()[key][LANGUAGES.index(language)]
    if isinstance(found, dict):
        found = found[Locale(language).plural_form(int(str(params["n"])))]
    shown = {
        name: format_decimal(value, locale=LOCALES[language]) if isinstance(value, int) else value
        for name, value in params.items()
    }
    return found.format(**shown) if params else found


def word(kind: str, value: str | None, language: str) -> str:
    """Return the word for a coded value, or the value itself where a site or a machine brought its own."""
    if not value:
        return "–"
    pair = texts().get(f"{kind}.{value}")
    return value if pair is None else str(pair[LANGUAGES.index(language)])


def said(code: str, language: str, params: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the three parts of a code's phrase; an unknown code is named, with what to do about it."""
    if code not in phrases.catalogue():
        return phrases.phrase("page_unknown_code", language, code=code)
    return phrases.phrase(code, language, **(params or {}))
