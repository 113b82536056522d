"""The only place that knows lxml: a hardened parser and exclusive C14N. `reading` reads what comes out.

Owns what XML may be at all (size, shape limits, no DTD, no processing instructions, IDs once) but nothing of SAML.
Elements of lxml stay inside `saml/`; nobody outside sees one.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

from lxml import etree

from vestibule.saml.errors import (
    DuplicateId,
    ForbiddenXml,
    MalformedXml,
    TooLarge,
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
    max_comments: int = 64


MESSAGE: Final = Limits(max_bytes=256 * 1024, max_elements=10_000)
METADATA: Final = Limits(max_bytes=2 * 1024 * 1024, max_elements=100_000, max_comments=5_000)

_BOM: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*["']1\.0["']"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["'][uU][tT][fF]-8["'])?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>"""
)
# C14N writes a namespace again at each element that uses it: one long URI and many small elements would make gigabytes.
_MAX_NAMESPACE: Final = 256
_LONG_NAMESPACE: Final = re.compile(rb"""[^=<>]*=[ \t\r\n]*(?:"[^"<]{257}|'[^'<]{257})""")
_PREFIX: Final = re.compile(rb"xmlns[ \t\r\n]*(:[^= \t\r\n]*)?")
_ID: Final = re.compile(rb"""id(?<=[ \t\r\n:]id)[ \t\r\n]*=[ \t\r\n]*(["'][a-z0-9_.\-]+["'])?""")
_ALL_IDS: Final = cast(
    "Callable[[Element], list[str]]", etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']")
)

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
    if b"!" in data and b"<!--" in data:
        _validate_comments(data, limits)
    _validate_limits(root, data, limits)
    _validate_ids(root, data)
    return root


def parse_canonical(data: bytes) -> Element:
    """Return the root of bytes that `canonicalize` made and a signature has verified. Raises MalformedXml."""
    return _parse(data)


def _plain_text(data: bytes) -> bytes:
    # One encoding only: parsers that disagree on it have been the way to smuggle a second document past a check.
    data = data.removeprefix(_BOM)
    if data.startswith(_BOM):
        raise MalformedXml("more than one byte order mark")
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
    # (One character is found many times faster than two of which the first is everywhere.)
    if b"!" in data and (b"<!DOCTYPE" in data or b"<!ENTITY" in data):
        raise ForbiddenXml("the document has a DTD")
    if b"?" in data and b"<?" in data:
        raise ForbiddenXml("the document has a processing instruction")
    return data


def _validate_comments(data: bytes, limits: Limits) -> None:
    # Comments between elements are harmless and dropped. Inside a text they have split names in two
    # (ada@example.com<!---->.evil.example), so there they are refused.
    if data.count(b"<!--") > limits.max_comments:
        raise TooLarge("too many comments", expected=f"{limits.max_comments} or fewer")
    root = _parse(data, "with_comments")
    for parent in dict.fromkeys(comment.getparent() for comment in root.iter(etree.Comment)):
        if parent is not None:
            own_text = (parent.text or "") + "".join(child.tail or "" for child in parent)
            if own_text.strip(SPACE):
                raise ForbiddenXml("there is a comment inside a text", received=str(parent.tag))


@lru_cache(maxsize=8)
def _exceeds(max_elements: int | None, max_depth: int, max_attributes: int) -> Callable[[Element], bool]:
    # XPath runs in C: a loop over the elements in Python would cost more than the parse. The position in the last part
    # counts within each element, and ends the search at the first that has so many.
    deeper = "/*" * (max_depth + 1)
    test = f"boolean({deeper}) or boolean(//*/@*[{max_attributes + 1}])"
    test = test if max_elements is None else f"count(//*) > {max_elements} or {test}"
    return cast("Callable[[Element], bool]", etree.XPath(test))


def _validate_limits(root: Element, data: bytes, limits: Limits) -> None:
    # No document has more elements than a fourth of its bytes: <a/>.
    max_elements = limits.max_elements if len(data) > 4 * limits.max_elements else None
    if _exceeds(max_elements, limits.max_depth, limits.max_attributes)(root):
        raise TooLarge(
            "too many elements, levels, or attributes on one element",
            expected=f"{limits.max_elements} elements, {limits.max_depth} levels, {limits.max_attributes} attributes",
        )
    declared = data.split(b"xmlns")[1:]
    if any([_LONG_NAMESPACE.match(each) for each in declared if len(each) > _MAX_NAMESPACE]):  # noqa: C419 - twice as fast
        raise TooLarge("a namespace is too long", expected=f"{_MAX_NAMESPACE} bytes or fewer")
    # No more can be in scope than the whole document has prefixes; to ask each element would cost a second parse and more.
    if len(declared) > limits.max_namespaces and len(set(_PREFIX.findall(data))) > limits.max_namespaces:
        raise TooLarge("too many namespaces", expected=f"{limits.max_namespaces} or fewer")


def _validate_ids(root: Element, data: bytes) -> None:
    # Attribute names can't be written with character references, so the bytes show every candidate; only when their
    # values are not plainly distinct is the tree asked.
    seen = [value[1:-1] for value in _ID.findall(data.lower())]
    if b"" not in seen and len(set(seen)) == len(seen):
        return
    for twice, times in Counter(_ALL_IDS(root)).most_common(1):
        if times > 1:
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
