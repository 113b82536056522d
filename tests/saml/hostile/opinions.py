"""Where others accept a signature in a message that we refuse, and why each difference is meant. The other way there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from tests.saml import forge
from tests.saml.hostile.corpus import Hostile
from tests.saml.hostile.families import CORPUS, JUDGES
from tests.saml.hostile.others import bergshamra_accepts, signxml_accepts
from tests.saml.test_encryption import KEYS
from vestibule.saml.errors import SamlError

_SIGNATURE: Final = re.compile(rb"<(?:\w+:)?Signature[ >/]")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the three say of the signature in one message."""

    message: Hostile
    ours: bool
    signxml: bool
    bergshamra: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why we refuse what another accepts: for these reasons, in these families (none: in all)."""

    sentence: str
    errors: frozenset[str]
    families: frozenset[str] = field(default_factory=frozenset)

    def covers(self, message: Hostile) -> bool:
        """Say whether a message is refused for this."""
        return message.error.__name__ in self.errors and (not self.families or message.family in self.families)


def _because(sentence: str, *errors: str, of: tuple[str, ...] = ()) -> Explanation:
    return Explanation(sentence, frozenset(errors), frozenset(of))


EXPLANATIONS: Final[tuple[Explanation, ...]] = (
    _because(
        "The signature is genuine and covers what is hidden. They answer whether some signature in the document is good; we ask "
        "whether what is read is what was signed.",
        "SignatureMissing",
    ),
    _because(
        "As above, and the hiding place is the signature itself, or its place in the parent.",
        "SignatureMalformed",
        of=("wrapping", "logout messages"),
    ),
    _because(
        "The signature stands elsewhere than the schema has it, or holds what SAML has no use for: Object, Manifest, text, attributes.",
        "SignatureMalformed",
        of=("signatures", "digest and SignedInfo smuggling"),
    ),
    _because(
        "KeyInfo is ignored by all three. We refuse the forms that point elsewhere or hold foreign elements, unread as they are.",
        "SignatureMalformed",
        of=("keys from the message",),
    ),
    _because(
        "A transform with parameters, or more prefixes than any provider lists; the parameters are ignored there.",
        "SignatureMalformed",
        of=("transforms",),
    ),
    _because("A reference that says it is something else than an element.", "SignatureMalformed", of=("references",)),
    _because(
        "A good signature over another element than its parent, or over all there is: they resolve the reference wherever it leads.",
        "SignatureReferenceInvalid",
        of=("signatures", "logout messages"),
    ),
    _because(
        "XPointer, two references of which all hold, or an ID that is no plain name: legal in XML Signature, not in SAML; IDs are "
        "kept to letters, digits, _ . and - so that no reader finds another element by them.",
        "SignatureReferenceInvalid",
        of=("references",),
    ),
    _because(
        "The reference names an attribute that is not SAML’s ID. They take Id, id, xml:id or AssertionID for IDs too.",
        "SignatureReferenceInvalid",
        of=("IDs",),
    ),
    _because(
        "Legal transforms of XML Signature that SAML excludes (core 5.4.4). They run XSLT, XPath or decryption, or skip them.",
        "TransformNotAllowed",
    ),
    _because(
        "SHA-1 is switched on there, so that the comparison sees everything; its collisions can be bought.",
        "Sha1NotAllowed",
    ),
    _because(
        "bergshamra also reads ECDSA values in DER and with zeros in front; XML Signature has one length (6.4.3).",
        "SignatureInvalid",
        of=("algorithms",),
    ),
    _because(
        "They judge the first signature. We want every signature that is there to hold, the inner one too.",
        "SignatureInvalid",
        "DigestMismatch",
        of=("signatures", "encryption"),
    ),
    _because("They are given our key by the test; the connection has none.", "CertificateMissing"),
    _because(
        "They are given the key by the test that the provider signs its answers with; for its metadata another one is pinned.",
        "MetadataSignatureInvalid",
        of=("signed metadata",),
    ),
    _because(
        "An ID twice, in any spelling of the attribute’s name: each of them sees some of the spellings, and takes one element.",
        "DuplicateId",
    ),
    _because(
        "Comments inside values, processing instructions and document types have no place in SAML, signed or not.",
        "ForbiddenXml",
    ),
    _because("Encodings, versions and declarations that we don’t read at all; some parsers guess.", "MalformedXml"),
    _because("A limit of size, depth or number comes before any cryptography.", "TooLarge"),
    _because(
        "The signature is good and the message is another one: logout, a request, metadata, SAML 1.1, or the reverse.",
        "NotAResponse",
        "NotALogoutMessage",
    ),
    _because("The signature is good, and there is not exactly one assertion.", "AssertionCount"),
    _because(
        "The signature is good, and something stands where the schema has nothing, or is missing: the envelope is read before the "
        "signature, which costs more.",
        "UnexpectedElement",
        "MissingElement",
        "VersionUnsupported",
        "InvalidTime",
        "SubjectInvalid",
    ),
    _because(
        "The signature is good, and the response around it is for somebody else, from somebody else, too old, or a refusal.",
        "StatusNotSuccess",
        "IssuerMismatch",
        "IssuerMissing",
        "DestinationMismatch",
        "DestinationMissing",
        "InResponseToMismatch",
        "Unsolicited",
        "IssuedInFuture",
        "IssuedLongAgo",
    ),
    _because(
        "The signature around the ciphertext is good; what is inside does not open, or must not be opened.",
        "DecryptionFailed",
        "CbcNotAllowed",
        "EncryptionMalformed",
        "EncryptionNotAllowed",
    ),
)


def _ours(message: Hostile) -> bool:
    # Our opinion of the signature is the check of that name: a message may be refused for what comes after it.
    try:
        JUDGES[message.family](message.data, **{"decryption_keys": KEYS, **message.overrides})
    except SamlError as error:
        return any(check.name == "signature" and check.outcome == "passed" for check in error.checks)
    return True


def _key_of(message: Hostile) -> forge.IdpKey:
    certificates = message.overrides.get("certificates")
    curve = forge.key("curve", "p256")
    return curve if certificates and certificates[0].der == curve.certificate_der else forge.key()


@cache
def opinions() -> tuple[Opinion, ...]:
    """Return what all three say of every hostile message with a signature in the clear."""
    found = []
    for message in CORPUS:
        if _SIGNATURE.search(message.data):
            key = _key_of(message)
            others = signxml_accepts(message.data, key), bergshamra_accepts(message.data, key)
            found.append(Opinion(message, _ours(message), *others))
    return tuple(found)


@cache
def differences() -> Mapping[Explanation, tuple[Opinion, ...]]:
    """Return the differences by their explanation; one that has none, or several, raises KeyError."""
    sorted_: dict[Explanation, list[Opinion]] = {explanation: [] for explanation in EXPLANATIONS}
    for opinion in opinions():
        if opinion.ours not in (opinion.signxml, opinion.bergshamra) or opinion.signxml is not opinion.bergshamra:
            reasons = [explanation for explanation in EXPLANATIONS if explanation.covers(opinion.message)]
            if len(reasons) != 1:
                raise KeyError(f"{len(reasons)} explanations for {opinion}")
            sorted_[reasons[0]].append(opinion)
    return {explanation: tuple(found) for explanation, found in sorted_.items()}
