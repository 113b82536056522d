"""The only place that knows lxml: a hardened parser, exclusive C14N, and reading elements child by child.

Owns what XML may be at all (size, shape limits, no DTD, no processing instructions, IDs once) but nothing of SAML.
Elements of lxml stay inside `saml/`; nobody outside sees one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, cast

from lxml import etree

from vestibule.saml.errors import (
    DuplicateId,
    ForbiddenXml,
    InvalidValue,
    MalformedXml,
    MissingElement,
    TooLarge,
    UnexpectedElement,
)

Element = etree._Element  # noqa: SLF001 - lxml has no public name for the type
SPACE: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything a document may have. Beyond, each of these has cost some library seconds of CPU."""

    max_bytes: int
    max_elements: int
    max_depth: int = 32
    max_attributes: int = 20
    max_namespaces: int = 64


MESSAGE: Final = Limits(max_bytes=256 * 1024, max_elements=10_000)
METADATA: Final = Limits(max_bytes=2 * 1024 * 1024, max_elements=100_000)

_BOM: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*["']1\.0["']"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["'][uU][tT][fF]-8["'])?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>"""
)
# C14N writes a namespace again at each element that uses it: one long URI and many small elements would make gigabytes.
_LONG_NAMESPACE: Final = re.compile(rb"""xmlns[^=<>]*=[ \t\r\n]*["'][^"'<]{257}""")
_MANY_NAMESPACES: Final = 512
_ID: Final = re.compile(rb"id[ \t\r\n]*=[ \t\r\n]*")
_PLAIN_ID: Final = re.compile(rb"""["']([a-z0-9_.\-]+)["']""")
_ALL_IDS: Final = cast(
    "Callable[[Element], list[str]]", etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']")
)
_COMMENTS: Final = cast("Callable[[Element], list[Element]]", etree.XPath("//comment()"))

_parsers = threading.local()


def _parser(kind: str) -> etree.XMLParser:
    # One parser per thread: shared ones take a lock, new ones cost a third of a small parse.
    parser: etree.XMLParser | None = getattr(_parsers, kind, None)
    if parser is None:
        parser = etree.XMLParser(
            encoding="utf-8",
            attribute_defaults=False,
            dtd_validation=False,
            load_dtd=False,
            no_network=True,
            resolve_entities=False,
            recover=False,
            huge_tree=False,
            collect_ids=False,
            remove_pis=False,
            remove_comments=kind == "plain",
            strip_cdata=True,
        )
        setattr(_parsers, kind, parser)
    return parser


def _parse(data: bytes, kind: str = "plain") -> Element:
    try:
        return etree.fromstring(data, _parser(kind))
    except (etree.LxmlError, ValueError) as error:
        message = str(error)
        if "xcessive depth" in message:
            raise TooLarge(f"too deep: {message}") from error
        raise MalformedXml(f"not well-formed XML: {message}") from error


def parse_untrusted(data: bytes, limits: Limits = MESSAGE) -> Element:
    """Return the root of an untrusted document: plain XML 1.0 in UTF-8, within `limits`, comments dropped.

    Raises TooLarge, MalformedXml, ForbiddenXml (DTD, processing instruction, comment inside a text) or DuplicateId.
    """
    if len(data) > limits.max_bytes:
        raise TooLarge("document too long", expected=f"{limits.max_bytes} bytes", received=f"{len(data)} bytes")
    data = _plain_text(data)
    root = _parse(data)
    if b"<!--" in data:
        _validate_comments(data)
    _validate_limits(root, data, limits)
    _validate_ids(root, data)
    return root


def parse_canonical(data: bytes) -> Element:
    """Return the root of bytes that `canonicalize` made and a signature has verified. Raises MalformedXml."""
    return _parse(data)


def _plain_text(data: bytes) -> bytes:
    # One encoding only: parsers that disagree on it have been the way to smuggle a second document past a check.
    data = data.removeprefix(_BOM)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedXml("not UTF-8") from error
    if data.startswith(b"<?xml"):
        declaration = _DECLARATION.match(data)
        if declaration is None:
            raise MalformedXml(
                "the XML declaration is not of version 1.0 in UTF-8",
                expected='<?xml version="1.0" encoding="UTF-8"?>',
                received=data[:80].decode("utf-8", "replace"),
            )
        data = data[declaration.end() :]
    # In UTF-8 these spellings are the only ones, and no honest message has them even inside CDATA.
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ForbiddenXml("the document has a DTD")
    if b"<?" in data:
        raise ForbiddenXml("the document has a processing instruction")
    if _LONG_NAMESPACE.search(data):
        raise TooLarge("a namespace is longer than 256 bytes")
    return data


def _validate_comments(data: bytes) -> None:
    # Comments between elements are harmless and dropped. Inside a text they have split names in two
    # (ada@example.com<!---->.evil.example), so there they are refused.
    for comment in _COMMENTS(_parse(data, "with_comments")):
        parent = comment.getparent()
        if parent is None:
            continue
        own_text = (parent.text or "") + "".join(child.tail or "" for child in parent)
        if own_text.strip(SPACE):
            raise ForbiddenXml("there is a comment inside a text", received=str(parent.tag))


class _ShapeTests(NamedTuple):
    count: Callable[[Element], float]
    too_deep: Callable[[Element], bool]
    too_many_attributes: Callable[[Element], bool]


@lru_cache(maxsize=8)
def _shape_tests(limits: Limits) -> _ShapeTests:
    # XPath runs in C: a loop over the elements in Python would cost more than the parse.
    return _ShapeTests(
        cast("Callable[[Element], float]", etree.XPath("count(//*)")),
        cast("Callable[[Element], bool]", etree.XPath("boolean(" + "/*" * (limits.max_depth + 1) + ")")),
        cast("Callable[[Element], bool]", etree.XPath(f"boolean(//*[@*[{limits.max_attributes + 1}]])")),
    )


def _validate_limits(root: Element, data: bytes, limits: Limits) -> None:
    tests = _shape_tests(limits)
    if tests.count(root) > limits.max_elements:
        raise TooLarge("too many elements", expected=f"{limits.max_elements} or fewer")
    if tests.too_deep(root):
        raise TooLarge("too deep", expected=f"{limits.max_depth} levels or fewer")
    if tests.too_many_attributes(root):
        raise TooLarge("too many attributes on one element", expected=f"{limits.max_attributes} or fewer")
    suspects = root.iter() if data.count(b"xmlns") > _MANY_NAMESPACES else (root,)
    if any(len(element.nsmap) > limits.max_namespaces for element in suspects):
        raise TooLarge("too many namespaces in scope", expected=f"{limits.max_namespaces} or fewer")


def _validate_ids(root: Element, data: bytes) -> None:
    # Attribute names can't be written with character references, so the bytes show every candidate; only when their
    # values are not plainly distinct is the tree asked.
    lower = data.lower()
    seen = []
    for found in _ID.finditer(lower):
        if lower[found.start() - 1] in b" \t\r\n:":
            value = _PLAIN_ID.match(lower, found.end())
            seen.append(value[1] if value else b"")
    if b"" not in seen and len(set(seen)) == len(seen):
        return
    values = _ALL_IDS(root)
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise DuplicateId("an ID stands twice in the document", received=twice)


def canonicalize(element: Element, inclusive_prefixes: Iterable[str] = ()) -> bytes:
    """Return the exclusive canonical form, without comments, of the element (xml-exc-c14n). Raises MalformedXml.

    Relative and void namespaces have no canonical form; the empty result of that error has been digested elsewhere.
    """
    try:
        data = etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(inclusive_prefixes) or None,
        )
    except (etree.LxmlError, ValueError) as error:
        raise MalformedXml(f"no canonical form: {error}") from error
    if not data.startswith(b"<"):
        raise MalformedXml("no canonical form")
    return data


def remove(child: Element) -> None:
    """Take the child out of its parent; the text behind it stays, as the enveloped-signature transform wants."""
    parent = child.getparent()
    if parent is None:
        raise ValueError("the root has no parent")
    if child.tail:
        before = child.getprevious()
        if before is None:
            parent.text = (parent.text or "") + child.tail
        else:
            before.tail = (before.tail or "") + child.tail
    parent.remove(child)


def insert(document: bytes, after: str, child: bytes) -> bytes:
    """Return our own document with `child` put behind its leading `after` element, or first when there is none."""
    root = _parse(document)
    first = root[0] if len(root) else None
    root.insert(1 if first is not None and first.tag == after else 0, _parse(child))
    return etree.tostring(root)


def text_of(element: Element) -> str:
    """Return the text of a leaf, exactly as it stands. Raises UnexpectedElement when it has children."""
    if len(element):
        raise UnexpectedElement(f"{local_name(element)} has children", received=str(element[0].tag))
    return element.text or ""


def token_of(element: Element) -> str:
    """Return the text of a leaf of a token type (URIs) without white space around it."""
    return text_of(element).strip(SPACE)


def without_layout(text: str) -> str:
    """Return a text without the lines and indentation that a pretty-printer put around it; other space is content."""
    stripped = text.strip(SPACE)
    if stripped == text:
        return text
    before, _, after = text.partition(stripped) if stripped else (text, "", "")
    return stripped if "\n" in before + after or not stripped else text


def local_name(element: Element) -> str:
    """Return the name without its namespace, for reasons."""
    return element.tag.rpartition("}")[2]


def namespace(element: Element) -> str:
    """Return the namespace, "" when there is none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def validate_attributes(element: Element, allowed: frozenset[str]) -> None:
    """Raise UnexpectedElement when the element has an attribute that is not in `allowed`."""
    for name in element.keys():  # noqa: SIM118 - an lxml element iterates over its children
        if name not in allowed:
            raise UnexpectedElement(f"{local_name(element)} has an attribute that it can't have", received=str(name))


def required_attribute(element: Element, name: str) -> str:
    """Return the value of an attribute. Raises MissingElement."""
    value = element.get(name)
    if value is None:
        raise MissingElement(f"{local_name(element)} has no {name}", expected=name)
    return value


def boolean_attribute(element: Element, name: str) -> bool | None:
    """Return the value of an xs:boolean attribute, None when it is absent. Raises InvalidValue."""
    value = element.get(name)
    if value is None:
        return None
    if value.strip(SPACE) not in ("true", "1", "false", "0"):
        raise InvalidValue(f"{name} is neither true nor false", received=value)
    return value.strip(SPACE) in ("true", "1")


class Children:
    """Reads the children of an element in the order of the schema; what it does not expect is a refusal."""

    __slots__ = ("_at", "_children", "_parent")

    def __init__(self, parent: Element) -> None:
        self._parent = parent
        self._children = list(parent)
        self._at = 0
        if parent.text and parent.text.strip(SPACE):
            raise UnexpectedElement(f"{local_name(parent)} has text", received=parent.text)
        for child in self._children:
            if child.tail and child.tail.strip(SPACE):
                raise UnexpectedElement(f"{local_name(parent)} has text", received=child.tail)

    def optional(self, tag: str) -> Element | None:
        """Return the next child if it is a `tag`."""
        if self._at < len(self._children) and self._children[self._at].tag == tag:
            self._at += 1
            return self._children[self._at - 1]
        return None

    def required(self, tag: str) -> Element:
        """Return the next child, which must be a `tag`. Raises MissingElement."""
        found = self.optional(tag)
        if found is None:
            received = str(self._children[self._at].tag) if self._at < len(self._children) else "nothing"
            raise MissingElement(f"{local_name(self._parent)} has no such child here", expected=tag, received=received)
        return found

    def several(self, *tags: str) -> list[Element]:
        """Return the next children for as long as they are one of `tags`."""
        start = self._at
        while self._at < len(self._children) and self._children[self._at].tag in tags:
            self._at += 1
        return self._children[start : self._at]

    def end(self) -> None:
        """Raise UnexpectedElement unless every child was read."""
        if self._at < len(self._children):
            raise UnexpectedElement(
                f"{local_name(self._parent)} has a child that it can't have here",
                received=str(self._children[self._at].tag),
            )


def validate_foreign(element: Element, ours: frozenset[str]) -> None:
    """Raise UnexpectedElement when an extension point holds anything of `ours`, or of no namespace.

    What stands there is never read, but this is where wrapped copies of assertions and signatures are hidden.
    """
    for descendant in element.iterdescendants():
        if namespace(descendant) in ours:
            raise UnexpectedElement(
                f"{local_name(element)} holds something that is not an extension", received=str(descendant.tag)
            )
