"""The driver `hl7-pcd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers._remarks import Remarks
from drivers._tables import about
from drivers._text import printed
from drivers.hl7_pcd.framing import is_hl7, read_stream
from drivers.hl7_pcd.log import device_log, with_leftovers
from drivers.hl7_pcd.report import kind_of, reports_of
from drivers.hl7_pcd.terms import Codes, codes_of, published
from drivers.hl7_pcd.treatments import Sorter, is_identity
from ingestor.driver import Claim, Evidence, ParseError, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from drivers.hl7_pcd.framing import Message
    from ingestor.driver import Bundle, BundleKey, DeviceLog

_VERSION = "1"
_HL7 = "2.6"
# A claim looks at the first messages only; one message is a few kilobytes.
_HEAD = 2**20


class Hl7Pcd:
    """Reads treatment reports and alarm notices; see the package's text for source and limits."""

    name = "hl7-pcd"
    evidence = Evidence.SPECIFIED
    roles = (Role.COMBINED, Role.ADSORBER, Role.SEPARATOR)

    def __init__(self, codes: Codes | None = None) -> None:
        self.codes = codes or published()
        self.about = about(__package__)
        self.version = _VERSION + (f"+{self.codes.stamp}" if self.codes.stamp else "")

    def bundle_key(self, member_name: str) -> BundleKey | None:  # noqa: ARG002 - single files
        """Return None: every file stands alone."""
        return None

    def claim(self, bundle: Bundle) -> Claim:
        """Claim HL7 of version 2.6 that holds a machine's report or an alarm of a treatment."""
        if len(bundle.members) != 1 or not is_hl7(bundle.members[0].data):
            return Claim(claims=False, reason="does not begin with an HL7 header")
        member = bundle.members[0]
        messages = read_stream(member.data[:_HEAD], member.name).messages
        ours = [m for m in messages if _is_ours(m)]
        if not ours:
            near = (f"{printed(member.name)}, line 1: HL7, but no report of a dialysis or apheresis machine",)
            return Claim(claims=False, reason="HL7 messages of other kinds", near_misses=near)
        versions = sorted({m.header.text(12) for m in ours} - {_HL7})
        if versions:
            line = next(m.header.line for m in ours if m.header.text(12) != _HL7)
            strange = ", ".join(v or "?" for v in versions)
            near = (f"{printed(member.name)}, line {line}: HL7 version {strange} instead of {_HL7}",)
            return Claim(claims=False, reason="another HL7 version", near_misses=near, code="unknown_version")
        return Claim(claims=True, reason=f"reports or alarms of a machine in HL7 {_HL7}")

    def parse(self, bundle: Bundle) -> Iterator[DeviceLog]:
        """Yield one log a treatment.

        Raises:
            ParseError: no message can be read, or none belongs to a treatment.
        """
        member = bundle.members[0]
        remarks = Remarks(member.name)
        sorter = Sorter(remarks)
        stream = read_stream(member.data, member.name, sorter.take)
        treatments = sorter.treatments()
        if not treatments:
            got = member.data[:40].decode("latin-1")
            raise ParseError(
                member.name, stream.cut_at or 1, "a whole report of a treatment (MSH, OBR, OBX)", got
            )
        findings = (*stream.findings, *remarks.findings())
        closed = stream.closed if stream.batch else None
        for number, treatment in enumerate(treatments):
            log = device_log(treatment, self.codes, member.name, closed=closed)
            yield with_leftovers(log, sorter.ignored, findings) if number == 0 else log


def _is_ours(message: Message) -> bool:
    kind = kind_of(message)
    if kind == "report":
        return True
    return kind == "alarm" and any(is_identity(r.therapy) for r in reports_of(message, kind))


def drivers(folder: Path | None) -> Iterable[Hl7Pcd]:
    """Return the driver with the site's own code tables, see `hl7_pcd.terms`."""
    return (Hl7Pcd(codes_of(folder)),)
