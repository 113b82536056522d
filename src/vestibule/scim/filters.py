"""Filters and PATCH paths (RFC 7644, 3.4.2.2 and 3.5.2): text in, a tree of resolved attributes out; and matching a value.

Tolerated, because real clients send it: a value without quotes, a filter that was URL-encoded twice, `emails[…].value eq "x"`
(Entra), booleans as strings. An attribute that the schema does not have makes a comparison that never matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from vestibule.scim.attributes import Attribute, Path, ResourceType, resolve
from vestibule.scim.errors import InvalidFilter, InvalidPath, ScimError
from vestibule.scim.literals import Value, fitting, read_literal
from vestibule.scim.tolerances import Tolerance

MAX_LENGTH: Final = 8000
# SQLite reads about fifteen levels, and no client sends three.
MAX_DEPTH: Final = 12
MAX_TERMS: Final = 200
OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_TOKEN: Final = re.compile(r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<sign>[()\[\]])|(?P<word>[^\s()\[\]"]+))')
_SPACE: Final = re.compile(r"\s*\Z")


@dataclass(frozen=True, slots=True)
class Compare:
    """`attribute op value`. Without a path the schema has no such attribute."""

    path: Path | None
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """`attribute pr`."""

    path: Path | None


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    terms: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not that."""

    term: Filter


@dataclass(frozen=True, slots=True)
class Within:
    """`attribute[filter]`: one value of a multi-valued attribute for which the filter, over its sub-attributes, holds."""

    path: Path | None
    filter: Filter


Filter = Compare | Present | And | Or | Not | Within


@dataclass(frozen=True, slots=True)
class PatchPath:
    """The path of a PATCH operation: an attribute, the values of it that a filter finds, a sub-attribute of those."""

    path: Path
    filter: Filter | None = None


def parse_filter(resource_type: ResourceType, text: str, tolerated: set[Tolerance] | None = None) -> Filter:
    """Return the tree of a filter (untrusted); what was tolerated is added to `tolerated`. Raises InvalidFilter."""
    tolerated = set() if tolerated is None else tolerated
    try:
        return _Parser(resource_type, text, tolerated=tolerated).whole()
    except InvalidFilter:
        plain = unquote(text)
        if plain == text:
            raise
        found = _Parser(resource_type, plain, tolerated=tolerated).whole()
        tolerated.add(Tolerance.ENCODED_TWICE)
        return found


def parse_path(resource_type: ResourceType, text: str) -> PatchPath | None:
    """Return a PATCH path (untrusted), or None when the schema has no such attribute. Raises InvalidPath."""
    head, bracket, rest = text.strip().partition("[")
    path = resolve(resource_type, head.strip())
    if not bracket:
        return PatchPath(path) if path else None
    inside, closed, tail = rest.rpartition("]")
    if not closed or not inside.strip() or (tail and not tail.startswith(".")):
        raise InvalidPath(f"“{text}” is no path.")
    if path is None:
        return None
    if path.attribute is None or path.sub is not None or not path.attribute.multi:
        raise InvalidPath(f"“{head}” has no values to choose from.")
    try:
        found = _Parser(resource_type, inside, path).whole()
    except ScimError as error:
        raise InvalidPath(error.detail) from error
    if not tail:
        return PatchPath(path, found)
    sub = path.attribute.sub(tail[1:])
    return PatchPath(Path(path.urn, path.attribute, sub), found) if sub else None


class _Parser:
    """A recursive descent over the tokens of one filter. `inside` is the multi-valued attribute whose brackets it is in."""

    def __init__(
        self,
        resource_type: ResourceType,
        text: str,
        inside: Path | None = None,
        tolerated: set[Tolerance] | None = None,
    ) -> None:
        self._type, self._inside = resource_type, inside
        self._tolerated = set() if tolerated is None else tolerated
        self._tokens = _tokens(text)
        self._at, self._depth, self._terms = 0, 0, 0

    def whole(self) -> Filter:
        found = self._or()
        if self._at < len(self._tokens):
            raise InvalidFilter(f"The filter goes on where it should end: “{self._tokens[self._at]}”.")
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise InvalidFilter("The filter ends too early.")
        self._at += 1
        return token

    def _or(self) -> Filter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidFilter("The filter is nested too deeply.")
        terms = [self._and()]
        while self._peek().lower() == "or":
            self._at += 1
            terms.append(self._and())
        self._depth -= 1
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _and(self) -> Filter:
        terms = [self._term()]
        while self._peek().lower() == "and":
            self._at += 1
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _term(self) -> Filter:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise InvalidFilter("The filter has too many terms.")
        word = self._next()
        if word == "(":
            return self._group()
        if word.lower() == "not" and self._peek() == "(":
            self._at += 1
            return Not(self._group())
        if word in {")", "[", "]"} or word.startswith('"'):
            raise InvalidFilter(f"“{word}” stands where an attribute should.")
        if self._peek() == "[":
            return self._within(word)
        return self._expression(self._path(word), word)

    def _group(self) -> Filter:
        found = self._or()
        if self._next() != ")":
            raise InvalidFilter("A bracket is not closed.")
        return found

    def _within(self, name: str) -> Filter:
        if self._inside is not None:
            raise InvalidFilter("Square brackets can’t be nested.")
        path = resolve(self._type, name)
        if path is not None and (path.attribute is None or not path.attribute.multi or path.sub):
            raise InvalidFilter(f"“{name}” has no values to choose from.")
        self._at += 1
        self._inside = path or Path(None, Attribute(name, multi=True))
        found = self._or()
        if self._next() != "]":
            raise InvalidFilter("A square bracket is not closed.")
        if self._peek().startswith("."):
            # Entra: emails[type eq "work"].value eq "x", which the grammar does not have.
            self._tolerated.add(Tolerance.BEHIND_BRACKET)
            tail = self._next()[1:]
            found = And((found, self._expression(self._path(tail), tail)))
        self._inside = None
        return Within(path, found)

    def _path(self, name: str) -> Path | None:
        if self._inside is None:
            return resolve(self._type, name)
        attribute = self._inside.attribute
        sub = attribute.sub(name) if attribute else None
        return Path(self._inside.urn, attribute, sub) if sub else None

    def _expression(self, path: Path | None, name: str) -> Filter:
        operator = self._next().lower()
        if operator == "pr":
            return Present(path)
        if operator not in OPERATORS:
            raise InvalidFilter(f"“{operator}” is no operator.")
        token = self._next()
        if token in {"(", ")", "[", "]"}:
            raise InvalidFilter(f"“{name} {operator}” has no value.")
        value = read_literal(token)
        if path is not None and path.attribute is not None:
            self._note(path.target, value, token)
            value = fitting(path, operator, value, token)
        return Compare(path, operator, value)

    def _note(self, target: Attribute, value: Value, token: str) -> None:
        if target.kind == "boolean":
            if isinstance(value, str):
                self._tolerated.add(Tolerance.BOOLEAN_AS_TEXT)
        elif not token.startswith('"') and value is not None:
            self._tolerated.add(Tolerance.UNQUOTED)


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise InvalidFilter("The filter is too long.")
    tokens, at = [], 0
    while not _SPACE.match(text, at):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidFilter("The filter has a quotation mark that is not closed.")
        tokens.append(found[found.lastgroup or 0])
        at = found.end()
    if not tokens:
        raise InvalidFilter("The filter is empty.")
    return tokens
