"""A sheet in which every row is a treatment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.profile.raw import EndMark, Notes, Printed, Raw

if TYPE_CHECKING:
    from drivers.profile.raw import Row


def one_a_row(raw: Raw) -> list[Raw]:
    """Return a treatment for each row of a sheet."""
    names = {block.name for block in raw.layout.of("runs")}
    return [_treatment(raw, row) for name in names for row in raw.rows.get(name, [])]


def _treatment(sheet: Raw, row: Row) -> Raw:
    header = list(sheet.header) + [
        Printed(name, text, row.unit(name), row.line, row.member) for name, text in row.cells.items() if text
    ]
    notes = Notes(row.member, rows_read=1)
    end = EndMark(row.line, agreed=True)
    return Raw(
        sheet.layout,
        row.member,
        row.line,
        notes,
        sheet.version,
        header,
        end=end,
        last_line=row.line,
        is_row=True,
    )


def is_sheet(raw: Raw) -> bool:
    """Say whether the layout has a treatment in every row."""
    return bool(raw.layout.of("runs"))
