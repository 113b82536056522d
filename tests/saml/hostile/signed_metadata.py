"""Metadata where a certificate is pinned for it: whatever that certificate has not signed as a whole, exactly as it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from tests.saml import forge
from tests.saml.hostile.corpus import EVIL, SHA256, SIGNATURE, Family, part, sub, swap
from tests.saml.hostile.metadata import SSO, endpoint, entities, idp, key_descriptor
from vestibule.saml import metadata_errors, names
from vestibule.saml.certificates import parse_certificate
from vestibule.saml.metadata import IdpMetadata, parse_idp_metadata

PINNED: Final = forge.Signing(key=forge.key("metadata"))
ID: Final = ' ID="_m"'
_PIN: Final = (parse_certificate(PINNED.key.certificate_der),)
_BAD: Final = metadata_errors.MetadataSignatureInvalid
_BARE: Final = metadata_errors.MetadataUnsigned
_EVIL_SSO: Final = endpoint("SingleSignOnService", names.HTTP_REDIRECT, "https://evil.example/sso")
_EVIL: Final = idp(keys=key_descriptor(EVIL), endpoints=_EVIL_SSO, attributes=' ID="_evil"')


def judge(data: bytes, **_: Any) -> IdpMetadata:
    """Read metadata at the forge's time, for which the certificate of PINNED is pinned."""
    return parse_idp_metadata(data, now=forge.NOW, signed_by=_PIN)


def signed(document: str, signing: forge.Signing = PINNED, element_id: str = "_m") -> bytes:
    """Return a document with a signature over the element of an ID."""
    return forge.sign_xml(document, element_id, signing)


FAMILY = Family(
    "signed metadata",
    "Metadata that the pinned certificate has not signed as a whole: unsigned, wrapped, changed, of another key, or run out.",
    "saml-metadata-2.0-os 3; xmldsig-core1 3.2",
    judge,
)
GOOD: Final = signed(idp(attributes=ID))


def _unsigned() -> None:
    FAMILY.add("not signed", _BARE, idp(attributes=ID))
    role = forge.sign_xml(idp(role_attributes=ID), "_m", PINNED)
    FAMILY.add("the role alone is signed", _BARE, role)
    FAMILY.add("the entity alone is signed, inside an aggregate", _BARE, entities(GOOD.decode()))
    beside = entities(GOOD.decode(), _EVIL)
    FAMILY.add("a signed entity, and another one beside it", _BARE, beside)
    moved = sub(GOOD, SIGNATURE, "").decode()
    hidden = f"<md:Extensions>{part(GOOD, SIGNATURE)}</md:Extensions>"
    FAMILY.add(
        "the signature in Extensions", _BARE, moved.replace("<md:IDPSSODescriptor", hidden + "<md:IDPSSODescriptor", 1)
    )


def _wrapped() -> None:
    inside = f"{part(GOOD, SIGNATURE)}<md:Extensions>{sub(GOOD, SIGNATURE, '').decode()}</md:Extensions>"
    FAMILY.add(
        "another entity around the signed one, with its signature",
        _BAD,
        _EVIL.replace("<md:IDPSSODescriptor", f"{inside}<md:IDPSSODescriptor", 1),
    )
    FAMILY.add(
        "another entity of the same ID around the signed one",
        metadata_errors.MetadataNotXml,
        _EVIL.replace("_evil", "_m").replace("<md:IDPSSODescriptor", f"{inside}<md:IDPSSODescriptor", 1),
    )
    FAMILY.add(
        "the signature on another entity of the same ID",
        _BAD,
        _EVIL.replace("_evil", "_m").replace("<md:IDPSSODescriptor", f"{part(GOOD, SIGNATURE)}<md:IDPSSODescriptor", 1),
    )
    aggregate = signed(entities(idp(), attributes=ID))
    FAMILY.add(
        "an entity added to a signed aggregate",
        _BAD,
        swap(aggregate, "</md:EntitiesDescriptor>", f"{_EVIL}</md:EntitiesDescriptor>"),
    )
    last = (
        sub(GOOD, SIGNATURE, "")
        .decode()
        .replace("</md:EntityDescriptor>", f"{part(GOOD, SIGNATURE)}</md:EntityDescriptor>")
    )
    FAMILY.add("the signature behind the role", _BAD, last)
    FAMILY.add("the signature twice", _BAD, swap(GOOD, "<ds:Signature ", part(GOOD, SIGNATURE) + "<ds:Signature ", 1))


def _keys() -> None:
    plain = idp(attributes=ID)
    FAMILY.add("another key, with its certificate in KeyInfo", _BAD, signed(plain, replace(PINNED, key=EVIL)))
    claimed = replace(PINNED, key=EVIL, key_info_certificate=PINNED.key)
    FAMILY.add("another key, with the pinned certificate in KeyInfo", _BAD, signed(plain, claimed))
    FAMILY.add("the key that the metadata publishes for responses", _BAD, signed(plain, forge.Signing()))
    FAMILY.add(
        "HMAC with the pinned certificate as key",
        _BAD,
        signed(
            plain,
            replace(
                PINNED,
                algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
                hmac_key=PINNED.key.certificate_der,
            ),
        ),
    )
    FAMILY.add("RSA-SHA1", _BAD, signed(plain, replace(PINNED, algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1")))
    FAMILY.add(
        "a digest of SHA-1", _BAD, signed(plain, replace(PINNED, digest="http://www.w3.org/2000/09/xmldsig#sha1"))
    )
    FAMILY.add("a reference to the whole document", _BAD, signed(plain, replace(PINNED, reference_uri="")))
    FAMILY.add("a reference to something else", _BAD, signed(plain, replace(PINNED, reference_uri="#_other")))
    xslt = (forge.ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", forge.EXC_C14N)
    FAMILY.add("a transform by XSLT", _BAD, signed(plain, replace(PINNED, transforms=xslt)))
    inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    FAMILY.add("inclusive canonical form", _BAD, signed(plain, replace(PINNED, canonicalization=inclusive)))
    FAMILY.add("an empty SignatureValue", _BAD, sub(GOOD, r"(?<=<ds:SignatureValue>)[^<]*", ""))


def _changed() -> None:
    for name, before, after in (
        ("another sign-on address", SSO, "https://evil.example/sso"),
        ("another entity ID", f'entityID="{forge.IDP}"', 'entityID="https://evil.example"'),
        ("another certificate", forge.key().certificate_base64, EVIL.certificate_base64),
        ("an end of validity put in", ID, f'{ID} validUntil="2099-01-01T00:00:00Z"'),
        ("a second key", "<md:SingleSignOnService", key_descriptor(EVIL) + "<md:SingleSignOnService"),
        (
            "a logout address",
            "<md:SingleSignOnService",
            endpoint("SingleLogoutService", names.HTTP_POST, SSO) + "<md:SingleSignOnService",
        ),
        (
            "a role in front",
            "<md:IDPSSODescriptor",
            part(_EVIL.encode(), "<md:IDPSSODescriptor.*</md:IDPSSODescriptor>") + "<md:IDPSSODescriptor",
        ),
    ):
        FAMILY.add(f"changed since: {name}", _BAD, swap(GOOD, before, after, 1))
    digest = forge.digest_value(b"<x/>", SHA256)
    FAMILY.add("changed since: the digest", _BAD, sub(GOOD, r"(?<=<ds:DigestValue>)[^<]*", digest))
    end = forge.instant(forge.NOW)
    past = forge.instant(forge.NOW - timedelta(days=400))
    expired = metadata_errors.MetadataExpired
    FAMILY.add("valid until this instant, signed", expired, signed(idp(attributes=f'{ID} validUntil="{end}"')))
    FAMILY.add("valid until last year, signed", expired, signed(idp(attributes=f'{ID} validUntil="{past}"')))
    aggregate = entities(idp(attributes=f' validUntil="{end}"'), attributes=ID)
    FAMILY.add("an entity of a signed aggregate has run out", expired, signed(aggregate))


_unsigned()
_wrapped()
_keys()
_changed()
