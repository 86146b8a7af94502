"""One tree of errors; anything outside it is a bug."""

from __future__ import annotations


class IngestorError(Exception):
    """Something a person can act on.

    Attributes:
        code: stable name, a key of `ingestor.phrases`.
        details: values that the phrase needs; they may be shown to the person who sent the file, so
            they never go into a log line.
    """

    code = "internal"

    def __init__(self, code: str | None = None, /, **details: object) -> None:
        self.code = code or type(self).code
        self.details = details
        super().__init__(self.code)


class ParseError(IngestorError):
    """A driver cannot read on.

    Args:
        member: name of the bundle's member.
        line: line or record number, from 1; 0 where there is none.
        expected: what the layout says stands there.
        got: what stands there, at most 80 characters of it.
        code: a more exact code than `unreadable`.
    """

    code = "unreadable"

    def __init__(self, member: str, line: int, expected: str, got: str, code: str | None = None) -> None:
        super().__init__(code, member=member, line=line, expected=expected, got=got[:80])
        self.member, self.line, self.expected, self.got = member, line, expected, got[:80]


class Refused(IngestorError):
    """The bytes are kept, but nothing is made of them."""

    code = "refused"


class LimitExceeded(Refused):
    """A file, a line, a process or a request is larger than the house allows."""

    code = "limit"


class SourceChanged(IngestorError):
    """A file changed while it was copied: it is looked at again later."""

    code = "source_changed"


class SourceTrouble(IngestorError):
    """A file cannot be read now: locked, gone, no regular file, or its share is in trouble."""

    code = "source_unreadable"


class StorageTrouble(IngestorError):
    """Disk full, disk broken, archive not writable: nothing was accepted, the sender keeps the file."""

    code = "storage"


class Busy(IngestorError):
    """Try again shortly."""

    code = "busy"


class NotFound(IngestorError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"


class OtherWard(NotFound):
    """It is there, but belongs to another ward: told as if it were not, and put on record."""

    code = "no_such_session"


class Denied(IngestorError):
    """Nobody knows who asks: credentials are missing, wrong or over."""

    code = "login_needed"


class TooMany(IngestorError):
    """More requests in a short time than one sender may make; `details["wait_s"]` says how long to wait."""

    code = "too_many"


class Forbidden(IngestorError):
    """Your role does not allow this."""

    code = "forbidden"


class Invalid(IngestorError):
    """A value given by a person or a program does not fit."""

    code = "invalid"


class SettingsError(IngestorError):
    """The program cannot start with these settings."""

    code = "settings"


class DatabaseTrouble(IngestorError):
    """The database is not there, too new, or damaged."""

    code = "database"
