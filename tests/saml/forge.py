"""An identity provider's toolkit for tests: keys, responses with any content, real signatures.

It owns a second, independent way of making what `vestibule.saml` verifies: nothing of `vestibule` is imported here, the
XML is written by hand and signed with lxml and cryptography directly. Typical use:

    data = forge.response(forge.Recipe(name_id="ada@example.com"), sign="assertion")   # bytes, as on the wire
    field = forge.post_field(data)                                                     # value of SAMLResponse

Everything that a response says is a field of `Recipe`; everything about a signature is a field of `Signing`. Whoever needs
something stranger takes `Recipe.xml()`, edits the text, and calls `sign_xml` with the ID to sign.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal
from xml.sax.saxutils import escape, quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from lxml import etree

NOW: Final = datetime(2026, 11, 23, 14, 18, 7, tzinfo=UTC)
IDP: Final = "https://idp.example/metadata"
SP: Final = "https://sso.example/saml/con_1/metadata"
ACS: Final = "https://sso.example/saml/con_1/acs"
REQUEST_ID: Final = "_request1"

SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
EMAIL_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PASSWORD_CONTEXT: Final = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
RSA_SHA1: Final = DS + "rsa-sha1"
RSA_SHA256: Final = _MORE + "rsa-sha256"
ECDSA_SHA256: Final = _MORE + "ecdsa-sha256"
HMAC_SHA256: Final = _MORE + "hmac-sha256"
DIGESTS: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    DS + "sha1": hashes.SHA1,
    "http://www.w3.org/2001/04/xmlenc#sha256": hashes.SHA256,
    _MORE + "sha384": hashes.SHA384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512,
}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class IdpKey:
    """A private key with its self-signed certificate."""

    private_key: PrivateKey
    certificate_der: bytes

    @property
    def certificate_pem(self) -> str:
        return x509.load_der_x509_certificate(self.certificate_der).public_bytes(serialization.Encoding.PEM).decode()

    @property
    def certificate_base64(self) -> str:
        return base64.b64encode(self.certificate_der).decode()

    @property
    def private_pem(self) -> str:
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


@lru_cache(maxsize=32)
def key(name: str = "idp", kind: str = "rsa2048") -> IdpKey:
    """Return the key called `name`: the same one each time. Kinds: rsa1024 … rsa4096, p256, p384, p521, k1."""
    curves: dict[str, ec.EllipticCurve] = {
        "p256": ec.SECP256R1(),
        "p384": ec.SECP384R1(),
        "p521": ec.SECP521R1(),
        "k1": ec.SECP256K1(),
    }
    private: PrivateKey
    if kind in curves:
        private = ec.generate_private_key(curves[kind])
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))
    return IdpKey(private, self_signed(private, name))


def self_signed(private: Any, common_name: str, not_before: datetime = NOW - timedelta(days=30)) -> bytes:
    """Return a self-signed certificate in DER, valid for three years."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(private.public_key())
    builder = builder.serial_number(1).not_valid_before(not_before).not_valid_after(not_before + timedelta(days=1095))
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def instant(moment: datetime) -> str:
    """Write an instant as SAML does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One SubjectConfirmation; None leaves the attribute out. `inner` is raw XML inside SubjectConfirmationData."""

    method: str = BEARER
    recipient: str | None = ACS
    in_response_to: str | None = REQUEST_ID
    not_on_or_after: str | None = instant(NOW + timedelta(minutes=5))
    not_before: str | None = None
    address: str | None = None
    data: bool = True
    inner: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One Attribute. A value is text (escaped), None (`xsi:nil`), or `Raw` XML for the inside of the AttributeValue."""

    name: str
    values: Sequence[str | Raw | None]
    name_format: str | None = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
    friendly_name: str | None = None
    typed: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """XML that goes in as it is."""

    xml: str


DEFAULT_ATTRIBUTES: Final = (
    Attribute("email", ("ada@example.com",)),
    Attribute("displayName", ("Ada Park",)),
    Attribute("groups", ("Engineering", "Everyone in Lisbon")),
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a response says. The defaults are a correct answer to `REQUEST_ID` at `NOW`; None leaves things out."""

    response_id: str = "_response1"
    assertion_id: str = "_assertion1"
    version: str = "2.0"
    assertion_version: str = "2.0"
    in_response_to: str | None = REQUEST_ID
    destination: str | None = ACS
    issue_instant: str = instant(NOW)
    assertion_issue_instant: str = instant(NOW)
    response_issuer: str | None = IDP
    assertion_issuer: str | None = IDP
    status: str = SUCCESS
    status_inner: str | None = None
    status_message: str | None = None
    name_id: str | Raw | None = "ada@example.com"
    name_id_format: str | None = EMAIL_FORMAT
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None
    confirmations: Sequence[Confirmation] = (Confirmation(),)
    conditions: bool = True
    not_before: str | None = instant(NOW - timedelta(minutes=5))
    not_on_or_after: str | None = instant(NOW + timedelta(minutes=5))
    audiences: Sequence[Sequence[str]] = ((SP,),)
    authn: bool = True
    authn_instant: str = instant(NOW - timedelta(minutes=1))
    session_index: str | None = "_session1"
    session_not_on_or_after: str | None = None
    authn_context: str | None = PASSWORD_CONTEXT
    attributes: Sequence[Attribute] = DEFAULT_ATTRIBUTES
    saml_prefix: str = "saml"
    samlp_prefix: str = "samlp"
    declaration: str = ""
    pretty: bool = False
    # Raw XML put at these places, before signing:
    response_attributes: str = ""
    extensions: str = ""
    after_status: str = ""
    end_of_response: str = ""
    assertion_attributes: str = ""
    subject_extra: str = ""
    extra_conditions: str = ""
    advice: str = ""
    end_of_assertion: str = ""

    def assertion_xml(self) -> str:
        """Return the assertion alone; it declares its own namespaces."""
        return _assertion(self)

    def xml(self) -> str:
        """Return the whole unsigned response."""
        return _response(self)


def _tag(prefix: str, name: str) -> str:
    return f"{prefix}:{name}" if prefix else name


def _element(prefix: str, name: str, content: str = "", **attributes: str | None) -> str:
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    return f"<{_tag(prefix, name)}{written}>{content}</{_tag(prefix, name)}>"


def _declare(prefix: str, uri: str) -> str:
    return f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"'


def _text(value: str | Raw | None) -> str:
    return value.xml if isinstance(value, Raw) else escape(value or "")


def _attribute(p: str, attribute: Attribute) -> str:
    xs = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    written = ""
    for value in attribute.values:
        extra = f'{xs} xsi:type="xs:string"' if attribute.typed else ""
        extra = f'{xs} xsi:nil="true"' if value is None else extra
        written += f"<{_tag(p, 'AttributeValue')}{extra}>{_text(value)}</{_tag(p, 'AttributeValue')}>"
    names = {"Name": attribute.name, "NameFormat": attribute.name_format, "FriendlyName": attribute.friendly_name}
    return _element(p, "Attribute", written, **names)


def _confirmation(p: str, c: Confirmation) -> str:
    names = {
        "NotBefore": c.not_before,
        "NotOnOrAfter": c.not_on_or_after,
        "Recipient": c.recipient,
        "InResponseTo": c.in_response_to,
        "Address": c.address,
    }
    data = _element(p, "SubjectConfirmationData", c.inner, **names) if c.data else ""
    return _element(p, "SubjectConfirmation", data, Method=c.method)


def _subject(r: Recipe) -> str:
    p = r.saml_prefix
    names = {"Format": r.name_id_format, "NameQualifier": r.name_qualifier, "SPNameQualifier": r.sp_name_qualifier}
    name_id = "" if r.name_id is None else _element(p, "NameID", _text(r.name_id), **names)
    return _element(p, "Subject", name_id + r.subject_extra + "".join(_confirmation(p, c) for c in r.confirmations))


def _conditions(r: Recipe) -> str:
    p = r.saml_prefix
    if not r.conditions:
        return ""
    restrictions = "".join(
        _element(p, "AudienceRestriction", "".join(_element(p, "Audience", escape(name)) for name in names))
        for names in r.audiences
    )
    return _element(
        p, "Conditions", restrictions + r.extra_conditions, NotBefore=r.not_before, NotOnOrAfter=r.not_on_or_after
    )


def _authn_statement(r: Recipe) -> str:
    p = r.saml_prefix
    if not r.authn:
        return ""
    reference = "" if r.authn_context is None else _element(p, "AuthnContextClassRef", escape(r.authn_context))
    names = {
        "AuthnInstant": r.authn_instant,
        "SessionIndex": r.session_index,
        "SessionNotOnOrAfter": r.session_not_on_or_after,
    }
    return _element(p, "AuthnStatement", _element(p, "AuthnContext", reference), **names)


def _assertion(r: Recipe) -> str:
    p = r.saml_prefix
    issuer = "" if r.assertion_issuer is None else _element(p, "Issuer", escape(r.assertion_issuer))
    statement = "".join(_attribute(p, attribute) for attribute in r.attributes)
    body = issuer + _subject(r) + _conditions(r) + r.advice + _authn_statement(r)
    body += _element(p, "AttributeStatement", statement) if r.attributes else ""
    head = f' ID="{r.assertion_id}" Version="{r.assertion_version}" IssueInstant="{r.assertion_issue_instant}"'
    start = f"<{_tag(p, 'Assertion')}{_declare(p, SAML)}{head}{r.assertion_attributes}>"
    return f"{start}{body}{r.end_of_assertion}</{_tag(p, 'Assertion')}>"


def _response(r: Recipe) -> str:
    p, saml = r.samlp_prefix, r.saml_prefix
    names = {"InResponseTo": r.in_response_to, "Destination": r.destination}
    head = f' ID="{r.response_id}" Version="{r.version}" IssueInstant="{r.issue_instant}"'
    head += "".join(f" {name}={quoteattr(value)}" for name, value in names.items() if value is not None)
    start = f"<{_tag(p, 'Response')}{_declare(p, SAMLP)}{head}{r.response_attributes}>"
    issuer = ""
    if r.response_issuer is not None:
        written = escape(r.response_issuer)
        issuer = f"<{_tag(saml, 'Issuer')}{_declare(saml, SAML)}>{written}</{_tag(saml, 'Issuer')}>"
    inner = "" if r.status_inner is None else _element(p, "StatusCode", "", Value=r.status_inner)
    message = "" if r.status_message is None else _element(p, "StatusMessage", escape(r.status_message))
    status = _element(p, "Status", _element(p, "StatusCode", inner, Value=r.status) + message)
    middle = issuer + r.extensions + status + r.after_status
    return f"{start}{middle}{_assertion(r)}{r.end_of_response}</{_tag(p, 'Response')}>"


@dataclass(frozen=True, slots=True)
class Signing:
    """How to sign. The `raw_…` fields replace what would be written with any XML; `reference_uri` the "#ID"."""

    key: IdpKey = field(default_factory=key)
    algorithm: str = RSA_SHA256
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256"
    prefix: str = "ds"
    inclusive_prefixes: str | None = None
    canonicalization: str = EXC_C14N
    transforms: Sequence[str] = (ENVELOPED, EXC_C14N)
    reference_uri: str | None = None
    key_info: Literal["certificate", "none"] = "certificate"
    key_info_certificate: IdpKey | None = None
    raw_key_info: str | None = None
    raw_references: str | None = None
    raw_object: str = ""
    wrap_base64: bool = False
    line_end: str = "\n"
    pretty: bool = False
    hmac_key: bytes | None = None


def digest_value(data: bytes, uri: str) -> str:
    """Return the base64 digest of `data`."""
    return base64.b64encode(hashlib.new(DIGESTS[uri]().name, data).digest()).decode()


def canonical(element: Any, inclusive_prefixes: str | None = None, with_comments: bool = False) -> bytes:
    """Return the exclusive canonical form of an lxml element."""
    return etree.tostring(
        element,
        method="c14n",
        exclusive=True,
        with_comments=with_comments,
        inclusive_ns_prefixes=(inclusive_prefixes or "").split() or None,
    )


def signature_value(data: bytes, signing: Signing) -> bytes:
    """Sign `data` as the algorithm URI of `signing` says; ECDSA as r and s side by side."""
    name = signing.algorithm.rpartition("#")[2]
    if signing.hmac_key is not None:
        mac = hmac.HMAC(signing.hmac_key, hashes.SHA256())
        mac.update(data)
        return mac.finalize()
    private = signing.key.private_key
    algorithm = next(cls() for text, cls in _HASHES.items() if text in name)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(algorithm)))
        size = (private.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if name.endswith("MGF1"):
        pss = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=algorithm.digest_size)
        return private.sign(data, pss, algorithm)
    return private.sign(data, padding.PKCS1v15(), algorithm)


def _inclusive(prefixes: str | None) -> str:
    if prefixes is None:
        return ""
    return f'<ec:InclusiveNamespaces xmlns:ec="{EXC_C14N}" PrefixList="{prefixes}"/>'


def reference_xml(uri: str, digest: str, signing: Signing) -> str:
    """Return a ds:Reference with the transforms of `signing`."""
    p = signing.prefix
    transforms = "".join(
        _element(p, "Transform", _inclusive(signing.inclusive_prefixes) if name == EXC_C14N else "", Algorithm=name)
        for name in signing.transforms
    )
    body = _element(p, "Transforms", transforms) + _element(p, "DigestMethod", Algorithm=signing.digest)
    return _element(p, "Reference", body + _element(p, "DigestValue", digest), URI=uri)


def key_info_xml(signing: Signing) -> str:
    """Return the ds:KeyInfo that `signing` asks for."""
    if signing.raw_key_info is not None:
        return signing.raw_key_info
    if signing.key_info == "none":
        return ""
    text = (signing.key_info_certificate or signing.key).certificate_base64
    text = "\n".join(text[i : i + 64] for i in range(0, len(text), 64)) if signing.wrap_base64 else text
    p = signing.prefix
    return _element(p, "KeyInfo", _element(p, "X509Data", _element(p, "X509Certificate", text)))


def _signature_skeleton(reference: str, signing: Signing) -> str:
    p = signing.prefix
    method = _element(p, "CanonicalizationMethod", Algorithm=signing.canonicalization)
    method += _element(p, "SignatureMethod", Algorithm=signing.algorithm)
    signed_info = _element(p, "SignedInfo", method + reference)
    body = signed_info + _element(p, "SignatureValue") + key_info_xml(signing) + signing.raw_object
    body = body.replace("><", ">\n  <") if signing.pretty else body
    return f"<{_tag(p, 'Signature')}{_declare(p, DS)}>{body}</{_tag(p, 'Signature')}>"


def find(root: Any, element_id: str) -> Any:
    """Return the element of an lxml tree whose ID attribute is `element_id`."""
    return next(element for element in root.iter() if element.get("ID") == element_id)


def sign_xml(xml: str | bytes, element_id: str, signing: Signing | None = None) -> bytes:
    """Return the document with an enveloped signature over the element, after its Issuer (else as its first child)."""
    signing = signing or Signing()
    data = xml.encode() if isinstance(xml, str) else xml
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, strip_cdata=False))
    element = find(root, element_id)
    position = 1 if len(element) and str(element[0].tag) == f"{{{SAML}}}Issuer" else 0
    layout = element[0].tail if position else None
    if layout:
        # The enveloped-signature transform leaves the text on both sides of the signature: it is signed twice over.
        element[0].tail = layout * 2
    digest = digest_value(canonical(element, signing.inclusive_prefixes), signing.digest)
    uri = f"#{element_id}" if signing.reference_uri is None else signing.reference_uri
    # A carriage return only gets through a parser as a reference, which is how Java writes its own.
    written = _wrapped(digest, signing).replace("\r", "&#13;")
    reference = signing.raw_references or reference_xml(uri, written, signing)
    signature = etree.fromstring(_signature_skeleton(reference.replace("{digest}", digest), signing))
    element.insert(position, signature)
    if position and layout:
        element[0].tail, signature.tail = layout, layout
    signed_info = next(signature.iter(f"{{{DS}}}SignedInfo"))
    value = base64.b64encode(signature_value(canonical(signed_info), signing)).decode()
    next(signature.iter(f"{{{DS}}}SignatureValue")).text = _wrapped(value, signing)
    return etree.tostring(root)


def _wrapped(text: str, signing: Signing) -> str:
    if not signing.wrap_base64:
        return text
    return signing.line_end.join(text[i : i + 76] for i in range(0, len(text), 76))


SignWhat = Literal["assertion", "response", "both", "none"]


def response(
    recipe: Recipe | None = None, sign: SignWhat = "assertion", signing: Signing | None = None, **changes: Any
) -> bytes:
    """Return a response as on the wire. `changes` are fields of Recipe, for brevity."""
    recipe = replace(recipe or Recipe(), **changes)
    data = recipe.xml().encode()
    if recipe.pretty:
        root = etree.fromstring(data)
        etree.indent(root)
        data = etree.tostring(root)
    if sign in ("assertion", "both"):
        data = sign_xml(data, recipe.assertion_id, signing)
    if sign in ("response", "both"):
        data = sign_xml(data, recipe.response_id, signing)
    return recipe.declaration.encode() + data


def post_field(data: bytes) -> str:
    """Return the value of the SAMLResponse form field."""
    return base64.b64encode(data).decode()
