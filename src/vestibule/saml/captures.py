"""Finding SAML messages in whatever somebody has at hand: XML, base64, an address, a form, a page, a recording of a browser.

More is taken here than at a sign-in: base64 that lost its padding or its line, values copied with their names.

Everything is untrusted and bounded before it is read. What comes out is the bytes of each message and where it was found;
nothing is parsed as SAML here, nothing is fetched, nothing is run.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, Literal
from urllib.parse import unquote, unquote_plus, urlsplit

from vestibule.kernel.text import N_
from vestibule.saml import xml
from vestibule.saml.encoding import decode_base64
from vestibule.saml.errors import NotBase64, SamlError
from vestibule.saml.pasted import form_fields, straightened
from vestibule.saml.trace import showable

Carrier = Literal["xml", "base64", "deflated"]
# A recording of a browser holds every picture and script of every page that it saw.
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_MESSAGES: Final = 50
_MAX_MESSAGE: Final = xml.METADATA.max_bytes
# Enough to tell XML by.
_START: Final = 64
# Of all messages: one that was packed is a thousand times what was given.
_MAX_BYTES_IN_ALL: Final = 4 * _MAX_MESSAGE
_MAX_ENTRIES: Final = 20_000
_PARAMETERS: Final = frozenset({"SAMLResponse", "SAMLRequest"})
_WORD: Final = re.compile(r"[^\s\"'<>]+")
_FIELD: Final = re.compile(r"(?:^|[?&#;])(SAMLResponse|SAMLRequest)=([^&#;]+)")
_RELAY_STATE: Final = re.compile(r"(?:^|[?&#;])RelayState=([^&#;]*)")
# What the command line of Windows is given: no browser writes these into an address.
_CMD_ESCAPE: Final = re.compile(r"\^[%&]|%\^|\^\Z")
_HTML: Final = re.compile(
    r"(?:<\?xml[^<>]{0,200}\?>\s*)?(?:<!--[^<>]{0,400}-->\s*)?"
    r"<(?:!doctype\s+html|html|head|meta|title|script|noscript|body|main|section|div|p|span|table|form|label|input|textarea)(?![\w:.-])",
    re.IGNORECASE,
)
_DOCUMENT: Final = re.compile(
    r"(?:<\?xml[^<>]{0,200}\?>\s{0,20})?<(?:[A-Za-z][\w.-]{0,40}:)?"
    r"(?:Response|AuthnRequest|LogoutRequest|LogoutResponse|EntityDescriptor|EntitiesDescriptor)\b"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_=\s-]{16,}+\Z")


class CaptureInvalid(SamlError):
    """There is no SAML message in what was given."""

    code = "capture"
    public = N_(
        "There is no SAML message here. Paste the XML, its base64, a whole address, a form body, a HAR file, or metadata."
    )
    spec = "saml-bindings-2.0-os 3"


class CaptureEmpty(CaptureInvalid):
    """Nothing was given."""

    code = "capture_empty"
    public = N_("There is nothing here. Paste a message, or choose a file.")


class CaptureTooLarge(CaptureInvalid):
    """More than a recording of a sign-in has."""

    code = "capture_too_large"
    public = N_("This is too large. Record only the sign-in, or paste the message alone.")


@dataclass(frozen=True, slots=True)
class Captured:
    """One message as it was found, all of it untrusted. `place` says where (printable), `parameter` names its form field.

    `query` is the address's query as it stands, for a signature over it; empty when the message came in another way.
    `mended` says that its base64 is none that a sign-in would take.
    """

    data: bytes = field(repr=False)
    carrier: Carrier
    parameter: str = ""
    relay_state: str | None = None
    place: str = ""
    query: str = field(default="", repr=False)
    mended: bool = False


def find_messages(given: str | bytes) -> tuple[Captured, ...]:
    """Return the SAML messages in untrusted text or bytes, in order, each once: MAX_MESSAGES at most, or 8 MiB unpacked.

    Raises CaptureEmpty, CaptureTooLarge, or CaptureInvalid when there is none. Anything that begins like XML and is no web
    page is a message, well-formed or not.
    """
    if len(given) > MAX_BYTES:
        raise CaptureTooLarge("too long", expected=f"{MAX_BYTES} or fewer", received=str(len(given)))
    text = given if isinstance(given, str) else _decoded(given)
    text = text.strip("\ufeff \t\r\n\0")
    if not text:
        raise CaptureEmpty("nothing was given")
    found: dict[tuple[bytes, str], Captured] = {}
    room = _MAX_BYTES_IN_ALL
    for one in _messages(text):
        key = (one.data, one.parameter)
        if room <= 0 or (key not in found and len(found) == MAX_MESSAGES):
            break
        room -= len(one.data)
        found[key] = _merged(found.get(key), one)
    if not found:
        raise CaptureInvalid("no message was found", received=text[:80])
    return tuple(found.values())


def _merged(first: Captured | None, again: Captured) -> Captured:
    # A recording has a field both decoded and as it was sent; only the latter says what stood beside it.
    if first is None:
        return again
    relay_state = again.relay_state if first.relay_state is None else first.relay_state
    return replace(first, relay_state=relay_state, query=first.query or again.query)


def _decoded(data: bytes) -> str:
    # A file that an editor or a shell wrote as UTF-16. The message itself must be UTF-8, and is judged later.
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape")


def _messages(text: str) -> Iterator[Captured]:
    if text.startswith(("{", "[")) and (found := _json(text)) is not None:
        yield from _of_json(found)
    elif text.startswith("<") and not _HTML.match(text):
        # Not searched for a form: a message could hide another one in itself.
        yield _of_xml(text)
    elif document := _document_in(text):
        yield _of_xml(document)
    else:
        # One after the other: all of them may be a thousand times what was given.
        found = _of_text(text, "")
        first = next(found, None)
        yield from _of_value(text.strip("\"'"), "") if first is None else chain((first,), found)


def _document_in(text: str) -> str:
    # Behind what a log or a browser says above it. One that stands behind a field may be a part of something else.
    found = None if text.startswith("<") else _DOCUMENT.search(text)
    if found is None or "SAMLRe" in text[: found.start()]:
        return ""
    return text[found.start() : text.rfind(">") + 1]


def _of_xml(text: str) -> Captured:
    return Captured(text.encode("utf-8", "surrogateescape"), "xml")


def _of_text(text: str, place: str) -> Iterator[Captured]:
    yield from _of_page(text, place)
    words = [word[0] for word in _WORD.finditer(straightened(text)) if "SAMLRe" in word[0] or "RelayState=" in word[0]]
    lines = (word for word in words if word.startswith("RelayState=") and "SAMLRe" not in word)
    beside = _relay_state(next(lines, ""))
    for word in words:
        yield from _of_word(word, place, beside)


def _relay_state(word: str) -> str | None:
    found = _RELAY_STATE.search(word)
    return _whole(unquote_plus(found[1])) if found else None


def _whole(text: str) -> str:
    # JSON may write half a character, and bytes that are no UTF-8 stand here as such: nobody can write them out again.
    return text.encode("utf-8", "replace").decode()


def _of_word(word: str, place: str, beside: str | None) -> Iterator[Captured]:
    """Read an address or a form body. `beside` is the relay state that stands in a line of its own."""
    if _CMD_ESCAPE.search(word):
        word = word.replace("^", "")
    # Once, not for each field: a word may be as long as all that was given, and have a hundred thousand.
    relay_state = own if (own := _relay_state(word)) is not None else beside
    query = word.partition("?")[2].partition("#")[0]
    for match in _FIELD.finditer(word):
        # No honest base64 has a space, so a plus that nobody escaped is a plus.
        value = match[2].rstrip("]}),.\\")
        yield from _of_value(value, place, parameter=match[1], relay_state=relay_state, query=query)


def _of_page(text: str, place: str) -> Iterator[Captured]:
    fields = tuple(form_fields(text))
    relay_state = next((_whole(value.strip()) for name, value in fields if name == "RelayState"), None)
    for name, value in fields:
        if name in _PARAMETERS:
            yield from _of_value(value, place, parameter=name, relay_state=relay_state)


def _of_value(
    value: str, place: str, *, parameter: str = "", relay_state: str | None = None, query: str = ""
) -> Iterator[Captured]:
    """Read a value that may be base64, percent-encoded or not, deflated or not; yield nothing when it is neither."""
    plain = unquote(value) if "%" in value else value
    if plain.lstrip().startswith("<") and not _HTML.match(plain.lstrip()):
        yield Captured(plain.encode("utf-8", "surrogateescape"), "xml", parameter, relay_state, place, query)
        return
    if not _BASE64.match(plain) or len(plain) > 2 * _MAX_MESSAGE:
        return
    try:
        data, mended = _decoded_base64(plain)
    except NotBase64:
        return
    if _begins_like_xml(data):
        yield Captured(data, "base64", parameter, relay_state, place, query, mended)
    elif inflated := _inflated(data):
        yield Captured(inflated, "deflated", parameter, relay_state, place, query, mended)
    elif parameter:
        # A form says that this is a message, so it is shown for what it is.
        yield Captured(data, "base64", parameter, relay_state, place, query, mended)


def _decoded_base64(text: str) -> tuple[bytes, bool]:
    try:
        return decode_base64(text), False
    except NotBase64:
        # Of either alphabet, with its padding or without.
        plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
        return decode_base64(plain + "=" * (-len(plain) % 4)), True


def _begins_like_xml(data: bytes) -> bool:
    return data[:_START].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _inflated(data: bytes) -> bytes:
    # One byte over the limit is kept, so that it is refused for its size and not shown cut off.
    inflater = zlib.decompressobj(-15)
    try:
        start = inflater.decompress(data, _START)
        return (
            start + inflater.decompress(inflater.unconsumed_tail, _MAX_MESSAGE + 1) if _begins_like_xml(start) else b""
        )
    except zlib.error:
        return b""


def _json(text: str) -> object | None:
    try:
        document: object = json.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        # A line of a log may begin like this, too.
        return None
    return document


def _of_json(document: object) -> Iterator[Captured]:
    """Read a HAR file (log.entries), an export of SAML-tracer (requests), or any JSON that has such fields somewhere."""
    for number, entry in enumerate(_entries(document), start=1):
        place = _place(number, entry)
        for pairs in _strings(entry):
            yield from _of_pair(*pairs, place)


def _entries(document: object) -> list[object]:
    if isinstance(document, dict):
        log = document.get("log")
        entries = log.get("entries") if isinstance(log, dict) else document.get("requests")
        if isinstance(entries, list):
            return entries[:_MAX_ENTRIES]
    return [document]


def _place(number: int, entry: object) -> str:
    request = entry.get("request", entry) if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        return ""
    try:
        parts = urlsplit(request["url"])
    except ValueError:
        return f"{number}"
    # Without the query, which may carry what is personal.
    return showable(f"{number}: {request.get('method', '')} {parts.scheme}://{parts.netloc}{parts.path}")


def _strings(entry: object) -> Iterator[tuple[str, str]]:
    """Yield every string in a JSON value with the name that it has there; a name and value side by side count as such."""
    stack: list[tuple[str, object]] = [("", entry)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            named, its_value = value.get("name"), value.get("value")
            if isinstance(named, str) and isinstance(its_value, str):
                yield named, its_value
            else:
                stack.extend(reversed([(str(key), one) for key, one in value.items()]))
        elif isinstance(value, list):
            # Two objects are no pair: a form of two fields is a list of two.
            texts = all(isinstance(one, str) for one in value)
            if texts and len(value) == 2 and value[0] in _PARAMETERS:
                yield value[0], value[1]
            else:
                stack.extend(reversed([(name, one) for one in value]))


def _of_pair(name: str, value: str, place: str) -> Iterator[Captured]:
    if name in _PARAMETERS:
        yield from _of_value(_whole(value), place, parameter=name)
    elif "SAMLRe" in value:
        yield from _of_text(_whole(value), place)
