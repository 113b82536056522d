"""Parameters of requests as they come: bounded, each once, none of them trusted (RFC 6749, 3.1 and 3.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from vestibule.kernel.text import has_unsafe_characters
from vestibule.oidc.errors import InvalidRequest
from vestibule.oidc.jwt import MAX_JWT_CHARACTERS

MAX_VALUE: Final = 4_000
# RFC 6749, appendix A: VSCHAR for most; a state and a nonce are the app's own and come back as they are.
_VISIBLE: Final = re.compile(r"[\x20-\x7e]*\Z")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}\Z")

Parameters = Mapping[str, Sequence[str]]


def optional(parameters: Parameters, name: str, longest: int = MAX_VALUE) -> str | None:
    """Return a parameter's one value; an empty one counts as left out (RFC 6749, 3.1). Raises InvalidRequest when it stands twice."""
    values = parameters.get(name, ())
    if len(values) > 1:
        raise InvalidRequest(f"{name} stands twice")
    if not values or not values[0]:
        return None
    value = values[0]
    if len(value) > longest or not _VISIBLE.match(value):
        raise InvalidRequest(f"{name} is too long or has characters that it can't have")
    return value


def hint(parameters: Parameters, name: str) -> str | None:
    """Return the one value of a parameter that people may have typed, in any script. Raises InvalidRequest when it stands twice.

    A hint that is none is no reason to refuse a request.
    """
    values = parameters.get(name, ())
    if len(values) > 1:
        raise InvalidRequest(f"{name} stands twice")
    value = values[0] if values else ""
    return value if value and len(value) <= MAX_VALUE and not has_unsafe_characters(value) else None


def required(parameters: Parameters, name: str) -> str:
    """Return a parameter's one value. Raises InvalidRequest when it is missing or stands twice."""
    return _there(optional(parameters, name), name)


def token(parameters: Parameters, name: str) -> str | None:
    """Return the one value of a parameter for a token of ours, which is as long as the groups that it names. Raises InvalidRequest."""
    return optional(parameters, name, MAX_JWT_CHARACTERS)


def required_token(parameters: Parameters, name: str) -> str:
    """Return a parameter's one value where a token of ours has to stand. Raises InvalidRequest."""
    return _there(token(parameters, name), name)


def words(parameters: Parameters, name: str) -> tuple[str, ...]:
    """Return the words of a space-delimited parameter, each once, in order. Raises InvalidRequest."""
    found = (optional(parameters, name) or "").split(" ")
    kept = tuple(dict.fromkeys(word for word in found if word))
    if not all(_SCOPE.match(word) for word in kept):
        raise InvalidRequest(f"{name} has a word that it can't have")
    return kept


def _there(value: str | None, name: str) -> str:
    if value is None:
        raise InvalidRequest(f"{name} is missing")
    return value
