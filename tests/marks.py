"""Names that the tests plant in every input, and a watch over all logs of the suite that never shows one."""

from __future__ import annotations

import logging

PLANTED = (
    "Beispielhuber",
    "Xaverine",
    "Geheimhuber",
    "Anna Beispiel",
    "Bert <Muster>",
    "00481516",
    "4711-0815",
)


def named(record: logging.LogRecord) -> list[str]:
    """Return which planted names stand in a log record, its message or one of its fields."""
    text = f"{record.getMessage()} {[v for k, v in vars(record).items() if k not in {'msg', 'args', 'pathname'}]}"
    return [mark for mark in PLANTED if mark in text]


class Watch(logging.Handler):
    """Remembers what the program's own loggers said that it must not say."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.split(".")[0] in {"ingestor", "api", "drivers", "uvicorn"} and (
            marks := named(record)
        ):
            self.seen.append(f"{record.name}: {marks}")
