"""Lines, XML or a workbook: who recognises and who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.profile.recognise import Recognised, recognise_text
from drivers.profile.treatments import read_text
from drivers.profile.workbook import as_text, filled, is_workbook, sheets_of
from drivers.profile.xml_reader import read_xml, recognise_xml
from ingestor.driver import Member, ParseError

if TYPE_CHECKING:
    from drivers.profile.raw import Raw
    from drivers.profile.spec import Layout, Profile
    from drivers.profile.workbook import Rows


def recognise(profile: Profile, part: str, data: bytes) -> Recognised:
    """Say which layout of a profile a member is printed in, or what stands against it.

    Args:
        profile: with all its versions and variants.
        part: which part of the bundle the member is, empty for layouts of one file.
        data: all bytes of the member.
    """
    form = profile.layouts[0].form
    if form == "xml":
        return recognise_xml(profile, data)
    if is_workbook(data):
        if not profile.layouts[0].workbook:
            return Recognised(None, "this is a workbook")
        try:
            answers = [_sheet(profile, part, rows) for rows in sheets_of(data, "").values()]
        except ParseError as error:
            return Recognised(None, f"{error.expected}: {error.got}")
        known = [one for one in answers if one.layout is not None]
        near = [one for one in answers if one.near]
        return (*known, *near, *answers, Recognised(None, "all sheets are empty"))[0]
    return recognise_text(profile, part, data)


def _sheet(profile: Profile, part: str, rows: Rows) -> Recognised:
    return recognise_text(profile, part, {one.variant: as_text(one, rows) for one in profile.layouts})


def read_member(profile: Profile, layout: Layout, member: Member, part: str) -> list[Raw]:
    """Return the treatments of one member.

    Raises:
        ParseError: see the readers.
    """
    if layout.form == "xml":
        return read_xml(layout, member)
    if layout.workbook and is_workbook(member.data):
        return _read_workbook(profile, member, part)
    return read_text(profile, layout, member, part)


def _read_workbook(profile: Profile, member: Member, part: str) -> list[Raw]:
    """Return the treatments of all sheets that are of this layout; what others hold is told and counted.

    Where several sheets say something, `member#2` is the second sheet of a member: sheets are not called by
    their names, which may be those of patients.
    """
    sheets = sheets_of(member.data, member.name)
    raws: list[Raw] = []
    others: list[tuple[int, int]] = []
    for number, rows in sheets.items():
        layout = _sheet(profile, part, rows).layout
        name = member.name if len(sheets) == 1 else f"{member.name}#{number}"
        if layout is None:
            others.append((number, filled(rows)))
        else:
            raws += read_text(profile, layout, Member(name, as_text(layout, rows)), part)
    for number, count in others:
        if raws and count:
            raws[0].notes.find("sheet_not_read", 0, about="sheets", sheet=str(number), rows=str(count))
            raws[0].notes.ignore("sheet_not_read", count)
    return raws
