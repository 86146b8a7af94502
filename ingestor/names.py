"""File names as people may see them. A name is for showing and pairing; no path is ever made of it."""

from __future__ import annotations

import unicodedata

_LONGEST = 255
# Cc controls, Cf invisible and direction marks, Cs lone surrogates, Zl and Zp line ends.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shown(name: str | bytes) -> str:
    """Return a file name that can be shown and logged anywhere: one line, composed, nothing hidden in it.

    Bytes that are no UTF-8 and characters nobody sees are written as escapes; nothing is lost.
    """
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    plain = "".join(_escaped(c) if unicodedata.category(c) in _HIDDEN else c for c in text)
    return unicodedata.normalize("NFC", plain)[:_LONGEST]


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
