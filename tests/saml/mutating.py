"""Changing a message at random, in its structure and in its bytes. Whoever drives it (hypothesis, a fuzzer) chooses by numbers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from tests.saml import forge

# Returns a number from 0 up to, and without, the one that is given.
Choose = Callable[[int], int]

TEXTS: Final = (
    "eve@evil.example",
    "",
    " ",
    forge.SP,
    forge.IDP,
    forge.ACS,
    "_assertion1",
    "#_assertion1",
    "#_response1",
    "Owners",
    "2.0",
)
TAGS: Final = tuple(
    f"{{{namespace}}}{name}"
    for namespace, names in (
        (forge.SAML, ("Assertion", "Issuer", "NameID", "Subject", "Advice", "AttributeValue", "EncryptedAssertion")),
        (forge.SAMLP, ("Response", "Extensions", "Status", "StatusDetail")),
        (forge.DS, ("Signature", "SignedInfo", "Object", "KeyInfo", "Reference", "DigestValue")),
        ("urn:foreign", ("any", "Assertion")),
    )
    for name in names
)
NAMES: Final = (
    "ID",
    "Id",
    "id",
    "InResponseTo",
    "Destination",
    "Recipient",
    "Version",
    "URI",
    "Algorithm",
    "Name",
    "Value",
    "Evil",
)
WEDGES: Final = ("<!---->", "<!--x-->", "<?x?>", "<![CDATA[]]>", "<x/>", "&#32;", "&#x200b;")


def mutated(data: bytes, choose: Choose) -> bytes:
    """Return the message after one to four changes of its tree and up to two of its text."""
    root = etree.fromstring(data)
    for _ in range(1 + choose(4)):
        _TREE[choose(len(_TREE))](root, choose)
    changed: bytes = etree.tostring(root)
    for _ in range(choose(3)):
        changed = _BYTES[choose(len(_BYTES))](changed, choose)
    return changed


def _node(root: Any, choose: Choose) -> Any:
    nodes = list(root.iter(etree.Element))
    return nodes[choose(len(nodes))]


def _insert(target: Any, node: Any, choose: Choose) -> None:
    target.insert(choose(len(target) + 1), node)


def _move(root: Any, choose: Choose) -> None:
    node, target = _node(root, choose), _node(root, choose)
    if node not in (root, target, *target.iterancestors()):
        _insert(target, node, choose)


def _copy(root: Any, choose: Choose) -> None:
    _insert(_node(root, choose), copy.deepcopy(_node(root, choose)), choose)


def _drop(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    if node is not root:
        node.getparent().remove(node)


def _rename(root: Any, choose: Choose) -> None:
    _node(root, choose).tag = TAGS[choose(len(TAGS))]


def _rename_as_another(root: Any, choose: Choose) -> None:
    _node(root, choose).tag = _node(root, choose).tag


def _wrap(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    if node is not root:
        wrapper = etree.Element(TAGS[choose(len(TAGS))])
        node.addprevious(wrapper)
        wrapper.append(node)


def _unwrap(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    if node is not root:
        for child in list(node):
            node.addprevious(child)


def _swap(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    following = node.getnext()
    if following is not None:
        following.addnext(node)


def _text(root: Any, choose: Choose) -> None:
    _node(root, choose).text = TEXTS[choose(len(TEXTS))]


def _text_of_another(root: Any, choose: Choose) -> None:
    _node(root, choose).text = _node(root, choose).text


def _tail(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    if node is not root:
        node.tail = TEXTS[choose(len(TEXTS))]


def _attribute(root: Any, choose: Choose) -> None:
    _node(root, choose).set(NAMES[choose(len(NAMES))], TEXTS[choose(len(TEXTS))])


def _move_attribute(root: Any, choose: Choose) -> None:
    node, target = _node(root, choose), _node(root, choose)
    if node.attrib:
        name = sorted(node.attrib)[choose(len(node.attrib))]
        value = node.get(name)
        if choose(2):
            del node.attrib[name]
        target.set(name, value)


def _rename_attribute(root: Any, choose: Choose) -> None:
    node = _node(root, choose)
    if node.attrib:
        name = sorted(node.attrib)[choose(len(node.attrib))]
        value = node.get(name)
        del node.attrib[name]
        node.set(NAMES[choose(len(NAMES))], value)


def _comment(root: Any, choose: Choose) -> None:
    _insert(_node(root, choose), etree.Comment("x"), choose)


_TREE: Final[tuple[Callable[[Any, Choose], None], ...]] = (
    _move, _copy, _drop, _rename, _rename_as_another, _wrap, _unwrap, _swap, _text, _text_of_another, _tail, _attribute,
    _move_attribute, _rename_attribute, _comment,
)  # fmt: skip


def _split_text(data: bytes, choose: Choose) -> bytes:
    texts = list(re.finditer(rb">([^<>]{2,})<", data))
    if not texts:
        return data
    found = texts[choose(len(texts))]
    at = found.start(1) + choose(found.end(1) - found.start(1) + 1)
    return data[:at] + WEDGES[choose(len(WEDGES))].encode() + data[at:]


def _cdata(data: bytes, choose: Choose) -> bytes:
    texts = list(re.finditer(rb">([^<>&]{2,})<", data))
    if not texts:
        return data
    found = texts[choose(len(texts))]
    at = found.start(1) + choose(found.end(1) - found.start(1))
    return data[:at] + b"<![CDATA[" + data[at : found.end(1)] + b"]]>" + data[found.end(1) :]


def _reference(data: bytes, choose: Choose) -> bytes:
    letters = [found.start() for found in re.finditer(rb"(?<=[>\"])[A-Za-z0-9_]", data)]
    if not letters:
        return data
    at = letters[choose(len(letters))]
    return data[:at] + b"&#%d;" % data[at] + data[at + 1 :]


def _namespace(data: bytes, choose: Choose) -> bytes:
    prefixes = list(re.finditer(rb'xmlns(:[\w.\-]+)?="([^"]*)"', data))
    if not prefixes:
        return data
    found, other = prefixes[choose(len(prefixes))], prefixes[choose(len(prefixes))]
    return data[: found.start(2)] + other[2] + data[found.end(2) :]


def _repeat(data: bytes, choose: Choose) -> bytes:
    start, at = choose(len(data) + 1), choose(len(data) + 1)
    return data[:at] + data[start : start + choose(3000)] + data[at:]


_BYTES: Final[tuple[Callable[[bytes, Choose], bytes], ...]] = (_split_text, _cdata, _reference, _namespace, _repeat)
