"""Sampled numbers as arrays: exact integers and one number of decimals for a whole column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ingestor.driver import SampleColumn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    import numpy.typing as npt

# A rate that was converted by a fraction, such as mL/h to mL/min, has no last decimal.
_MOST_DECIMALS = 6
_EPOCH = np.datetime64("1970-01-01T00:00:00", "ms")


def sample_column(
    channel: str | None, printed: str, unit: str, values: Sequence[Decimal | None]
) -> SampleColumn:
    """Return one channel: value = mantissa / 10**scale; exact, but for values without an end, to six decimals."""
    scale = min(max((_decimals(value) for value in values if value is not None), default=0), _MOST_DECIMALS)
    null = np.array([value is None for value in values], dtype=np.bool_)
    mantissa = np.array([0 if v is None else round(v.scaleb(scale)) for v in values], dtype=np.int64)
    return SampleColumn(channel, printed, unit, mantissa, scale, null)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def local_ms(times: Sequence[datetime]) -> npt.NDArray[np.int64]:
    """Return naive times as milliseconds since 1970-01-01."""
    stamps = np.array(times, dtype="datetime64[ms]")
    return (stamps - _EPOCH).astype(np.int64)
