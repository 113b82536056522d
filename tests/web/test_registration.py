"""An MCP client, from the specifications: it finds out everything by itself, but for the token that lets it register."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.oidc.test_client_keys import rsa_jwk
from tests.support import apps, sign_ins
from tests.support.apps import CALLBACK, RelyingApp
from tests.support.house import Client, Server
from tests.web.test_machine_access import FILES, claims_in
from vestibule.directory.apps import AppKind, GrantType
from vestibule.directory.connections import Connection
from vestibule.directory.resource_apis import RegistrationToken
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import apps as storage
from vestibule.storage import resource_apis


@dataclass
class Scene:
    server: Server
    client: Client
    connection: Connection
    token: str

    def register(self, token: str | None = None, **metadata: Any) -> httpx.Response:
        body = {"client_name": "Notes", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", **metadata}
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.post(f"{self.server.base_url}/e/dev/oauth2/register", json=body, headers=headers)


@pytest.fixture
def scene(server: Server) -> Scene:
    house, token = server.house, new_token()
    house.clock.freeze()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    now, environment = house.clock(), house.environments["dev"]
    kept = RegistrationToken(
        id=new_id("registration_token", now),
        environment_id=environment.id,
        workspace_id=environment.workspace_id,
        hint=token[-4:],
        created_at=now,
        expires_at=now + timedelta(days=1),
        token_hash=token_hash(token),
    )
    with house.runtime.database.transaction() as tx:
        resource_apis.insert_registration_token(tx, kept)
    return Scene(server, server.client(), connection, token)


def test_an_mcp_client_goes_all_the_way_from_a_refusal_to_a_token_for_that_server_alone(scene: Scene) -> None:
    api = apps.make_api(scene.server.house, FILES)
    # RFC 9728, 5.1: what the MCP server's 401 names.
    challenge = (
        f'Bearer resource_metadata="{scene.server.base_url}/e/dev/.well-known/oauth-protected-resource/{api.id}"'
    )
    named = re.search(r'resource_metadata="([^"]+)"', challenge)
    assert named is not None
    resource = httpx.get(named.group(1)).json()
    issuer = resource["authorization_servers"][0]
    # RFC 8414, 3.1: before the path.
    host, path = issuer.split("/e/")
    server = httpx.get(f"{host}/.well-known/oauth-authorization-server/e/{path}").json()
    assert server["issuer"] == issuer
    assert "S256" in server["code_challenge_methods_supported"]
    headers = {"Authorization": f"Bearer {scene.token}"}
    metadata = {
        "client_name": "Notes for agents",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "logo_uri": "https://evil.example/logo.png",
        "software_statement": "e30.e30.",
    }
    registered = httpx.post(server["registration_endpoint"], json=metadata, headers=headers)
    assert registered.status_code == 201, registered.text
    assert "software_statement" not in registered.json()
    assert "logo_uri" not in registered.json()
    with scene.server.house.runtime.database.reading() as tx:
        app = storage.find_app(tx, scene.server.house.workspace.id, registered.json()["client_id"])
    assert app is not None
    assert app.third_party
    assert app.registered
    agent = RelyingApp(scene.server, app)
    sent = agent.authorize(scene.client, scope=" ".join(resource["scopes_supported"]), resource=resource["resource"])
    page = apps.signed_in_for(agent, scene.client, scene.connection, sent)
    assert "registered itself" in page.text
    scene.client.last_page = page.text
    fields = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("request", "person")}
    agreed = scene.client.post(agent.path("consent"), {**fields, "agree": "1"})
    tokens = agent.exchange(apps.answer_in(agreed).code, resource=resource["resource"]).json()
    claims = claims_in(tokens["access_token"])
    assert (claims["iss"], claims["aud"], claims["scope"]) == (issuer, FILES, "files:read files:write")
    assert agent.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["wrong", "x" * 5000])
def test_without_an_initial_access_token_nothing_registers(scene: Scene, token: str) -> None:
    assert httpx.post(f"{scene.server.base_url}/e/dev/oauth2/register", json={}).status_code == 401
    refused = scene.register(token)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_an_initial_access_token_ends_at_its_instant_and_counts_in_its_environment_only(scene: Scene) -> None:
    other = list(scene.server.house.environments)[1]
    headers = {"Authorization": f"Bearer {scene.token}"}
    elsewhere = httpx.post(f"{scene.server.base_url}/e/{other}/oauth2/register", json={}, headers=headers)
    assert elsewhere.status_code == 401
    assert scene.register().status_code == 201
    scene.server.house.clock.advance(days=1)
    assert scene.register().status_code == 401


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "https://app.example/callback#fragment",
        "https://*.example/callback",
        "https://app.example/*",
        "http://app.example/callback",
        "https://user@app.example/callback",
        "https://app.example\\@evil.example/",
        "https://app.example/a/../callback",
        "https://",
        "myapp:/callback",
        "//app.example/callback",
        "https://app.example/cal lback",
        "https://app.example/\n",
        "http://127.0.0.1.evil.example/",
        "https://[::1/",
        "",
    ],
)
def test_no_address_is_registered_that_a_browser_could_read_otherwise(scene: Scene, uri: str) -> None:
    assert scene.register(redirect_uris=[CALLBACK, uri]).json()["error"] == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/cb", "http://localhost:8123/cb", "http://[::1]/", "com.example.app:/cb"]
)
def test_addresses_of_native_apps_are_registered(scene: Scene, uri: str) -> None:
    assert scene.register(redirect_uris=[uri]).status_code == 201


@pytest.mark.parametrize(
    "metadata",
    [
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", str(GrantType.TOKEN_EXCHANGE)]},
        {"grant_types": ["password"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://169.254.169.254/"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"client_name": "x" * 81},
        {"client_name": "Grafana\u202e"},
        {"client_name": 7},
    ],
)
def test_what_nobody_may_give_themselves_is_refused(scene: Scene, metadata: dict[str, Any]) -> None:
    refused = scene.register(**metadata)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


def test_weak_and_heavy_keys_are_refused_with_the_reason_and_a_strong_one_is_taken(scene: Scene) -> None:
    for jwk, reason in (
        (rsa_jwk(1_024), "2048 to 4096 bits"),
        (rsa_jwk(16_384), "2048 to 4096 bits"),
        ({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}, "P-256, P-384 or P-521"),
    ):
        refused = scene.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [jwk]})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
        assert reason in refused.json()["error_description"]
    taken = scene.register(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [rsa_jwk(2_048)]})
    assert taken.status_code == 201


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 30_000, b"\xff", b'"x"'])
def test_a_body_that_is_no_metadata_is_refused(scene: Scene, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {scene.token}", "Content-Type": "application/json"}
    refused = httpx.post(f"{scene.server.base_url}/e/dev/oauth2/register", content=body, headers=headers)
    assert refused.json()["error"] == "invalid_client_metadata"


def test_a_body_without_end_is_cut_off(scene: Scene) -> None:
    refused = httpx.post(f"{scene.server.base_url}/e/dev/oauth2/register", content=b" " * 40_000)
    assert refused.status_code == 413


def test_nobody_takes_the_name_of_an_app_that_an_admin_added(scene: Scene) -> None:
    apps.make_app(scene.server.house, "Grafana", kind=AppKind.LINK, oidc=None)
    assert scene.register(client_name="gRAFANA").json()["error"] == "invalid_client_metadata"
    first, second = scene.register(client_name="Notes"), scene.register(client_name="Notes")
    assert first.json()["client_name"] == "Notes"
    assert second.json()["client_name"].startswith("Notes ")


def test_a_confidential_app_gets_its_secret_once_and_it_works(scene: Scene) -> None:
    given = scene.register(token_endpoint_auth_method="client_secret_basic").json()
    pushed = httpx.post(
        f"{scene.server.base_url}/e/dev/oauth2/revoke",
        data={"token": "x"},
        auth=(given["client_id"], given["client_secret"]),
    )
    assert pushed.status_code == 200
