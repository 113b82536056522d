"""Proof Key for Code Exchange, S256 only (RFC 7636)."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from typing import Final

from vestibule.kernel.secrets import same
from vestibule.oidc.errors import VerifierMismatch

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")


def is_challenge(untrusted: str) -> bool:
    """Say whether a value has the form of an S256 challenge (RFC 7636, 4.2)."""
    return _CHALLENGE.match(untrusted) is not None


def require_verifier(challenge: str, verifier: str) -> None:
    """Raise VerifierMismatch unless an untrusted verifier belongs to the challenge (RFC 7636, 4.6)."""
    if not _VERIFIER.match(verifier):
        raise VerifierMismatch("the code_verifier is not of its form")
    digest = hashlib.sha256(verifier.encode()).digest()
    if not same(urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge):
        raise VerifierMismatch("the code_verifier does not belong to the challenge")
