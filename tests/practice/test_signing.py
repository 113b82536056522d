"""The practice identity provider's signatures, judged by signxml."""

from __future__ import annotations

import httpx
import pytest
from signxml.exceptions import InvalidDigest, InvalidInput, InvalidSignature

from tests.practice.conversation import NAMES, answer, values, verified
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.misbehaviour import Misbehaviour, Signing


@pytest.mark.parametrize(
    ("signing", "signed"),
    [(Signing.BOTH, {"Response", "Assertion"}), (Signing.ASSERTION, {"Assertion"}), (Signing.RESPONSE, {"Response"})],
)
def test_the_elements_asked_for_are_signed_and_no_others(
    client: httpx.Client, idp: PracticeIdp, signing: Signing, signed: set[str]
) -> None:
    document = answer(client, signing=signing)
    parents = values(document, "//ds:Signature/../@ID")
    assert len(parents) == len(signed)
    for element in signed:
        proven = verified(document, idp.certificate_pem, element)
        assert proven.get("ID") in parents
        assert proven.findtext(".//saml:NameID", namespaces=NAMES) == "ada@practice.example"


def test_the_signature_stands_right_after_the_issuer(client: httpx.Client) -> None:
    document = answer(client)
    assert len(values(document, "//ds:Signature/preceding-sibling::*[1][self::saml:Issuer]/text()")) == 2


def test_an_unsigned_answer_carries_no_signature_at_all(client: httpx.Client) -> None:
    assert (
        values(answer(client, misbehaviour=Misbehaviour.UNSIGNED), "//ds:Signature/@*|//ds:SignatureValue/text()") == []
    )


def test_a_tampered_answer_names_somebody_else_and_fails_verification(client: httpx.Client, idp: PracticeIdp) -> None:
    document = answer(client, misbehaviour=Misbehaviour.TAMPERED)
    assert values(document, "//saml:NameID/text()") == ["bruno@practice.example"]
    for element in ("Response", "Assertion"):
        with pytest.raises(InvalidDigest):
            verified(document, idp.certificate_pem, element)


def test_another_certificate_signs_soundly_but_is_not_the_one_in_the_metadata(
    client: httpx.Client, idp: PracticeIdp
) -> None:
    document = answer(client, misbehaviour=Misbehaviour.OTHER_CERTIFICATE)
    with pytest.raises(InvalidSignature):
        verified(document, idp.certificate_pem, "Assertion")
    carried = values(document, "//ds:X509Certificate/text()")[0]
    pem = f"-----BEGIN CERTIFICATE-----\n{carried}\n-----END CERTIFICATE-----\n"
    assert verified(document, pem, "Assertion").get("ID")


def test_the_sha_1_answer_is_a_true_sha_1_signature(client: httpx.Client, idp: PracticeIdp) -> None:
    document = answer(client, misbehaviour=Misbehaviour.SHA1)
    assert verified(document, idp.certificate_pem, "Response", sha1=True).get("ID")
    with pytest.raises(InvalidInput, match="Signature method"):
        verified(document, idp.certificate_pem, "Response")
