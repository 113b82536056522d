"""Whatever strangers send, the parsers of OpenID Connect give a value or one of their own errors."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.oidc.client_authentication import read_client, verify_assertion
from vestibule.oidc.errors import InvalidClient, OAuthError
from vestibule.oidc.pkce import is_challenge, require_verifier
from vestibule.oidc.redirect_uris import is_registered
from vestibule.oidc.requests import AuthorizationRequest, read_addressee, read_request, request_from_data

NAMES = [
    "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age", "login_hint",
    "code_challenge", "code_challenge_method", "resource", "request", "request_uri", "client_secret", "client_assertion",
    "client_assertion_type",
]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["code", "S256", "plain", "query", "form_post", "none", "login", "openid email", "60", "a" * 43]),
)
PARAMETERS = st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, max_size=2).map(tuple), max_size=18)
URIS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="htp:/127.0.0.1[]@?#%\\:8cb ", max_size=40).map(lambda rest: "http://127.0.0.1" + rest),
    st.text(alphabet="[]:1/@%", max_size=20).map(lambda rest: "http://[::1]" + rest),
)


def whole_request() -> st.SearchStrategy[dict[str, tuple[str, ...]]]:
    """Return requests that are nearly right, so that what lies behind the first checks is reached, too."""
    right = {
        "client_id": ("app_1",),
        "redirect_uri": ("https://app.example/",),
        "response_type": ("code",),
        "code_challenge": ("a" * 43,),
        "code_challenge_method": ("S256",),
    }
    return PARAMETERS.map(
        lambda parameters: {**parameters, **right} if len(parameters) % 2 else {**right, **parameters}
    )


@given(whole_request())
def test_a_request_is_read_whole_or_refused_and_comes_back_from_storage_the_same(
    parameters: dict[str, tuple[str, ...]],
) -> None:
    with suppress(OAuthError):
        request = read_request(parameters, read_addressee(parameters))
        assert isinstance(request, AuthorizationRequest)
        assert is_challenge(request.code_challenge)
        assert request_from_data(request.as_data()) == request


@given(PARAMETERS, st.one_of(st.text(max_size=80), st.binary(max_size=40).map(lambda raw: f"Basic {raw!r}")))
def test_a_client_is_read_or_refused(parameters: dict[str, tuple[str, ...]], authorization: str) -> None:
    with suppress(OAuthError):
        presented = read_client(parameters, authorization)
        assert presented.client_id
        assert bool(presented.secret) == (presented.method == "client_secret")


@given(URIS)
def test_no_address_but_the_registered_ones_or_their_loopback_counts(uri: str) -> None:
    registered = ("https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]/cb")
    if is_registered(registered, uri):
        parts = urlsplit(uri)
        assert uri in registered or (
            parts.hostname in {"127.0.0.1", "::1"} and parts.path == "/cb" and not parts.username
        )


@given(st.text(max_size=140))
def test_a_verifier_that_was_not_the_one_is_refused(verifier: str) -> None:
    with pytest.raises(OAuthError):
        require_verifier("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier)


def test_the_verifier_of_the_specification_belongs_to_its_challenge() -> None:
    """RFC 7636, appendix B."""
    require_verifier("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="eyJhbGciOiJub25lIn0.{}=-_", max_size=120)), st.text(max_size=60)
)
def test_an_assertion_that_nobody_signed_is_refused_whatever_the_registered_keys_are(assertion: str, jwks: str) -> None:
    for keys in (jwks, '{"keys": []}', '{"keys": [{}]}', '{"keys": [null]}', '{"keys": 1}', "[]"):
        with pytest.raises(InvalidClient):
            verify_assertion(assertion, keys, client_id="a", audiences=frozenset({"b"}), now=datetime.now(UTC))
