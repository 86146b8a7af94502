"""HL7 messages over a network, for the listener: what they say of themselves, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.hl7_pcd.answers import Outcome, acknowledge
from drivers.hl7_pcd.framing import read_stream
from ingestor.talk import About

if TYPE_CHECKING:
    from datetime import datetime

    from ingestor import talk


class Hl7Conversation:
    """The sender is application and facility, the message its control id, the treatment its therapy id."""

    def about(self, message: bytes) -> About | None:
        """Return what a message says of itself, or None if it has no header that can be read."""
        found = read_stream(message, "").messages
        if not found:
            return None
        header = found[0].header
        request = next((s for s in found[0].segments if s.name == "OBR"), None)
        sender = "|".join("^".join(header.components(number)) for number in (3, 4))
        return About(sender, header.text(10), "^".join(request.components(3)) if request else "")

    def answer(self, message: bytes, outcome: talk.Outcome, now: datetime) -> bytes:
        """Return the acknowledgement; see `acknowledge`."""
        return acknowledge(message, Outcome(outcome.value), now)
