"""Numbers, times and durations in the reader's language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import dates, numbers

from api.web.language import LOCALES

if TYPE_CHECKING:
    from collections.abc import Callable

DASH = "–"
_A_FEW_SECONDS = 120
_KILO, _MEGA = 1000, 1_000_000
UNITS = {"mm[Hg]": "mmHg", "[pH]": "pH", "Cel": "°C", "1": "", "{cycles}": "", "mL": "ml", "mL/min": "ml/min"}
UNITS |= {"mL/kg": "ml/kg", "L": "l"}


class Formats:
    """Formats values for one reader.

    Args:
        language: `de` or `en`.
        zone: where the reader is, for instants; printed times of a machine are shown as printed.
    """

    def __init__(self, language: str, zone: str) -> None:
        self.locale = LOCALES[language]
        self.zone = ZoneInfo(zone)

    def number(self, value: Decimal | float | None, digits: int = 0) -> str:
        """Return a number with exactly `digits` decimals, or a dash; zero is shown as zero."""
        if value is None:
            return DASH
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return numbers.format_decimal(Decimal(str(value)), format=pattern, locale=self.locale)

    def quantity(self, value: Decimal | float | None, unit: str, digits: int = 0) -> str:
        """Return a number with its unit, kept on one line."""
        return DASH if value is None else f"{self.number(value, digits)}\u00a0{unit_of(unit)}".rstrip()

    def percent(self, value: Decimal | float | None, digits: int = 1) -> str:
        """Return a fraction as a percentage."""
        return DASH if value is None else f"{self.number(Decimal(str(value)) * 100, digits)}\u00a0%"

    def day(self, value: date | datetime | None, form: str = "medium") -> str:
        """Return a date; an instant is put into the reader's zone first."""
        if isinstance(value, datetime):
            value = self._here(value)
        return DASH if value is None else dates.format_date(value, form, locale=self.locale)

    def clock(self, value: datetime | None, *, seconds: bool = False) -> str:
        """Return hours and minutes."""
        if value is None:
            return DASH
        return dates.format_time(self._here(value), "HH:mm:ss" if seconds else "HH:mm", locale=self.locale)

    def moment(self, value: datetime | None, *, seconds: bool = False) -> str:
        """Return date and time."""
        return DASH if value is None else f"{self.day(value)}, {self.clock(value, seconds=seconds)}"

    def ago(self, value: datetime) -> str:
        """Return how long ago an instant was."""
        return dates.format_timedelta(value - datetime.now(UTC), add_direction=True, locale=self.locale)

    def weekday(self, value: date) -> str:
        """Return the name of the day."""
        return dates.format_date(value, "EEEE", locale=self.locale)

    def minutes(self, value: Decimal | float | None) -> str:
        """Return a duration given in minutes as hours and minutes."""
        if value is None:
            return DASH
        hours, rest = divmod(round(float(value)), 60)
        return f"{hours}\u00a0h {rest:02}\u00a0min" if hours else f"{rest}\u00a0min"

    def lasted(self, value: timedelta | None) -> str:
        """Return a duration of seconds up to hours."""
        if value is None:
            return DASH
        seconds = round(value.total_seconds())
        return f"{seconds}\u00a0s" if seconds < _A_FEW_SECONDS else self.minutes(seconds / 60)

    def bytes(self, value: int) -> str:
        """Return a file size."""
        if value < _KILO:
            return f"{value}\u00a0B"
        return self.quantity(value / _KILO, "kB") if value < _MEGA else self.quantity(value / _MEGA, "MB", 1)

    def _here(self, value: datetime) -> datetime:
        return value if value.tzinfo is None else value.astimezone(self.zone)

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return what templates call by these names."""
        return {
            "number": self.number, "quantity": self.quantity, "percent": self.percent, "day": self.day,
            "clock": self.clock, "moment": self.moment, "ago": self.ago, "weekday": self.weekday,
            "minutes": self.minutes, "lasted": self.lasted, "bytes": self.bytes,
        }  # fmt: skip


def unit_of(code: str) -> str:
    """Return a UCUM unit as people write it."""
    return UNITS.get(code, code)
