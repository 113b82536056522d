"""Authlib as the relying party: its own client and its own verification, for a person who comes through SAML."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support import apps
from tests.support.apps import CALLBACK
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from vestibule.directory.apps import SigningAlgorithm


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def metadata_of(scene: Scene) -> OpenIDProviderMetadata:
    """Discover the provider, and let Authlib judge what it says of itself."""
    found = OpenIDProviderMetadata(httpx.get(f"{scene.app.issuer}/.well-known/openid-configuration").json())
    # It insists on https, which a server on loopback has not.
    found = OpenIDProviderMetadata({name: secured(value) for name, value in found.items()})
    found.validate()
    return found


def secured(value: Any) -> Any:
    return value.replace("http://127.0.0.1", "https://127.0.0.1") if isinstance(value, str) else value


def client_of(scene: Scene, **options: Any) -> OAuth2Client:
    return OAuth2Client(
        client_id=scene.app.app.id,
        client_secret=scene.app.secret,
        redirect_uri=CALLBACK,
        scope="openid profile email groups offline_access",
        code_challenge_method="S256",
        **options,
    )


def come_through(scene: Scene, client: OAuth2Client) -> dict[str, Any]:
    """Let Authlib make the request, take the person through SAML, and let it read what comes back."""
    url, state = client.create_authorization_url(
        scene.server.base_url + scene.app.path("authorize"), code_verifier=scene.app.verifier, nonce=scene.app.nonce
    )
    sent = scene.client.get(url.removeprefix(scene.server.base_url))
    answered = apps.answer_in(apps.signed_in_for(scene.app, scene.client, scene.connection, sent))
    back = httpx.URL(answered.address, params=answered.parameters)
    found: dict[str, Any] = client.fetch_token(
        scene.server.base_url + scene.app.path("token"),
        authorization_response=str(back),
        state=state,
        code_verifier=scene.app.verifier,
    )
    return found


# RFC 9864 renames EdDSA to Ed25519, which apps of today don't know.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(
    ("method", "alg"),
    [("client_secret_basic", SigningAlgorithm.RS256), ("client_secret_post", SigningAlgorithm.EDDSA)],
)
def test_authlib_signs_somebody_in_verifies_the_token_refreshes_and_revokes(
    scene: Scene, method: str, alg: SigningAlgorithm
) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, id_token_alg=alg)
    assert alg in metadata_of(scene)["id_token_signing_alg_values_supported"]
    with client_of(scene, token_endpoint_auth_method=method) as client:
        tokens = come_through(scene, client)
        claims = verified(scene, tokens, alg)
        assert claims["email"] == "grace@example.com"
        info = client.get(scene.server.base_url + scene.app.path("userinfo"))
        assert info.json()["sub"] == claims["sub"]
        token_url = scene.server.base_url + scene.app.path("token")
        refreshed = client.refresh_token(token_url, refresh_token=tokens["refresh_token"])
        assert refreshed["refresh_token"] != tokens["refresh_token"]
        told = client.introspect_token(scene.server.base_url + scene.app.path("introspect"), refreshed["access_token"])
        assert told.json()["active"] is True
        client.revoke_token(scene.server.base_url + scene.app.path("revoke"), refreshed["refresh_token"])
        told = client.introspect_token(scene.server.base_url + scene.app.path("introspect"), refreshed["access_token"])
        assert told.json() == {"active": False}


def verified(scene: Scene, tokens: dict[str, Any], alg: SigningAlgorithm) -> CodeIDToken:
    """Verify an ID token as Authlib's own integrations do."""
    keys = KeySet.import_key_set(httpx.get(f"{scene.app.issuer}/jwks.json").json())
    read = jwt.decode(tokens["id_token"], keys, algorithms=[alg.value])
    claims = CodeIDToken(
        read.claims,
        read.header,
        {"iss": {"essential": True, "value": scene.app.issuer}, "aud": {"essential": True, "value": scene.app.app.id}},
        {"nonce": scene.app.nonce, "client_id": scene.app.app.id, "access_token": tokens["access_token"]},
    )
    claims.validate(now=int(time.time()), leeway=120)
    return claims
