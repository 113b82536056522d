"""Writing an untrusted document for people to read: indented, bounded, without a character that acts, and redacted on request.

What comes out is plain text and no XML any more: whoever shows it on a page escapes it as any text.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Final

from vestibule.kernel.text import printable
from vestibule.saml import names, reading, xml
from vestibule.saml.trace import showable

MAX_CHARACTERS: Final = 200_000
_MAX_VALUE: Final = 4_000
_MAX_LINES: Final = 5_000
HIDDEN: Final = "[redacted]"
_EMAIL: Final = re.compile(r"[^\s\"'<>@%=&;:,()\[\]]{1,64}(?:@|%40)[A-Za-z0-9.\-]{1,253}")
_MAX_ADDRESS: Final = 64 + len("%40") + 253
# In any namespace, whatever is inside: SAML 1.1 and metadata have names of people, too.
_PERSONAL: Final = frozenset({"NameID", "NameIdentifier", "BaseID", "AttributeValue", "SessionIndex", "NewID"}) | {
    "GivenName",
    "SurName",
    "TelephoneNumber",
}
# Where no text belongs; one that stands there all the same is most likely a value.
_AROUND: Final = _PERSONAL | {"Attribute"}
_PERSONAL_ATTRIBUTES: Final = frozenset({"SessionIndex", "SPProvidedID", "Address", "DNSName"})


def readable(root: xml.Element, *, redact: bool = False) -> str:
    """Return a parsed document as indented text. With `redact` names of people, attribute values, session indexes and
    addresses are hidden.
    """
    lines: list[str] = []
    room = MAX_CHARACTERS
    for line in _lines(root, redact=redact):
        room -= len(line) + 1
        if room < 0 or len(lines) == _MAX_LINES:
            lines.append("…")
            break
        lines.append(line)
    return "\n".join(lines)


def readable_bytes(data: bytes) -> str:
    """Return bytes that are no XML we read, as text: bounded, every line made printable."""
    lines = data[:MAX_CHARACTERS].decode("utf-8", "replace").split("\n")[:_MAX_LINES]
    text = "\n".join(printable(line.rstrip("\r"), _MAX_VALUE) for line in lines)
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


def personal_texts(root: xml.Element) -> frozenset[str]:
    """Return every text that `readable` hides in a document, as `showable` writes it: reasons of a refusal may quote one."""
    return frozenset(showable(str(text)) for holder in _holders(root) for text in holder.itertext() if text.strip())


def _holders(root: xml.Element) -> Iterator[xml.Element]:
    # The outermost ones: what is inside an inner one is inside these.
    stack = [root]
    while stack:
        element = stack.pop()
        if reading.local_name(element) in _AROUND:
            yield element
        else:
            stack.extend(element)


def scrub(text: str, personal: Container[str] = ()) -> str:
    """Return a text with everything hidden that looks like an e-mail address; all of it where it is one of the `personal` texts."""
    return HIDDEN if text in personal else _EMAIL.sub(HIDDEN, text)


def _lines(root: xml.Element, *, redact: bool) -> Iterator[str]:
    # With a stack of its own: the depth is bounded, but by whoever parsed.
    stack: list[tuple[xml.Element, int, bool]] = [(root, 0, False)]
    while stack:
        element, depth, closing = stack.pop()
        indent, name = "  " * depth, _name(element)
        if closing:
            yield f"{indent}</{name}>"
            continue
        start = f"{indent}<{name}{_attributes(element, redact=redact)}"
        text = _text(element, redact=redact)
        if not len(element) or (redact and reading.local_name(element) in _PERSONAL):
            yield f"{start}>{text}</{name}>" if text else f"{start}/>"
            continue
        yield f"{start}>{text}"
        stack.append((element, depth, True))
        stack.extend((child, depth + 1, False) for child in reversed(element))


def _name(element: xml.Element) -> str:
    local = printable(reading.local_name(element), _MAX_VALUE)
    return f"{printable(element.prefix, 100)}:{local}" if element.prefix else local


def _attributes(element: xml.Element, *, redact: bool) -> str:
    parent = element.getparent()
    around = {} if parent is None else parent.nsmap
    written = [
        (f"xmlns:{prefix}" if prefix else "xmlns", uri)
        for prefix, uri in element.nsmap.items()
        if around.get(prefix) != uri
    ]
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
    for name, value in element.attrib.items():
        space, _, local = str(name).rpartition("}")
        prefix = prefixes.get(space[1:], "xml" if space[1:] == names.XML else "")
        hidden = redact and local in _PERSONAL_ATTRIBUTES
        written.append((f"{prefix}:{local}" if prefix else local, HIDDEN if hidden else str(value)))
    return "".join(f' {printable(name, 200)}="{_value(value, redact=redact)}"' for name, value in written)


def _text(element: xml.Element, *, redact: bool) -> str:
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    text = " ".join(piece.strip() for piece in pieces if piece.strip())
    if redact:
        name = reading.local_name(element)
        if (text and name in _AROUND) or (len(element) and name in _PERSONAL):
            return HIDDEN
    return _value(text, redact=redact)


def _value(value: str, *, redact: bool) -> str:
    # No more is looked at than is shown, and of the last address of that the rest. Line breaks inside a value (base64) are
    # layout to a reader.
    head = value[: _MAX_VALUE + _MAX_ADDRESS].replace("\n", " ")
    if not redact:
        return printable(head, _MAX_VALUE)
    end = next(
        (each.end() for each in _EMAIL.finditer(head) if each.start() <= _MAX_VALUE < each.end()), _MAX_VALUE + 1
    )
    return printable(scrub(head[:end]), _MAX_VALUE)
