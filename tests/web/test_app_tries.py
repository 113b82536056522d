"""Try it over HTTP, on both engines: it shows the real flow, leaves nothing behind, and its address is worth nothing to anybody else."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support import apps
from tests.support.apps import CALLBACK, RelyingApp
from tests.support.house import PASSWORD, Client
from tests.support.oidc_scene import Scene, scene_of
from tests.support.people import group_of
from tests.web.test_oidc import consent_fields
from vestibule.directory.activity import Outcome
from vestibule.directory.apps import ClientAuthentication, GrantType, GroupsClaim, SigningAlgorithm
from vestibule.flows import admins
from vestibule.flows.parts.callers import operator
from vestibule.storage.tables import (
    app_sessions,
    app_tries,
    oidc_codes,
    oidc_consents,
    oidc_grants,
    oidc_refresh_tokens,
    oidc_requests,
)

LEFT = (oidc_requests, oidc_grants, oidc_codes, oidc_refresh_tokens, oidc_consents, app_sessions)


@pytest.fixture
def scene(server: Any) -> Scene:
    found = scene_of(server)
    found.client.sign_in()
    return found


def address(scene: Scene) -> str:
    return f"{scene.server.base_url}/admin/apps/try"


def begin(scene: Scene, **form: str) -> httpx.Response:
    path = f"/admin/apps/{scene.app.app.id}"
    scene.client.get(path)
    return scene.client.post(f"{path}/try", form)


def authorize(scene: Scene, **form: str) -> httpx.Response:
    begun = begin(scene, **form)
    assert begun.status_code == 303, begun.text
    return scene.client.get(begun.headers["location"])


def signed_in(scene: Scene, **form: str) -> httpx.Response:
    return apps.signed_in_for(scene.app, scene.client, scene.connection, authorize(scene, **form))


def back_at(scene: Scene, answered: httpx.Response) -> tuple[str, dict[str, str]]:
    found = apps.answer_in(answered)
    assert found.address == address(scene)
    return "/admin/apps/try", found.parameters


def shown(scene: Scene, answered: httpx.Response) -> str:
    path, parameters = back_at(scene, answered)
    done = scene.client.get(path, params=parameters)
    assert done.status_code == 303, done.text
    assert "code" not in done.headers["location"]
    page = scene.client.get(done.headers["location"])
    assert page.status_code == 200, page.text
    return str(page.text)


def signed_in_as(scene: Scene) -> str:
    return f"Grafana would have {scene.grace.full_name} signed in"


def left(scene: Scene) -> dict[str, int]:
    with scene.server.house.runtime.database.reading() as tx:
        return {table.name: len(tx.execute(select(table)).all()) for table in LEFT}


def test_it_shows_what_the_app_would_be_told_and_leaves_nothing_behind(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, backchannel_logout_uri="https://app.example/out")
    answered = signed_in(scene)
    code = apps.answer_in(answered).code
    page = shown(scene, answered)
    assert signed_in_as(scene) in page
    assert "grace@<wbr>example.com" in page
    for claim in ("sub", "email", "name", "groups", "environment", "auth_time", "amr", "nonce", "at_hash", "sid"):
        assert f"<code>{claim}</code>" in page, claim
    assert "does not hold" not in page
    assert "client_secret" not in page
    assert code not in page
    assert not re.search(r"eyJ[\w-]{20,}", page), "no token is shown whole"
    assert left(scene) == {table.name: 0 for table in LEFT}
    (entry,) = scene.recorded("app.tried")
    assert entry.event.outcome is Outcome.DONE
    assert entry.event.details == {"end_user": scene.grace.id}
    (by_person,) = scene.recorded("app.sign_in")
    assert by_person.event.details["tried"] is True


@pytest.mark.parametrize(
    "changes",
    [
        {"authentication": ClientAuthentication.NONE},
        {"authentication": ClientAuthentication.PRIVATE_KEY_JWT},
        {"require_pushed_requests": True},
        {"id_token_alg": SigningAlgorithm.EDDSA},
        {"groups_claim": GroupsClaim.NONE},
        {"redirect_uris": ()},
    ],
    ids=str,
)
def test_it_works_however_the_app_is_set_up(scene: Scene, changes: dict[str, Any]) -> None:
    apps.change_app(scene.server.house, scene.app.app, **changes)
    assert signed_in_as(scene) in shown(scene, signed_in(scene))


def test_whoever_may_not_use_the_app_is_refused_and_the_admin_reads_why(scene: Scene) -> None:
    ops = group_of(scene.server.house, name="Ops")
    apps.change_app(scene.server.house, scene.app.app, everyone=False, group_ids=frozenset({ops.id}))
    refused = signed_in(scene)
    assert refused.status_code == 403
    back = re.search(r'href="([^"]+/admin/apps/try\?[^"]+)"', refused.text)
    assert back is not None, refused.text
    page = shown(scene, httpx.Response(303, headers={"location": back.group(1).replace("&amp;", "&")}))
    assert "access_denied" in page
    assert "in none of the groups" in page
    assert "did not agree on the page" not in page
    assert left(scene)["oidc_grants"] == 0
    (entry,) = scene.recorded("app.tried")
    assert entry.event.outcome is Outcome.REFUSED


def test_consent_is_asked_refused_or_given_and_never_remembered(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, third_party=True)
    asked = signed_in(scene)
    scene.client.last_page = asked.text
    page = shown(scene, scene.client.post(scene.app.path("consent"), consent_fields(asked.text)))
    assert "did not agree on the page" in page
    again = authorize(scene)
    scene.client.last_page = again.text
    agreed = scene.client.post(scene.app.path("consent"), {**consent_fields(again.text), "agree": "1"})
    assert signed_in_as(scene) in shown(scene, agreed)
    assert left(scene) == {table.name: 0 for table in LEFT}
    assert "Allow Grafana?" in scene.app.authorize(scene.client).text, "the app itself has to ask"


def test_somebody_else_can_be_tried_although_one_is_signed_in(scene: Scene) -> None:
    shown(scene, signed_in(scene))
    assert apps.answer_in(authorize(scene)).parameters["code"], "whoever is signed in goes straight through"
    scene.server.house.clock.advance(seconds=1)
    other = authorize(scene, **{"as": "somebody_else"})
    assert "again=1" in other.headers["location"]


def test_going_back_or_reloading_shows_the_same_and_brings_no_code_twice(scene: Scene) -> None:
    path, parameters = back_at(scene, signed_in(scene))
    first = scene.client.get(path, params=parameters)
    assert scene.client.get(path, params=parameters).headers["location"] == first.headers["location"]
    assert len(scene.recorded("app.tried")) == 1
    assert scene.recorded("app.code_replayed") == ()


def test_no_app_has_the_address_of_tries_even_with_it_on_its_list(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.app.app, redirect_uris=(CALLBACK, address(scene)))
    scene.app.tokens(scene.client, scene.connection)
    refused = scene.app.authorize(scene.client, redirect_uri=address(scene))
    assert refused.status_code == 400
    assert "location" not in refused.headers
    pushed = scene.app.post("par", **scene.app.request(redirect_uri=address(scene), client_id=None))
    assert pushed.json()["error"] == "invalid_request"


def test_the_request_of_a_try_is_worth_nothing_in_another_browser(scene: Scene) -> None:
    begun = begin(scene)
    stranger = scene.server.client()
    stranger.get("/e/dev/sign-in")
    assert stranger.get(begun.headers["location"]).status_code == 400
    assert scene.client.get(begun.headers["location"]).status_code == 303, "and was not used up there"
    assert scene.client.get(begun.headers["location"]).status_code == 400, "but is here"


def test_a_code_that_a_victims_browser_carries_off_comes_to_nobody(scene: Scene) -> None:
    path, parameters = back_at(scene, signed_in(scene))
    for thief in (scene.server.client(), other_admin(scene)):
        answered = thief.get(path, params=parameters)
        assert answered.status_code in {303, 409}
        assert "code=" not in answered.headers.get("location", "")
        assert "tries" not in answered.headers.get("location", "")
    token = scene.app.exchange(parameters["code"], redirect_uri=address(scene))
    assert token.json()["error"] == "invalid_grant", "not even with the app's own secret: the verifier is ours"


def other_admin(scene: Scene) -> Client:
    house = scene.server.house
    admins.create_admin(house.runtime, operator(), house.workspace.id, "Eve", "eve@example.com", "admin", PASSWORD)
    client = scene.server.client()
    client.sign_in("eve@example.com")
    return client


def test_a_result_is_its_own_sessions_and_is_forgotten(scene: Scene) -> None:
    path, parameters = back_at(scene, signed_in(scene))
    result = scene.client.get(path, params=parameters).headers["location"]
    assert other_admin(scene).get(result).status_code == 404
    another = apps.make_app(scene.server.house, "GitLab")
    assert scene.client.get(result.replace(scene.app.app.id, another.id)).status_code == 404
    scene.server.house.clock.advance(minutes=29, seconds=59)
    assert scene.client.get(result).status_code == 200
    scene.server.house.clock.advance(seconds=1)
    assert scene.client.get(result).status_code == 404


def test_answers_that_belong_to_no_try_are_refused_and_redeem_nothing(scene: Scene) -> None:
    own = apps.through_saml(scene.app, scene.client, scene.connection)
    begin(scene)
    for parameters in ({}, {"code": own.code}, {"code": own.code, "state": own.parameters["state"]}, {"state": "x"}):
        assert scene.client.get("/admin/apps/try", params=parameters).status_code == 409, parameters
    assert scene.app.exchange(own.code).status_code == 200, "the app's own code was not touched"


def test_a_code_of_another_app_that_is_slipped_into_a_try_is_refused(scene: Scene) -> None:
    _, parameters = back_at(scene, signed_in(scene))
    other = scene.other_app()
    theirs = apps.answer_in(other.authorize(scene.client)).code
    slipped = {**parameters, "code": theirs}
    page = shown(scene, httpx.Response(303, headers={"location": str(httpx.URL(address(scene), params=slipped))}))
    assert "invalid_grant" in page
    assert "signed in to" not in page, "nobody is named"


def test_what_came_too_late_is_refused(scene: Scene) -> None:
    path, parameters = back_at(scene, signed_in(scene))
    scene.server.house.clock.advance(minutes=15)
    assert scene.client.get(path, params=parameters).status_code == 409


def test_there_is_nothing_to_try_at_an_app_that_signs_nobody_in(scene: Scene) -> None:
    house = scene.server.house
    machine = apps.make_app(house, "Nightly")
    apps.change_app(house, machine, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))
    for app in (machine, apps.make_app(house, "Closed", disabled=True)):
        path = f"/admin/apps/{app.id}"
        assert f'action="{path}/try"' not in scene.client.get(path).text
        assert scene.client.post(f"{path}/try").status_code == 409
    with house.runtime.database.reading() as tx:
        assert tx.execute(select(app_tries)).all() == []


def test_an_app_that_was_closed_meanwhile_gets_no_code(scene: Scene) -> None:
    path, parameters = back_at(scene, signed_in(scene))
    apps.change_app(scene.server.house, scene.app.app, disabled=True)
    done = scene.client.get(path, params=parameters)
    assert "invalid_client" in scene.client.get(done.headers["location"]).text


def test_relying_apps_are_no_matter(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    shown(scene, authorize(scene))
    refreshed = RelyingApp(scene.server, scene.app.app, scene.app.secret).refresh(tokens["refresh_token"])
    assert refreshed.status_code == 200, "a try ends nothing but itself"
