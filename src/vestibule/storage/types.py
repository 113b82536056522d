"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime. PostgreSQL keeps timestamptz; SQLite keeps microseconds since 1970, which sort and cost little."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type for the engine."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive datetimes: they have been the start of many a wrong expiry."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive datetime reached the database"
            raise ValueError(msg)
        if dialect.name == "postgresql":
            return value
        delta = value - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the instant back aware and in UTC."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return] # because a driver's row is untyped
        return _EPOCH + timedelta(microseconds=value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Compared and sorted by code point on both engines: keyset pages break where the collation of the index and of the
# comparison differ, and PostgreSQL's default collation changes with the system's library.
Key = String().with_variant(String(collation="C"), "postgresql")
Text = String()
Blob = LargeBinary()
Json = JSON().with_variant(JSONB(), "postgresql")
