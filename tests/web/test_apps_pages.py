"""The Apps pages of the console over HTTP, and the tiles on the launch page."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.oidc.test_client_keys import rsa_jwk
from tests.support import apps as apps_support
from tests.support import sign_ins
from tests.support.apps import CALLBACK, RelyingApp, make_app, make_secret
from tests.support.house import Client, Server
from tests.support.people import add_person, group_of
from vestibule.directory.apps import App, AppKind
from vestibule.flows import apps


def set_up(client: Client, **fields: object) -> httpx.Response:
    client.get("/admin/apps/new?environment=dev&kind=oidc")
    form = {"environment": "dev", "kind": "oidc", "name": "Grafana", "redirect_uris": CALLBACK, "who": "everyone"}
    return client.post("/admin/apps/new", {**form, **fields})


def only_app(server: Server) -> App:
    (found,) = apps.list_apps(server.house.runtime, server.house.owner, "dev").apps
    return found


def test_a_new_app_shows_its_secret_once_and_it_works(server: Server, admin_client: Client) -> None:
    page = set_up(admin_client)
    assert page.status_code == 200, page.text
    secret = re.search(r'id="client-secret">([^<]+)<', page.text)
    assert secret is not None
    app = only_app(server)
    assert secret.group(1) not in admin_client.get(f"/admin/apps/{app.id}").text
    relying = RelyingApp(server, app, secret.group(1))
    answered = relying.token(grant_type="authorization_code", code="x", redirect_uri=CALLBACK, code_verifier="x" * 43)
    assert answered.json()["error"] == "invalid_grant", "the client is known, the code is not"


def test_an_app_that_was_narrowed_meanwhile_is_not_opened_again_by_an_old_page(
    server: Server, admin_client: Client
) -> None:
    house, app = server.house, make_app(server.house, "Grafana")
    path = f"/admin/apps/{app.id}/edit"

    def begun_with(page: httpx.Response) -> str:
        (found,) = re.findall(r'name="began_with" value="([0-9a-f]{64})"', page.text)
        return str(found)

    typed = {"kind": "oidc", "name": "Dashboards", "redirect_uris": CALLBACK, "who": "everyone"}
    old_page = begun_with(admin_client.get(path))
    apps_support.change_app(house, app, everyone=False, group_ids=frozenset({group_of(house).id}))
    refused = admin_client.post(path, {**typed, "began_with": old_page})
    assert refused.status_code == 422
    assert "This app was changed since you opened this page" in refused.text
    assert 'value="Dashboards"' in refused.text
    assert (only_app(server).name, only_app(server).everyone) == ("Grafana", False)
    assert admin_client.post(path, {**typed, "began_with": begun_with(refused)}).status_code == 303
    assert (only_app(server).name, only_app(server).everyone) == ("Dashboards", True)


def test_mistakes_keep_what_was_typed_and_write_nothing(server: Server, admin_client: Client) -> None:
    page = set_up(admin_client, name="", redirect_uris="http://app.example/", launch_url="https://kept.example/")
    assert page.status_code == 422
    assert "https://kept.example/" in page.text
    assert "must begin with https://" in page.text
    assert apps.list_apps(server.house.runtime, server.house.owner, "dev").apps == ()


@pytest.mark.parametrize(
    ("jwks", "sentence"),
    [
        ({"keys": [rsa_jwk(1_024)]}, "RSA keys have 2048 to 4096 bits and a usual exponent."),
        ({"keys": [{**rsa_jwk(2_048), "d": "AQAB"}]}, "is a private one"),
        ({"keys": []}, "has 1 to 10 keys"),
        ({"keys": [{"kty": "AKP"}]}, "No key in the JWK Set is RSA"),
        ({"keys": [{**rsa_jwk(2_048), "use": "enc"}]}, "is for something else"),
        ("<b>", "is malformed."),
    ],
)
def test_keys_that_an_app_can_not_prove_itself_with_are_refused_beside_their_field(
    server: Server, admin_client: Client, jwks: object, sentence: str
) -> None:
    page = set_up(admin_client, authentication="private_key_jwt", jwks=json.dumps(jwks))
    assert page.status_code == 422
    assert sentence in page.text
    assert apps.list_apps(server.house.runtime, server.house.owner, "dev").apps == ()
    page = set_up(admin_client, authentication="private_key_jwt", jwks=json.dumps({"keys": [rsa_jwk(2_048)]}))
    assert page.status_code in {200, 303}, page.text
    assert only_app(server).oidc is not None


def test_a_name_that_is_taken_is_refused_beside_its_field(server: Server, admin_client: Client) -> None:
    make_app(server.house, "Grafana")
    page = set_up(admin_client, name="GRAFANA")
    assert page.status_code == 422
    assert "has an app of this name already" in page.text


def test_secrets_overlap_and_one_is_revoked_at_once(server: Server, admin_client: Client) -> None:
    house = server.house
    app = make_app(house)
    old = RelyingApp(server, app, make_secret(house, app))
    admin_client.get(f"/admin/apps/{app.id}")
    page = admin_client.post(f"/admin/apps/{app.id}/secrets/new")
    new = RelyingApp(server, app, re.findall(r'id="client-secret">([^<]+)<', page.text)[0])

    def known(relying: RelyingApp) -> bool:
        return bool(relying.post("introspect", token="x").status_code == 200)

    assert known(old)
    assert known(new)
    secrets = apps.look_at_app(house.runtime, house.owner, app.id).secrets
    ending = next(one for one in secrets if one.expires_at is not None)
    admin_client.get(f"/admin/apps/{app.id}")
    assert admin_client.post(f"/admin/apps/{app.id}/secrets/{ending.id}/revoke").status_code == 303
    assert not known(old)
    assert known(new)


def test_the_secret_before_ends_after_a_week(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    app = make_app(house)
    old = RelyingApp(server, app, make_secret(house, app))
    apps.rotate_secret(house.runtime, house.owner, app.id)
    house.clock.advance(days=6, hours=23)
    assert old.post("introspect", token="x").status_code == 200
    house.clock.advance(hours=1)
    assert old.post("introspect", token="x").status_code == 401


@pytest.mark.parametrize("act", ["disable", "delete"])
def test_an_app_that_is_closed_signs_nobody_in_and_its_tokens_end(
    server: Server, admin_client: Client, act: str
) -> None:
    house = server.house
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    app = make_app(house)
    relying, browser = RelyingApp(server, app, make_secret(house, app)), server.client()
    tokens = relying.tokens(browser, connection)
    admin_client.get(f"/admin/apps/{app.id}/{act}")
    assert admin_client.post(f"/admin/apps/{app.id}/{act}").status_code == 303
    assert relying.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    assert relying.user_info(tokens["access_token"]).status_code == 401
    assert relying.authorize(browser).status_code == 400


def test_explain_says_why_and_why_not_as_the_door_does(server: Server, admin_client: Client) -> None:
    house = server.house
    ops = group_of(house, name="Ops")
    add_person(house, "Ada Lovelace", "ada.l@example.com", "dev", group=ops)
    add_person(house, "Ben", "ben@example.com", "dev")
    app = make_app(house, everyone=False, group_ids=frozenset({ops.id}))
    path = f"/admin/apps/{app.id}/explain"
    assert "Yes, Ada Lovelace may use it." in admin_client.get(path, params={"email": "ADA.L@example.com"}).text
    refused = admin_client.get(path, params={"email": "ben@example.com"}).text
    assert "No, Ben may not use it." in refused
    assert "in none of the groups" in refused
    assert admin_client.get(path, params={"email": "nobody@example.com"}).status_code == 422
    assert "Ben" not in admin_client.get(path).text


def test_the_launch_page_has_a_tile_for_what_the_groups_allow(server: Server) -> None:
    house = server.house
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    make_app(house, "Everybody’s", launch_url="https://everybody.example/")
    make_app(house, "Not mine", everyone=False)
    make_app(house, "No tile", launch_url=None)
    make_app(house, "Wiki", kind=AppKind.FORWARD_AUTH, oidc=None, launch_url=None, hosts=("wiki.example.com",))
    browser = server.client()
    sign_ins.sign_in(server, browser, connection)
    page = browser.get("/e/dev/").text
    assert re.findall(r'class="v-tile card" href="([^"]+)"', page) == [
        "https://everybody.example/",
        "https://wiki.example.com/",
    ]
    found = browser.get("/e/dev/", params={"q": "wik"}).text
    assert re.findall(r'class="v-tile card" href="([^"]+)"', found) == ["https://wiki.example.com/"]
    assert "No app’s name has" in browser.get("/e/dev/", params={"q": "zzz"}).text


def test_a_person_without_apps_reads_whom_to_ask(server: Server) -> None:
    connection, _ = sign_ins.connect(server.house), sign_ins.add_person(server.house)
    browser = server.client()
    sign_ins.sign_in(server, browser, connection)
    assert "ask your admin for the one you need" in browser.get("/e/dev/").text


def test_a_persons_page_says_what_they_may_use_and_which_apps_were_told(server: Server, admin_client: Client) -> None:
    house = server.house
    connection, grace = sign_ins.connect(house), sign_ins.add_person(house)
    app = apps_support.change_app(house, make_app(house), backchannel_logout_uri="https://app.example/out")
    make_app(house, "Payroll", everyone=False)
    RelyingApp(server, app, make_secret(house, app)).tokens(server.client(), connection)
    page = admin_client.get(f"/admin/end-users/{grace.id}").text
    assert "May use it" in page
    assert "in none of the groups that may use the app" in page
    assert "Sessions that apps hold" in page
