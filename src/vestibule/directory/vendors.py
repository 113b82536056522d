"""The identity provider products we have instructions for, and a guess at which one an IdP is. Hints only: no rule depends on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from vestibule.directory.marks import Part, parts
from vestibule.directory.vendor import APP, Brings, Concept, Field, Step, Vendor, app_name
from vestibule.directory.vendors_hosted import GOOGLE, JUMPCLOUD, ONELOGIN
from vestibule.directory.vendors_leading import ENTRA, OKTA, PINGONE
from vestibule.directory.vendors_self_hosted import ADFS, GENERIC, KEYCLOAK, SHIBBOLETH

__all__ = [
    "APP",
    "GENERIC",
    "VENDORS",
    "Brings",
    "Concept",
    "Field",
    "Part",
    "Step",
    "Vendor",
    "app_name",
    "parts",
    "vendor",
    "vendor_for",
]

VENDORS: Final[Mapping[str, Vendor]] = MappingProxyType(
    {
        known.key: known
        for known in (OKTA, ENTRA, GOOGLE, ONELOGIN, JUMPCLOUD, PINGONE, ADFS, KEYCLOAK, SHIBBOLETH, GENERIC)
    }
)

_HOSTS: Final = (
    ("okta", re.compile(r"(.+\.)?(okta|oktapreview|okta-emea|okta-gov)\.com|(.+\.)?okta\.mil")),
    (
        "entra",
        re.compile(
            r"sts\.windows\.net|(.+\.)?microsoftonline\.(com|us)|(.+\.)?partner\.microsoftonline\.cn"
            r"|(login|sts)\.chinacloudapi\.cn|(.+\.)?ciamlogin\.com"
        ),
    ),
    ("google", re.compile(r"accounts\.google\.com")),
    ("onelogin", re.compile(r"(.+\.)?onelogin\.com")),
    ("jumpcloud", re.compile(r"(.+\.)?jumpcloud\.com")),
    ("pingone", re.compile(r"(.+\.)?pingone\.(com|eu|ca|asia|sg|com\.au)")),
)
_PATHS: Final = (
    ("adfs", re.compile(r"/adfs/(services/trust|ls)\b")),
    ("keycloak", re.compile(r"/realms/[^/]+(/protocol/saml\b.*)?/?\Z")),
    (
        "shibboleth",
        re.compile(r"/idp/shibboleth\b|/idp/profile/saml2/|/saml2/idp/|/module\.php/saml/idp/|/simplesaml/"),
    ),
)


def vendor(key: str) -> Vendor:
    """Return the vendor with that key, or the generic one for a key that we don't know (any more)."""
    return VENDORS.get(key, GENERIC)


def vendor_for(idp_entity_id: str | None, sso_url: str | None) -> str:
    """Guess the vendor's key from the IdP's entity ID and sign-on URL, untrusted both; `generic` when nothing is recognised.

    The sign-on URL may tell what the entity ID does not: at JumpCloud the entity ID is free text. Upper case is usual at AD FS.
    """
    for unverified in (idp_entity_id, sso_url):
        key = _recognise(unverified or "")
        if key is not None:
            return key
    return GENERIC.key


def _recognise(unverified_url: str) -> str | None:
    try:
        split = urlsplit(unverified_url.strip().lower())
        host = split.hostname or ""
    except ValueError:
        return None
    # Whole host names, not "contains": okta.com.attacker.example is not Okta, and must not be explained as if it were.
    for key, pattern in _HOSTS:
        if pattern.fullmatch(host):
            return key
    for key, pattern in _PATHS:
        if host and pattern.search(split.path):
            return key
    return None
