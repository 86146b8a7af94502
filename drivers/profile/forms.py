"""Lines, XML or a workbook: who recognises and who reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.profile.recognise import Recognised, recognise_text
from drivers.profile.treatments import read_text
from drivers.profile.workbook import as_text, is_workbook
from drivers.profile.xml_reader import read_xml, recognise_xml
from ingestor.driver import Member, ParseError

if TYPE_CHECKING:
    from drivers.profile.raw import Raw
    from drivers.profile.spec import Layout, Profile


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
            return recognise_text(
                profile, part, {one.variant: as_text(one, data, "") for one in profile.layouts}
            )
        except ParseError as error:
            return Recognised(None, f"{error.expected}: {error.got}")
    return recognise_text(profile, part, data)


def read_member(profile: Profile, layout: Layout, member: Member, part: str) -> list[Raw]:
    """Return the treatments of one member.

    Raises:
        ParseError: see the readers.
    """
    if layout.form == "xml":
        return read_xml(layout, member)
    if layout.workbook and is_workbook(member.data):
        member = Member(member.name, as_text(layout, member.data, member.name))
    return read_text(profile, layout, member, part)
