"""What could name a person, and the same text without it."""

from __future__ import annotations

from drivers.teach_structure import format_of, is_number

SHORTEST = 3
_LONGEST_NUMBER = 5


def shape_of(text: str) -> str:
    """Return a text of the same shape: zeros for digits, x for letters."""
    return "".join("0" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in text)


def may_name_somebody(cell: str) -> bool:
    """Say whether a cell of unknown meaning could name a person: a text, or a long number."""
    if len(cell) < SHORTEST or format_of([cell]) is not None:
        return False
    return not is_number(cell) or (cell.isdigit() and len(cell) > _LONGEST_NUMBER)
