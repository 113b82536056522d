"""Tokens of ours: signed by one key for one algorithm, and refused however else they come."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.oidc.jwt import (
    JwtKey,
    TokenRefused,
    load_private_key,
    load_public_key,
    new_private_key,
    public_jwk,
    sign,
    verify,
)

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ISSUER = "https://sso.example/e/dev"
KEYS = {alg: load_private_key(new_private_key(alg), f"key_{alg}", alg) for alg in ("RS256", "EdDSA")}
CLAIMS = {"iss": ISSUER, "aud": "app_1", "sub": "ada", "exp": int(NOW.timestamp()) + 60}


def public(key: JwtKey) -> JwtKey:
    return load_public_key(public_jwk(key), key.kid, key.alg)


def segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("alg", KEYS)
def test_what_was_signed_is_verified_with_the_public_half_alone(alg: str) -> None:
    token = sign(CLAIMS, KEYS[alg])
    found = verify(token, [public(KEYS[alg])], issuer=ISSUER, typ="JWT", now=NOW, audience="app_1")
    assert found.claims == CLAIMS


@pytest.mark.parametrize("alg", KEYS)
def test_another_library_reads_it_with_our_jwk(alg: str) -> None:
    claims = {**CLAIMS, "exp": int(time.time()) + 60}
    key = pyjwt.PyJWK(public_jwk(KEYS[alg]))
    assert pyjwt.decode(sign(claims, KEYS[alg]), key, algorithms=[alg], audience="app_1", issuer=ISSUER) == claims


@pytest.mark.parametrize("alg", KEYS)
def test_a_jwk_of_ours_has_nothing_private(alg: str) -> None:
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(public_jwk(KEYS[alg]))


@pytest.mark.parametrize(
    ("changed", "now"),
    [
        ({"iss": "https://sso.example/e/prod"}, NOW),
        ({"aud": "app_2"}, NOW),
        ({"aud": ["app_2", "app_3"]}, NOW),
        ({"aud": None}, NOW),
        ({"exp": None}, NOW),
        ({"exp": "9999999999"}, NOW),
        ({}, datetime.fromtimestamp(int(NOW.timestamp()) + 60, UTC)),
    ],
)
def test_a_token_for_somebody_else_or_of_the_past_is_refused(changed: dict[str, Any], now: datetime) -> None:
    token = sign({**CLAIMS, **changed}, KEYS["RS256"])
    with pytest.raises(TokenRefused):
        verify(token, [public(KEYS["RS256"])], issuer=ISSUER, typ="JWT", now=now, audience="app_1")


def test_one_second_before_its_end_it_still_counts() -> None:
    before = datetime.fromtimestamp(int(NOW.timestamp()) + 59, UTC)
    assert verify(sign(CLAIMS, KEYS["EdDSA"]), [KEYS["EdDSA"]], issuer=ISSUER, typ="JWT", now=before).claims == CLAIMS


def test_one_kind_of_token_does_not_pass_as_another() -> None:
    with pytest.raises(TokenRefused):
        verify(sign(CLAIMS, KEYS["RS256"], "at+jwt"), [KEYS["RS256"]], issuer=ISSUER, typ="JWT", now=NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "key_RS256", "typ": "JWT"},
        {"alg": "HS256", "kid": "key_RS256", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "key_RS256", "typ": "JWT"},
        {"alg": "RS256", "typ": "JWT"},
        {"alg": "RS256", "kid": "../../etc/passwd", "typ": "JWT"},
        {"alg": "RS256", "kid": "key_RS256' OR 1=1 --", "typ": "JWT"},
        {"alg": "RS256", "kid": ["key_RS256"], "typ": "JWT"},
        {"alg": "RS256", "kid": "key_EdDSA", "typ": "JWT"},
        {"alg": "RS256", "kid": "key_RS256", "typ": "JWT", "jku": "https://evil.example/jwks"},
        {"alg": "RS256", "kid": "key_RS256", "typ": "JWT", "jwk": {"kty": "RSA"}},
        {"alg": "RS256", "kid": "key_RS256", "typ": "JWT", "crit": ["exp"]},
        {"alg": "RS256", "kid": "key_RS256", "typ": "JWT", "b64": False, "crit": ["b64"]},
    ],
    ids=str,
)
def test_a_header_that_chooses_its_own_key_or_algorithm_is_refused(header: dict[str, Any]) -> None:
    payload, signature = sign(CLAIMS, KEYS["RS256"]).split(".")[1:]
    with pytest.raises(TokenRefused):
        verify(f"{segment(header)}.{payload}.{signature}", list(KEYS.values()), issuer=ISSUER, typ="JWT", now=NOW)


def test_a_public_key_as_an_hmac_secret_is_refused() -> None:
    pem = KEYS["RS256"].key.as_pem(private=False)
    header = segment({"alg": "HS256", "kid": "key_RS256", "typ": "JWT"})
    import hashlib  # noqa: PLC0415 - forging by hand is what this test does
    import hmac  # noqa: PLC0415 - as above

    signed = f"{header}.{segment(CLAIMS)}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    with pytest.raises(TokenRefused):
        verify(f"{signed}.{mac}", [KEYS["RS256"]], issuer=ISSUER, typ="JWT", now=NOW)


def test_a_changed_payload_is_refused() -> None:
    header, _, signature = sign(CLAIMS, KEYS["EdDSA"]).split(".")
    with pytest.raises(TokenRefused):
        verify(
            f"{header}.{segment({**CLAIMS, 'sub': 'eve'})}.{signature}",
            [KEYS["EdDSA"]],
            issuer=ISSUER,
            typ="JWT",
            now=NOW,
        )


@given(st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_anything_else_is_refused_and_never_more(token: str) -> None:
    with pytest.raises(TokenRefused):
        verify(token, list(KEYS.values()), issuer=ISSUER, typ="JWT", now=NOW)
