"""Every layout by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.layouts import (
    hl7_pcd,
    prismaflex,
    separator_record,
    session_sheet,
    single_column_table,
    twin_column_journal,
    twin_column_report,
    twin_column_serial,
)

if TYPE_CHECKING:
    from simulators.layout import Layout

LAYOUTS: dict[str, Layout] = {
    module.LAYOUT.name: module.LAYOUT
    for module in (
        twin_column_report,
        twin_column_journal,
        twin_column_serial,
        single_column_table,
        separator_record,
        session_sheet,
        prismaflex,
        hl7_pcd,
    )
}
