"""Versions of resources as weak ETags, and the headers that name them (RFC 7644, 3.14; RFC 9110, 8.8.3 and 13.1)."""

from __future__ import annotations

import re
from typing import Final

# Without quotation marks some clients send them; a comma between marks is part of the tag.
_TAG: Final = re.compile(r'\s*(?:W/)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^",\s]+))\s*(?:,|\Z)')


def etag(version: int) -> str:
    """Return the weak ETag of a version."""
    return f'W/"{version}"'


def etag_matches(header: str | None, version: int) -> bool:
    """Say whether an If-Match or If-None-Match header (untrusted), a list of tags or `*`, names a version.

    Weak and strong tags are compared alike: ours are all weak, and If-Match would never hold otherwise. A list that is broken
    names nothing from there on, so that a change with it is refused rather than made.
    """
    if header is None:
        return False
    if header.strip() == "*":
        return True
    at = 0
    while found := _TAG.match(header, at):
        if (found["quoted"] if found["quoted"] is not None else found["bare"]) == str(version):
            return True
        at = found.end()
    return False
