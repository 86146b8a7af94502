"""The codebook: every table, column, unit and code in words, made from the definitions that exports use."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from ingestor.exports.codes import all_codes, codes
from ingestor.exports.fields import tables
from ingestor.phrases import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.exports.fields import Field

__all__ = ["LANGUAGES", "codebook"]

_WORDS: dict[str, dict[str, str]] = {
    "title": {"de": "Codebuch", "en": "Codebook"},
    "table": {"de": "Tabelle", "en": "Table"},
    "codes": {"de": "Codeliste", "en": "Codes"},
    "column": {"de": "Spalte", "en": "Column"},
    "kind": {"de": "Art", "en": "Kind"},
    "unit": {"de": "Einheit (UCUM)", "en": "Unit (UCUM)"},
    "meaning": {"de": "Bedeutung", "en": "Meaning"},
    "code": {"de": "Code", "en": "Code"},
    "text": {"de": "Text", "en": "text"},
    "number": {"de": "Zahl", "en": "number"},
    "count": {"de": "ganze Zahl", "en": "whole number"},
    "instant": {"de": "Zeitpunkt (UTC)", "en": "instant (UTC)"},
    "local": {"de": "Ortszeit ohne Zone", "en": "wall clock without zone"},
    "date": {"de": "Datum", "en": "date"},
    "boolean": {"de": "wahr oder falsch", "en": "true or false"},
    "list": {"de": "Liste", "en": "list"},
}
_RULES = {
    "de": (
        "Was nicht bekannt ist, ist leer und nie 0.",
        "In CSV sind Listen durch | getrennt, Zeitpunkte ISO 8601 mit Z, Wahrheitswerte true und false.",
        "Beginnt ein Text mit einem Zeichen, das Tabellenprogramme als Formel ausführen, steht ein ' davor.",
    ),
    "en": (
        "What is not known is empty and never 0.",
        "In CSV lists are joined by |, instants are ISO 8601 with Z, truth values are true and false.",
        "A text that begins with a sign that spreadsheet programs run as a formula has a ' before it.",
    ),
}


def codebook(language: str) -> str:
    """Return the whole page as Markdown.

    Args:
        language: one of `LANGUAGES`.
    """
    return "\n".join(_page(language)) + "\n"


def _page(language: str) -> Iterator[str]:
    def say(word: str) -> str:
        return _WORDS[word][language]

    yield f"# {say('title')} (apherelog {version('apherelog')})"
    yield ""
    yield from (f"- {rule}" for rule in _RULES[language])
    for name, fields in tables().items():
        yield from ("", f"## {say('table')} `{name}`", "")
        yield from _table(say("column"), say("kind"), say("unit"), say("meaning"))
        for field in fields:
            yield from _row(f"`{field.name}`", say(field.kind), field.unit or "", _meaning(field, language))
    for name in all_codes():
        yield from ("", f"## {say('codes')} `{name}`", "")
        yield from _table(say("code"), say("meaning"))
        for code, words in codes(name).items():
            yield from _row(f"`{code}`", words[language])


def _meaning(field: Field, language: str) -> str:
    text = field.de if language == "de" else field.en
    return f"{text}. {_WORDS['codes'][language]}: `{field.codes}`" if field.codes else text


def _table(*heads: str) -> Iterator[str]:
    yield from _row(*heads)
    yield "|" + " --- |" * len(heads)


def _row(*cells: str) -> Iterator[str]:
    yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
