"""Adsorber columns: products, single pieces with a serial number, their wear.

Volumes are the editable defaults of the field (domain page, section 1), not constants of medicine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of column.

    Attributes:
        volume_ml: bed volume of one column.
        load_ml: plasma of one load of a regenerable column, or of a single-use column until it is full.
        extraction: mean IgG extraction of one pass through a fresh column.
        uses: sessions after which a clinic retires a regenerable pair; 1 for a single-use column.
    """

    name: str
    volume_ml: float
    load_ml: tuple[float, float]
    extraction: float
    uses: int

    @property
    def is_regenerable(self) -> bool:
        """Whether acid elution makes it usable again."""
        return self.uses > 1


TWIN = (
    Product("ProtA-62", 62.5, (360, 460), 0.58, 24),
    Product("PEP-60", 60.0, (320, 420), 0.56, 20),
    Product("SHEEP-IG-150", 150.0, (420, 560), 0.50, 30),
)
SINGLE_USE = (
    Product("TRP-350", 350.0, (2300, 2900), 0.57, 1),
    Product("PHE-350", 350.0, (2300, 2900), 0.55, 1),
    Product("DS-150", 150.0, (2400, 3200), 0.50, 1),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One piece, dedicated to one patient."""

    product: Product
    serial: str
    lot: str
    expiry: date
    use: int = 1

    @property
    def is_worn(self) -> bool:
        """Whether this was its last use."""
        return self.use >= self.product.uses

    def may_be_used_again(self, day: date) -> bool:
        """Whether it may be hung once more on that day."""
        return self.product.is_regenerable and not self.is_worn and self.expiry > day

    def used_again(self) -> Column:
        """The same piece in the next session."""
        return replace(self, use=self.use + 1)

    @property
    def extraction(self) -> float:
        """Mean extraction, falling by a fifth over the life of a regenerable column."""
        return self.product.extraction * (1 - 0.2 * (self.use - 1) / max(self.product.uses, 2))


def draw_column(rng: np.random.Generator, product: Product, day: date) -> Column:
    """A new column from the shelf."""
    lot = f"L{day.year % 100:02d}{int(rng.integers(1, 13)):02d}"
    expiry = day + timedelta(days=int(rng.integers(200, 900)))
    return Column(product, f"S-{int(rng.integers(10_000, 9_999_999))}", lot, expiry)
