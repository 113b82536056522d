"""Algorithms, transforms and references: everything that a SignedInfo could say beyond the one form that SAML needs."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.saml import forge
from tests.saml.forge import ENVELOPED, EXC_C14N, Recipe, Signing
from tests.saml.hostile.corpus import EVERY_WAY, SHA256, SIGNED, Family, part, shortened, sub, swap
from tests.saml.verifying import certificate
from vestibule.saml import errors

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH2 = "http://www.w3.org/2002/06/xmldsig-filter2"
BASE64 = forge.DS + "base64"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
FAMILY = Family(
    "algorithms",
    "The message chooses how it is verified: HMAC with the certificate as secret, none, MD5, SHA-1, mismatches, ECDSA zeros.",
    "saml-core 5.4; xmldsig-core1 6; RFC 9231",
)
TRANSFORMS = Family(
    "transforms",
    "What is digested differs from what is read: XSLT, XPath, base64, hundreds of transforms, other or void canonicalization.",
    "saml-core 5.4.4; Hill, A Taxonomy of Attacks against XML Digital Signatures & Encryption, 2007",
)
REFERENCES = Family(
    "references",
    "The signature is valid and covers something else: none, two, empty or external references, XPointer, another element.",
    "saml-core 5.4.2; McIntosh and Austel, XML Signature Element Wrapping Attacks, 2005",
)


def _names() -> None:
    for sign in EVERY_WAY:
        FAMILY.add(
            f"RSA-SHA1 over the {sign}",
            errors.Sha1NotAllowed,
            forge.response(sign=sign, signing=Signing(algorithm=forge.RSA_SHA1)),
        )
        FAMILY.add(
            f"a SHA-1 digest over the {sign}",
            errors.Sha1NotAllowed,
            forge.response(sign=sign, signing=Signing(digest=forge.DS + "sha1")),
        )
    for name, secret in (
        ("the certificate in DER", forge.key().certificate_der),
        ("the certificate in PEM", forge.key().certificate_pem.encode()),
        ("the certificate in base64", forge.key().certificate_base64.encode()),
        ("nothing", b""),
    ):
        FAMILY.add(
            f"HMAC with {name} as its key",
            errors.AlgorithmNotAllowed,
            forge.response(signing=Signing(algorithm=forge.HMAC_SHA256, hmac_key=secret)),
        )
    hmac = forge.response(sign="response", signing=Signing(algorithm=forge.HMAC_SHA256, hmac_key=b""))
    output_length = 'hmac-sha256"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>'
    truncated = swap(hmac, 'hmac-sha256"/>', output_length)
    FAMILY.add("HMAC truncated to one bit", errors.AlgorithmNotAllowed, truncated, "CVE-2009-0217")


def _named() -> None:
    for uri in (
        "",
        "none",
        "http://www.w3.org/2000/09/xmldsig#none",
        MORE + "rsa-md5",
        MORE + "rsa-ripemd160",
        MORE + "rsa-sha224",
        forge.DS + "dsa-sha256",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        MORE + "RSA-SHA256",
        MORE + "rsa-sha256 ",
        " " + MORE + "rsa-sha256",
        MORE_2007 + "rsa-pss",
        MORE_2007 + "sha3-256-rsa-MGF1",
        "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        SHA256,
    ):
        FAMILY.add(
            f"the signature algorithm {shortened(uri)}",
            errors.AlgorithmNotAllowed,
            swap(SIGNED["assertion"], forge.RSA_SHA256, uri),
        )
    for uri in (
        "",
        "none",
        MORE + "md5",
        MORE + "sha224",
        forge.RSA_SHA256,
        SHA256 + " ",
        "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
    ):
        FAMILY.add(
            f"the digest algorithm {shortened(uri)}", errors.AlgorithmNotAllowed, swap(SIGNED["assertion"], SHA256, uri)
        )


def _mismatches() -> None:
    for name in (MORE + "rsa-sha384", MORE + "rsa-sha512", MORE + "ecdsa-sha256", MORE_2007 + "sha256-rsa-MGF1"):
        FAMILY.add(
            f"a PKCS#1 signature of SHA-256 that says {name.rpartition('#')[2]}",
            errors.SignatureInvalid,
            swap(SIGNED["response"], forge.RSA_SHA256, name),
        )
    pss = forge.response(signing=Signing(algorithm=MORE_2007 + "sha256-rsa-MGF1"))
    FAMILY.add(
        "a PSS signature that says PKCS#1",
        errors.SignatureInvalid,
        swap(pss, MORE_2007 + "sha256-rsa-MGF1", forge.RSA_SHA256),
    )
    FAMILY.add(
        "a SHA-512 digest that says SHA-256",
        errors.SignatureInvalid,
        swap(
            forge.response(signing=Signing(digest="http://www.w3.org/2001/04/xmlenc#sha512")),
            "xmlenc#sha512",
            "xmlenc#sha256",
        ),
    )
    FAMILY.add(
        "a signed digest of another length than its algorithm",
        errors.DigestMismatch,
        forge.response(signing=Signing(raw_references=forge.reference_xml("#_assertion1", "AAAA", Signing()))),
    )


def _curves() -> None:
    key = forge.key("curve", "p256")
    ours: dict[str, Any] = {"certificates": (certificate(key),)}
    honest = forge.response(signing=Signing(key=key, algorithm=forge.ECDSA_SHA256))
    raw = base64.b64decode(part(honest, "<ds:SignatureValue>(.*?)<"))
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    for name, value in (
        ("zeros", bytes(64)),
        ("r zero", bytes(32) + raw[32:]),
        ("s zero", raw[:32] + bytes(32)),
        ("r and s one", bytes(31) + b"\1" + bytes(31) + b"\1"),
        ("the order of the curve", order.to_bytes(32, "big") * 2),
        ("r and s beyond the order", b"\xff" * 64),
        ("nothing", b""),
        ("a byte too short", raw[:-1]),
        ("zeros in front", bytes(2) + raw),
        ("padded halves", bytes(32) + raw[:32] + bytes(32) + raw[32:]),
        ("DER instead of r and s", der),
        ("r and s exchanged", raw[32:] + raw[:32]),
    ):
        forged = sub(honest, "<ds:SignatureValue>.*?<", f"<ds:SignatureValue>{base64.b64encode(value).decode()}<")
        FAMILY.add(
            f"an ECDSA value of {name}", errors.SignatureInvalid, forged, "CVE-2022-21449; xmldsig-core1 6.4.3", **ours
        )
    sha1 = forge.response(signing=Signing(key=key, algorithm=MORE + "ecdsa-sha1"))
    FAMILY.add("ECDSA-SHA1", errors.Sha1NotAllowed, sha1, **ours)
    FAMILY.add(
        "an ECDSA signature that says RSA",
        errors.SignatureInvalid,
        swap(honest, forge.ECDSA_SHA256, forge.RSA_SHA256),
        **ours,
    )


def _transforms() -> None:
    for name, transforms in (
        ("XSLT last", (ENVELOPED, EXC_C14N, XSLT)),
        ("XSLT in place of canonicalization", (ENVELOPED, XSLT)),
        ("XSLT first", (XSLT, ENVELOPED, EXC_C14N)),
        ("XPath", (ENVELOPED, XPATH, EXC_C14N)),
        ("XPath filter 2", (ENVELOPED, XPATH2, EXC_C14N)),
        ("base64", (ENVELOPED, EXC_C14N, BASE64)),
        ("decryption", (ENVELOPED, "http://www.w3.org/2002/07/decrypt#XML", EXC_C14N)),
        ("exclusive C14N with comments", (ENVELOPED, EXC_C14N + "WithComments")),
        ("inclusive C14N", (ENVELOPED, C14N)),
        ("C14N 1.1", (ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11")),
        ("enveloped-signature alone", (ENVELOPED,)),
        ("canonicalization alone", (EXC_C14N,)),
        ("the two exchanged", (EXC_C14N, ENVELOPED)),
        ("canonicalization twice", (ENVELOPED, EXC_C14N, EXC_C14N)),
        ("enveloped-signature twice", (ENVELOPED, ENVELOPED, EXC_C14N)),
        ("301", (ENVELOPED,) + (EXC_C14N,) * 300),
        ("none", ()),
        ("an unknown one", (ENVELOPED, "urn:evil")),
        (
            "STR-Transform",
            (
                ENVELOPED,
                "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform",
            ),
        ),
    ):
        TRANSFORMS.add(
            f"transforms: {name}", errors.TransformNotAllowed, forge.response(signing=Signing(transforms=transforms))
        )
    reference = forge.reference_xml("#_assertion1", "{digest}", Signing())
    assert reference.endswith("</ds:Reference>")
    stylesheet = '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/></ds:Transform></ds:Transforms>'
    inside = reference.replace("</ds:Transform></ds:Transforms>", stylesheet)
    TRANSFORMS.add(
        "a stylesheet inside an allowed transform",
        errors.SignatureMalformed,
        forge.response(signing=Signing(raw_references=inside)),
    )
    xpath = reference.replace(
        "</ds:Transform></ds:Transforms>", "<ds:XPath>not(//*)</ds:XPath></ds:Transform></ds:Transforms>"
    )
    TRANSFORMS.add(
        "an XPath inside an allowed transform",
        errors.SignatureMalformed,
        forge.response(signing=Signing(raw_references=xpath)),
    )
    without = reference.replace(part(reference.encode(), "<ds:Transforms>.*</ds:Transforms>"), "")
    TRANSFORMS.add(
        "no Transforms element", errors.TransformNotAllowed, forge.response(signing=Signing(raw_references=without))
    )
    doubled = reference.replace(
        "<ds:DigestMethod", part(reference.encode(), "<ds:Transforms>.*</ds:Transforms>") + "<ds:DigestMethod"
    )
    TRANSFORMS.add(
        "Transforms twice", errors.TransformNotAllowed, forge.response(signing=Signing(raw_references=doubled))
    )


def _canonicalizations() -> None:
    for uri in (
        "",
        "none",
        EXC_C14N + "WithComments",
        EXC_C14N.rstrip("#"),
        "http://www.w3.org/2006/12/xml-c14n11",
        C14N,
        C14N + "#WithComments",
        XSLT,
        "http://www.w3.org/2010/xml-c14n2",
    ):
        TRANSFORMS.add(
            f"SignedInfo canonicalized by {shortened(uri)}",
            errors.TransformNotAllowed,
            forge.response(signing=Signing(canonicalization=uri)),
        )
    TRANSFORMS.add(
        "17 inclusive prefixes",
        errors.SignatureMalformed,
        forge.response(signing=Signing(inclusive_prefixes=" ".join(f"p{i}" for i in range(17)))),
    )
    listed = forge.response(signing=Signing(inclusive_prefixes="xs"))
    TRANSFORMS.add(
        "the inclusive prefixes changed",
        errors.SignatureInvalid,
        swap(listed, 'PrefixList="xs"', 'PrefixList="xs saml"'),
    )
    TRANSFORMS.add(
        "two lists of inclusive prefixes",
        errors.SignatureMalformed,
        sub(listed, "(<ec:InclusiveNamespaces [^>]*/>)", part(listed, "(<ec:InclusiveNamespaces [^>]*/>)") * 2),
    )
    TRANSFORMS.add(
        "inclusive prefixes of another namespace",
        errors.SignatureMalformed,
        swap(listed, f'xmlns:ec="{EXC_C14N}"', 'xmlns:ec="urn:evil"'),
    )


def _references() -> None:
    for uri in (
        "",
        "#",
        "#_response1",
        "#_ASSERTION1",
        "_assertion1",
        "#_assertion1 ",
        " #_assertion1",
        "#%5Fassertion1",
        "##_assertion1",
        "#xpointer(/)",
        "#xpointer(id('_assertion1'))",
        "#xpointer(//*[@ID='_assertion1'])",
        "#element(/1)",
        "https://evil.example/document.xml",
        "https://evil.example/document.xml#_assertion1",
        "file:///etc/passwd",
        "cid:_assertion1",
        "data:text/xml,<x/>".replace("<", "&lt;"),
    ):
        REFERENCES.add(
            f"the reference {shortened(uri)}",
            errors.SignatureReferenceInvalid,
            forge.response(signing=Signing(reference_uri=uri)),
        )
    reference = forge.reference_xml("#_assertion1", "{digest}", Signing())
    other = forge.reference_xml("#_response1", "{digest}", Signing())
    for name, written in (
        ("without URI", reference.replace(' URI="#_assertion1"', "")),
        ("two to the same", reference * 2),
        ("two to response and assertion", other + reference),
        (
            "two, of which the first is external",
            forge.reference_xml("https://evil.example/x", "AAAA", Signing()) + reference,
        ),
        ("a hundred", reference * 100),
    ):
        REFERENCES.add(
            f"references: {name}",
            errors.SignatureReferenceInvalid,
            forge.response(signing=Signing(raw_references=written)),
        )
    REFERENCES.add(
        "references: none",
        errors.SignatureReferenceInvalid,
        sub(SIGNED["assertion"], "<ds:Reference .*?</ds:Reference>", ""),
    )
    typed = reference.replace(" URI=", f' Type="{forge.DS}Manifest" URI=')
    REFERENCES.add(
        "a reference that says it is a Manifest",
        errors.SignatureMalformed,
        forge.response(signing=Signing(raw_references=typed)),
    )
    REFERENCES.add(
        "the response's signature refers to the assertion",
        errors.SignatureReferenceInvalid,
        forge.response(sign="response", signing=Signing(reference_uri="#_assertion1")),
    )


def _identified() -> None:
    for bad in ("_a b", "#_a", "_a'b", "é", "x" * 300, "a/b", "-a", "_a:b", ""):
        REFERENCES.add(
            f"the ID {shortened(bad)}",
            errors.SignatureReferenceInvalid,
            forge.sign_xml(Recipe(assertion_id=bad).xml(), bad),
        )
    REFERENCES.add(
        "the signed assertion without ID",
        errors.SignatureReferenceInvalid,
        swap(SIGNED["assertion"], ' ID="_assertion1"', ""),
    )
    REFERENCES.add(
        "the signed response without ID", errors.MissingElement, swap(SIGNED["response"], ' ID="_response1"', "")
    )


_names()
_named()
_mismatches()
_curves()
_transforms()
_canonicalizations()
_references()
_identified()
