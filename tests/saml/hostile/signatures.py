"""Signatures that must not be believed: stripped, copied, empty, doubled, foreign; and keys that the message brings itself."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.saml import forge
from tests.saml.forge import Recipe, Signing
from tests.saml.hostile.corpus import EVERY_WAY, EVIL, SHA256, SIGNATURE, SIGNED, Family, part, shortened, sub, swap
from tests.saml.verifying import certificate
from vestibule.saml import errors

FAMILY = Family(
    "signatures",
    "Signatures that are missing, stripped, copied from elsewhere, empty, doubled, damaged, in the wrong place, or made by a stranger.",
    "saml-core 5.4; saml-profiles 4.1.3.5",
)
KEYS = Family(
    "keys from the message",
    "A stranger signs, and the message itself brings the key to verify with, in every form that KeyInfo has.",
    "xmldsig-core1 4.5; CWE-347",
)


def _missing() -> None:
    FAMILY.add("no signature at all", errors.SignatureMissing, forge.response(sign="none"))
    FAMILY.add("the one signature stripped", errors.SignatureMissing, sub(SIGNED["assertion"], SIGNATURE, ""))
    stripped = swap(
        sub(SIGNED["both"], SIGNATURE, "", 2), "ada@example.com</saml:NameID>", "eve@example.com</saml:NameID>"
    )
    FAMILY.add("both signatures stripped and the name changed", errors.SignatureMissing, stripped)
    both = SIGNED["both"]
    inner = both.rindex(b"<ds:Signature ")
    end = both.rindex(b"</ds:Signature>") + len(b"</ds:Signature>")
    FAMILY.add("the inner of two signatures stripped", errors.DigestMismatch, both[:inner] + both[end:])
    for sign in ("assertion", "response"):
        empty = f'<ds:Signature xmlns:ds="{forge.DS}"/>'
        FAMILY.add(f"an empty Signature on the {sign}", errors.SignatureMalformed, sub(SIGNED[sign], SIGNATURE, empty))
        for element in ("SignedInfo", "SignatureValue"):
            FAMILY.add(
                f"no {element} in the signature of the {sign}",
                errors.SignatureMalformed,
                sub(SIGNED[sign], f"<ds:{element}>.*?</ds:{element}>", ""),
            )
    FAMILY.add(
        "an empty SignedInfo",
        errors.SignatureReferenceInvalid,
        sub(SIGNED["assertion"], "<ds:SignedInfo>.*</ds:SignedInfo>", "<ds:SignedInfo/>"),
    )


def _damaged() -> None:
    for before, after in (
        ("ada@example.com</saml:NameID>", "eve@example.com</saml:NameID>"),
        (">Engineering<", ">Owners<"),
        ('NotOnOrAfter="2026', 'NotOnOrAfter="2036'),
        ('SessionIndex="_session1"', 'SessionIndex="_session2"'),
        ("<saml:AttributeStatement>", "<saml:AttributeStatement> "),
        ("<saml:AttributeStatement>", '<saml:AttributeStatement xmlns:x="urn:x" x:y="z">'),
    ):
        for sign in EVERY_WAY:
            FAMILY.add(
                f"{shortened(before)} changed to {shortened(after)} under the signature of the {sign}",
                errors.DigestMismatch,
                swap(SIGNED[sign], before, after),
            )
    FAMILY.add(
        "the ID of the assertion changed in a signed response",
        errors.DigestMismatch,
        swap(SIGNED["response"], 'ID="_assertion1"', 'ID="_assertion2"'),
    )
    FAMILY.add(
        "the InResponseTo of a signed response removed from its confirmation",
        errors.DigestMismatch,
        swap(SIGNED["response"], f'Recipient="{forge.ACS}" InResponseTo="_request1"', f'Recipient="{forge.ACS}"'),
    )
    fake = forge.digest_value(b"x", SHA256)
    for sign in ("assertion", "response"):
        FAMILY.add(
            f"the digest changed in the signature of the {sign}",
            errors.SignatureInvalid,
            sub(SIGNED[sign], "<ds:DigestValue>.*?<", f"<ds:DigestValue>{fake}<"),
        )
    for value, error in (
        ("", errors.SignatureInvalid),
        ("AA==", errors.SignatureInvalid),
        ("A" * 344, errors.SignatureInvalid),
        ("A" * 342 + "==", errors.SignatureInvalid),
        ("not base64", errors.SignatureMalformed),
        ("AAA", errors.SignatureMalformed),
    ):
        FAMILY.add(
            f"the signature value {shortened(value)} of {len(value)}",
            error,
            sub(SIGNED["assertion"], "<ds:SignatureValue>.*?<", f"<ds:SignatureValue>{value}<"),
        )


def _elsewhere() -> None:
    data = SIGNED["assertion"]
    values = [part(SIGNED[sign], "<ds:SignatureValue>(.*?)<") for sign in ("assertion", "response")]
    FAMILY.add("the signature value of another message", errors.SignatureInvalid, swap(data, values[0], values[1]))
    signature = part(data, SIGNATURE)
    FAMILY.add("two signatures on one element", errors.SignatureMalformed, swap(data, signature, signature * 2))
    FAMILY.add(
        "a second signature at the end of the assertion",
        errors.SignatureMalformed,
        swap(data, "</saml:Assertion>", signature + "</saml:Assertion>"),
    )
    gone = swap(data, signature, "")
    for place, before in (("Subject", "</saml:Subject>"), ("everything", "</saml:AttributeStatement>")):
        FAMILY.add(f"the signature behind {place}", errors.SignatureMalformed, swap(gone, before, before + signature))
    FAMILY.add(
        "the signature before Issuer",
        errors.SignatureMalformed,
        swap(
            gone,
            f'IssueInstant="{forge.instant(forge.NOW)}"><saml:Issuer>',
            f'IssueInstant="{forge.instant(forge.NOW)}">{signature}<saml:Issuer>',
        ),
    )
    FAMILY.add(
        "the signature of the assertion on the response",
        errors.SignatureReferenceInvalid,
        swap(gone, "</saml:Issuer><samlp:Status>", f"</saml:Issuer>{signature}<samlp:Status>"),
    )
    FAMILY.add(
        "the signature of the assertion copied onto the response",
        errors.SignatureReferenceInvalid,
        swap(data, "</saml:Issuer><samlp:Status>", f"</saml:Issuer>{signature}<samlp:Status>"),
    )


def _beyond() -> None:
    data = SIGNED["assertion"]
    signature = part(data, SIGNATURE)
    outer = part(SIGNED["response"], SIGNATURE)
    FAMILY.add(
        "the signature of the response copied into the assertion",
        errors.SignatureReferenceInvalid,
        swap(data, signature, outer),
    )
    for place, before, error in (
        ("Status", "</samlp:Status>", errors.UnexpectedElement),
        ("Subject", "</saml:Subject>", errors.DigestMismatch),
    ):
        FAMILY.add(f"a copy of the signature in {place}", error, swap(data, before, signature + before))
    other = forge.response(Recipe(name_id="eve@example.com", session_index="_session9"))
    FAMILY.add(
        "the signature of an older assertion with the same ID",
        errors.DigestMismatch,
        swap(other, part(other, SIGNATURE), signature),
    )
    FAMILY.add(
        "an Object in the signature",
        errors.SignatureMalformed,
        forge.response(signing=Signing(raw_object="<ds:Object>x</ds:Object>")),
    )
    FAMILY.add(
        "a Manifest in the signature",
        errors.SignatureMalformed,
        forge.response(
            signing=Signing(
                raw_object='<ds:Object><ds:Manifest><ds:Reference URI="#_response1"/></ds:Manifest></ds:Object>'
            )
        ),
    )
    FAMILY.add(
        "an attribute on the signature",
        errors.SignatureMalformed,
        swap(data, "<ds:Signature ", '<ds:Signature ID="_s" '),
    )
    FAMILY.add(
        "text in the signature", errors.SignatureMalformed, swap(data, "</ds:SignedInfo>", "</ds:SignedInfo>text")
    )


def _foreign() -> None:
    for sign in EVERY_WAY:
        FAMILY.add(
            f"the {sign} signed by a stranger",
            errors.SignatureInvalid,
            forge.response(sign=sign, signing=Signing(key=EVIL, key_info="none")),
        )
    FAMILY.add(
        "a stranger's outer signature around a valid inner one",
        errors.SignatureInvalid,
        forge.sign_xml(SIGNED["assertion"], "_response1", Signing(key=EVIL)),
    )
    FAMILY.add(
        "a stranger's inner signature inside a valid outer one",
        errors.SignatureInvalid,
        forge.sign_xml(forge.response(signing=Signing(key=EVIL)), "_response1"),
    )
    FAMILY.add("no certificate is configured", errors.CertificateMissing, SIGNED["response"], certificates=())
    FAMILY.add(
        "the configured key is of another kind",
        errors.SignatureInvalid,
        SIGNED["both"],
        certificates=(certificate(forge.key("curve", "p256")),),
    )
    FAMILY.add(
        "the configured certificate is another one of the same name",
        errors.SignatureInvalid,
        SIGNED["assertion"],
        certificates=(certificate(EVIL),),
    )


def _key_info(content: str) -> str:
    return f"<ds:KeyInfo>{content}</ds:KeyInfo>"


def _from_the_message() -> None:
    private, curve = EVIL.private_key, forge.key("evil curve", "p256")
    assert isinstance(private, rsa.RSAPrivateKey)
    assert isinstance(curve.private_key, ec.EllipticCurvePrivateKey)
    modulus = base64.b64encode(private.public_key().public_numbers().n.to_bytes(256, "big")).decode()
    x509 = f"<ds:X509Certificate>{EVIL.certificate_base64}</ds:X509Certificate>"
    ours = f"<ds:X509Certificate>{forge.key().certificate_base64}</ds:X509Certificate>"
    ds11 = 'xmlns:d="http://www.w3.org/2009/xmldsig11#"'
    for name, content in (
        ("its certificate", f"<ds:X509Data>{x509}</ds:X509Data>"),
        ("our certificate", f"<ds:X509Data>{ours}</ds:X509Data>"),
        ("both certificates, ours first", f"<ds:X509Data>{ours}{x509}</ds:X509Data>"),
        ("both certificates, ours last", f"<ds:X509Data>{x509}</ds:X509Data><ds:X509Data>{ours}</ds:X509Data>"),
        ("the name of our key", "<ds:KeyName>idp</ds:KeyName>"),
        (
            "its RSA key",
            f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
        ),
        ("our subject", "<ds:X509Data><ds:X509SubjectName>CN=idp</ds:X509SubjectName></ds:X509Data>"),
        (
            "our issuer and serial",
            "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=idp</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>",
        ),
        ("a key identifier", "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>"),
        (
            "a digest of our certificate",
            f'<ds:X509Data><d:X509Digest {ds11} Algorithm="{SHA256}">AAAA</d:X509Digest></ds:X509Data>',
        ),
        (
            "an elliptic key",
            (
                f'<ds:KeyValue><d:ECKeyValue {ds11}><d:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>'
                "<d:PublicKey>AAAA</d:PublicKey></d:ECKeyValue></ds:KeyValue>"
            ),
        ),
        ("nothing", ""),
    ):
        KEYS.add(
            f"a stranger signs and KeyInfo has {name}",
            errors.SignatureInvalid,
            forge.response(signing=Signing(key=EVIL, raw_key_info=_key_info(content))),
        )


def _of_other_forms() -> None:
    ds11 = 'xmlns:d="http://www.w3.org/2009/xmldsig11#"'
    for name, content in (
        ("a file to read it from", '<ds:RetrievalMethod URI="file:///etc/passwd"/>'),
        ("an address to read it from", '<ds:RetrievalMethod URI="https://evil.example/key"/>'),
        ("a reference into the message", '<ds:RetrievalMethod URI="#_response1"/>'),
        ("a reference of XML Signature 1.1", f'<d:KeyInfoReference {ds11} URI="#_k"/>'),
        ("a DER key", f"<d:DEREncodedKeyValue {ds11}>AAAA</d:DEREncodedKeyValue>"),
        ("a DSA key", "<ds:KeyValue><ds:DSAKeyValue><ds:P>AA==</ds:P></ds:DSAKeyValue></ds:KeyValue>"),
        ("a PGP key", "<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID></ds:PGPData>"),
        (
            "a security token",
            '<w:SecurityTokenReference xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/>',
        ),
        ("an element of SAML", f'<x:any xmlns:x="{forge.SAML}"/>'),
        ("65 names", "<ds:KeyName>x</ds:KeyName>" * 65),
    ):
        KEYS.add(
            f"KeyInfo has {name}",
            errors.SignatureMalformed,
            forge.response(signing=Signing(raw_key_info=_key_info(content))),
        )
    twice = "<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo><ds:KeyInfo><ds:KeyName>b</ds:KeyName></ds:KeyInfo>"
    KEYS.add("two KeyInfos", errors.SignatureMalformed, forge.response(signing=Signing(raw_key_info=twice)))


_missing()
_damaged()
_elsewhere()
_beyond()
_foreign()
_from_the_message()
_of_other_forms()
