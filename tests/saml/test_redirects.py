"""Signed queries of the HTTP-Redirect binding: what counts. Hostile ones are in hostile/redirects.py."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.saml import forge
from tests.saml.forge import Signing
from tests.saml.forge_logout import deflate, escaped, redirected, request, response
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


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_an_ecdsa_signature_counts_as_der_as_java_and_node_give_it_and_side_by_side(kind: str) -> None:
    key = forge.key("redirect", kind)
    signing = Signing(key=key, algorithm=forge.ECDSA_SHA256)
    side_by_side = redirected(request(), signing, relay_state="state")
    octets = side_by_side.partition("&Signature=")[0]
    assert isinstance(key.private_key, ec.EllipticCurvePrivateKey)
    der = key.private_key.sign(octets.encode(), ec.ECDSA(hashes.SHA256()))
    for query in (side_by_side, f"{octets}&Signature={escaped(base64.b64encode(der))}"):
        assert verify(query, forge.key("old"), key).relay_state == "state"
    changed = octets.replace("RelayState=state", "RelayState=other")
    refused(f"{changed}&Signature={escaped(base64.b64encode(der))}", errors.SignatureInvalid, key)


def test_lower_case_escapes_count_as_they_were_signed() -> None:
    query = redirected(request(), relay_state="/e/a?b", lower=True)
    assert "%2f" in query
    assert verify(query).relay_state == "/e/a?b"


def test_parameters_may_arrive_in_any_order_for_the_signature_has_its_own() -> None:
    parts = redirected(request(), relay_state="state").split("&")
    assert verify("&".join(reversed(parts))).relay_state == "state"


def test_a_relay_state_may_have_1024_bytes_and_no_more() -> None:
    assert verify(redirected(request(), relay_state="x" * 1024)).relay_state == "x" * 1024
    refused(redirected(request(), relay_state="x" * 1025), errors.TooLarge)


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
