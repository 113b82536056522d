"""The keys that an app may prove itself with: strong ones, few, public; each refusal has its reason, and no value is an error of ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from vestibule.oidc.client_authentication import verify_assertion
from vestibule.oidc.client_keys import (
    MAX_JWKS_CHARACTERS,
    MAX_KEYS,
    KeyKindRefused,
    KeySetMalformed,
    KeySetTooLarge,
    KeySizeRefused,
    KeyUseRefused,
    PrivateKeyRefused,
    algorithms_of,
    read_client_keys,
    read_typed_keys,
)
from vestibule.oidc.errors import InvalidClient, InvalidClientMetadata
from vestibule.oidc.jwt import only

JWK = dict[str, Any]


def rsa_jwk(bits: int, exponent: int = 65_537) -> JWK:
    """Return a public key of that many bits. What is looked at is its size: nobody has its factors."""
    return {"kty": "RSA", "n": number((1 << (bits - 1)) | 1), "e": number(exponent), "kid": f"rsa{bits}"}


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


def ec_jwk(curve: ec.EllipticCurve) -> JWK:
    found: JWK = pyjwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(curve).public_key(), as_dict=True)
    return found


def okp_jwk(key: Any) -> JWK:
    raw = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": type(key).__name__.removesuffix("PrivateKey"), "x": raw}


ED: Final[JWK] = okp_jwk(ed25519.Ed25519PrivateKey.generate()) | {"crv": "Ed25519"}
TAKEN: Final[Mapping[str, tuple[JWK, set[str]]]] = {
    "RSA 2048": (rsa_jwk(2_048), {"RS256", "PS256"}),
    "RSA 4096": (rsa_jwk(4_096), {"RS256", "PS256"}),
    "RSA with the exponent 3": (rsa_jwk(2_048, 3), {"RS256", "PS256"}),
    "P-256": (ec_jwk(ec.SECP256R1()), {"ES256"}),
    "P-384": (ec_jwk(ec.SECP384R1()), {"ES384"}),
    "P-521": (ec_jwk(ec.SECP521R1()), {"ES512"}),
    "Ed25519": (ED, {"EdDSA", "Ed25519"}),
    "Ed25519 by the name of RFC 9864": ({**ED, "alg": "Ed25519"}, {"Ed25519"}),
    "RSA for one algorithm": ({**rsa_jwk(2_048), "alg": "PS256"}, {"PS256"}),
    "a key for signatures": ({**ec_jwk(ec.SECP256R1()), "use": "sig", "alg": "ES256"}, {"ES256"}),
    "a key that verifies": ({**ED, "key_ops": ["verify"]}, {"EdDSA", "Ed25519"}),
}
RSA: Final = TAKEN["RSA 2048"][0]
P256: Final = TAKEN["P-256"][0]
REFUSED: Final[Mapping[str, tuple[object, type[InvalidClientMetadata]]]] = {
    "nothing": (None, KeySetMalformed),
    "a list": ([P256], KeySetMalformed),
    "keys that are no list": ({"keys": P256}, KeySetMalformed),
    "no key": ({"keys": []}, KeySetTooLarge),
    "more keys than anybody has": ({"keys": [P256] * (MAX_KEYS + 1)}, KeySetTooLarge),
    "a key with a load": ({"keys": [{**P256, "x5u": "x" * MAX_JWKS_CHARACTERS}]}, KeySetTooLarge),
    "a key that is no object": ({"keys": [7]}, KeySetMalformed),
    "a private key": ({"keys": [P256, {**ED, "d": ED["x"]}]}, PrivateKeyRefused),
    "a symmetric key": ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, PrivateKeyRefused),
    "RSA 1024": ({"keys": [rsa_jwk(1_024)]}, KeySizeRefused),
    "RSA 2047": ({"keys": [rsa_jwk(2_047)]}, KeySizeRefused),
    "RSA 4097": ({"keys": [rsa_jwk(4_097)]}, KeySizeRefused),
    "RSA 65536": ({"keys": [rsa_jwk(65_536)]}, KeySizeRefused),
    "an exponent that takes long": ({"keys": [rsa_jwk(2_048, (1 << 2_047) | 1)]}, KeySizeRefused),
    "an exponent that verifies anything": ({"keys": [rsa_jwk(2_048, 1)]}, KeySizeRefused),
    "an even exponent": ({"keys": [rsa_jwk(2_048, 65_536)]}, KeySetMalformed),
    "RSA without a modulus": ({"keys": [{"kty": "RSA", "e": "AQAB"}]}, KeySetMalformed),
    "a modulus that is no base64": ({"keys": [{"kty": "RSA", "n": "ä", "e": "AQAB"}]}, KeySetMalformed),
    "a modulus with what some decoders pass over": ({"keys": [{**RSA, "n": RSA["n"] + "\n"}]}, KeySetMalformed),
    "a modulus that ends too early": ({"keys": [{**RSA, "n": RSA["n"] + "AAA"}]}, KeySetMalformed),
    "P-192": ({"keys": [{**P256, "crv": "P-192"}]}, KeyKindRefused),
    "secp256k1": ({"keys": [{**P256, "crv": "secp256k1"}]}, KeyKindRefused),
    "X25519": ({"keys": [okp_jwk(x25519.X25519PrivateKey.generate())]}, KeyKindRefused),
    "Ed448": ({"keys": [okp_jwk(ed448.Ed448PrivateKey.generate())]}, KeyKindRefused),
    "a kind that nobody knows": ({"keys": [{"kty": "AKP"}]}, KeyKindRefused),
    "a kind that nobody knows, with a secret": ({"keys": [P256, {"kty": "AKP", "priv": "AA"}]}, PrivateKeyRefused),
    "a key for encryption": ({"keys": [{**RSA, "use": "enc"}]}, KeyUseRefused),
    "a key for a use that nobody knows": ({"keys": [{**RSA, "use": "tls"}]}, KeyUseRefused),
    "a use that is no text": ({"keys": [{**RSA, "use": ["sig"]}]}, KeyUseRefused),
    "a key that wraps others": ({"keys": [{**RSA, "key_ops": ["wrapKey"]}]}, KeyUseRefused),
    "operations that are no list": ({"keys": [{**RSA, "key_ops": "verify"}]}, KeyUseRefused),
    "a key for an algorithm of encryption": ({"keys": [{**RSA, "alg": "RSA-OAEP"}]}, KeyUseRefused),
    "a key for an algorithm of another curve": ({"keys": [{**P256, "alg": "ES384"}]}, KeyUseRefused),
    "an algorithm that is no text": ({"keys": [{**P256, "alg": ["ES256"]}]}, KeyUseRefused),
    "keys of two unknown kinds and one for encryption": (
        {"keys": [{"kty": "AKP"}, {**P256, "crv": "P-192"}, {**RSA, "use": "enc"}]},
        KeyUseRefused,
    ),
    "a use and operations that contradict each other": (
        {"keys": [{**RSA, "use": "sig", "key_ops": ["verify", "wrapKey"]}]},
        KeySetMalformed,
    ),
    "a good key beside a weak one": ({"keys": [P256, rsa_jwk(1_024)]}, KeySizeRefused),
    "a point that is not on its curve": ({"keys": [{**P256, "x": P256["y"], "y": P256["x"]}]}, KeySetMalformed),
    "a curve with another's point": ({"keys": [{**P256, "crv": "P-384"}]}, KeySetMalformed),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_strong_public_key_is_taken_with_the_algorithms_of_its_kind(name: str) -> None:
    key, algorithms = TAKEN[name]
    assert json.loads(read_client_keys({"keys": [key]})) == {"keys": [key]}
    assert algorithms_of(key) == algorithms


BESIDE: Final[Mapping[str, JWK]] = {
    "a kind that nobody knows": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    "no kind": {"kid": "nothing"},
    "a kind that is no text": {"kty": ["RSA"]},
    "a name that is no text": {"kty": "AKP", "kid": ["x"]},
    "a curve that nobody knows": {**P256, "crv": "P-999"},
    "X25519": okp_jwk(x25519.X25519PrivateKey.generate()),
    "a key for encryption": {**RSA, "use": "enc", "alg": "RSA-OAEP-256"},
    "a weak key for encryption": {**rsa_jwk(1_024), "use": "enc"},
    "a key for another algorithm": {**RSA, "alg": "RS512"},
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_key_that_verifies_nothing_is_passed_over_beside_one_that_does(name: str) -> None:
    """RFC 7517, 5: an app publishes keys of kinds to come, and those for encryption, in the same set."""
    keys = {"keys": [BESIDE[name], P256]}
    assert json.loads(read_client_keys(keys)) == keys
    assert algorithms_of(BESIDE[name]) == frozenset()


@pytest.mark.parametrize("name", BESIDE)
def test_an_app_proves_itself_by_the_key_of_use_whatever_stands_beside_it(name: str) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    mine: JWK = pyjwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwks = read_client_keys({"keys": [BESIDE[name], {**mine, "kid": "mine"}]})
    claims = {"iss": "app", "sub": "app", "aud": "us", "jti": "1", "exp": int(now.timestamp()) + 60}
    assertion = pyjwt.encode(claims, key, algorithm="ES256", headers={"kid": "mine"})
    proved = verify_assertion(assertion, jwks, client_id="app", audiences=frozenset({"us"}), now=now)
    assert proved[0] == "1"


@pytest.mark.parametrize("named", [{}, {"alg": "EdDSA"}, {"alg": "Ed25519"}])
@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_an_ed25519_key_verifies_by_both_of_its_algorithms_names_and_by_none_that_it_excludes(
    algorithm: str, named: JWK
) -> None:
    key, now = OKPKey.generate_key("Ed25519"), datetime.now(UTC)
    jwks = read_client_keys({"keys": [{**key.as_dict(private=False), **named}]})
    claims = {"iss": "app", "sub": "app", "aud": "us", "jti": "1", "exp": int(now.timestamp()) + 60}
    assertion = jws.serialize_compact({"alg": algorithm}, json.dumps(claims), key, registry=only(algorithm))
    if named.get("alg") in (None, algorithm):
        proved = verify_assertion(assertion, jwks, client_id="app", audiences=frozenset({"us"}), now=now)
        assert proved[0] == "1"
        return
    with pytest.raises(InvalidClient):
        verify_assertion(assertion, jwks, client_id="app", audiences=frozenset({"us"}), now=now)


@pytest.mark.parametrize("name", REFUSED)
def test_a_set_that_is_weak_heavy_or_secret_is_refused_for_its_reason(name: str) -> None:
    untrusted, reason = REFUSED[name]
    with pytest.raises(InvalidClientMetadata) as typed:
        read_typed_keys(json.dumps(untrusted))
    assert type(typed.value) is reason
    with pytest.raises(InvalidClientMetadata) as sent:
        read_client_keys(untrusted)
    assert type(sent.value) is reason
    for refused in (typed, sent):
        assert refused.value.body() == {"error": "invalid_client_metadata", "error_description": reason.public}


def test_each_reason_is_a_sentence_of_its_own_in_ascii() -> None:
    """RFC 6749, 5.2 allows nothing else in an error_description."""
    reasons = {reason for _, reason in REFUSED.values()}
    assert len({one.public for one in reasons}) == len({one.code for one in reasons}) == len(reasons)
    assert all(one.public.isascii() and not {'"', "\\"} & set(one.public) for one in reasons)


def test_a_key_that_is_nested_too_deeply_to_keep_is_refused_however_deep() -> None:
    for depth in (*range(300, 1_100, 10), *range(950, 1_010), 5_000):
        nested: Any = {}
        for _ in range(depth):
            nested = [nested]
        with suppress(KeySetMalformed):
            assert read_client_keys({"keys": [P256, {"kty": "AKP", "load": nested}]})


@pytest.mark.parametrize("typed", ["", "{", "[" * 10_000, "7", " " * (MAX_JWKS_CHARACTERS + 1), '{"keys": NaN}'])
def test_what_was_typed_and_is_no_set_is_refused(typed: str) -> None:
    with pytest.raises(InvalidClientMetadata):
        read_typed_keys(typed)


_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_MEMBERS: Final = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "x5c", "oth"])
_WORDS: Final = st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", P256["x"], P256["y"], ED["x"]])


@given(st.lists(st.dictionaries(_MEMBERS, _WORDS | _VALUES, max_size=8) | _VALUES, max_size=3))
def test_any_value_is_taken_or_refused(keys: list[Any]) -> None:
    with suppress(InvalidClientMetadata):
        assert json.loads(read_client_keys({"keys": keys}))["keys"] == keys
        assert any(algorithms_of(key) for key in keys)


def test_a_generated_key_of_another_library_is_taken() -> None:
    public = rsa.generate_private_key(public_exponent=65_537, key_size=2_048).public_key()
    assert read_client_keys({"keys": [pyjwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)]})
