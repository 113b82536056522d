"""Filters compiled to SQL, for both engines: known columns by their indexes, everything else inside the resource's JSON.

A comparison of what a resource does not have is false (`ne`: true), also under `not`: no leaf is ever NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, false, func, literal, not_, or_, select, true

from vestibule.kernel.text import fold
from vestibule.scim.attributes import Path, ResourceType
from vestibule.scim.errors import InvalidFilter
from vestibule.scim.filters import And, Compare, Filter, Not, Or, Present, Within
from vestibule.scim.schemas import GROUP, USER
from vestibule.storage.database import Transaction
from vestibule.storage.scim_json import element_text, elements_of, text_at
from vestibule.storage.tables import end_users, scim_groups, scim_members, scim_user_emails, scim_users
from vestibule.storage.types import Instant

# Sorts after every continuation of a prefix.
_LAST_CHARACTER: Final = "\U0010ffff"
_MILLISECOND: Final = timedelta(milliseconds=1)
_LAST_INSTANT: Final = datetime(9999, 12, 31, tzinfo=UTC)
Condition = ColumnElement[bool]
# As a member is shown.
_NAME_OF_MEMBER: Final = (
    select(func.coalesce(end_users.c.full_name, scim_users.c.user_name))
    .select_from(scim_users.outerjoin(end_users, end_users.c.id == scim_users.c.end_user_id))
    .where(scim_users.c.id == scim_members.c.scim_user_id)
    .correlate(scim_members)
    .scalar_subquery()
)


def user_condition(tx: Transaction, found: Filter) -> Condition:
    """Return a filter over users as a condition on the table scim_users."""
    return _Users(tx).of(found)


def group_condition(tx: Transaction, found: Filter) -> Condition:
    """Return a filter over groups as a condition on the table scim_groups."""
    return _Groups(tx).of(found)


class _Compiler:
    """What both kinds of resource share: the logic, and comparing columns."""

    resource_type: ResourceType
    table: Any

    def __init__(self, tx: Transaction) -> None:
        self.tx = tx

    def of(self, found: Filter) -> Condition:
        """Return the condition of a filter, at the top level."""
        return self._logic(found, self.leaf)

    def _logic(self, found: Filter, leaf: Callable[[Compare | Present | Within], Condition]) -> Condition:
        if isinstance(found, And):
            return and_(*(self._logic(term, leaf) for term in found.terms))
        if isinstance(found, Or):
            return or_(*(self._logic(term, leaf) for term in found.terms))
        if isinstance(found, Not):
            return not_(self._logic(found.term, leaf))
        return leaf(found)

    def leaf(self, found: Compare | Present | Within) -> Condition:
        """Return the condition of one comparison."""
        path = found.path
        if path is not None and path.urn and path.attribute is None and isinstance(found, Present):
            return self.extended(path.urn.lower())
        if path is None or path.attribute is None:
            return true() if isinstance(found, Compare) and found.operator == "ne" else false()
        if not isinstance(found, Within) and path.urn is None:
            known = self.column_leaf(path.attribute.name, path.sub.name if path.sub else None, found)
            if known is not None:
                return known
        return self.other_leaf(path, found)

    def column_leaf(self, name: str, sub: str | None, found: Compare | Present) -> Condition | None:
        """Return the condition on what has a column in both tables, or None."""
        table = self.table
        columns = {"id": table.c.id, "externalId": table.c.external_id}
        if name in columns:
            return self.exact(columns[name], found)
        if name == "displayName":
            return self.folded(table.c.display_key, found)
        if name == "meta" and sub in {"created", "lastModified"}:
            return self.instant(table.c.created_at if sub == "created" else table.c.last_modified_at, found)
        if name == "meta" and sub == "resourceType":
            return self.exact(literal(self.resource_type.name), found)
        if name == "schemas":
            return self.schemas(found)
        return _only_present(f"meta.{sub}" if sub else name, found) if name == "meta" else None

    def schemas(self, found: Compare | Present) -> Condition:
        """Compare the URNs of a resource's schemas, which have no case (RFC 8141, 3.1): the core one, and those it has something of."""
        if isinstance(found, Present):
            return true()
        value = None if found.value is None else str(found.value).lower()
        core, *extensions = self.resource_type.schemas
        return or_(
            _compared(self.tx, literal(core), found.operator, value),
            *(and_(self.extended(urn), _compared(self.tx, literal(urn), found.operator, value)) for urn in extensions),
        )

    def extended(self, urn: str) -> Condition:
        """Say whether a resource has something of an extension, by its URN in lower case."""
        raise NotImplementedError

    def other_leaf(self, path: Path, found: Compare | Present | Within) -> Condition:
        """Return the condition on everything else."""
        raise NotImplementedError

    def exact(self, column: Any, found: Compare | Present) -> Condition:
        """Compare with case."""
        if isinstance(found, Present):
            return and_(column.is_not(None))
        return _compared(self.tx, column, found.operator, None if found.value is None else str(found.value))

    def folded(self, column: Any, found: Compare | Present) -> Condition:
        """Compare a column that holds folded text, without case."""
        if isinstance(found, Present):
            return and_(column.is_not(None), column != "")
        value = None if found.value is None else fold(str(found.value))
        if value and found.operator == "sw":
            # So that the index is used: everything from the prefix to the last that can follow it.
            return and_(column.is_not(None), column >= value, column < value + _LAST_CHARACTER)
        return _compared(self.tx, column, found.operator, value, empty=True)

    def instant(self, column: Any, found: Compare | Present) -> Condition:
        """Compare an instant."""
        if isinstance(found, Present):
            return true()
        if found.operator in {"co", "sw", "ew"} or found.value is None:
            return false()
        # A resource is answered with milliseconds: that is what is compared, or nothing would equal what was read.
        wanted = min(datetime.fromisoformat(str(found.value)), _LAST_INSTANT)
        begun = wanted - timedelta(microseconds=wanted.microsecond % 1000)
        after = literal(begun + _MILLISECOND, Instant)
        first = literal(wanted, Instant) if begun == wanted else after
        same = and_(column >= first, column < after)
        comparisons: Mapping[str, Condition] = {
            "eq": same,
            "ne": not_(same),
            "gt": column >= after,
            "ge": column >= first,
            "lt": column < first,
            "le": column < after,
        }
        return comparisons[found.operator]

    def text(self, text: Any, found: Compare | Present) -> Condition:
        """Compare a text as its attribute has it: with case or without."""
        if isinstance(found, Present):
            return and_(text.is_not(None), text != "")
        value = found.value
        if isinstance(value, bool):
            same = func.coalesce(text, "false") == ("true" if value else "false")
            return same if found.operator == "eq" else not_(same)
        exact = found.path is not None and found.path.attribute is not None and found.path.target.case_exact
        if exact or value is None:
            return _compared(self.tx, text, found.operator, None if value is None else str(value))
        return _compared(self.tx, func.lower(text), found.operator, func.lower(str(value)))


class _Users(_Compiler):
    resource_type, table = USER, scim_users

    def column_leaf(self, name: str, sub: str | None, found: Compare | Present) -> Condition | None:
        if name == "userName":
            return self.folded(scim_users.c.user_name_key, found)
        if name == "active":
            if isinstance(found, Present):
                return true()
            if found.value is None:
                return true() if found.operator == "ne" else false()
            wanted = scim_users.c.active if found.value else not_(scim_users.c.active)
            return wanted if found.operator == "eq" else not_(wanted)
        return super().column_leaf(name, sub, found)

    def extended(self, urn: str) -> Condition:
        """Say whether a user has something of an extension."""
        return _is_there(self.tx, scim_users.c.attributes, self.resource_type.schemas[urn].urn)

    def other_leaf(self, path: Path, found: Compare | Present | Within) -> Condition:
        attribute = path.attribute
        if attribute is None:
            return false()
        if attribute.name == "groups":
            return self._groups(found)
        steps = (path.urn, attribute.name) if path.urn else (attribute.name,)
        document = scim_users.c.attributes
        if not attribute.multi:
            sub = path.sub.name if path.sub else None
            if attribute.kind == "complex" and sub is None:
                # A complex attribute is compared by its value (Entra looks for a manager so).
                sub = "value"
                if isinstance(found, Present):
                    return _is_there(self.tx, document, *steps)
            text = text_at(self.tx, document, *steps, *((sub,) if sub else ()))
            return false() if isinstance(found, Within) else self.text(text, found)
        return self._many(path, steps, found)

    def _many(self, path: Path, steps: tuple[str, ...], found: Compare | Present | Within) -> Condition:
        elements = elements_of(self.tx, scim_users.c.attributes, *steps)

        def inside(term: Compare | Present | Within) -> Condition:
            if isinstance(term, Within) or term.path is None:
                return true() if isinstance(term, Compare) and term.operator == "ne" else false()
            simple = term.path.attribute is not None and term.path.attribute.kind != "complex"
            sub = term.path.sub.name if term.path.sub else None if simple else "value"
            return self.text(element_text(self.tx, elements, sub), term)

        if isinstance(found, Present) and path.sub is None:
            return exists(select(literal(1)).select_from(elements))
        condition = self._logic(found.filter, inside) if isinstance(found, Within) else inside(found)
        some = exists(select(literal(1)).select_from(elements).where(condition))
        narrowed = self._by_address(path, found)
        return some if narrowed is None else and_(narrowed, some)

    def _by_address(self, path: Path, found: Compare | Present | Within) -> Condition | None:
        """Return a condition by the index of addresses that must hold, too, where a filter asks for one address exactly."""
        if path.attribute is None or path.attribute.name != "emails":
            return None
        terms = found.filter.terms if isinstance(found, Within) and isinstance(found.filter, And) else ()
        single = found.filter if isinstance(found, Within) else found
        for term in terms or (single,):
            if isinstance(term, Compare) and term.operator == "eq" and isinstance(term.value, str):
                sub = term.path.sub.name if term.path and term.path.sub else "value"
                if sub == "value":
                    return scim_users.c.id.in_(
                        select(scim_user_emails.c.scim_user_id).where(
                            scim_user_emails.c.connection_id == scim_users.c.connection_id,
                            scim_user_emails.c.value_key == fold(term.value),
                        )
                    )
        return None

    def _groups(self, found: Compare | Present | Within) -> Condition:
        mine = scim_members.c.scim_user_id == scim_users.c.id
        inner = found.filter if isinstance(found, Within) else found
        if isinstance(inner, Present):
            return exists().where(mine)

        def inside(term: Compare | Present | Within) -> Condition:
            sub = term.path.sub.name if term.path and term.path.sub else "value"
            if isinstance(term, Within) or sub not in {"value", "$ref", "display", "type"}:
                return false()
            if sub == "$ref":
                return _only_present("groups.$ref", term)
            if sub == "type":
                return self.exact(literal("direct"), term)
            if sub == "display":
                return self.folded(scim_groups.c.display_key, term)
            return self.exact(scim_groups.c.id, term)

        query = select(literal(1)).select_from(
            scim_members.join(scim_groups, scim_groups.c.id == scim_members.c.scim_group_id)
        )
        return exists(query.where(mine, self._logic(inner, inside)).correlate(scim_users))


class _Groups(_Compiler):
    resource_type, table = GROUP, scim_groups

    def other_leaf(self, path: Path, found: Compare | Present | Within) -> Condition:
        """Members are rows: `members eq "u"` (Entra) looks for one of them."""
        mine = scim_members.c.scim_group_id == scim_groups.c.id
        if path.attribute is None or path.attribute.name != "members":
            return false()
        inner = found.filter if isinstance(found, Within) else found
        if isinstance(inner, Present):
            return exists().where(mine, scim_members.c.scim_user_id.is_not(None))

        def inside(term: Compare | Present | Within) -> Condition:
            sub = term.path.sub.name if term.path and term.path.sub else "value"
            if isinstance(term, Within):
                return false()
            if sub == "type":
                return self.exact(literal("User"), term)
            if sub == "$ref":
                return _only_present("members.$ref", term)
            if sub == "display":
                return self.text(_NAME_OF_MEMBER, term)
            return self.exact(scim_members.c.scim_user_id, term) if sub == "value" else false()

        known = scim_members.c.scim_user_id.is_not(None)
        return exists().where(mine, known, self._logic(inner, inside)).correlate(scim_groups)


def _only_present(name: str, found: Compare | Present) -> Condition:
    """Answer for what every resource has, and which is made when it is answered. Raises InvalidFilter for a comparison."""
    if isinstance(found, Present):
        return true()
    raise InvalidFilter(f"“{name}” can’t be compared; “id” can.")


def _is_there(tx: Transaction, document: Any, *steps: str) -> Condition:
    if tx.dialect.name == "sqlite":
        return func.json_type(document, "$" + "".join(f'."{step}"' for step in steps)).is_not(None)
    return func.jsonb_extract_path(document, *steps).is_not(None)


def _compared(tx: Transaction, column: Any, operator: str, value: Any, *, empty: bool = False) -> Condition:
    """Return a comparison that is never NULL. `empty` says that the column holds the empty text where there is nothing."""
    there = and_(column.is_not(None), column != "") if empty else column.is_not(None)
    if value is None:
        return {"eq": not_(there), "ne": there}.get(operator, false())
    if operator == "ne":
        return or_(not_(there), column != value)
    if operator == "co":
        position = func.instr(column, value) if tx.dialect.name == "sqlite" else func.strpos(column, value)
        return and_(there, position > 0)
    if operator == "sw":
        return and_(there, func.substr(column, 1, func.length(value)) == value)
    if operator == "ew":
        length = func.length(value)
        return and_(
            there,
            func.length(column) >= length,
            func.substr(column, func.length(column) - length + 1) == value,
        )
    comparisons: Mapping[str, Condition] = {
        "eq": column == value,
        "gt": column > value,
        "ge": column >= value,
        "lt": column < value,
        "le": column <= value,
    }
    return and_(there, comparisons[operator])
