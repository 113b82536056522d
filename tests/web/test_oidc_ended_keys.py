"""ID tokens that outlive the key which signed them: whoever comes back after a rotation still gets out of the app."""

from __future__ import annotations

from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.support import apps, sign_ins
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from vestibule.flows import jwt_keys
from vestibule.flows.parts.callers import operator
from vestibule.kernel.ids import new_id

BYE = "https://app.example/bye"


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def leaving(scene: Scene, hint: str) -> Any:
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "state": "s"}
    return scene.client.http.get(scene.app.path("logout"), params=asked)


def is_signed_in(scene: Scene) -> bool:
    return scene.client.get("/e/dev/").status_code == 200


def test_an_id_token_whose_key_ended_proves_nothing_and_still_leads_out_of_its_app(scene: Scene) -> None:
    house, hint = scene.server.house, scene.app.tokens(scene.client, scene.connection)["id_token"]
    jwt_keys.rotate_jwt_keys(house.runtime, operator(), house.environments["dev"], at_once=True)
    house.clock.advance(seconds=1)
    asked = leaving(scene, hint)
    assert asked.status_code == 200, asked.text
    assert "Grafana" in asked.text
    assert is_signed_in(scene)
    scene.client.post("/e/dev/sign-out")
    assert leaving(scene, hint).headers["location"] == f"{BYE}?state=s", "signed out already"


@pytest.mark.parametrize("changes", [{"iss": "https://evil.example"}, {"aud": ["a", "b"]}, {"aud": "app_other"}])
def test_what_no_key_of_ours_ever_signed_leads_nowhere(scene: Scene, changes: dict[str, Any]) -> None:
    hint = scene.app.tokens(scene.client, scene.connection)["id_token"]
    claims = {**pyjwt.decode(hint, options={"verify_signature": False}), **changes}
    own = ed25519.Ed25519PrivateKey.generate()
    forged = pyjwt.encode(claims, own, algorithm="EdDSA", headers={"kid": new_id("key", scene.server.house.clock())})
    assert leaving(scene, forged).status_code == 400
    assert is_signed_in(scene)


def test_an_app_that_means_somebody_by_a_token_whose_key_ended_is_answered_for_nobody_else(scene: Scene) -> None:
    house, hint = scene.server.house, scene.app.tokens(scene.client, scene.connection)["id_token"]
    sign_ins.add_person(house, "maya@example.com", name="Maya Lindqvist")
    jwt_keys.rotate_jwt_keys(house.runtime, operator(), house.environments["dev"], at_once=True)
    house.clock.advance(seconds=1)
    silent = {"id_token_hint": hint, "prompt": "none"}
    assert "code" in apps.answer_in(scene.app.authorize(scene.client, **silent)).parameters
    maya = scene.server.client()
    apps.through_saml(scene.other_app(), maya, scene.connection, "maya@example.com")
    assert apps.answer_in(scene.app.authorize(maya, **silent)).parameters["error"] == "login_required"
    elsewhere = apps.answer_in(scene.other_app("Other").authorize(scene.client, **silent))
    assert elsewhere.parameters["error"] == "invalid_request"
