"""Writing our own XML: escaping, and enveloped signatures on it (RSA-SHA256). Reads nothing untrusted."""

from __future__ import annotations

import hashlib
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from vestibule.saml import names, reading, xml
from vestibule.saml.encoding import encode_base64
from vestibule.saml.keys import SigningKey

# In canonical form already: the bytes that are signed are the bytes that are sent.
_SIGNED_INFO: Final = (
    f'<ds:SignedInfo xmlns:ds="{names.DS}">'
    f'<ds:CanonicalizationMethod Algorithm="{names.EXC_C14N}"></ds:CanonicalizationMethod>'
    f'<ds:SignatureMethod Algorithm="{names.RSA_SHA256}"></ds:SignatureMethod>'
    '<ds:Reference URI="#{id}"><ds:Transforms>'
    f'<ds:Transform Algorithm="{names.ENVELOPED}"></ds:Transform>'
    f'<ds:Transform Algorithm="{names.EXC_C14N}"></ds:Transform>'
    f'</ds:Transforms><ds:DigestMethod Algorithm="{names.SHA256}"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)


def element(tag: str, content: str = "", **attributes: str | None) -> str:
    """Return an element; `content` is XML already, attribute values are escaped, None leaves an attribute out."""
    written = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value is not None)
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def leaf(tag: str, text: str, **attributes: str | None) -> str:
    """Return an element with a text, which is escaped."""
    return element(tag, escape(text), **attributes)


def key_info(certificate_der: bytes) -> str:
    """Return a ds:KeyInfo with one certificate."""
    certificate = leaf("ds:X509Certificate", encode_base64(certificate_der))
    return element("ds:KeyInfo", element("ds:X509Data", certificate))


def sign_xml(document: bytes, signer: SigningKey) -> bytes:
    """Return our own document with an enveloped signature over its root, behind its Issuer when it has one (saml-core 5.4).

    The root needs an ID. The signature is RSA-SHA256 over SHA-256 and exclusive C14N.
    """
    root = xml.parse_canonical(document)
    digest = hashlib.sha256(xml.canonicalize(root)).digest()
    signed_info = _SIGNED_INFO.format(id=reading.required_attribute(root, "ID"), digest=encode_base64(digest))
    value = encode_base64(signer.sign(signed_info.encode()))
    body = signed_info + leaf("ds:SignatureValue", value) + key_info(signer.certificate.der)
    signature = f'<ds:Signature xmlns:ds="{names.DS}">{body}</ds:Signature>'
    return xml.insert(document, f"{{{names.SAML}}}Issuer", signature.encode())
