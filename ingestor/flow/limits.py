"""The site's limits as they stand in a definition sheet."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

    from ingestor.flow.house import House

_DAYS_A_YEAR = Decimal("365.25")


def limits(house: House) -> dict[str, str]:
    """Return the numbers by which doses of this house are judged, by the names that `exports/methods.toml` uses."""
    policy = house.policy()
    return {
        "formula": policy.formula, "plasma_hard_ml": _plain(policy.plasma_hard),
        "agree_percent": _percent(policy.agree_fraction), "agree_ml": _plain(policy.agree_ml),
        "agree_integrated_percent": _percent(policy.agree_integrated),
        "withhold_percent": _percent(policy.withhold_above), "weight_days": _days(policy.weight_age),
        "hematocrit_days": _days(policy.hematocrit_age),
        "height_years": _plain((Decimal(policy.height_age.days) / _DAYS_A_YEAR).quantize(Decimal(1))),
        "pv_hard": _plain(policy.pv_hard), "pv_low": _plain(policy.pv_soft[0]), "pv_high": _plain(policy.pv_soft[1]),
        "course_gap_days": str(house.settings.course_gap_days),
    }  # fmt: skip


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _percent(value: Decimal) -> str:
    return _plain(value * 100)


def _days(value: timedelta) -> str:
    return str(value.days)
