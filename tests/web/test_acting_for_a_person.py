"""Token exchange: a service or an agent acts for a person, for less than they granted, and on the record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import Client, Server
from tests.web.test_machine_access import FILES, MAIL, claims_in
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.apps import App, ClientAuthentication, GrantType
from vestibule.directory.connections import Connection
from vestibule.directory.resource_apis import ResourceApi
from vestibule.storage import activity, resource_apis

GRANT, TYPE = str(GrantType.TOKEN_EXCHANGE), "urn:ietf:params:oauth:token-type:access_token"
AGENT = "https://agent.example"


@dataclass
class Scene:
    server: Server
    client: Client
    connection: Connection
    chat: RelyingApp
    agent: RelyingApp
    files: ResourceApi

    def grant(self, **changes: Any) -> dict[str, Any]:
        """Sign Grace in to the chat, which asks for its agent, for files and for mail."""
        asked = {"scope": "openid agent:ask files:read files:write", "resource": [AGENT, FILES], **changes}
        code = apps.through_saml(self.chat, self.client, self.connection, **asked).code
        found: dict[str, Any] = self.chat.exchange(code, resource=AGENT).json()
        return found

    def exchange(self, token: str, by: RelyingApp | None = None, **changes: Any) -> httpx.Response:
        asked = {"grant_type": GRANT, "subject_token": token, "subject_token_type": TYPE}
        return (by or self.agent).token(**{**asked, "resource": FILES, "scope": "files:read", **changes})


def acting_app(server: Server, name: str) -> RelyingApp:
    app = apps.make_app(server.house, name)
    app = apps.change_app(server.house, app, grant_types=frozenset({GrantType.TOKEN_EXCHANGE}))
    return RelyingApp(server, app, apps.make_secret(server.house, app))


@pytest.fixture
def scene(server: Server) -> Scene:
    house = server.house
    house.clock.freeze()
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    chat = apps.make_app(house, "Chat")
    agent = acting_app(server, "Agent")
    apps.make_api(house, AGENT, "agent:ask", app_id=agent.app.id)
    files = apps.make_api(house, FILES)
    apps.make_api(house, MAIL, "mail:send")
    apps.allow_api(house, agent.app, files, "files:read files:write")
    relying = RelyingApp(server, chat, apps.make_secret(house, chat))
    return Scene(server, server.client(), connection, relying, agent, files)


def test_an_agent_acts_for_the_person_and_the_token_and_the_activity_say_so(scene: Scene) -> None:
    subject = scene.grant()
    given = scene.exchange(subject["access_token"])
    assert given.status_code == 200, given.text
    assert given.json()["issued_token_type"] == TYPE
    assert "refresh_token" not in given.json()
    claims = claims_in(given.json()["access_token"])
    assert (claims["aud"], claims["scope"], claims["client_id"]) == (FILES, "files:read", scene.agent.app.id)
    assert claims["act"] == {"sub": scene.agent.app.id}
    direct = apps.answer_in(scene.chat.authorize(scene.client, scope="files:read", resource=FILES)).code
    assert claims["sub"] == claims_in(scene.chat.exchange(direct).json()["access_token"])["sub"]
    with scene.server.house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="app.token_exchanged")
        recorded = activity.page(tx, scene.server.house.workspace.id, wanted, before=None, after=None, size=50)
    assert [one.event.details["scope"] for one in recorded] == [["files:read"]]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "files:read files:delete"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"resource": MAIL, "scope": "mail:send"}, "invalid_target"),
        ({"resource": None}, "invalid_target"),
        ({"audience": FILES}, "invalid_target"),
        ({"actor_token": "x", "actor_token_type": TYPE}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"subject_token": "a.b.c"}, "invalid_request"),
    ],
)
def test_nothing_wider_and_nobody_else_comes_of_an_exchange(scene: Scene, changes: dict[str, Any], error: str) -> None:
    subject = scene.grant()["access_token"]
    assert scene.exchange(**{"token": subject, **changes}).json()["error"] == error


def test_an_id_token_is_refused_with_a_sentence_that_says_what_to_send(scene: Scene) -> None:
    tokens = scene.grant()
    for token in (tokens["id_token"], tokens["access_token"]):
        kind = "urn:ietf:params:oauth:token-type:id_token"
        answer = scene.exchange(token, subject_token_type=kind).json()
        assert (answer["error"], "must be an access token" in answer["error_description"]) == ("invalid_request", True)
    # Called an access token it is none, either.
    assert scene.exchange(tokens["id_token"]).json()["error"] == "invalid_request"


def test_what_was_narrowed_once_is_not_widened_by_exchanging_again(scene: Scene) -> None:
    narrow = scene.exchange(scene.grant()["access_token"]).json()["access_token"]
    assert scene.exchange(narrow, scope="files:write").json()["error"] == "invalid_scope"
    assert claims_in(scene.exchange(narrow).json()["access_token"])["act"]["act"] == {"sub": scene.agent.app.id}


def test_who_acts_for_whom_is_nested_and_the_api_that_was_sent_a_token_may_go_on(scene: Scene) -> None:
    house = scene.server.house
    backend = acting_app(scene.server, "Backend")
    with house.runtime.database.transaction() as tx:
        resource_apis.update_api(tx, replace(scene.files, app_id=backend.app.id))
    mail = apps.make_api(house, "https://archive.example", "archive:add")
    apps.allow_api(house, backend.app, mail, "archive:add")
    asked = {"scope": "agent:ask files:read archive:add", "resource": [AGENT, FILES, mail.identifier]}
    sent = scene.exchange(scene.grant(**asked)["access_token"]).json()["access_token"]
    wanted = {"resource": mail.identifier, "scope": "archive:add"}
    claims = claims_in(scene.exchange(sent, backend, **wanted).json()["access_token"])
    assert claims["act"] == {"sub": backend.app.id, "act": {"sub": scene.agent.app.id}}
    assert scene.exchange(sent, acting_app(scene.server, "Thief"), **wanted).json()["error"] == "invalid_request"


def test_a_token_that_this_client_was_never_sent_is_worth_nothing_to_it(scene: Scene) -> None:
    subject = scene.grant()["access_token"]
    thief = acting_app(scene.server, "Thief")
    apps.allow_api(scene.server.house, thief.app, scene.files, "files:read")
    assert scene.exchange(subject, thief).json()["error"] == "invalid_request"


def test_a_token_of_another_environment_is_worth_nothing_here(scene: Scene) -> None:
    house, other = scene.server.house, list(scene.server.house.environments)[1]
    app: App = apps.make_app(house, "Agent", other)
    app = apps.change_app(house, app, grant_types=frozenset({GrantType.TOKEN_EXCHANGE}))
    there = RelyingApp(scene.server, app, apps.make_secret(house, app), other)
    api = apps.make_api(house, FILES, key=other, app_id=app.id)
    apps.allow_api(house, app, api, "files:read")
    assert scene.exchange(scene.grant()["access_token"], there).json()["error"] == "invalid_request"


def test_only_an_app_that_may_act_and_can_prove_itself_acts(scene: Scene) -> None:
    subject, house = scene.grant()["access_token"], scene.server.house
    apps.allow_api(house, scene.agent.app, scene.files, "")
    assert scene.exchange(subject).json()["error"] == "invalid_target", "allowed by name, or not at all"
    assert scene.exchange(subject, scene.chat).json()["error"] == "unauthorized_client"
    apps.change_app(house, scene.agent.app, authentication=ClientAuthentication.NONE)
    public = RelyingApp(scene.server, scene.agent.app)
    assert scene.exchange(subject, public).json()["error"] == "unauthorized_client"


def test_the_groups_of_the_person_decide_about_both_apps(scene: Scene) -> None:
    subject, house = scene.grant()["access_token"], scene.server.house
    apps.change_app(house, scene.agent.app, everyone=False)
    assert scene.exchange(subject).json()["error"] == "invalid_grant"
    apps.change_app(house, scene.agent.app, everyone=True)
    apps.change_app(house, scene.chat.app, everyone=False)
    assert scene.exchange(subject).json()["error"] == "invalid_grant"


def test_signing_out_ends_what_came_of_the_session_down_to_the_last_actor(scene: Scene) -> None:
    subject = scene.grant()["access_token"]
    given = scene.exchange(subject).json()["access_token"]
    assert scene.agent.post("introspect", token=given).json()["active"] is True
    scene.client.get("/e/dev/sign-out")
    scene.client.post("/e/dev/sign-out")
    assert scene.agent.post("introspect", token=given).json() == {"active": False}
    assert scene.exchange(given).json()["error"] == "invalid_request"


def test_giving_back_the_grant_takes_what_was_exchanged_from_it(scene: Scene) -> None:
    tokens = scene.grant()
    given = scene.exchange(tokens["access_token"]).json()["access_token"]
    scene.chat.post("revoke", token=tokens["refresh_token"])
    assert scene.agent.post("introspect", token=given).json() == {"active": False}


def test_a_token_that_opens_nothing_any_more_is_not_exchanged(scene: Scene) -> None:
    house, subject = scene.server.house, scene.grant()["access_token"]
    with house.runtime.database.transaction() as tx:
        agents = resource_apis.find_reaches(tx, scene.files.environment_id, scene.agent.app.id, (AGENT,))[0].api
        resource_apis.update_api(tx, replace(agents, open=False))
    assert scene.agent.post("introspect", token=subject).json() == {"active": False}
    assert scene.exchange(subject).json()["error"] == "invalid_request"


def test_acting_on_and_on_for_somebody_lasts_no_longer_than_the_first_exchange(scene: Scene) -> None:
    clock = scene.server.house.clock
    first = scene.exchange(scene.grant()["access_token"]).json()
    clock.advance(seconds=590)
    again = scene.exchange(first["access_token"]).json()
    assert again["expires_in"] == 10
    assert claims_in(again["access_token"])["exp"] == claims_in(first["access_token"])["exp"]
    clock.advance(seconds=10)
    assert scene.exchange(again["access_token"]).json()["error"] == "invalid_request"
