"""Tokens for APIs: a machine on its own account, and an app for a person, each for one API and what is allowed there."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import httpx
import jwt as pyjwt
import pytest

from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import Server
from vestibule.directory.apps import ClientAuthentication, GrantType

FILES, MAIL = "https://files.example/api", "https://mail.example"


def claims_in(token: str) -> dict[str, Any]:
    """Return what a token says; that its signature holds is shown in test_oidc."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


@pytest.fixture
def machine(server: Server) -> RelyingApp:
    server.house.clock.freeze()
    app = apps.make_app(server.house, "Nightly report")
    app = apps.change_app(server.house, app, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    return RelyingApp(server, app, apps.make_secret(server.house, app))


@pytest.fixture
def app(server: Server) -> RelyingApp:
    server.house.clock.freeze()
    made = apps.make_app(server.house)
    return RelyingApp(server, made, apps.make_secret(server.house, made))


def machine_asks(machine: RelyingApp, **changes: Any) -> httpx.Response:
    return machine.token(**{"grant_type": "client_credentials", "resource": FILES, **changes})


def test_a_machine_gets_what_an_admin_allowed_it_at_an_api_and_no_more(machine: RelyingApp) -> None:
    api = apps.make_api(machine.server.house, FILES)
    assert machine_asks(machine).json()["error"] == "invalid_target", "an open API is open to people's apps"
    apps.allow_api(machine.server.house, machine.app, api, "files:read")
    given = machine_asks(machine)
    assert given.status_code == 200, given.text
    assert set(given.json()) == {"access_token", "token_type", "expires_in", "scope"}
    claims = claims_in(given.json()["access_token"])
    assert claims["sub"] == claims["client_id"] == machine.app.id
    assert (claims["aud"], claims["scope"]) == (FILES, "files:read")
    assert machine_asks(machine, scope="files:read files:write").json()["error"] == "invalid_scope"
    assert machine_asks(machine, scope="openid").json()["error"] == "invalid_scope"
    told = machine.post("introspect", token=given.json()["access_token"]).json()
    assert told["active"] is True
    assert "username" not in told
    assert machine.user_info(given.json()["access_token"]).status_code == 401


@pytest.mark.parametrize(
    "resource",
    [None, [FILES, MAIL], "https://elsewhere.example", f"{FILES}/", f"{FILES}#x", "https://FILES.example/api"],
)
def test_a_token_is_for_one_known_api_named_exactly(machine: RelyingApp, resource: Any) -> None:
    for identifier in (FILES, MAIL):
        api = apps.make_api(machine.server.house, identifier)
        apps.allow_api(machine.server.house, machine.app, api, "files:read")
    assert machine_asks(machine, resource=resource).json()["error"] == "invalid_target"


def test_a_machine_that_revokes_its_token_is_not_told_that_it_was(machine: RelyingApp) -> None:
    """It can't be: nothing is kept of it. RFC 7009, 2.2.1 has a word for that."""
    apps.allow_api(machine.server.house, machine.app, apps.make_api(machine.server.house, FILES), "files:read")
    token = machine.token(grant_type="client_credentials", resource=FILES).json()["access_token"]
    refused = machine.post("revoke", token=token)
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")
    assert machine.post("introspect", token=token).json()["active"] is True
    other = apps.make_app(machine.server.house, "Another")
    another = RelyingApp(machine.server, other, apps.make_secret(machine.server.house, other))
    assert another.post("revoke", token=token).status_code == 200


def test_an_api_of_another_environment_is_not_here(machine: RelyingApp) -> None:
    apps.make_api(machine.server.house, FILES, key=list(machine.server.house.environments)[1])
    assert machine_asks(machine).json()["error"] == "invalid_target"


def test_a_public_client_and_one_that_may_not_get_no_token_of_their_own(machine: RelyingApp) -> None:
    house = machine.server.house
    apps.allow_api(house, machine.app, apps.make_api(house, FILES), "files:read")
    apps.change_app(house, machine.app, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    assert machine_asks(machine).json()["error"] == "unauthorized_client"
    apps.change_app(house, machine.app, authentication=ClientAuthentication.NONE)
    public = RelyingApp(machine.server, machine.app)
    assert machine_asks(public).json()["error"] == "unauthorized_client"
    apps.change_app(house, machine.app, disabled=True)
    assert machine_asks(machine).json()["error"] == "invalid_client"


def test_an_app_gets_tokens_for_each_api_that_the_person_granted_one_at_a_time(app: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    apps.make_api(house, FILES), apps.make_api(house, MAIL, "mail:send")
    asked: dict[str, Any] = {"scope": "openid email files:read mail:send made:up", "resource": [FILES, MAIL]}
    code = apps.through_saml(app, client, connection, **asked).code
    assert app.exchange(code).json()["error"] == "invalid_target", "which of the two is not guessed"
    code = apps.answer_in(app.authorize(client, **asked)).code
    given = app.exchange(code, resource=FILES).json()
    claims = claims_in(given["access_token"])
    assert (claims["aud"], claims["scope"]) == (FILES, "files:read")
    assert claims["email"] == "grace@example.com"
    assert app.user_info(given["access_token"]).status_code == 401, "what an API holds opens nothing here"
    mail = app.refresh(given["refresh_token"], resource=MAIL).json()
    assert claims_in(mail["access_token"])["scope"] == "mail:send"
    elsewhere = app.refresh(mail["refresh_token"], resource="https://elsewhere.example")
    assert elsewhere.json()["error"] == "invalid_target"
    assert app.refresh(mail["refresh_token"], resource=FILES).status_code == 200, "a mistake does not use it up"


def test_an_access_token_for_ourselves_is_signed_with_eddsa_and_one_for_an_api_as_agreed(app: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    apps.make_api(house, FILES)
    ours = app.tokens(client, connection)
    asked: dict[str, Any] = {"scope": "openid files:read", "resource": FILES}
    for_an_api = app.exchange(apps.answer_in(app.authorize(client, **asked)).code).json()
    assert algorithm_of(ours["access_token"]) == "EdDSA"
    assert algorithm_of(ours["id_token"]) == "RS256", "as the app agreed"
    assert algorithm_of(for_an_api["access_token"]) == "RS256"
    assert app.user_info(ours["access_token"]).status_code == 200
    assert app.post("introspect", token=ours["access_token"]).json()["active"] is True


def algorithm_of(token: str) -> str:
    return str(pyjwt.get_unverified_header(token)["alg"])


def test_an_api_knows_a_person_by_one_name_whichever_app_calls(app: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    apps.make_api(house, FILES), apps.make_api(house, MAIL, "mail:send")
    other_app = apps.make_app(house, "Other")
    other = RelyingApp(app.server, other_app, apps.make_secret(house, other_app))
    first = app.tokens(client, connection, scope="files:read", resource=FILES)

    def subject(by: RelyingApp, resource: str) -> str:
        code = apps.answer_in(by.authorize(client, scope="files:read mail:send", resource=resource)).code
        return str(claims_in(by.exchange(code).json()["access_token"])["sub"])

    assert claims_in(first["access_token"])["sub"] == subject(other, FILES)
    assert subject(other, FILES) != subject(other, MAIL)


def test_an_api_that_is_not_open_is_for_the_apps_that_it_names(app: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    api = apps.make_api(house, FILES, open=False)
    asked = {"scope": "files:read files:write", "resource": FILES}
    assert apps.answer_in(app.authorize(client, **asked)).parameters["error"] == "invalid_target"
    apps.allow_api(house, app.app, api, "files:read")
    assert app.tokens(client, connection, **asked)["scope"] == "files:read"


def test_the_api_itself_may_introspect_what_it_is_sent_and_no_other_app(app: RelyingApp, machine: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    backend_app = apps.make_app(house, "Files backend")
    backend = RelyingApp(app.server, backend_app, apps.make_secret(house, backend_app))
    apps.make_api(house, FILES, app_id=backend_app.id)
    token = app.tokens(client, connection, scope="files:read", resource=FILES)["access_token"]
    told = backend.post("introspect", token=token).json()
    assert (told["active"], told["scope"]) == (True, "files:read")
    assert machine.post("introspect", token=token).json() == {"active": False}
    client.get("/e/dev/sign-out")
    client.post("/e/dev/sign-out")
    assert backend.post("introspect", token=token).json() == {"active": False}


def test_introspection_knows_at_once_what_an_admin_took_away_from_an_app_at_an_api(
    app: RelyingApp, machine: RelyingApp
) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    backend_app = apps.make_app(house, "Files backend")
    backend = RelyingApp(app.server, backend_app, apps.make_secret(house, backend_app))
    api = apps.make_api(house, FILES, app_id=backend_app.id, open=False)
    both = "files:read files:write"
    for by in (app, machine):
        apps.allow_api(house, by.app, api, both)
    persons = app.tokens(client, connection, scope=f"openid {both}", resource=FILES)["access_token"]
    for by, token in ((app, persons), (machine, machine_asks(machine).json()["access_token"])):
        assert backend.post("introspect", token=token).json()["scope"] == both
        apps.allow_api(house, by.app, api, "files:read")
        assert backend.post("introspect", token=token).json()["scope"] == "files:read"
        apps.allow_api(house, by.app, api, "")
        assert backend.post("introspect", token=token).json() == {"active": False}
        assert by.post("introspect", token=token).json() == {"active": False}


def test_a_machine_that_may_not_call_any_more_has_no_token_that_introspection_believes(machine: RelyingApp) -> None:
    house = machine.server.house
    api = apps.make_api(house, FILES)
    apps.allow_api(house, machine.app, api, "files:read")
    token = machine_asks(machine).json()["access_token"]
    assert machine.post("introspect", token=token).json()["active"] is True
    apps.change_app(house, machine.app, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    assert machine.post("introspect", token=token).json() == {"active": False}


def test_agreeing_to_a_scope_at_one_api_is_not_agreeing_to_it_at_another(app: RelyingApp) -> None:
    house, client = app.server.house, app.server.client()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    apps.make_api(house, FILES), apps.make_api(house, MAIL)
    apps.change_app(house, app.app, third_party=True)
    sent = app.authorize(client, scope="files:read", resource=FILES)
    page = apps.signed_in_for(app, client, connection, sent)
    assert FILES in page.text
    client.last_page = page.text
    fields = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("request", "person")}
    agreed = client.post(app.path("consent"), {**fields, "agree": "1"})
    assert "code" in apps.answer_in(agreed).parameters
    assert "code" in apps.answer_in(app.authorize(client, scope="files:read", resource=FILES)).parameters
    assert "Allow Grafana?" in app.authorize(client, scope="files:read", resource=MAIL).text


def test_an_api_has_metadata_that_says_whose_tokens_it_takes(app: RelyingApp) -> None:
    api = apps.make_api(app.server.house, FILES)
    address = f"{app.issuer}/.well-known/oauth-protected-resource"
    found = httpx.get(f"{address}/{api.id}")
    assert found.json()["resource"] == FILES
    assert found.json()["authorization_servers"] == [app.issuer]
    assert found.headers["access-control-allow-origin"] == "*"
    for wrong in ("api_x", app.app.id, "%00"):
        assert httpx.get(f"{address}/{wrong}").status_code == 404
    elsewhere = f"{app.server.base_url}/e/{list(app.server.house.environments)[1]}/.well-known/oauth-protected-resource/{api.id}"
    assert httpx.get(elsewhere).status_code == 404
