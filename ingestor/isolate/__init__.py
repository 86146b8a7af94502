"""The limited child: drivers are foreign code and run where they can do no harm.

`Reader` is the parent's side: it hands a bundle to a child process and gets a `Reading` back, whatever the
drivers in the child do. `read_here` is the same sum without a child, for tests and for many files at once.
"""

from ingestor.isolate.child import Limits
from ingestor.isolate.found import Broken, find_drivers
from ingestor.isolate.reader import Raw, Reader, reading_of
from ingestor.isolate.reading import Reading, RunReading, Trouble, read_here

__all__ = [
    "Broken",
    "Limits",
    "Raw",
    "Reader",
    "Reading",
    "RunReading",
    "Trouble",
    "find_drivers",
    "read_here",
    "reading_of",
]
