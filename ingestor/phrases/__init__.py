"""Every code a person can meet, in German and English: what happened, what it means, what to do now.

The texts stand in the TOML files of this folder, one file a room, one table a code.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("de", "en")
PARTS = ("happened", "means", "todo")


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return all codes. A code defined twice is a bug.

    Each entry has `kind` (refusal, finding, reason, outcome), optionally `severity`, and `de` and `en`
    with `happened`, `means`, `todo`.
    """
    entries: dict[str, dict[str, Any]] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            for code, entry in tomllib.loads(file.read_text("utf-8")).items():
                if code in entries:
                    msg = f"{code} is defined twice"
                    raise ValueError(msg)
                entries[code] = entry
    return entries


class _Blank(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "–"


def phrase(code: str, language: str, /, **params: object) -> dict[str, str]:
    """Return the three parts of a code's text in one language, with `params` filled in.

    A parameter that is a dict holds one value a language. A missing one is shown as a dash: an incomplete
    message is better than none.
    """
    texts = catalogue()[code][language]
    words = _Blank({k: v[language] if isinstance(v, dict) else v for k, v in params.items()})
    return {part: texts[part].format_map(words) for part in PARTS}


def sentence(code: str, language: str, /, **params: object) -> str:
    """Return the three parts as one text."""
    return " ".join(phrase(code, language, **params).values())


def both(code: str, /, **params: object) -> dict[str, str]:
    """Return the whole text in every language, as a receipt carries it."""
    return {language: sentence(code, language, **params) for language in LANGUAGES}
