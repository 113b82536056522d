"""Values in filters (RFC 7644, 3.4.2.2): JSON literals, or text without quotation marks, brought to their attribute's type."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final

from vestibule.scim.attributes import Path
from vestibule.scim.errors import InvalidFilter
from vestibule.scim.text import is_storable

_ORDERING: Final = frozenset({"gt", "ge", "lt", "le"})

Value = str | int | float | bool | None


def read_literal(token: str) -> Value:
    """Return what a token (untrusted) of a filter says: a JSON literal, or itself. Raises InvalidFilter."""
    text = _unquoted(token)
    if not is_storable(text):
        # Nothing can have it as its value, and a database refuses to look.
        raise InvalidFilter("The filter has a character that is none.")
    if token.startswith('"'):
        return text
    lower = token.lower()
    if lower in {"true", "false", "null"}:
        return {"true": True, "false": False, "null": None}[lower]
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?", token):
        return float(token) if "." in token else int(token)
    return token


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token))
    except ValueError as error:
        raise InvalidFilter("A string of the filter is not a JSON string.") from error


def fitting(path: Path, operator: str, value: Value, token: str) -> Value:
    """Return a value as the attribute's type has it. Raises InvalidFilter where it can’t be compared (RFC 7644, 3.4.2.2)."""
    target = path.target
    kind = target.kind
    if kind == "complex" and target.sub("value"):
        kind = "string"
    if value is None:
        return value
    if kind == "boolean":
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            value = value.lower() == "true"
        if not isinstance(value, bool) or operator not in {"eq", "ne"}:
            raise InvalidFilter(f"“{target.name}” is true or false: it can be compared by eq and ne only.")
        return value
    if kind == "binary" and operator in _ORDERING:
        raise InvalidFilter(f"“{target.name}” is binary: it has no order.")
    if kind == "dateTime":
        if operator in {"co", "sw", "ew"}:
            return str(value)
        return parse_instant(str(value)).isoformat()
    # A number without quotes is the text that it is: 1.50 is not 1.5.
    return value if isinstance(value, str) else token


def parse_instant(text: str) -> datetime:
    """Return a dateTime of a filter. Seven digits of a second (.NET) are cut to six. Raises InvalidFilter."""
    tidy = re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace(" ", "+"))
    try:
        found = datetime.fromisoformat(tidy)
    except ValueError as error:
        raise InvalidFilter(f"“{text}” is no dateTime.") from error
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise InvalidFilter(f"“{text}” is no dateTime.") from error
