"""Enveloped XML signatures as a sender makes them. Owns signing only: the practice side verifies nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from vestibule.practice.keys import KeyPair

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ISSUER: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}Issuer"


@dataclass(frozen=True, slots=True)
class SignatureForm:
    """A pair of algorithms with the URIs that name them (XML-DSig 6)."""

    signature_uri: str
    digest_uri: str
    digest: type[hashes.SHA1 | hashes.SHA256]


RSA_SHA256: Final = SignatureForm(
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", hashes.SHA256
)
RSA_SHA1: Final = SignatureForm(f"{_DS}rsa-sha1", f"{_DS}sha1", hashes.SHA1)
"""What an identity provider that was set up long ago still sends. A service provider must refuse it."""


def sign_element(document: bytes, element_id: str, key: KeyPair, form: SignatureForm = RSA_SHA256) -> bytes:
    """Return `document` with the element of that ID signed; the signature stands right after its Issuer (Core 5.4)."""
    root = etree.fromstring(document)
    element = next(node for node in root.iter() if node.get("ID") == element_id)
    signature = etree.fromstring(_unsigned_signature(element_id, _digest(_canonical(element), form), key, form))
    issuer = element.find(_ISSUER)
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)
    signed_info = signature.find(f"{{{_DS}}}SignedInfo")
    value = signature.find(f"{{{_DS}}}SignatureValue")
    if signed_info is None or value is None:
        raise AssertionError("the template above has both")
    made = key.private_key.sign(_canonical(signed_info), padding.PKCS1v15(), form.digest())
    value.text = base64.b64encode(made).decode("ascii")
    return etree.tostring(root, encoding="UTF-8")


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _digest(data: bytes, form: SignatureForm) -> str:
    hasher = hashes.Hash(form.digest())
    hasher.update(data)
    return base64.b64encode(hasher.finalize()).decode("ascii")


def _unsigned_signature(element_id: str, digest: str, key: KeyPair, form: SignatureForm) -> str:
    return (
        f'<ds:Signature xmlns:ds="{_DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{_C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{form.signature_uri}"/>'
        f'<ds:Reference URI="#{element_id}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{_DS}enveloped-signature"/><ds:Transform Algorithm="{_C14N}"/>'
        f'</ds:Transforms><ds:DigestMethod Algorithm="{form.digest_uri}"/>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        f"<ds:SignatureValue/><ds:KeyInfo><ds:X509Data>"
        f"<ds:X509Certificate>{key.certificate_base64}</ds:X509Certificate>"
        f"</ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
