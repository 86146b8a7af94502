"""Whole columns of numbers as text, printed as a machine prints them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def decimal(value: float, places: int, point: str = ".") -> str:
    """One number with a fixed number of places; never `-0`."""
    text = f"{value + 0.0:.{places}f}"
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return text.replace(".", point)


def decimals(values: npt.ArrayLike, places: int, point: str = ".", missing: str = "---") -> list[str]:
    """A column of numbers with a fixed number of places; NaN prints as `missing`."""
    scaled = np.asarray(values, np.float64) * 10**places
    gone = np.isnan(scaled)
    whole = np.rint(np.where(gone, 0, scaled)).astype(np.int64)
    distinct, inverse = np.unique(whole, return_inverse=True)
    texts = np.array([_scaled(int(v), places, point) for v in distinct], dtype=object)[inverse]
    if gone.any():
        texts[gone] = missing
    column: list[str] = texts.tolist()
    return column


def _scaled(value: int, places: int, point: str) -> str:
    if not places:
        return str(value)
    sign = "-" if value < 0 else ""
    whole, part = divmod(abs(value), 10**places)
    return f"{sign}{whole}{point}{part:0{places}d}"
