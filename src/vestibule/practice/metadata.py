"""The practice identity provider's metadata. Owns the XML only."""

from __future__ import annotations

from html import escape
from typing import Final

from vestibule.practice.keys import KeyPair
from vestibule.practice.responses import NAME_ID_EMAIL

_BINDINGS: Final = "urn:oasis:names:tc:SAML:2.0:bindings:"


def build_metadata(entity_id: str, sso_url: str, slo_url: str, key: KeyPair) -> str:
    """Write the EntityDescriptor of an identity provider with one signing key and two bindings (Metadata 2.4.3)."""
    services = "".join(
        f'<md:SingleSignOnService Binding="{_BINDINGS}{binding}" Location="{escape(sso_url)}"/>'
        for binding in ("HTTP-Redirect", "HTTP-POST")
    )
    logout = services.replace("SingleSignOnService", "SingleLogoutService").replace(escape(sso_url), escape(slo_url))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
        f' entityID="{escape(entity_id)}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"'
        ' WantAuthnRequestsSigned="false"><md:KeyDescriptor use="signing">'
        '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{key.certificate_base64}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f"{logout}<md:NameIDFormat>{NAME_ID_EMAIL}</md:NameIDFormat>{services}"
        "</md:IDPSSODescriptor></md:EntityDescriptor>\n"
    )
