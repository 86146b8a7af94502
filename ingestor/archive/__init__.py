"""Bytes as they came, kept for ever under their SHA-256.

An object is published by one fixed order of system calls (copy, sync, link, unlink, sync of the folder), so
that at every moment a name under `ab/` stands for whole and right bytes, whatever was cut off and when.
`docs/faults.md` lists the faults that this order answers.
"""

from ingestor.archive.objects import LIMIT_BYTES, Archive
from ingestor.archive.writer import Kept, Writer

__all__ = ["LIMIT_BYTES", "Archive", "Kept", "Writer"]
