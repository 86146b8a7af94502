"""An unknown export becomes a draft profile and a sample without persons in it, for somebody to confirm.

A draft reads nothing: it carries `template = true` until a person has compared every guess in it with the
machine's manual and screen.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.profile.inherit import parse_toml
from drivers.profile.loading import compile_profile
from drivers.profile.problems import ProfileInvalid
from drivers.teach_draft import Draft
from drivers.teach_fixture import fixture
from drivers.teach_remarks import Remarks
from drivers.teach_structure import look
from drivers.teach_xml import xml_draft

if TYPE_CHECKING:
    from ingestor.driver import Member

_WEEKS = range(104, 521)


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learnt of a sample.

    Attributes:
        profile: the draft, TOML.
        fixture: the sample without persons; None where they cannot be told from the rest.
        guesses: how many a person has to confirm.
        unread: keys, headings and words that nobody could place.
        problems: what still stands against the draft as a profile.
    """

    profile: str
    fixture: bytes | None
    guesses: int
    unread: tuple[str, ...]
    problems: tuple[str, ...]


def is_json(data: bytes) -> bool:
    """Say whether bytes are JSON: one document, or an object in every line."""
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return False
    if text[:1] not in {"{", "["}:
        return False
    for part in (text, text.partition("\n")[0]):
        try:
            json.loads(part)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def teach(sample: Member, name: str, language: str, weeks: int | None = None) -> Taught | None:
    """Look at an unknown export; None where it is no text and no XML, which no profile can describe.

    Args:
        sample: the export.
        name: of the profile to be.
        language: of the remarks, `de` or `en`.
        weeks: by how much the dates of the fixture are moved; by chance if None.
    """
    marks = Remarks(language)
    masked = None
    if sample.data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        profile = xml_draft(sample.data, name, sample.name, marks)
    else:
        seen = look(sample.data)
        profile = None if seen is None else Draft(seen, name, sample.name, marks).text()
        masked = None if seen is None else fixture(seen, weeks or secrets.choice(_WEEKS))
    if profile is None:
        return None
    return Taught(
        profile, masked, marks.guesses, tuple(dict.fromkeys(marks.unread)), _problems(profile, name)
    )


def _problems(profile: str, name: str) -> tuple[str, ...]:
    try:
        data, problems = parse_toml(profile, f"{name}.toml")
        compile_profile(data, {}, problems)
    except ProfileInvalid as invalid:
        return invalid.problems
    return ()
