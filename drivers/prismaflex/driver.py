"""The driver `prismaflex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers._remarks import Remarks
from drivers._tables import about
from drivers._text import printed
from drivers.prismaflex.codes import Codes, codes_of, published
from drivers.prismaflex.log import device_log
from drivers.prismaflex.members import MARKS, families, key_of
from drivers.prismaflex.tables import read_head
from ingestor.driver import Claim, Evidence, ParseError, Role
from ingestor.packed import is_gzip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from drivers.prismaflex.members import Family
    from drivers.prismaflex.tables import Table
    from ingestor.driver import Bundle, BundleKey, DeviceLog

_VERSION = "1"
_NOT_OURS = Claim(claims=False, reason="no treatment log of this machine")


class Prismaflex:
    """Reads treatment logs; see the package's text for source and limits."""

    name = "prismaflex"
    evidence = Evidence.OBSERVED
    roles = (Role.COMBINED,)

    def __init__(self, codes: Codes | None = None) -> None:
        self.codes = codes or published()
        self.about = about(__package__)
        self.version = _VERSION + (f"+{self.codes.stamp}" if self.codes.stamp else "")

    def bundle_key(self, member_name: str) -> BundleKey | None:
        """Return how the loose members of one treatment pair: by stem."""
        return key_of(member_name)

    def claim(self, bundle: Bundle) -> Claim:
        """Claim bundles whose members begin with the column rows of this machine."""
        try:
            found = families(bundle)
            known = [(family, _known(family)) for family in found]
        except ParseError as error:
            if not is_gzip(bundle.members[0].data):
                return _NOT_OURS
            near = (f"{printed(error.member)}: expected {error.expected}, got {error.got}",)
            return Claim(
                claims=False, reason="an archive that is not opened", near_misses=near, code=error.code
            )
        if not any(tables for _, tables in known):
            return _NOT_OURS
        if len(bundle.members) > 1 and sum(len(tables) for _, tables in known) < len(bundle.members):
            near = ("not every file is a member of the treatment",)
            return Claim(claims=False, reason="files of several kinds", near_misses=near)
        for family, tables in known:
            versions = {v: t for t in tables if (v := t.header.get("swversion", ""))}
            if strange := sorted(v for v in versions if v.split(".")[0] != str(family.generation)):
                where = versions[strange[0]]
                near = (
                    f"{printed(where.name)}, line {where.software_line}: software {strange[0][:20]} instead of {family.generation}.x",
                )
                reason = "another version of the machine's software"
                return Claim(claims=False, reason=reason, near_misses=near, code="unknown_version")
        names = sorted(t.name for _, tables in known for t in tables)
        return Claim(claims=True, reason=f"column rows of the machine's log in {', '.join(names)[:200]}")

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        """Yield one log a treatment; an archive holds one.

        Raises:
            ParseError: an archive is larger than allowed, a column stands twice, or the treatment's start or
                machine cannot be read.
        """
        remarks = Remarks(bundle.members[0].name)
        found = families(bundle, remarks)
        if not found:
            raise ParseError(
                bundle.members[0].name, 0, "members .PLE, .PLP, .PLS or E.TXT, P.TXT, S.TXT", "none"
            )
        for family in found:
            yield device_log(family, self.codes, remarks)
            remarks = Remarks(bundle.members[0].name)


def _known(family: Family) -> list[Table]:
    heads = ((kind, read_head(part.name, part.data)) for kind, part in family.parts.items())
    return [head for kind, head in heads if head is not None and MARKS[kind] & set(head.columns)]


def drivers(folder: Path | None) -> Iterable[Prismaflex]:
    """Return the driver with the site's own code tables, see `drivers._tables`."""
    return (Prismaflex(codes_of(folder)),)
