"""Signed queries of the HTTP-Redirect binding: friendly ones, and each hostile form by its name."""

from __future__ import annotations

import base64
import re

import pytest

from tests.saml import forge
from tests.saml.forge import Signing
from tests.saml.forge_logout import deflate, escaped, redirected, request, response, signed_query
from tests.saml.verifying import certificate
from vestibule.saml import errors, redirect_errors
from vestibule.saml.keys import load_signing_key
from vestibule.saml.redirects import VerifiedRedirect, inflate, read_redirect, verify_redirect
from vestibule.saml.requests import redirect_url

RSA_SHA256 = escaped(forge.RSA_SHA256)
PACKED = escaped(base64.b64encode(deflate(b"<a/>")))


def verify(query: str, *keys: forge.IdpKey) -> VerifiedRedirect:
    return verify_redirect(read_redirect(query.encode()), [certificate(key) for key in keys or (forge.key(),)])


def refused(query: str, error: type[errors.SamlError], *keys: forge.IdpKey) -> errors.SamlError:
    with pytest.raises(errors.SamlError) as caught:
        verify(query, *keys)
    assert type(caught.value) is error, f"{caught.value!r}: {caught.value.reason}"
    return caught.value


def test_a_signed_query_gives_the_document_and_relay_state_that_were_signed() -> None:
    verified = verify(redirected(request(), relay_state="a b&c=d/ü"))
    assert verified.document == request().xml().encode()
    assert (verified.kind, verified.relay_state) == ("SAMLRequest", "a b&c=d/ü")
    assert "RSA-SHA256" in verified.proof
    assert verify(redirected(response())).kind == "SAMLResponse"


def test_what_we_sign_is_what_we_verify() -> None:
    idp = forge.key()
    signer = load_signing_key(idp.private_pem.encode(), idp.certificate_der)
    for kind in ("SAMLRequest", "SAMLResponse"):
        url = redirect_url("https://idp.example/slo?tenant=1", b"<a/>", "_state", signer, kind=kind)
        query = url.partition("?tenant=1&")[2]
        assert verify(query).document == b"<a/>"


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa2048", forge.RSA_SHA256),
        ("rsa2048", forge.RSA_SHA256.replace("256", "512")),
        ("rsa3072", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
        ("p256", forge.ECDSA_SHA256),
        ("p384", forge.ECDSA_SHA256.replace("256", "384")),
    ],
)
def test_every_allowed_algorithm_signs_queries(kind: str, algorithm: str) -> None:
    key = forge.key("redirect", kind)
    assert verify(redirected(request(), Signing(key=key, algorithm=algorithm)), forge.key("old"), key).kind


def test_lower_case_escapes_count_as_they_were_signed() -> None:
    query = redirected(request(), relay_state="/e/a?b", lower=True)
    assert "%2f" in query
    assert verify(query).relay_state == "/e/a?b"


def test_parameters_may_arrive_in_any_order_for_the_signature_has_its_own() -> None:
    parts = redirected(request(), relay_state="state").split("&")
    assert verify("&".join(reversed(parts))).relay_state == "state"


def test_a_signature_over_another_order_is_refused() -> None:
    packed, relay, sig_alg = "SAMLRequest=" + PACKED, "RelayState=x", "SigAlg=" + RSA_SHA256
    assert verify(signed_query(f"{packed}&{relay}&{sig_alg}")).document == b"<a/>"
    refused(signed_query(f"{relay}&{packed}&{sig_alg}"), errors.SignatureInvalid)
    refused(signed_query(f"{packed}&{sig_alg}&{relay}"), errors.SignatureInvalid)


@pytest.mark.parametrize("name", ["SAMLRequest", "RelayState", "SigAlg", "Signature"])
def test_a_parameter_that_stands_twice_is_refused(name: str) -> None:
    query = redirected(request(), relay_state="x")
    again = next(part for part in query.split("&") if part.startswith(name))
    refused(f"{query}&{again}", redirect_errors.RedirectParameterTwice)
    refused(f"{again}&{query}", redirect_errors.RedirectParameterTwice)


def test_a_request_and_a_response_at_once_are_refused() -> None:
    refused(redirected(request()) + "&SAMLResponse=" + PACKED, redirect_errors.RedirectWithoutMessage)


@pytest.mark.parametrize("query", ["SigAlg=x&Signature=eA%3D%3D", "RelayState=x"])
def test_no_message_at_all_is_refused(query: str) -> None:
    refused(query, redirect_errors.RedirectWithoutMessage)


@pytest.mark.parametrize(
    "extra",
    ["samlrequest=x", "SAML%52equest=x", "SAMLRequest[]=x", "utm_source=x", "", "Signature", "RelayState\x00=x"],
)
def test_a_parameter_that_no_signature_covers_is_refused(extra: str) -> None:
    refused(f"{redirected(request())}&{extra}", redirect_errors.RedirectParameterUnknown)


def test_a_relay_state_added_changed_or_taken_away_after_signing_is_refused() -> None:
    refused(redirected(request()) + "&RelayState=x", errors.SignatureInvalid)
    signed = redirected(request(), relay_state="home")
    refused(signed.replace("RelayState=home", "RelayState=away"), errors.SignatureInvalid)
    refused(signed.replace("RelayState=home&", ""), errors.SignatureInvalid)
    refused(signed.replace("RelayState=home", "RelayState="), errors.SignatureInvalid)


def test_escapes_written_again_in_the_other_case_break_the_signature() -> None:
    query = redirected(request())
    rewritten = re.sub(r"%..", lambda found: found[0].lower(), query)
    assert rewritten != query
    refused(rewritten, errors.SignatureInvalid)


def test_escapes_of_both_cases_are_refused() -> None:
    query = redirected(request(), relay_state="/")
    refused(query.replace("%2F", "%2f", 1), redirect_errors.RedirectEscapesMixed)


def test_escaped_letters_are_refused_even_when_they_were_signed() -> None:
    refused(
        signed_query(f"SAMLRequest=%{ord(PACKED[0]):X}{PACKED[1:]}&SigAlg={RSA_SHA256}"),
        redirect_errors.RedirectEscaping,
    )


@pytest.mark.parametrize("value", ["%", "%2", "%zz", "a b", "ü", "a\x00", 'a"b', "a<b", "a\\b", "a|b"])
def test_octets_that_no_query_has_are_refused(value: str) -> None:
    refused(
        signed_query(f"SAMLRequest={PACKED}&RelayState={value}&SigAlg={RSA_SHA256}"), redirect_errors.RedirectEscaping
    )


def test_a_bare_plus_in_base64_is_refused() -> None:
    refused(signed_query(f"SAMLRequest=a+b=&SigAlg={RSA_SHA256}"), redirect_errors.RedirectEscaping)


@pytest.mark.parametrize("value", ["%00", "a%0D%0AX-Y%3A1", "%FF%FE", "%E2%80%AE"])
def test_a_relay_state_that_is_no_plain_text_is_refused(value: str) -> None:
    refused(
        signed_query(f"SAMLRequest={PACKED}&RelayState={value}&SigAlg={RSA_SHA256}"), redirect_errors.RedirectEscaping
    )


def test_a_relay_state_may_have_1024_bytes_and_no_more() -> None:
    assert verify(redirected(request(), relay_state="x" * 1024)).relay_state == "x" * 1024
    refused(redirected(request(), relay_state="x" * 1025), errors.TooLarge)


def test_an_unsigned_query_is_refused() -> None:
    refused(redirected(request()).partition("&SigAlg")[0], redirect_errors.RedirectUnsigned)
    refused(redirected(request()).partition("&Signature")[0], redirect_errors.RedirectUnsigned)


def test_a_missing_or_empty_sigalg_is_refused() -> None:
    query = redirected(request())
    sig_alg = re.search(r"&SigAlg=[^&]*", query)
    assert sig_alg
    refused(query.replace(sig_alg[0], ""), redirect_errors.SigAlgMissing)
    refused(query.replace(sig_alg[0], "&SigAlg="), redirect_errors.SigAlgMissing)


def test_an_empty_signature_is_refused() -> None:
    refused(redirected(request()).partition("&Signature=")[0] + "&Signature=", redirect_errors.RedirectSignatureEmpty)


@pytest.mark.parametrize("value", ["eA", "!!!!", "eA%3D%3D%3D"])
def test_a_signature_that_is_not_base64_is_refused(value: str) -> None:
    refused(redirected(request()).partition("&Signature=")[0] + f"&Signature={value}", errors.NotBase64)


def test_sha1_is_refused() -> None:
    refused(redirected(request(), Signing(algorithm=forge.RSA_SHA1)), errors.Sha1NotAllowed)


@pytest.mark.parametrize("algorithm", [forge.HMAC_SHA256, "none", "http://www.w3.org/2000/09/xmldsig#dsa-sha256"])
def test_foreign_algorithms_are_refused(algorithm: str) -> None:
    signing = Signing(algorithm=algorithm, hmac_key=forge.key().certificate_der)
    refused(redirected(request(), signing), errors.AlgorithmNotAllowed)


def test_a_signature_that_was_made_with_another_algorithm_than_said_is_refused() -> None:
    query = redirected(request())
    refused(query.replace("rsa-sha256", "rsa-sha512"), errors.SignatureInvalid)
    refused(query.replace("rsa-sha256", "ecdsa-sha256"), errors.SignatureInvalid)


def test_a_foreign_key_is_refused_and_so_is_no_key_at_all() -> None:
    refused(redirected(request(), Signing(key=forge.key("evil"))), errors.SignatureInvalid)
    with pytest.raises(errors.CertificateMissing):
        verify_redirect(read_redirect(redirected(request()).encode()), [])


def test_a_request_signed_as_such_is_no_response() -> None:
    refused(redirected(request()).replace("SAMLRequest=", "SAMLResponse="), errors.SignatureInvalid)


def test_an_ecdsa_signature_of_zeros_is_refused() -> None:
    key = forge.key("redirect", "p256")
    start = redirected(request(), Signing(key=key, algorithm=forge.ECDSA_SHA256)).partition("&Signature=")[0]
    zeros = escaped(base64.b64encode(bytes(64)))
    refused(f"{start}&Signature={zeros}", errors.SignatureInvalid, key)


def test_another_encoding_than_deflate_is_refused() -> None:
    deflated = escaped("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")
    assert verify(redirected(request()) + f"&SAMLEncoding={deflated}").kind == "SAMLRequest"
    refused(redirected(request()) + "&SAMLEncoding=gzip", redirect_errors.RedirectEncodingUnknown)


def test_a_deflate_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = deflate(bytes(20 * 1024 * 1024))
    assert len(bomb) < 24 * 1024
    with pytest.raises(errors.TooLarge):
        inflate(bomb)
    refused(redirected(bytes(20 * 1024 * 1024)), errors.TooLarge)


def test_a_message_of_exactly_the_limit_unpacks_and_one_more_byte_does_not() -> None:
    assert len(inflate(deflate(b"x" * 256 * 1024))) == 256 * 1024
    with pytest.raises(errors.TooLarge):
        inflate(deflate(b"x" * (256 * 1024 + 1)))


@pytest.mark.parametrize(
    "packed", [b"", b"\xff\xff", deflate(b"<a/>")[:-2], deflate(b"<a/>") + b"x", b"x\x9c" + deflate(b"<a/>")]
)
def test_what_does_not_unpack_whole_is_refused(packed: bytes) -> None:
    with pytest.raises(redirect_errors.DeflateInvalid):
        inflate(packed)


def test_a_query_beyond_its_limit_is_refused_unread() -> None:
    refused("SAMLRequest=" + "A" * 65_536, errors.TooLarge)


def test_nothing_of_an_unverified_query_is_unpacked() -> None:
    bomb = redirected(bytes(20 * 1024 * 1024), Signing(key=forge.key("evil")))
    refused(bomb, errors.SignatureInvalid)
