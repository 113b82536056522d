"""The APIs tab in the console: what an admin adds there is what tokens are for."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.support import apps
from tests.support.apps import RelyingApp
from tests.support.house import Client, Server
from vestibule.directory.apps import GrantType

TAB = "/admin/environments/dev/apis"
FILES = {"name": "Files", "identifier": "https://files.example/api", "scopes": "files:read files:write"}


def added(client: Client, **changes: str) -> str:
    client.get(f"{TAB}/new")
    response = client.post(f"{TAB}/new", {**FILES, **changes})
    assert response.status_code == 303, response.text
    return str(response.headers["location"])


def test_a_machine_gets_a_token_once_an_admin_added_the_api_and_named_the_machine(
    admin_client: Client, server: Server
) -> None:
    app = apps.make_app(server.house, "Nightly report")
    app = apps.change_app(server.house, app, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    machine = RelyingApp(server, app, apps.make_secret(server.house, app))
    wanted = {"grant_type": "client_credentials", "resource": FILES["identifier"]}
    page = added(admin_client)
    assert machine.token(**wanted).json()["error"] == "invalid_target"
    admin_client.get(page)
    admin_client.post(page, {**FILES, f"allowed_{app.id}": "files:read"})
    assert machine.token(**wanted).json()["scope"] == "files:read"
    admin_client.get(page)
    refused = admin_client.post(page, {**FILES, f"allowed_{app.id}": "files:delete"})
    assert refused.status_code == 422
    admin_client.post(page, {**FILES, "scopes": "files:write", f"allowed_{app.id}": ""})
    assert machine.token(**wanted).json()["error"] == "invalid_target"
    admin_client.get(f"{page}/delete")
    assert admin_client.post(f"{page}/delete").status_code == 303
    assert admin_client.get(page).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"identifier": "http://files.example"},
        {"identifier": "https://files.example/#x"},
        {"identifier": "https://user@files.example/"},
        {"identifier": "https://[::1"},
        {"identifier": "https://*.example"},
        {"identifier": "files"},
        {"scopes": ""},
        {"scopes": "openid"},
        {"scopes": 'files"read'},
        {"name": ""},
    ],
)
def test_an_api_that_no_token_could_name_is_not_added(admin_client: Client, changes: dict[str, str]) -> None:
    admin_client.get(f"{TAB}/new")
    assert admin_client.post(f"{TAB}/new", {**FILES, **changes}).status_code == 422


def test_an_identifier_is_one_apis_in_an_environment(admin_client: Client) -> None:
    added(admin_client)
    admin_client.get(f"{TAB}/new")
    assert admin_client.post(f"{TAB}/new", FILES).status_code == 422


def test_apps_register_themselves_with_a_token_that_is_shown_once_and_until_it_is_revoked(
    admin_client: Client, server: Server
) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        metadata = {"redirect_uris": ["https://app.example/cb"]}
        return httpx.post(f"{server.base_url}/e/dev/oauth2/register", json=metadata, headers=headers).status_code

    assert "no app registers itself here" in admin_client.get(TAB).text
    made = admin_client.post(f"{TAB}/registration").text
    token = re.search(r'id="registration-token"[^>]*value="([^"]+)"', made) or re.search(
        r'id="registration-token"[^>]*>([\w-]{43})<', made
    )
    assert token is not None, made
    assert status(token.group(1)) == 201
    listed = admin_client.get(TAB).text
    assert token.group(1) not in listed
    revoke = re.search(r'action="([^"]+/revoke)"', listed)
    assert revoke is not None
    admin_client.post(revoke.group(1))
    assert status(token.group(1)) == 401


def test_a_form_from_before_gives_an_app_nothing_back_that_another_admin_took_away(
    admin_client: Client, server: Server
) -> None:
    app = apps.make_app(server.house, "Nightly report")
    app = apps.change_app(server.house, app, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    machine = RelyingApp(server, app, apps.make_secret(server.house, app))
    wanted = {"grant_type": "client_credentials", "resource": FILES["identifier"]}
    page = added(admin_client)
    admin_client.get(page)
    admin_client.post(page, {**FILES, f"allowed_{app.id}": "files:read"})

    def began_with(text: str) -> dict[str, str]:
        found = re.search(r'name="began_with" value="([0-9a-f]{64})"', text)
        assert found is not None
        return {"began_with": found[1]}

    stale = {**FILES, **began_with(admin_client.get(page).text), "name": "Documents", f"allowed_{app.id}": "files:read"}
    assert admin_client.post(page, {**FILES, f"allowed_{app.id}": ""}).status_code == 303
    admin_client.get(page)
    # A mistake in it makes the form no fresher.
    assert "This API was changed since" in admin_client.post(page, {**stale, "name": ""}).text
    answer = admin_client.post(page, stale)
    assert answer.status_code == 422
    assert "This API was changed since you opened this page." in answer.text
    assert 'value="Documents"' in answer.text
    assert machine.token(**wanted).json()["error"] == "invalid_target"
    assert admin_client.post(page, {**stale, **began_with(answer.text)}).status_code == 303
    assert machine.token(**wanted).json()["scope"] == "files:read"
