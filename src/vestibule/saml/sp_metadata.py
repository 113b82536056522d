"""Writing our own metadata, one document for each connection (saml-metadata-2.0-os 2.3.2, 2.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from vestibule.saml import names
from vestibule.saml.certificates import Certificate
from vestibule.saml.encoding import format_instant
from vestibule.saml.keys import SigningKey
from vestibule.saml.writing import element, key_info, leaf, sign_xml

# Best first: an identity provider takes the first that it knows (saml-metadata-2.0-os 2.4.1.1).
_GCM: Final = (names.AES256_GCM, names.AES128_GCM)
_CBC: Final = (names.AES256_CBC, names.AES128_CBC)
_KEY_WRAPS: Final = (names.RSA_OAEP, names.RSA_OAEP_MGF1P)
_CACHE_DURATION: Final = "P1D"


def sp_metadata(
    entity_id: str,
    acs_url: str,
    signing_certificates: Sequence[Certificate] = (),
    encryption_certificates: Sequence[Certificate] = (),
    *,
    slo_url: str | None = None,
    want_assertions_signed: bool = True,
    authn_requests_signed: bool = False,
    allow_cbc: bool = False,
    name_id_formats: Sequence[str] = (),
    display_name: str | None = None,
    valid_until: datetime | None = None,
    document_id: str | None = None,
) -> bytes:
    """Return our metadata as an XML document in UTF-8, unsigned; the same input gives the same bytes.

    Certificates are published in order, the one in use first; the next ones are for rolling over. `document_id` is what a
    signature refers to. With `valid_until` the document says to read it again once a day.
    """
    keys = "".join(
        element("md:KeyDescriptor", key_info(certificate.der), use="signing") for certificate in signing_certificates
    )
    methods = "".join(
        element("md:EncryptionMethod", Algorithm=uri) for uri in (*_GCM, *(_CBC if allow_cbc else ()), *_KEY_WRAPS)
    )
    keys += "".join(
        element("md:KeyDescriptor", key_info(certificate.der) + methods, use="encryption")
        for certificate in encryption_certificates
    )
    formats = "".join(leaf("md:NameIDFormat", name_id_format) for name_id_format in name_id_formats)
    # By both bindings at one address, which tells them apart by the method (saml-metadata 2.4.2).
    slo = "".join(
        element("md:SingleLogoutService", Binding=binding, Location=slo_url)
        for binding in (names.HTTP_REDIRECT, names.HTTP_POST)
        if slo_url is not None
    )
    acs = element("md:AssertionConsumerService", Binding=names.HTTP_POST, Location=acs_url, index="0", isDefault="true")
    role = element(
        "md:SPSSODescriptor",
        _ui_info(display_name) + keys + slo + formats + acs,
        AuthnRequestsSigned="true" if authn_requests_signed else "false",
        WantAssertionsSigned="true" if want_assertions_signed else "false",
        protocolSupportEnumeration=names.SAMLP,
    )
    entity = element(
        "md:EntityDescriptor",
        role,
        entityID=entity_id,
        ID=document_id,
        validUntil=None if valid_until is None else format_instant(valid_until),
        cacheDuration=None if valid_until is None else _CACHE_DURATION,
    )
    declared = f'<md:EntityDescriptor xmlns:md="{names.MD}" xmlns:ds="{names.DS}"'
    entity = entity.replace("<md:EntityDescriptor", declared, 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{entity}\n'.encode()


def sign_metadata(document: bytes, signer: SigningKey) -> bytes:
    """Return our metadata with an enveloped signature as first child (saml-metadata-2.0-os 3.1). The document needs its ID."""
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + sign_xml(document, signer) + b"\n"


def _ui_info(display_name: str | None) -> str:
    if display_name is None:
        return ""
    # lang is of the xml namespace, which a Python keyword can't spell.
    name = leaf("mdui:DisplayName", display_name).replace("<mdui:DisplayName", '<mdui:DisplayName xml:lang="en"', 1)
    info = element("mdui:UIInfo", name).replace("<mdui:UIInfo", f'<mdui:UIInfo xmlns:mdui="{names.MDUI}"', 1)
    return element("md:Extensions", info)
