"""Base64 and instants as SAML writes them: strict in what is read, canonical in what is written."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import pybase64

from vestibule.saml.errors import InvalidDuration, InvalidTime, NotBase64

_SPACE: Final = b" \t\r\n"
# 3.11 reads more than xs:dateTime allows, so the form is fixed here. Fractions beyond microseconds (.NET sends seven
# digits) are cut off by fromisoformat.
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")

_DURATION: Final = re.compile(
    r"P(?!\Z)(?:([0-9]{1,10})Y)?(?:([0-9]{1,10})M)?(?:([0-9]{1,10})D)?"
    r"(?:T(?!\Z)(?:([0-9]{1,10})H)?(?:([0-9]{1,10})M)?(?:([0-9]{1,10})(?:\.[0-9]{1,9})?S)?)?"
)
# A year and a month have no length of their own: the shortest is taken. What is longer than a year is a year.
_SECONDS: Final = (365 * 86_400, 28 * 86_400, 86_400, 3_600, 60, 1)


def decode_base64(text: str | bytes) -> bytes:
    """Return the bytes of an untrusted base64 text. White space (MIME line breaks) is allowed, anything else raises NotBase64."""
    try:
        data = text.encode("ascii") if isinstance(text, str) else text
        try:
            return pybase64.b64decode(data, validate=True)
        except binascii.Error:
            return pybase64.b64decode(data.translate(None, _SPACE), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NotBase64(f"not base64: {error}") from error


def encode_base64(data: bytes) -> str:
    """Return `data` as base64 in one line."""
    return pybase64.b64encode(data).decode("ascii")


def parse_instant(text: str, what: str) -> datetime:
    """Return an xs:dateTime in UTC as an aware datetime. `what` names it in the reason. Raises InvalidTime (saml-core 1.3.3)."""
    if _INSTANT.fullmatch(text) is None:
        raise InvalidTime(f"{what} is not a UTC time ending in Z", expected="2026-01-31T12:00:00Z", received=text)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidTime(f"{what} is not a time", expected="2026-01-31T12:00:00Z", received=text) from error


def optional_instant(text: str | None, what: str) -> datetime | None:
    """Return what `parse_instant` returns, None for an attribute that is not there."""
    return None if text is None else parse_instant(text, what)


def parse_duration(text: str, what: str) -> timedelta:
    """Return an xs:duration, a year at most, in whole seconds. `what` names it in the reason. Raises InvalidDuration."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise InvalidDuration(f"{what} is not a duration", expected="P1D", received=text)
    seconds = sum(int(part or 0) * length for part, length in zip(found.groups(), _SECONDS, strict=True))
    return timedelta(seconds=min(seconds, _SECONDS[0]))


def format_instant(moment: datetime) -> str:
    """Return an aware instant as `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
