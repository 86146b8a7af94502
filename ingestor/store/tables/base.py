"""Types and names that all tables share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, DateTime, Float, MetaData, String, Text, TypeDecorator
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def storable(text: str) -> str:
    """Return a text as both databases can keep it: no NUL, no half of a pair of surrogates."""
    return _UNSTORABLE.sub(lambda m: "\u2400" if m[0] == "\0" else "\ufffd", text)


def _storable_document(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(k): _storable_document(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_storable_document(v) for v in value]
    return value


class Words(TypeDecorator[str]):
    """A text. Both databases compare it by code points, not by the habits of a language."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102
        text: Any = self.impl_instance
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(type(text)(text.length, collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else storable(value)


class LongWords(Words):
    """A text of any length."""

    impl = Text
    cache_ok = True


class Document(TypeDecorator[Any]):
    """A JSON value."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102
        return dialect.type_descriptor(postgresql.JSONB() if dialect.name == "postgresql" else JSON())

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:  # noqa: ANN401, D102
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002, D102
        return _storable_document(value)


class ExactDocument(Document):
    """A JSON value whose text is kept as it was written, for what is hashed."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102
        return dialect.type_descriptor(JSON())


class Utc(TypeDecorator[datetime]):
    """An instant. Naive values are refused; what comes back is aware, in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "an instant needs a zone"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """A printed number. Fifteen significant digits survive a double, and no machine prints more."""

    impl = Float(53)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:  # noqa: ANN401, ARG002, D102
        return None if value is None else float(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002, D102
        return None if value is None else Decimal(repr(value))


ID = Words(40)
HASH = Words(64)
WORD = Words()
LONG = LongWords()
DOC = Document()
EXACT_DOC = ExactDocument()
LOCAL = DateTime(timezone=False)
UTC_TIME = Utc()
NUMBER = Exact()


def guard_values(table: Table) -> None:
    """Refuse what one database would keep and the other, or Python, could not read back.

    Source: PostgreSQL 15, 8.1.3 and 8.5: a double may be NaN or Infinity, a timestamp may be infinity.
    """
    for column in table.columns:
        if isinstance(column.type, Utc | DateTime):
            bounds = "'1900-01-01' AND '9999-12-31'"
        elif isinstance(column.type, Exact):
            bounds = "-1e15 AND 1e15"
        else:
            continue
        table.append_constraint(CheckConstraint(f"{column.name} BETWEEN {bounds}", f"{column.name}_finite"))
