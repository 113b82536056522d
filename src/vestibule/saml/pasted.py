"""Text as people copy it out of a browser, a terminal or a log, made into what a form body or an address would say.

Everything is untrusted; each function reads it once, from its beginning to its end. Knows names of fields, nothing of SAML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

_NAMES: Final = "SAMLResponse|SAMLRequest|RelayState"
# A name and its value as the developer tools of browsers, JSON, Python and multipart forms put them.
_LABEL: Final = re.compile(
    rf"(?<![\w.-])({_NAMES})[\"'\]\\]{{0,2}}[ \t]{{0,8}}[:=|\t\r\n]\s{{0,8}}[\"'\[\\]{{0,2}}"
    rf"(?!(?:{_NAMES}|SigAlg|Signature)\b)"
)
_SIGN: Final = "A-Za-z0-9+/_%-"
_BREAK: Final = re.compile(
    rf"(?<=[{_SIGN}]{{40}})[ \t]*+\r?\n[ \t]*+(?!(?:{_NAMES}|SigAlg|Signature)\b)"
    rf"(?=[{_SIGN}=]++[ \t]*+(?:[\r\n&\"'^]|\Z))"
)
# As JSON inside a log has signs of base64, where its writer is careful.
_ESCAPED: Final = re.compile(r"\\(?:u00(2[bf]|3d)|/)", re.IGNORECASE)
# Whoever breaks lines breaks them all at one width; what follows a longer line is something else.
_MAX_WIDTH: Final = 300
_CONTROL: Final = re.compile(r"<(input|textarea)\b([^<>]*)>([^<]*)", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(
    r"""(?<![\w:.-])([A-Za-z][\w:.-]{0,60})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+))""", re.ASCII
)


def straightened(text: str) -> str:
    """Return `text` with broken lines of base64 joined, and each name of a SAML form field joined to its value by `=`."""

    def joined(found: re.Match[str]) -> str:
        line_starts = text.rfind("\n", max(0, found.start() - _MAX_WIDTH), found.start()) >= 0
        return "" if line_starts or found.start() <= _MAX_WIDTH else found[0]

    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "/", text)
    return _LABEL.sub(_field, _BREAK.sub(joined, text))


def _field(label: re.Match[str]) -> str:
    # Apart from a bracket before it; what stands before it in an address belongs to it.
    before = label.string[max(0, label.start() - 1) : label.start()]
    return f" {label[1]}=" if before in {"[", "{", "(", ","} else f"{label[1]}="


def form_fields(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each input and textarea of a web page."""
    for found in _CONTROL.finditer(page):
        attributes: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(found[2]):
            # As in a browser the first of one name counts.
            attributes.setdefault(match[1].lower(), html.unescape(match[2] or match[3] or match[4] or ""))
        is_input = found[1].lower() == "input"
        yield attributes.get("name", ""), attributes.get("value", "") if is_input else html.unescape(found[3])
