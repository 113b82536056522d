"""Reading inside the JSON of a pushed resource, in the words of either engine. Paths are schema names, never a client's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, case, func, literal_column, type_coerce

from vestibule.storage.database import Transaction


def text_at(tx: Transaction, document: Any, *path: str | int) -> ColumnElement[str]:
    """Return the scalar at a path as text; booleans are `true` and `false` on both engines."""
    if tx.dialect.name == "sqlite":
        where = _sqlite_path(path)
        kind = func.json_type(document, where)
        plain = func.json_extract(document, where)
        return type_coerce(case((kind == "true", "true"), (kind == "false", "false"), else_=plain), String)
    if not path:
        return type_coerce(document, String).op("#>>")(literal_column("'{}'"))
    return type_coerce(func.jsonb_extract_path_text(document, *(str(step) for step in path)), String)


def elements_of(tx: Transaction, document: Any, *path: str) -> Any:
    """Return the elements of the array at a path as a table with the column `value`; none where there is no array."""
    array: Any
    if tx.dialect.name == "sqlite":
        where = _sqlite_path(path)
        array = case((func.json_type(document, where) == "array", func.json_extract(document, where)), else_="[]")
        return func.json_each(array).table_valued("value", "type", name="element")
    array = func.jsonb_extract_path(document, *path)
    whole = case((func.jsonb_typeof(array) == "array", array), else_=literal_column("'[]'::jsonb"))
    return func.jsonb_array_elements(whole).table_valued("value", name="element")


def element_text(tx: Transaction, elements: Any, sub: str | None) -> ColumnElement[str]:
    """Return a sub-attribute of an element as text, or the element itself where it is a scalar."""
    if sub is None:
        if tx.dialect.name == "sqlite":
            return type_coerce(elements.c.value, String)
        return type_coerce(elements.c.value.op("#>>")(literal_column("'{}'")), String)
    return text_at(tx, elements.c.value, sub)


def _sqlite_path(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path)
