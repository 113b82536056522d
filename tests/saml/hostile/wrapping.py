"""Signature wrapping: the signed part is kept where nobody reads it, and a forged one put where everybody does."""

from __future__ import annotations

from tests.saml import forge
from tests.saml.forge_encryption import encrypt
from tests.saml.hostile.corpus import (
    ASSERTION,
    EVE,
    EVERY_WAY,
    EVIL,
    FORGED,
    SIGNATURE,
    SIGNED,
    Family,
    part,
    sub,
    swap,
)
from vestibule.saml import errors

PAPER = "Somorovsky et al., On Breaking SAML, USENIX Security 2012"
FAMILY = Family(
    "wrapping",
    "A signed part is moved to where nobody reads it, and a forged one stands where everybody does: XSW1 to XSW8 and their kin.",
    PAPER,
)
_RESPONSE, _ASSERTION = SIGNED["response"], SIGNED["assertion"]
_SIGNED_ASSERTION = part(_ASSERTION, ASSERTION)
_INNER = part(_SIGNED_ASSERTION.encode(), SIGNATURE)
_BARE_ASSERTION = _SIGNED_ASSERTION.replace(_INNER, "")
_EVIL = FORGED.xml().encode()
_EVIL_ASSERTION = FORGED.assertion_xml()
_BEHIND_ISSUER = "</saml:Issuer><samlp:Status>"


def _of_responses() -> None:
    signature = part(_RESPONSE, SIGNATURE)
    bare = _RESPONSE.decode().replace(signature, "")
    inside = signature.replace("</ds:Signature>", f"{bare}</ds:Signature>")
    in_object = signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
    for name, put, error in (
        ("XSW1: the signed response inside the signature of the forged one", inside, errors.SignatureMalformed),
        ("XSW1: the signed response in an Object of that signature", in_object, errors.SignatureMalformed),
        ("XSW2: the signed response beside its signature, which is detached", signature + bare, errors.MissingElement),
        ("XSW2: the signed response before its detached signature", bare + signature, errors.SignatureMalformed),
    ):
        FAMILY.add(name, error, swap(_EVIL, _BEHIND_ISSUER, f"</saml:Issuer>{put}<samlp:Status>"))
    FAMILY.add(
        "a forged response around the whole signed one",
        errors.UnexpectedElement,
        swap(_EVIL, "</samlp:Response>", _RESPONSE.decode() + "</samlp:Response>"),
    )
    FAMILY.add(
        "a forged response whose signature covers the signed one at its end",
        errors.UnexpectedElement,
        swap(
            swap(_EVIL, _BEHIND_ISSUER, f"</saml:Issuer>{signature}<samlp:Status>"),
            "</samlp:Response>",
            bare + "</samlp:Response>",
        ),
    )


def _of_assertions() -> None:
    holding = _INNER.replace("</ds:Signature>", _BARE_ASSERTION + "</ds:Signature>")
    in_object = _INNER.replace("</ds:Signature>", f"<ds:Object>{_BARE_ASSERTION}</ds:Object></ds:Signature>")
    copied = _SIGNED_ASSERTION.replace("ada@example.com</saml:NameID>", EVE + "</saml:NameID>").replace(
        "_assertion1", "_evil", 1
    )
    evil_holding = _EVIL_ASSERTION.replace("</saml:Issuer>", f"</saml:Issuer>{holding}", 1)
    evil_object = _EVIL_ASSERTION.replace("</saml:Issuer>", f"</saml:Issuer>{in_object}", 1)
    for name, put, error in (
        ("XSW3: a forged assertion before the signed one", _EVIL_ASSERTION + _SIGNED_ASSERTION, errors.AssertionCount),
        ("XSW3: a forged assertion behind the signed one", _SIGNED_ASSERTION + _EVIL_ASSERTION, errors.AssertionCount),
        ("XSW4: a forged assertion around the signed one", _around(_SIGNED_ASSERTION), errors.SignatureMissing),
        (
            "XSW5: the forged assertion has the signature, the signed one follows",
            copied + _BARE_ASSERTION,
            errors.AssertionCount,
        ),
        ("XSW6: the signed assertion inside the signature of the forged one", evil_holding, errors.SignatureMalformed),
        (
            "XSW8: the signed assertion in an Object of the forged one's signature",
            evil_object,
            errors.SignatureMalformed,
        ),
        ("the forged assertion has the signature and nothing else is there", copied, errors.SignatureReferenceInvalid),
    ):
        FAMILY.add(name, error, _ASSERTION.replace(_SIGNED_ASSERTION.encode(), put.encode()))
    extensions = f"<samlp:Extensions>{_SIGNED_ASSERTION}</samlp:Extensions><samlp:Status>"
    FAMILY.add(
        "XSW7: the signed assertion in Extensions",
        errors.UnexpectedElement,
        swap(_forged_response(), "<samlp:Status>", extensions),
    )


def _around(hidden: str) -> str:
    return _EVIL_ASSERTION.replace("</saml:Assertion>", hidden + "</saml:Assertion>")


def _forged_response() -> bytes:
    return _ASSERTION.replace(_SIGNED_ASSERTION.encode(), _EVIL_ASSERTION.encode())


def _at_other_places() -> None:
    for way, wrapper in (("", "{}"), (" in a foreign element", '<x:any xmlns:x="urn:x">{}</x:any>')):
        hidden = wrapper.format(_SIGNED_ASSERTION)
        key_info = _INNER.replace("<ds:KeyInfo>", "<ds:KeyInfo>" + hidden)
        for place, before, after, error in (
            (
                "Advice",
                "<saml:AuthnStatement",
                f"<saml:Advice>{hidden}</saml:Advice><saml:AuthnStatement",
                errors.SignatureMissing,
            ),
            (
                "SubjectConfirmationData",
                "</saml:SubjectConfirmationData>",
                f"{hidden}</saml:SubjectConfirmationData>",
                errors.SignatureMissing,
            ),
            ("AttributeValue", "</saml:AttributeValue>", f"{hidden}</saml:AttributeValue>", errors.SignatureMissing),
            ("Subject", "</saml:Subject>", f"{hidden}</saml:Subject>", errors.SignatureMissing),
            ("AuthnContext", "</saml:AuthnContext>", f"{hidden}</saml:AuthnContext>", errors.SignatureMissing),
            ("KeyInfo", "</saml:Issuer>", f"</saml:Issuer>{key_info}", errors.SignatureMalformed),
        ):
            evil = _EVIL_ASSERTION.replace(before, after, 1)
            assert hidden in evil
            FAMILY.add(
                f"the signed assertion in {place}{way}",
                error,
                _ASSERTION.replace(_SIGNED_ASSERTION.encode(), evil.encode()),
            )
        for place, put in (
            ("Extensions", f"<samlp:Extensions>{hidden}</samlp:Extensions><samlp:Status>"),
            ("StatusDetail", ""),
        ):
            message = (
                swap(_forged_response(), "<samlp:Status>", put)
                if put
                else swap(
                    _forged_response(),
                    "</samlp:Status>",
                    f"<samlp:StatusDetail>{hidden}</samlp:StatusDetail></samlp:Status>",
                )
            )
            if way or place != "Extensions":  # the plain one is XSW7
                FAMILY.add(f"the signed assertion in {place}{way}", errors.UnexpectedElement, message)


def _inside_what_was_signed() -> None:
    """The signer itself wraps: an identity provider that passes foreign assertions through must not lend them its name."""
    other = forge.Recipe(assertion_id="_other", name_id=EVE).assertion_xml()
    for sign in EVERY_WAY:
        FAMILY.add(
            f"another assertion in Advice, with a valid signature over the {sign}",
            errors.UnexpectedElement,
            forge.response(sign=sign, advice=f"<saml:Advice>{other}</saml:Advice>"),
        )
        FAMILY.add(
            f"another assertion in a bearer's SubjectConfirmationData, with a valid signature over the {sign}",
            errors.UnexpectedElement,
            forge.response(sign=sign, confirmations=(forge.Confirmation(inner=other),)),
        )
        FAMILY.add(
            f"another assertion in the NameID of a confirmation, with a valid signature over the {sign}",
            errors.UnexpectedElement,
            _signed_again(
                sign,
                "<saml:SubjectConfirmationData",
                f"<saml:NameID>{other}</saml:NameID><saml:SubjectConfirmationData",
            ),
        )
        FAMILY.add(
            f"another assertion in an AuthnContextDecl, with a valid signature over the {sign}",
            errors.UnexpectedElement,
            _signed_again(
                sign,
                "</saml:AuthnContext>",
                f"<saml:AuthnContextDecl>{other}</saml:AuthnContextDecl></saml:AuthnContext>",
            ),
        )


def _signed_again(sign: forge.SignWhat, before: str, after: str) -> bytes:
    data = swap(forge.Recipe().xml().encode(), before, after, 1)
    data = forge.sign_xml(data, "_assertion1") if sign in ("assertion", "both") else data
    return forge.sign_xml(data, "_response1") if sign in ("response", "both") else data


def _combined() -> None:
    both = SIGNED["both"]
    outer = part(both, SIGNATURE)
    inner = part(both, ASSERTION)
    evil = swap(_EVIL, _BEHIND_ISSUER, f"</saml:Issuer>{outer}<samlp:Status>")
    FAMILY.add("both signed, the forged response has the outer signature", errors.SignatureReferenceInvalid, evil)
    FAMILY.add(
        "both signed, a forged assertion beside the signed one",
        errors.AssertionCount,
        both.replace(inner.encode(), (inner + _EVIL_ASSERTION).encode()),
    )
    FAMILY.add(
        "both signed, the forged assertion holds the signed one in its signature, the outer signature is kept",
        errors.DigestMismatch,
        both.replace(
            inner.encode(),
            _EVIL_ASSERTION.replace(
                "</saml:Issuer>",
                "</saml:Issuer>" + _INNER.replace("</ds:Signature>", _BARE_ASSERTION + "</ds:Signature>"),
                1,
            ).encode(),
        ),
    )
    FAMILY.add(
        "XSW2 and XSW3 at once: detached signatures of both, forged response and forged assertion",
        errors.SignatureInvalid,
        swap(_EVIL, _BEHIND_ISSUER, f"</saml:Issuer>{outer}<samlp:Status>")
        .replace(b"<saml:Subject>", f"{_INNER}<saml:Subject>".encode(), 1)
        .replace(b"#_response1", b"#_evil_response", 1),
    )
    stranger = forge.sign_xml(_EVIL_ASSERTION, "_evil", forge.Signing(key=EVIL)).decode()
    FAMILY.add(
        "an assertion of a stranger in a response whose signature is valid for another one",
        errors.DigestMismatch,
        sub(_RESPONSE, ASSERTION, stranger),
    )


def _inside_encryption() -> None:
    for name, plaintext, error in (
        ("the forged assertion around the signed one, encrypted", _around(_SIGNED_ASSERTION), errors.SignatureMissing),
        (
            "the forged assertion with the signed one in Advice, encrypted",
            _EVIL_ASSERTION.replace(
                "<saml:AuthnStatement", f"<saml:Advice>{_SIGNED_ASSERTION}</saml:Advice><saml:AuthnStatement", 1
            ),
            errors.SignatureMissing,
        ),
        (
            "XSW6 inside encryption",
            _EVIL_ASSERTION.replace(
                "</saml:Issuer>",
                "</saml:Issuer>" + _INNER.replace("</ds:Signature>", _BARE_ASSERTION + "</ds:Signature>"),
                1,
            ),
            errors.SignatureMalformed,
        ),
        (
            "XSW8 inside encryption",
            _EVIL_ASSERTION.replace(
                "</saml:Issuer>",
                "</saml:Issuer>"
                + _INNER.replace("</ds:Signature>", f"<ds:Object>{_BARE_ASSERTION}</ds:Object></ds:Signature>"),
                1,
            ),
            errors.SignatureMalformed,
        ),
        (
            "the forged assertion with the signature of the signed one, encrypted",
            _EVIL_ASSERTION.replace("</saml:Issuer>", "</saml:Issuer>" + _INNER, 1),
            errors.SignatureReferenceInvalid,
        ),
    ):
        FAMILY.add(name, error, forge.Recipe().xml().replace(forge.Recipe().assertion_xml(), encrypt(plaintext)))


_of_responses()
_of_assertions()
_at_other_places()
_inside_what_was_signed()
_combined()
_inside_encryption()
