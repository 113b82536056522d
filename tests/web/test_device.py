"""The device grant: a device waits, its person types the code and answers, and the device gets tokens, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import Client, Server
from tests.web.test_machine_access import FILES, claims_in
from vestibule.directory.apps import ClientAuthentication, GrantType
from vestibule.directory.connections import Connection
from vestibule.flows.parts.entry import decide
from vestibule.storage import sessions

GRANT = str(GrantType.DEVICE_CODE)


@dataclass
class Scene:
    server: Server
    client: Client
    connection: Connection
    device: RelyingApp

    def begin(self, **changes: Any) -> dict[str, Any]:
        begun = self.device.post("device_authorization", **{"scope": "openid email", **changes})
        assert begun.status_code == 200, begun.text
        found: dict[str, Any] = begun.json()
        return found

    def poll(self, begun: dict[str, Any], by: RelyingApp | None = None) -> httpx.Response:
        return (by or self.device).token(grant_type=GRANT, device_code=begun["device_code"])

    def error(self, begun: dict[str, Any]) -> str:
        return str(self.poll(begun).json()["error"])

    def sign_in(self) -> None:
        house = self.server.house
        web = apps.make_app(house, "Web")
        apps.through_saml(RelyingApp(self.server, web), self.client, self.connection)

    def type(self, code: str) -> httpx.Response:
        self.client.get("/e/dev/device")
        return self.client.post("/e/dev/device", {"user_code": code})

    def answer(self, code: str, **form: str) -> httpx.Response:
        return let_in(self.client, code, self.type(code).text, **form)


def let_in(client: Client, code: str, page: str, **form: str) -> httpx.Response:
    """Answer the page that asks, as its form does."""
    person = re.search(r'name="person" value="(\w+)"', page)
    fields = {"user_code": code, "person": person[1] if person else "", **form}
    return client.post("/e/dev/device/answer", fields)


@pytest.fixture
def scene(server: Server) -> Scene:
    house = server.house
    house.clock.freeze()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    app = apps.make_app(house, "Television")
    grants = frozenset({GrantType.DEVICE_CODE, GrantType.REFRESH_TOKEN})
    app = apps.change_app(house, app, grant_types=grants, authentication=ClientAuthentication.NONE, redirect_uris=())
    return Scene(server, server.client(), connection, RelyingApp(server, app))


def test_a_device_gets_in_once_its_person_agreed_and_its_code_is_used_once(scene: Scene) -> None:
    begun = scene.begin()
    sent = scene.client.get(begun["verification_uri_complete"].removeprefix(scene.server.base_url))
    assert "/sign-in?return_to=/e/dev/device" in sent.headers["location"]
    scene.sign_in()
    assert scene.error(begun) == "authorization_pending"
    shown = scene.type(begun["user_code"].lower().replace("-", " "))
    assert "Let a device into Television?" in shown.text
    assert "is before you" in shown.text
    assert "Your device is in" in scene.answer(begun["user_code"], agree="1").text
    scene.server.house.clock.advance(seconds=5)
    given = scene.poll(begun)
    assert given.status_code == 200, given.text
    assert claims_in(given.json()["id_token"])["email"] == "grace@example.com"
    scene.server.house.clock.advance(seconds=5)
    assert scene.error(begun) == "invalid_grant"
    refused = scene.device.refresh(given.json()["refresh_token"])
    assert refused.json()["error"] == "invalid_grant", "a replay ends what the first one led to"


def test_a_device_that_asks_too_often_waits_longer(scene: Scene) -> None:
    begun, clock = scene.begin(), scene.server.house.clock
    assert scene.error(begun) == "authorization_pending"
    clock.advance(seconds=4)
    assert scene.error(begun) == "slow_down"
    clock.advance(seconds=5)
    assert scene.error(begun) == "slow_down", "ten seconds now"
    clock.advance(seconds=15)
    assert scene.error(begun) == "authorization_pending"


def test_a_no_is_a_no_and_an_answer_is_given_once(scene: Scene) -> None:
    scene.sign_in()
    begun = scene.begin()
    assert "not let in" in scene.answer(begun["user_code"]).text
    assert scene.error(begun) == "access_denied"
    assert scene.answer(begun["user_code"], agree="1").status_code == 422
    assert scene.error(begun) == "access_denied"


def test_no_lasting_grant_comes_out_of_a_session_that_ends_while_its_person_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.sign_in()
    begun, runtime = scene.begin(scope="openid offline_access"), scene.server.house.runtime
    shown = scene.type(begun["user_code"]).text

    def decide_late(*arguments: Any) -> Any:
        decided: Any = decide(*arguments)
        with runtime.database.transaction() as tx:
            sessions.delete_sessions(tx, scene.connection.workspace_id, decided.standing.end_user.id)
        return decided

    monkeypatch.setattr("vestibule.flows.device.decide", decide_late)
    answered = let_in(scene.client, begun["user_code"], shown, agree="1")
    assert "Your device is in" not in answered.text
    assert scene.error(begun) == "authorization_pending"


def test_a_device_acts_for_nobody_who_was_not_shown_what_it_asks_for(scene: Scene) -> None:
    """Somebody signs in in another tab while the page of whoever was here before them is still open."""
    scene.sign_in()
    begun = scene.begin()
    asked = scene.answer(begun["user_code"], agree="1", person="usr_somebody_else")
    assert "It would act as you, Grace Okafor" in asked.text
    assert scene.error(begun) == "authorization_pending"
    assert "Your device is in" in let_in(scene.client, begun["user_code"], asked.text, agree="1").text


def test_codes_end_at_their_instant(scene: Scene) -> None:
    scene.sign_in()
    begun = scene.begin()
    scene.server.house.clock.advance(seconds=begun["expires_in"])
    assert scene.type(begun["user_code"]).status_code == 422
    assert scene.error(begun) == "expired_token"


def test_user_codes_are_not_guessed(scene: Scene) -> None:
    scene.sign_in()
    begun = scene.begin()
    for _ in range(10):
        assert "No device waits" in scene.type("BBBB-BBBB").text
    assert "Too many attempts" in scene.type(begun["user_code"]).text
    assert "Too many attempts" in scene.answer(begun["user_code"], agree="1").text
    assert scene.error(begun) == "authorization_pending"


def test_nobody_answers_without_the_page_or_signed_out(scene: Scene) -> None:
    begun = scene.begin()
    path = f"{scene.server.base_url}/e/dev/device/answer"
    forged = httpx.post(path, data={"user_code": begun["user_code"], "agree": "1"})
    assert forged.status_code == 403
    assert scene.error(begun) == "authorization_pending"


def test_another_clients_device_code_is_worth_nothing(scene: Scene) -> None:
    begun = scene.begin()
    other = apps.make_app(scene.server.house, "Radio")
    grants = frozenset({GrantType.DEVICE_CODE})
    other = apps.change_app(scene.server.house, other, grant_types=grants, authentication=ClientAuthentication.NONE)
    assert scene.poll(begun, RelyingApp(scene.server, other)).json()["error"] == "invalid_grant"


def test_somebody_whom_the_app_is_closed_to_lets_nothing_in(scene: Scene) -> None:
    scene.sign_in()
    apps.change_app(scene.server.house, scene.device.app, everyone=False)
    begun = scene.begin()
    assert "You may not use Television" in scene.type(begun["user_code"]).text
    apps.change_app(scene.server.house, scene.device.app, everyone=True)
    scene.answer(begun["user_code"], agree="1")
    apps.change_app(scene.server.house, scene.device.app, everyone=False)
    assert scene.error(begun) == "invalid_grant"


def test_an_app_without_the_grant_begins_nothing(scene: Scene) -> None:
    apps.change_app(scene.server.house, scene.device.app, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    assert scene.device.post("device_authorization").json()["error"] == "unauthorized_client"


def test_a_device_gets_a_token_for_an_api(scene: Scene) -> None:
    apps.make_api(scene.server.house, FILES)
    scene.sign_in()
    begun = scene.begin(scope="files:read", resource=FILES)
    scene.answer(begun["user_code"], agree="1")
    assert claims_in(scene.poll(begun).json()["access_token"])["aud"] == FILES
    unknown = scene.device.post("device_authorization", resource="https://elsewhere.example")
    assert unknown.json()["error"] == "invalid_target"


def test_what_a_device_of_a_third_partys_app_was_allowed_is_on_the_account_page_and_can_be_taken_back(
    scene: Scene,
) -> None:
    scene.sign_in()
    apps.change_app(scene.server.house, scene.device.app, third_party=True)
    begun = scene.begin(scope="openid email offline_access")
    scene.answer(begun["user_code"], agree="1")
    given = scene.poll(begun).json()
    assert scene.device.user_info(given["access_token"]).status_code == 200
    assert "Television" in scene.client.get("/e/dev/account").text
    scene.client.post("/e/dev/account/consents/withdraw", {"app": scene.device.app.id})
    assert scene.device.user_info(given["access_token"]).status_code == 401
    assert scene.device.refresh(given["refresh_token"]).json()["error"] == "invalid_grant"


def test_letting_a_device_in_forgets_nothing_that_its_app_was_allowed_before(scene: Scene) -> None:
    house = scene.server.house
    changes = {"third_party": True, "redirect_uris": (apps.CALLBACK,)}
    grants = frozenset({GrantType.DEVICE_CODE, GrantType.AUTHORIZATION_CODE})
    scene.device.app = apps.change_app(house, scene.device.app, grant_types=grants, **changes)
    scene.sign_in()
    page = scene.device.authorize(scene.client, scope="openid profile")
    fields = {name: page.text.split(f'name="{name}" value="')[1].split('"')[0] for name in ("request", "person")}
    scene.client.post(scene.device.path("consent"), {**fields, "agree": "1"})
    scene.answer(scene.begin(scope="openid email")["user_code"], agree="1")
    answered = apps.answer_in(scene.device.authorize(scene.client, scope="openid profile email"))
    assert "code" in answered.parameters, "both were agreed to"
