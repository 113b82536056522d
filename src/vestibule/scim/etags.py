"""Versions of resources as weak ETags, and the headers that name them (RFC 7644, 3.14; RFC 9110, 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

# Without quotation marks some clients send them; a comma between marks is part of the tag.
_TAG: Final = re.compile(r'\s*(?:W/)?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^",\s]+))\s*(?:,|\Z)')


def tag_of(version: int, references: Iterable[str] = ()) -> str:
    """Return what an ETag says: the version of a resource, and what it refers to by somebody else's word (the groups of a user).

    Names that are shown beside a reference are no part of it: a weak tag stands for what is the same in meaning.
    """
    listed = "\0".join(sorted(references))
    return f"{version}-{hashlib.sha256(listed.encode()).hexdigest()[:16]}" if listed else str(version)


def etag(tag: str) -> str:
    """Return a tag as a weak ETag."""
    return f'W/"{tag}"'


def etag_matches(header: str | None, tag: str) -> bool:
    """Say whether an If-Match or If-None-Match header (untrusted), a list of tags or `*`, names a tag of ours.

    Weak and strong tags are compared alike: ours are all weak, and If-Match would never hold otherwise. A list that is broken
    names nothing from there on, so that a change with it is refused rather than made.
    """
    if header is None:
        return False
    if header.strip() == "*":
        return True
    at = 0
    while found := _TAG.match(header, at):
        if (found["quoted"] if found["quoted"] is not None else found["bare"]) == tag:
            return True
        at = found.end()
    return False
