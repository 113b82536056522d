"""The published holes of other implementations, each rebuilt as the trick that it was. What they have in common: two readings."""

from __future__ import annotations

from lxml import etree

from tests.saml import forge
from tests.saml.forge import Signing
from tests.saml.hostile.corpus import (
    ASSERTION,
    EVE,
    EVERY_WAY,
    FORGED,
    SHA256,
    SIGNATURE,
    SIGNED,
    Family,
    part,
    sub,
    swap,
)
from vestibule.saml import errors

FAMILY = Family(
    "digest and SignedInfo smuggling",
    "The digest or the SignedInfo that is checked is not the one that was signed: the published holes of recent years, each rebuilt.",
    "the CVE that each names",
)
HONEST = SIGNED["assertion"]
_SIGNED_ASSERTION = part(HONEST, ASSERTION)
_SIGNED_INFO = part(HONEST, "<ds:SignedInfo>.*?</ds:SignedInfo>")
_DIGEST = part(HONEST, "<ds:DigestValue>(.*?)<")


def _forged_digest() -> str:
    """The digest that the assertion would have if it spoke of Eve."""
    evil = sub(HONEST, SIGNATURE, "").decode().replace("ada@example.com</saml:NameID>", EVE + "</saml:NameID>")
    root = etree.fromstring(evil.encode())
    return forge.digest_value(forge.canonical(forge.find(root, "_assertion1")), SHA256)


_FORGED_DIGEST = _forged_digest()
_FORGED = swap(HONEST, "ada@example.com</saml:NameID>", EVE + "</saml:NameID>")


def _ruby_saml_2024() -> None:
    # The digest was looked up by //ds:DigestValue over the whole document: the attacker's stood first.
    source = "CVE-2024-45409 (ruby-saml; GHSA-jw9c-mfg7-9rx2)"
    digest = f'<ds:DigestValue xmlns:ds="{forge.DS}">{_FORGED_DIGEST}</ds:DigestValue>'
    for place, before, after, error in (
        (
            "StatusDetail",
            "</samlp:Status>",
            f"<samlp:StatusDetail>{digest}</samlp:StatusDetail></samlp:Status>",
            errors.UnexpectedElement,
        ),
        (
            "Extensions",
            "<samlp:Status>",
            f"<samlp:Extensions>{digest}</samlp:Extensions><samlp:Status>",
            errors.UnexpectedElement,
        ),
        (
            "a foreign element in Extensions",
            "<samlp:Status>",
            f'<samlp:Extensions><x:y xmlns:x="urn:x">{digest}</x:y></samlp:Extensions><samlp:Status>',
            errors.UnexpectedElement,
        ),
        ("KeyInfo", "<ds:KeyInfo>", f"<ds:KeyInfo>{digest}", errors.SignatureMalformed),
        ("an Object", "</ds:Signature>", f"<ds:Object>{digest}</ds:Object></ds:Signature>", errors.SignatureMalformed),
    ):
        FAMILY.add(f"the digest of the forged assertion in {place}", error, swap(_FORGED, before, after), source)
    whole = part(HONEST, SIGNATURE).replace(_DIGEST, _FORGED_DIGEST)
    FAMILY.add(
        "a whole signature with the forged digest in StatusDetail",
        errors.UnexpectedElement,
        swap(_FORGED, "</samlp:Status>", f"<samlp:StatusDetail>{whole}</samlp:StatusDetail></samlp:Status>"),
        source,
    )


def _ruby_saml_2025() -> None:
    # Two parsers, REXML and Nokogiri, saw two documents: one skipped what the other took for a document type.
    source = "CVE-2025-25291 (ruby-saml; PortSwigger, SAML roulette)"
    hidden = f'<!DOCTYPE r [<!NOTATION x PUBLIC "y">]><!--{HONEST.decode()}-->'
    FAMILY.add(
        "the signed document in a comment behind a document type",
        errors.ForbiddenXml,
        hidden.encode() + _FORGED,
        source,
    )
    FAMILY.add("the signed document in a comment at the end", errors.ForbiddenXml, _FORGED + hidden.encode(), source)
    quoted = '<!DOCTYPE r [<!ENTITY a "\'">]>' + _FORGED.decode() + "<!-- ' -->"
    FAMILY.add("a quote that ends in another place for another parser", errors.ForbiddenXml, quoted, source)
    bracket = f'<!DOCTYPE r SYSTEM "]><r>" [ ]>{_FORGED.decode()}'
    FAMILY.add("a document type whose name closes it", errors.ForbiddenXml, bracket, source)
    # One found the signature by its namespace, the other by prefix and local name.
    source = "CVE-2025-25292 (ruby-saml; GitHub Security Lab, Sign in as anyone)"
    evil = part(HONEST, SIGNATURE).replace(_DIGEST, _FORGED_DIGEST)
    prefixed = (
        evil.replace("ds:", "x:")
        .replace("xmlns:x=", "xmlns:ds=")
        .replace(f'"{forge.DS}"', '"urn:evil" xmlns:x="urn:evil"', 1)
    )
    for name, put in (("before", prefixed + part(HONEST, SIGNATURE)), ("behind", part(HONEST, SIGNATURE) + prefixed)):
        error = errors.SignatureMalformed if name == "before" else errors.DigestMismatch
        FAMILY.add(
            f"a signature of another namespace {name} the real one",
            error,
            swap(_FORGED, part(HONEST, SIGNATURE), put),
            source,
        )
    default = f'<Signature xmlns="{forge.DS}"><SignedInfo/></Signature>'
    FAMILY.add(
        "a second signature in the default namespace",
        errors.SignatureMalformed,
        swap(_FORGED, part(HONEST, SIGNATURE), default + part(HONEST, SIGNATURE)),
        source,
    )


def _xml_crypto() -> None:
    # The signature of one SignedInfo was verified, the references of another were followed.
    source = "CVE-2025-29774 (xml-crypto; GHSA-9p8x-f768-wh2g)"
    fake = _SIGNED_INFO.replace(_DIGEST, _FORGED_DIGEST)
    for name, both in (("before", fake + _SIGNED_INFO), ("behind", _SIGNED_INFO + fake)):
        FAMILY.add(
            f"a second SignedInfo {name} the signed one",
            errors.SignatureMalformed,
            swap(_FORGED, _SIGNED_INFO, both),
            source,
        )
    FAMILY.add(
        "the signed SignedInfo inside the forged one",
        errors.SignatureReferenceInvalid,
        swap(
            _FORGED,
            _SIGNED_INFO,
            fake.replace("</ds:SignedInfo>", f"{_SIGNED_INFO}</ds:SignedInfo>").replace(
                "<ds:Reference ", "<ds:Reference/><ds:Reference ", 1
            ),
        ),
        source,
    )
    FAMILY.add(
        "the signed SignedInfo in KeyInfo",
        errors.SignatureMalformed,
        swap(_FORGED, _SIGNED_INFO, fake).replace(b"<ds:KeyInfo>", f"<ds:KeyInfo>{_SIGNED_INFO}".encode()),
        source,
    )
    FAMILY.add(
        "the signed SignedInfo in an Object",
        errors.SignatureMalformed,
        swap(_FORGED, _SIGNED_INFO, fake).replace(
            b"</ds:Signature>", f"<ds:Object>{_SIGNED_INFO}</ds:Object></ds:Signature>".encode()
        ),
        source,
    )


def _xml_crypto_comments() -> None:
    # Comments vanish in canonical form, and the first text node was taken for the digest.
    source = "CVE-2025-29775 (xml-crypto; GHSA-x3m8-899r-f7c3)"
    for name, value in (
        ("the forged digest in a comment before the signed one", f"<!--{_FORGED_DIGEST}-->{_DIGEST}"),
        ("the forged digest in a comment behind the signed one", f"{_DIGEST}<!--{_FORGED_DIGEST}-->"),
        ("the signed digest cut by a comment", f"{_DIGEST[:4]}<!--x-->{_DIGEST[4:]}"),
    ):
        FAMILY.add(name, errors.ForbiddenXml, swap(_FORGED, f">{_DIGEST}<", f">{value}<"), source)
    for name, value in (
        ("an element", f"{_FORGED_DIGEST}<ds:KeyName/>{_DIGEST}"),
        ("CDATA", f"<![CDATA[{_FORGED_DIGEST}]]>{_DIGEST}"),
        ("a reference", _DIGEST.replace("=", "&#61;") + "AAAA"),
    ):
        FAMILY.add(
            f"the forged digest beside the signed one with {name} between",
            errors.SignatureMalformed,
            swap(_FORGED, f">{_DIGEST}<", f">{value}<"),
            source,
        )
    for name, put in (
        ("before", f"<ds:DigestValue>{_FORGED_DIGEST}</ds:DigestValue><ds:DigestValue>"),
        ("and empty", "<ds:DigestValue/><ds:DigestValue>"),
    ):
        FAMILY.add(
            f"a second DigestValue {name}", errors.SignatureMalformed, swap(_FORGED, "<ds:DigestValue>", put), source
        )


def _samlify() -> None:
    # Anything that the provider had signed (metadata, a logout message) vouched for a forged assertion in the same document.
    source = "CVE-2025-47949 (samlify; GHSA-r683-v43c-6xqv)"
    evil = FORGED.assertion_xml()
    for name, inside in (("before", evil + _SIGNED_ASSERTION), ("behind", _SIGNED_ASSERTION + evil)):
        FAMILY.add(
            f"a forged assertion {name} the signed one, with the usual ID of a response",
            errors.AssertionCount,
            HONEST.replace(_SIGNED_ASSERTION.encode(), inside.encode()).replace(b"_response1", b"_evil_response"),
            source,
        )
    bare = sub(HONEST, SIGNATURE, "")
    FAMILY.add(
        "the signature alone, outside of the forged assertion",
        errors.SignatureReferenceInvalid,
        swap(
            sub(bare, ASSERTION, evil),
            "</saml:Issuer><samlp:Status>",
            f"</saml:Issuer>{part(HONEST, SIGNATURE)}<samlp:Status>",
        ),
        source,
    )


def _fragile_lock() -> None:
    # The first fix of ruby-saml left REXML beside Nokogiri: attributes and namespaces were still read in two ways.
    source = "CVE-2025-66567 (ruby-saml; PortSwigger, The Fragile Lock)"
    for name, before, after, error in (
        (
            "the ID polluted by one of the protocol's namespace",
            'ID="_assertion1"',
            'ID="_assertion1" samlp:ID="_evil"',
            errors.DigestMismatch,
        ),
        (
            "the ID polluted by one of the assertion's namespace",
            'ID="_assertion1"',
            'saml:ID="_evil" ID="_assertion1"',
            errors.DigestMismatch,
        ),
        (
            "the reference polluted",
            'URI="#_assertion1"',
            'URI="#_assertion1" ds:URI="#_evil"',
            errors.SignatureMalformed,
        ),
        (
            "the digest algorithm polluted",
            "<ds:DigestMethod ",
            '<ds:DigestMethod ds:Algorithm="none" ',
            errors.SignatureMalformed,
        ),
        (
            "the signature's namespace written as an attribute",
            "<ds:Signature ",
            '<ds:Signature xmlns:xmlns2="urn:x" xmlns2:ds="urn:evil" ',
            errors.SignatureMalformed,
        ),
    ):
        FAMILY.add(name, error, swap(HONEST, before, after, 1), source)


def _void_canonicalization() -> None:
    # libxml2 has no canonical form for a relative namespace, and the empty result was digested.
    source = "CVE-2025-66568 (ruby-saml; PortSwigger, The Fragile Lock)"
    empty = forge.digest_value(b"", SHA256)
    reference = forge.reference_xml("#_assertion1", empty, Signing())
    signed_empty = forge.response(signing=Signing(raw_references=reference))
    void = '<saml:Conditions xmlns:r="relative/uri" r:a="1" '
    FAMILY.add(
        "void canonicalization under a signature over the digest of nothing",
        errors.MalformedXml,
        swap(signed_empty, "<saml:Conditions ", void),
        source,
    )
    for name, digest in (("the digest of nothing", empty), ("no digest", "")):
        FAMILY.add(
            f"void canonicalization and {name} written in",
            errors.SignatureInvalid if digest else errors.SignatureMalformed,
            sub(swap(HONEST, "<saml:Conditions ", void), "<ds:DigestValue>.*?<", f"<ds:DigestValue>{digest}<"),
            source,
        )
    for name, namespace in (
        ("without scheme", "//evil"),
        ("empty by percent", "%"),
        ("a fragment", "#x"),
        ("a blank", " "),
    ):
        FAMILY.add(
            f"void canonicalization by a namespace {name}",
            errors.MalformedXml,
            swap(signed_empty, "<saml:Conditions ", f'<saml:Conditions xmlns:r="{namespace}" r:a="1" '),
            source,
        )
    info = swap(HONEST, "<ds:SignedInfo>", '<ds:SignedInfo xmlns:r="relative/uri" r:a="1">')
    FAMILY.add("void canonicalization of SignedInfo", errors.MalformedXml, info, source)


def _authentik() -> None:
    # The signature verified, and the identity was then read from another assertion of the same document.
    source = "CVE-2026-47201 (authentik)"
    evil = FORGED.assertion_xml()
    for sign in EVERY_WAY:
        data = SIGNED[sign]
        honest = part(data, ASSERTION)
        first = evil.replace("_evil", "_first")
        FAMILY.add(
            f"a forged assertion stands first, {sign} signed",
            errors.AssertionCount,
            data.replace(honest.encode(), (first + honest).encode()),
            source,
        )
        around = evil.replace("</saml:Assertion>", f"<saml:Advice>{honest}</saml:Advice></saml:Assertion>")
        moved = sub(data, ASSERTION, around)
        error = errors.SignatureMissing if sign == "assertion" else errors.DigestMismatch
        FAMILY.add(f"the signed assertion below a forged one, {sign} signed", error, moved, source)


_ruby_saml_2024()
_ruby_saml_2025()
_xml_crypto()
_xml_crypto_comments()
_samlify()
_fragile_lock()
_void_canonicalization()
_authentik()
