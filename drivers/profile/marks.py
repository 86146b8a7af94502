"""Patterns of lines that begin and end a treatment: fixed text with names in braces."""

from __future__ import annotations

import re

# What a name in braces stands for.
PLACES = {
    "version": r"[0-9A-Za-z.\-_]{1,32}",
    "lines": r"[0-9]{1,9}",
    "rows": r"[0-9]{1,9}",
    "samples": r"[0-9]{1,9}",
    "crc32": r"[0-9A-Fa-f]{8}",
    "md5": r"[0-9A-Fa-f]{32}",
    "sha256": r"[0-9A-Fa-f]{64}",
    "xor8": r"[0-9A-Fa-f]{2}",
    "sum8": r"[0-9A-Fa-f]{2}",
    "any": r".{0,200}?",
}
CHECKSUMS = ("crc32", "md5", "sha256", "xor8", "sum8")
_BRACES = re.compile(r"\{([^{}]*)\}")


def pattern(text: str) -> re.Pattern[str]:
    """Compile `#END;{lines}` and the like.

    Raises:
        ValueError: with a sentence, where a name in braces is unknown or stands twice.
    """
    body, at = "", 0
    for match in _BRACES.finditer(text):
        name = match[1]
        if name not in PLACES:
            msg = f"{text!r}: {{{name}}} is not known; known are {', '.join(PLACES)}"
            raise ValueError(msg)
        body += re.escape(text[at : match.start()])
        body += PLACES[name] if name == "any" else f"(?P<{name}>{PLACES[name]})"
        at = match.end()
    try:
        return re.compile(body + re.escape(text[at:]), re.ASCII)
    except re.error as error:
        msg = f"{text!r}: {error}"
        raise ValueError(msg) from error


def literal(text: str) -> str:
    """Return the fixed text with which a pattern begins."""
    return text.split("{", maxsplit=1)[0]


def glob(text: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` stands for anything, and nothing else is special."""
    return re.compile(".*".join(map(re.escape, text.split("*"))))
