"""Enveloped XML signatures in the one form that SAML needs (saml-core 5.4), made and verified. Decides no trust.

What is signed is read from the signed bytes: SignedInfo is canonicalized, its signature verified, and those very bytes are
matched against a closed grammar. There is no second reading of the tree that could say something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature

from vestibule.saml import names, reading, tags, xml
from vestibule.saml.algorithms import Algorithm, DigestMethod, digest_algorithm, fits, signature_algorithm, verify_value
from vestibule.saml.certificates import Certificate, fingerprint_of
from vestibule.saml.encoding import decode_base64
from vestibule.saml.errors import (
    AlgorithmNotAllowed,
    CertificateMissing,
    DigestMismatch,
    InvalidValue,
    MissingElement,
    NotBase64,
    SignatureInvalid,
    SignatureMalformed,
    SignatureReferenceInvalid,
    TransformNotAllowed,
    UnexpectedElement,
)

_DS: Final = f"{{{names.DS}}}"
SIGNATURE: Final = _DS + "Signature"
_ID_ONLY: Final = frozenset({"Id"})
_ID_VALUE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,255}")
_MAX_KEY_INFO: Final = 64
_MAX_PREFIXES: Final = 16
# Eleven with both lists of prefixes, and some for the reasons of those that are not of the form.
_MAX_SIGNED_INFO: Final = 16
KEY_INFO: Final = frozenset(
    {f"{_DS}{name}" for name in ("KeyName", "KeyValue", "RSAKeyValue", "Modulus", "Exponent", "MgmtData")}
    | {
        f"{_DS}X509{name}"
        for name in ("Data", "Certificate", "SubjectName", "IssuerSerial", "IssuerName", "CRL", "SKI")
    }
    | {_DS + "X509SerialNumber"}
    | {f"{{{names.DS11}}}{name}" for name in ("ECKeyValue", "NamedCurve", "PublicKey", "X509Digest")}
)

_EXC: Final = re.escape(names.EXC_C14N)
_INCLUSIVE: Final = (
    rf'(?:<(?P<{{0}}_p>[\w.\-]+:|)InclusiveNamespaces xmlns(?::[\w.\-]+)?="{_EXC}" PrefixList="(?P<{{0}}>[^"<]*)">'
    r"</(?P={0}_p)InclusiveNamespaces>\s*)?"
)
# Java ends its lines of base64 with a carriage return, which canonical form writes so.
_RETURN: Final = "&#xD;"
_BASE64: Final = r"[A-Za-z0-9+/=\s]{1,256}"
# Canonical form leaves one spelling to each thing, so the grammar is short. Every element must have the prefix of
# SignedInfo itself, which the tree says is bound to XML Signature, and none but SignedInfo may declare another.
_SIGNED_INFO: Final = re.compile(
    r'<(?P<p>[\w.\-]+:|)SignedInfo(?: xmlns(?::[\w.\-]+)?="[^"<]*")+(?: Id="[^"<]*")?>\s*'
    rf'<(?P=p)CanonicalizationMethod Algorithm="{_EXC}">\s*{_INCLUSIVE.format("own")}</(?P=p)CanonicalizationMethod>\s*'
    r'<(?P=p)SignatureMethod Algorithm="(?P<signature>[^"<]*)">\s*</(?P=p)SignatureMethod>\s*'
    r'<(?P=p)Reference(?: Id="[^"<]*")? URI="(?P<uri>[^"<]*)">\s*'
    r"<(?P=p)Transforms>\s*"
    rf'<(?P=p)Transform Algorithm="{re.escape(names.ENVELOPED)}">\s*</(?P=p)Transform>\s*'
    rf'<(?P=p)Transform Algorithm="{_EXC}">\s*{_INCLUSIVE.format("prefixes")}</(?P=p)Transform>\s*'
    r"</(?P=p)Transforms>\s*"
    r'<(?P=p)DigestMethod Algorithm="(?P<digest>[^"<]*)">\s*</(?P=p)DigestMethod>\s*'
    rf"<(?P=p)DigestValue>(?P<value>{_BASE64}(?:{_RETURN}{_BASE64}){{0,4}})</(?P=p)DigestValue>\s*"
    r"</(?P=p)Reference>\s*"
    r"</(?P=p)SignedInfo>",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class VerifiedBytes:
    """The canonical bytes that a configured certificate has signed: the only thing that may be read further."""

    canonical: bytes
    algorithm: Algorithm
    certificate: Certificate

    def describe(self) -> str:
        """Return `RSA-SHA256, certificate 9F:2C…B1:04`."""
        return f"{self.algorithm.label}, certificate {self.certificate.short_fingerprint}"


class _SignedInfo(NamedTuple):
    canonical: bytes
    algorithm: Algorithm
    prefixes: tuple[str, ...]
    digest_method: DigestMethod
    digest: bytes


def find_signature(element: xml.Element, leading: str | None) -> xml.Element | None:
    """Return the ds:Signature child at its schema position (behind a `leading` child, else first), None when unsigned.

    Raises SignatureMalformed when there is more than one, or one elsewhere among the children.
    """
    children = [child.tag for child in element]
    if SIGNATURE not in children:
        return None
    wanted = 1 if leading is not None and leading in children else 0
    if children.index(SIGNATURE) != wanted or children.count(SIGNATURE) > 1:
        raise SignatureMalformed(f"{reading.local_name(element)} has a signature in the wrong place, or more than one")
    return element[wanted]


def verify_enveloped(
    element: xml.Element, certificates: Sequence[Certificate], leading: str | None = tags.ISSUER
) -> VerifiedBytes:
    """Verify the enveloped signature of `element` with the configured certificates and return the bytes it covers.

    The untrusted element loses its signature (and must not be used further). The key comes from `certificates` only;
    KeyInfo is not read. Raises SignatureInvalid or one of its subclasses (xmldsig-core1 3.2, saml-core 5.4).
    """
    signature = find_signature(element, leading)
    if signature is None:
        raise SignatureMalformed(f"{reading.local_name(element)} is not signed")
    if not certificates:
        raise CertificateMissing("the connection has no certificate")
    element_id = element.get("ID") or ""
    if _ID_VALUE.fullmatch(element_id) is None:
        raise SignatureReferenceInvalid("the signed element has no usable ID", expected="an ID", received=element_id)
    try:
        signed_info, value = _read_signature(signature, element_id)
    except (UnexpectedElement, MissingElement, NotBase64, InvalidValue) as error:
        raise SignatureMalformed(error.reason, expected=error.expected, received=error.received) from error
    certificate = _verify_value(signed_info, value, certificates, signature)
    xml.remove(signature)
    canonical = xml.canonicalize(element, signed_info.prefixes)
    if signed_info.digest_method(canonical).digest() != signed_info.digest:
        raise DigestMismatch(f"{reading.local_name(element)} was changed after it was signed")
    return VerifiedBytes(canonical, signed_info.algorithm, certificate)


def _read_signature(signature: xml.Element, element_id: str) -> tuple[_SignedInfo, bytes]:
    reading.validate_attributes(signature, _ID_ONLY)
    children = reading.Children(signature)
    signed_info = children.required(_DS + "SignedInfo")
    value = children.required(_DS + "SignatureValue")
    key_info = children.optional(_DS + "KeyInfo")
    children.end()
    reading.validate_attributes(value, _ID_ONLY)
    if key_info is not None:
        validate_key_info(key_info)
    return _read_signed_info(signed_info, element_id), decode_base64(reading.text_of(value))


def _read_signed_info(element: xml.Element, element_id: str) -> _SignedInfo:
    # Whoever signed it, canonical form has to be written before that is known: so its cost is bounded first.
    if len([*islice(element.iter(), _MAX_SIGNED_INFO + 1)]) > _MAX_SIGNED_INFO:
        raise _explain(element)
    method = element[0] if len(element) else None
    own = method[0].get("PrefixList", "") if method is not None and len(method) else ""
    canonical = xml.canonicalize(element, _prefixes(own))
    found = _SIGNED_INFO.fullmatch(canonical.decode("utf-8"))
    if found is None:
        raise _explain(element)
    algorithm = signature_algorithm(found["signature"])
    digest_method = digest_algorithm(found["digest"])
    if found["uri"] != f"#{element_id}":
        raise SignatureReferenceInvalid(
            "the signature refers to something else than its parent", expected=f"#{element_id}", received=found["uri"]
        )
    digest = decode_base64(found["value"].replace(_RETURN, ""))
    return _SignedInfo(canonical, algorithm, _prefixes(found["prefixes"] or ""), digest_method, digest)


def _prefixes(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    prefixes = tuple(text.split())
    if len(prefixes) > _MAX_PREFIXES:
        raise SignatureMalformed("too many inclusive prefixes")
    return prefixes


def _explain(element: xml.Element) -> SignatureInvalid:
    # The grammar has already refused; this only finds the most helpful reason.
    references = [child for child in element if child.tag == _DS + "Reference"]
    if len(references) != 1 or references[0].get("URI") is None:
        return SignatureReferenceInvalid(
            "the signature must have one reference", expected="1", received=str(len(references))
        )
    for method in element.iter(_DS + "SignatureMethod", _DS + "DigestMethod"):
        table = signature_algorithm if method.tag.endswith("SignatureMethod") else digest_algorithm
        try:
            table(method.get("Algorithm", ""))
        except AlgorithmNotAllowed as error:
            return error
    used = [method.get("Algorithm", "") for method in element.iter(_DS + "Transform", _DS + "CanonicalizationMethod")]
    if used != [names.EXC_C14N, names.ENVELOPED, names.EXC_C14N]:
        return TransformNotAllowed(
            "canonicalization or transforms are not the allowed ones",
            expected="exclusive C14N; enveloped-signature, exclusive C14N",
            received=", ".join(used),
        )
    return SignatureMalformed("SignedInfo is not of the form that SAML needs")


def validate_key_info(key_info: xml.Element) -> None:
    """Raise SignatureMalformed when a KeyInfo, or a part of one, holds more or something else than keys and their names.

    It is never read: a key that comes with the message proves nothing. Bounded, because assertions have been hidden here.
    """
    for count, descendant in enumerate(key_info.iterdescendants()):
        if descendant.tag not in KEY_INFO or count >= _MAX_KEY_INFO:
            raise SignatureMalformed("KeyInfo holds something unexpected", received=str(descendant.tag))


def _verify_value(
    signed_info: _SignedInfo, value: bytes, certificates: Sequence[Certificate], signature: xml.Element
) -> Certificate:
    for certificate in certificates:
        if fits(certificate.public_key, signed_info.algorithm):
            try:
                verify_value(certificate.public_key, signed_info.algorithm, value, signed_info.canonical)
            except InvalidSignature:
                continue
            return certificate
    raise SignatureInvalid(
        "no configured certificate made this signature",
        expected=", ".join(certificate.short_fingerprint for certificate in certificates[:8]),
        received=f"{signed_info.algorithm.label}, certificate {_claimed_fingerprint(signature)}",
    )


def _claimed_fingerprint(signature: xml.Element) -> str:
    # For the admin only, who sees at once that the identity provider has a new certificate.
    claimed = next(signature.iter(_DS + "X509Certificate"), None)
    try:
        return fingerprint_of(decode_base64(claimed.text or "")) if claimed is not None else "not named"
    except NotBase64:
        return "unreadable"
