"""Explain by API: the answer that the console has, to programs with a token, and nothing beyond what each may reach."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support.apps import make_app
from tests.support.house import Server, furnish
from tests.support.people import add_person, group_of
from tests.support.statements import counted
from vestibule.directory.end_users import EndUserStatus
from vestibule.flows import api_clients, explaining
from vestibule.flows.parts.callers import operator
from vestibule.kernel.errors import NotFound
from vestibule.kernel.secrets import token_hash
from vestibule.storage import end_users
from vestibule.storage.tables import metadata

PATH = "/api/v1/explain"
PAGE = Path(__file__).parents[2] / "docs/how-to/ask-by-api.md"


def token_of(server: Server, environment: str | None = None, life: timedelta | None = None) -> str:
    house = server.house
    return api_clients.create_api_client(
        house.runtime, operator(), house.workspace.id, "Help desk", ["explain:read"], environment, life
    ).token


def ask(server: Server, token: str, query: Any) -> httpx.Response:
    return server.client().http.get(PATH, params=query, headers={"Authorization": f"Bearer {token}"})


def test_the_answer_is_the_consoles_for_whoever_may_and_may_not(server: Server) -> None:
    house = server.house
    app = make_app(house)
    person = add_person(house, "Maya", "maya@example.com", "dev")
    away = add_person(house, "Noor", "noor@example.com")
    token = token_of(server)
    for one, allowed in ((person, True), (away, False)):
        shown = explaining.explain(house.runtime, house.owner, app.id, one.email)
        for user in (one.id, one.email.upper()):
            answer = ask(server, token, {"environment": "dev", "user": user, "app": app.id})
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "no-store"
            data = answer.json()["data"]
            assert data["allowed"] is shown.decision.allowed is allowed
            assert [(r["code"], r["holds"]) for r in data["reasons"]] == [
                (r.condition, r.holds) for r in shown.decision.reasons
            ]
            assert data["refused_by"] == shown.decision.refused_by
    with house.runtime.database.transaction() as tx:
        end_users.set_status(tx, house.workspace.id, person.id, EndUserStatus.DEACTIVATED, house.clock())
    data = ask(server, token, {"environment": "dev", "user": person.id, "app": app.id}).json()["data"]
    assert (data["allowed"], data["refused_by"]) == (False, "person_active")
    assert data["reasons"][0]["sentence"] == "The account is deactivated."


def test_beyond_its_reach_a_client_reads_what_it_reads_of_nothing(server: Server) -> None:
    house = server.house
    here, there = make_app(house), make_app(house, "Far", "test")
    person = add_person(house, "Maya", "maya@example.com", "dev")
    everywhere, bound = token_of(server), token_of(server, "dev")
    nothing = ask(server, bound, {"environment": "dev", "user": person.id, "app": "app_" + "0" * 26})
    assert nothing.status_code == 404
    for token, environment, user, app in (
        (bound, "test", person.id, there.id),
        (bound, "dev", person.id, there.id),
        (everywhere, "dev", person.id, there.id),
        (everywhere, "nowhere", person.id, here.id),
        (everywhere, "dev", "nobody@example.com", here.id),
        (everywhere, "dev", here.id, here.id),
    ):
        answer = ask(server, token, {"environment": environment, "user": user, "app": app})
        assert (answer.status_code, answer.content) == (404, nothing.content)
        assert answer.headers["content-type"] == "application/problem+json"
    assert ask(server, everywhere, {"environment": "test", "user": person.id, "app": there.id}).status_code == 200


def test_between_workspaces_there_is_a_wall(server: Server) -> None:
    house = server.house
    other = furnish(house.runtime, house.clock, ("Stage", "Check"), "Contoso")
    theirs = make_app(other, key="stage")
    stranger = add_person(other, "Sam", "sam@contoso.example", "stage")
    mine, person = make_app(house), add_person(house, "Maya", "maya@example.com", "dev")
    token = token_of(server)
    nothing = ask(server, token, {"environment": "nowhere", "user": person.id, "app": mine.id})
    for environment, user, app in (
        ("stage", stranger.id, theirs.id),
        ("stage", stranger.email, theirs.id),
        ("dev", stranger.id, mine.id),
        ("dev", stranger.email, mine.id),
        ("dev", person.id, theirs.id),
        (other.environment("stage").id, stranger.id, theirs.id),
    ):
        answer = ask(server, token, {"environment": environment, "user": user, "app": app})
        assert (answer.status_code, answer.content) == (404, nothing.content), (environment, user, app)
    client = api_clients.list_api_clients(house.runtime, house.workspace.id)[0]
    with pytest.raises(NotFound):
        api_clients.revoke_api_client(house.runtime, operator(), other.workspace.id, client.id)
    assert ask(server, token, {"environment": "dev", "user": person.id, "app": mine.id}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("GET", "/api/v1/explain/", 404), ("POST", "/api/openapi.json", 405)],
)
def test_what_is_no_address_of_the_api_is_refused_in_its_words(
    server: Server, method: str, path: str, status: int
) -> None:
    answer = server.client().http.request(method, path)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    ("authorization", "has_code"),
    [(None, False), ("Basic YTpi", False), ("Bearer", False), ("Bearer nonsense", True), ("bearer x", True)],
)
def test_only_who_brought_a_bearer_token_is_told_that_it_is_invalid(
    server: Server, authorization: str | None, has_code: bool
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = server.client().http.get(PATH, headers=headers)
    assert answer.status_code == 401
    assert ("invalid_token" in answer.headers["www-authenticate"]) == has_code


def test_a_token_works_until_the_instant_of_its_expiry_and_until_it_is_revoked(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    app, person = make_app(house), add_person(house, "Maya", "maya@example.com", "dev")
    query = {"environment": "dev", "user": person.id, "app": app.id}
    short, lasting = token_of(server, life=timedelta(days=1)), token_of(server)
    house.clock.advance(days=1, microseconds=-1)
    assert ask(server, short, query).status_code == 200
    house.clock.advance(microseconds=1)
    refused = ask(server, short, query)
    assert refused.status_code == 401
    client = api_clients.list_api_clients(house.runtime, house.workspace.id)[1]
    assert ask(server, lasting, query).status_code == 200
    api_clients.revoke_api_client(house.runtime, operator(), house.workspace.id, client.id)
    revoked = ask(server, lasting, query)
    assert (revoked.status_code, revoked.content) == (401, refused.content)
    assert 'error="invalid_token"' in revoked.headers["www-authenticate"]
    with pytest.raises(NotFound):
        api_clients.revoke_api_client(house.runtime, operator(), house.workspace.id, client.id)


def test_without_a_token_that_works_nothing_is_said_and_guessing_is_slowed_down(server: Server) -> None:
    http = server.client().http
    assert "error" not in http.get(PATH).headers["www-authenticate"]
    token = token_of(server)
    assert http.get(f"{PATH}?access_token={token}").status_code == 401, "never in an address"
    headers = {"Authorization": f"Bearer {token}"}
    assert http.post(PATH, headers=headers).status_code == 405
    for path in ("/admin/apps", "/e/dev/oauth2/userinfo"):
        assert http.get(path, headers=headers).status_code in {303, 401}
    for _ in range(100):
        assert http.get(PATH, headers={"Authorization": "Bearer vapi_guess"}).status_code == 401
    answer = http.get(PATH, headers={"Authorization": "Bearer vapi_guess"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert http.get(PATH, headers=headers).status_code == 422, "who has a token is not slowed down by others"


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", {"environment", "user", "app"}),
        ("environment=dev&environment=dev&user=u&app=a", {"environment"}),
        ("environment=dev&user=%00&app=a", {"user"}),
        ("environment=dev&user=a%00b&app=a", {"user"}),
        ("environment=%FF&user=u&app=%C3", {"environment", "app"}),
        ("environment=dev&user=" + "x" * 301 + "&app=a", {"user"}),
        ("environment=dev&user=u&app=a&workspace=w", {"query"}),
        ("&".join(["user=u"] * 2000), {"environment", "user", "app"}),
    ],
)
def test_hostile_parameters_are_refused_field_by_field(server: Server, query: str, wrong: set[str]) -> None:
    answer = server.client().http.get(f"{PATH}?{query}", headers={"Authorization": f"Bearer {token_of(server)}"})
    assert answer.status_code == 422, answer.text
    assert {one["field"] for one in answer.json()["errors"]} == wrong


def test_a_missing_scope_is_named(server: Server) -> None:
    token = token_of(server)
    with server.house.runtime.database.transaction() as tx:
        tx.execute(metadata.tables["api_clients"].update().values(scopes=["users:write"]))
    answer = ask(server, token, {})
    assert answer.status_code == 403
    assert "explain:read" in answer.json()["detail"]
    assert 'scope="explain:read"' in answer.headers["www-authenticate"]


def test_only_a_hash_of_the_token_is_kept_and_an_answer_is_a_few_statements(server: Server) -> None:
    house = server.house
    house.clock.freeze()
    app = make_app(house)
    person = add_person(house, "Maya", "maya@example.com", "dev", group=group_of(house))
    token = token_of(server)
    query = {"environment": "dev", "user": person.email, "app": app.id}
    assert ask(server, token, query).status_code == 200
    for number in range(5):
        group_of(house, name=f"Group {number}")
    with counted(server) as statements:
        assert ask(server, token, query).status_code == 200
    assert len(statements) <= 9, statements
    with house.runtime.database.reading() as tx:
        rows = [repr(tx.execute(select(table)).all()) for table in metadata.sorted_tables]
    assert token not in "".join(rows)
    assert token_hash(token) in "".join(rows)


def test_the_description_names_what_is_served(server: Server) -> None:
    answer = server.client().http.get("/api/openapi.json")
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    operation = document["paths"][PATH]["get"]
    assert [one["name"] for one in operation["parameters"]] == ["environment", "user", "app"]
    house = server.house
    app, person = make_app(house), add_person(house, "Maya", "maya@example.com", "dev")
    data = ask(server, token_of(server), {"environment": "dev", "user": person.id, "app": app.id}).json()["data"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(data) == set(schema["properties"]["data"]["properties"])


@pytest.mark.parametrize("language", ["sh", "python"])
def test_what_the_page_shows_works(server: Server, language: str) -> None:
    house = server.house
    app, person = make_app(house), add_person(house, "Maya", "maya@example.com", "dev")
    (shown,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    environment = {
        **os.environ,
        "VESTIBULE_URL": str(server.client().http.base_url).rstrip("/"),
        "VESTIBULE_TOKEN": token_of(server),
        "WHO": person.email,
        "APP_ID": app.id,
    }
    command = ["sh", "-c", shown] if language == "sh" else [sys.executable, "-c", shown]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert ('"allowed": true' if language == "sh" else "may use it") in done.stdout
