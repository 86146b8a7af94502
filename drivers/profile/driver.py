"""A profile as a driver."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from drivers._text import printed
from drivers.profile.ends import sample_rows
from drivers.profile.forms import read_member, recognise
from drivers.profile.log import build
from drivers.profile.restarts import add_companion
from drivers.profile.sheets import is_sheet, one_a_row
from drivers.profile.splitting import by_run
from ingestor.driver import BundleKey, Claim, Finding, Ignored, ParseError, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drivers.profile.raw import Notes, Raw
    from drivers.profile.spec import Profile, SerialLine
    from ingestor.driver import Bundle, DeviceLog, Evidence, Member, Role

# Changes whenever the same profile gives another answer for the same bytes.
ENGINE = "2"


class ProfileDriver:
    """Reads what one profile describes.

    Source: the profile itself, under the key `source`.
    Evidence: the profile's own tier.
    Clock: naive stamps as printed; those without date are dated from the treatment's start.
    Numbers: exact, by the strict grammar that the profile declares.
    Reads: everything the profile names.
    Leaves: what nobody declared; it is a finding, never dropped in silence.

    Attributes:
        about: what it says of itself, in German and English.
        line: how a serial port has to be set for it, None for layouts of files.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.name = profile.name
        self.version = f"{ENGINE}+{profile.digest}"
        self.evidence: Evidence = profile.layouts[0].evidence
        self.about = {tongue: dict(texts) for tongue, texts in profile.about.items()}
        self.line: SerialLine | None = profile.layouts[0].line
        self.roles: tuple[Role, ...] = tuple(dict.fromkeys(one.role for one in profile.layouts))

    @cached_property
    def _parts(self) -> list[tuple[str, re.Pattern[str]]]:
        """Return parts and how their members are named, the longest fixed name first."""
        bundle = sorted(self.profile.layouts[0].bundle.items(), key=lambda item: -len(item[1]))
        return [
            (
                part,
                re.compile(
                    f"(?P<stem>.+){re.escape(name.partition('{stem}')[2])}", re.IGNORECASE | re.DOTALL
                ),
            )
            if name.startswith("{stem}")
            else (
                part,
                re.compile(
                    "(?P<stem>.+)".join(map(re.escape, name.split("{stem}"))), re.IGNORECASE | re.DOTALL
                ),
            )
            for part, name in bundle
        ]

    def bundle_key(self, member_name: str) -> BundleKey | None:
        """Return how a member pairs with others by its name, None for layouts of one file."""
        for part, pattern in self._parts:
            if match := pattern.fullmatch(member_name):
                return BundleKey(match["stem"], part, tuple(self.profile.layouts[0].bundle))
        return None

    def claim(self, bundle: Bundle) -> Claim:
        """Look at the first lines of every member."""
        try:
            placed = self._placed(bundle)
            answers = [recognise(self.profile, part, member.data) for part, member in placed]
        except ParseError as error:
            return Claim(claims=False, reason=f"{error.expected}: {error.got}")
        near = tuple(
            f"{printed(member.name)}, {text}"
            for (_, member), one in zip(placed, answers, strict=True)
            for text in one.near
        )
        refusing = next((one for one in answers if one.layout is None), None)
        if refusing is not None:
            return Claim(claims=False, reason=refusing.reason, near_misses=near, code=refusing.code)
        return Claim(claims=True, reason=f"{self.name}: {answers[0].reason}")

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        """Yield the treatments; one that cannot be read is told with those that can.

        Raises:
            ParseError: nothing could be read; with member, line, expected and got.
        """
        logs: list[DeviceLog] = []
        failed: list[tuple[Raw, ParseError]] = []
        sheets: list[Notes] = []
        for raw in self._raws(bundle):
            if is_sheet(raw) and raw.broken is None:
                sheets.append(raw.notes)
            for one in one_a_row(raw) if is_sheet(raw) and raw.broken is None else by_run(raw):
                try:
                    logs.append(build(one))
                except ParseError as error:
                    failed.append((one, error))
        if not logs:
            raise failed[0][1] if failed else self._nothing(bundle)
        yield from _told(logs, failed, sheets)

    def _nothing(self, bundle: Bundle) -> ParseError:
        return ParseError(bundle.members[0].name, 1, "a row with a treatment", "none", "no_identity")

    def _placed(self, bundle: Bundle) -> list[tuple[str, Member]]:
        """Return the members with their parts, the first part first.

        Raises:
            ParseError: these members are no bundle of this layout.
        """
        names = tuple(self.profile.layouts[0].bundle)
        if not names:
            if len(bundle.members) != 1:
                raise ParseError("", 0, "one file", f"{len(bundle.members)} files")
            return [("", bundle.members[0])]
        keyed = [(self.bundle_key(member.name), member) for member in bundle.members]
        parts = {key.part: member for key, member in keyed if key is not None}
        stems = {key.stem for key, _ in keyed if key is not None}
        if len(parts) != len(bundle.members) or len(stems) != 1:
            raise ParseError(
                "", 0, f"files named like {', '.join(self.profile.layouts[0].bundle.values())}", "others"
            )
        return [(part, parts[part]) for part in names if part in parts]

    def _raws(self, bundle: Bundle) -> list[Raw]:
        placed = self._placed(bundle)
        raws: list[Raw] = []
        for part, member in placed:
            seen = recognise(self.profile, part, member.data)
            if seen.layout is None:
                raise ParseError(member.name, 1, f"a {self.name}", seen.reason, seen.code)
            found = read_member(self.profile, seen.layout, member, part)
            if raws and found:
                add_companion(raws[0], found[0])
            else:
                raws = found
        here = {part for part, _ in placed}
        lacking = [name for part, name in self.profile.layouts[0].bundle.items() if part not in here]
        for name in lacking:
            raws[0].notes.find("companion_missing", 0, name=name.replace("{stem}", "…"))
            raws[0].gaps = True
        return raws


def _told(
    logs: list[DeviceLog], failed: list[tuple[Raw, ParseError]], sheets: list[Notes]
) -> list[DeviceLog]:
    """Put what is known of unreadable treatments and rows into the first log: nothing disappears."""
    for notes in sheets:
        lost = sum(notes.ignored.values())
        logs[0] = replace(
            logs[0],
            rows_read=logs[0].rows_read + lost,
            ignored=(
                *logs[0].ignored,
                *(Ignored(reason, rows) for reason, rows in sorted(notes.ignored.items())),
            ),
            findings=(*logs[0].findings, *notes.all_findings()),
        )
    if not failed:
        return logs
    rows = sum(raw.notes.rows_read + sample_rows(raw) for raw, _ in failed)
    told = tuple(
        Finding(
            "sheet_row_unreadable" if raw.is_row else "treatment_unreadable", Severity.ERROR, raw.member, raw.line,
            {"expected": error.expected, "got": error.got},
        )
        for raw, error in failed
    )  # fmt: skip
    first = logs[0]
    ignored = (*first.ignored, Ignored("treatment_unreadable", rows)) if rows else first.ignored
    logs[0] = replace(
        first, rows_read=first.rows_read + rows, ignored=ignored, findings=(*first.findings, *told)
    )
    return logs
