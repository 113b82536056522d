"""API clients in the console: a token is shown once, reaches what was chosen and no more, and works until it is revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support.apps import make_app
from tests.support.house import PASSWORD, Client, House, Server, TestClock, furnish, serving
from tests.support.people import add_person
from vestibule.directory.api_clients import ApiClient
from vestibule.flows import admins, api_clients
from vestibule.flows.parts.callers import operator
from vestibule.kernel.secrets import token_hash
from vestibule.storage.tables import api_clients as table

HOME = "/admin/api-clients"
TYPED = {"name": "Help desk", "scope": "explain:read", "environment": "dev", "token_life": "90"}


def words(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def add(client: Client, **changes: Any) -> httpx.Response:
    client.get(f"{HOME}/new")
    typed = {name: value for name, value in {**TYPED, **changes}.items() if value is not None}
    return client.post(f"{HOME}/new", typed)


def token_in(page: str) -> str:
    found = re.search(r'id="api-token">(vapi_[\w-]{43})</code>', page)
    assert found is not None, page
    return found[1]


def clients_of(house: House) -> tuple[ApiClient, ...]:
    return api_clients.list_api_clients(house.runtime, house.workspace.id)


def ask(server: Server, token: str, environment: str = "dev") -> int:
    """Ask about somebody who is in every environment and an app that is there; return the status."""
    house = server.house
    app = make_app(house, f"App {house.runtime.clock()}", environment)
    person = add_person(house, "Maya", f"{app.id}@example.com", "dev", "test", "prod")
    query = {"environment": environment, "user": person.id, "app": app.id}
    headers = {"Authorization": f"Bearer {token}"}
    return server.client().http.get("/api/v1/explain", params=query, headers=headers).status_code


def as_role(server: Server, role: str) -> Client:
    house = server.house
    admins.create_admin(house.runtime, operator(), house.workspace.id, "Su", f"{role}@example.com", role, PASSWORD)
    client = server.client()
    client.sign_in(f"{role}@example.com")
    return client


def test_a_token_is_shown_once_works_where_it_was_chosen_and_is_kept_as_a_hash(
    admin_client: Client, server: Server
) -> None:
    assert "No API client yet" in words(admin_client.get(HOME).text)
    made = add(admin_client)
    token = token_in(made.text)
    assert made.headers["cache-control"] == "no-store"
    assert (ask(server, token), ask(server, token, "test")) == (200, 404)
    listed = admin_client.get(HOME).text
    assert token not in listed
    said = words(listed)
    for part in ("Help desk", "Made by Ada Park", "explain:read", "DEV"):
        assert part in said, part
    with server.house.runtime.database.reading() as tx:
        row = tx.execute(select(table)).one()
    assert row.token_hash == token_hash(token)
    assert token not in repr(row)
    assert row.expires_at - row.created_at == timedelta(days=90)
    activity = admin_client.get("/admin/activity?kind=api_client.").text
    assert "Ada Park made the API client Help desk" in words(activity)
    assert token not in activity


def test_the_whole_workspace_is_a_choice_of_its_own(admin_client: Client, server: Server) -> None:
    token = token_in(add(admin_client, environment="*", token_life="never").text)
    assert [ask(server, token, key) for key in ("dev", "test", "prod")] == [200, 200, 200]
    (client,) = clients_of(server.house)
    assert (client.environment_id, client.expires_at) == (None, None)
    assert "Whole workspace" in words(admin_client.get(HOME).text)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"environment": None}, "environment"),
        ({"environment": ""}, "environment"),
        ({"environment": "nowhere"}, "environment"),
        ({"environment": "**"}, "environment"),
        ({"environment": "dev\u202e"}, "environment"),
        ({"scope": None}, "scope"),
        ({"scope": "users:write"}, "scope"),
        ({"scope": ["explain:read", "explain:write"]}, "scope"),
        ({"scope": "<script>alert(1)</script>"}, "scope"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Help\u202edesk"}, "name"),
        ({"token_life": "36500"}, "token_life"),
        ({"token_life": None}, "token_life"),
    ],
)
def test_what_was_not_offered_or_not_chosen_makes_no_client_and_loses_nothing_typed(
    admin_client: Client, server: Server, changes: dict[str, Any], field: str
) -> None:
    refused = add(admin_client, **changes)
    assert refused.status_code == 422
    assert re.findall(r'id="([\w-]+)-error"', refused.text) == [field]
    assert "<script>alert" not in refused.text
    assert "vapi_" not in refused.text
    if "name" not in changes:
        assert 'value="Help desk"' in refused.text
    if "environment" not in changes:
        assert '<option value="dev" selected>' in refused.text
    if "scope" not in changes:
        assert 'value="explain:read" checked' in refused.text
    assert clients_of(server.house) == ()


def test_an_environment_of_another_workspace_and_an_id_in_a_keys_place_are_no_choice(
    admin_client: Client, server: Server
) -> None:
    house = server.house
    other = furnish(house.runtime, house.clock, ("Stage",), "Contoso")
    for environment in ("stage", other.environment("stage").id, house.environment("dev").id):
        refused = add(admin_client, environment=environment)
        assert refused.status_code == 422, environment
        assert "There is no environment with this key." in words(refused.text)
    assert clients_of(house) == clients_of(other) == ()


def test_a_revoked_token_ends_at_once_after_a_question_that_changes_nothing(
    admin_client: Client, server: Server
) -> None:
    token = token_in(add(admin_client).text)
    (client,) = clients_of(server.house)
    path = f"{HOME}/{client.id}/revoke"
    assert "It has never been used." in words(admin_client.get(path).text)
    assert ask(server, token) == 200
    assert "It was last used" in words(admin_client.get(path).text)
    done = admin_client.post(path)
    assert (done.status_code, done.headers["location"]) == (303, HOME)
    assert ask(server, token) == 401
    said = words(admin_client.get(HOME).text)
    assert "The API client “Help desk” was revoked" in said
    assert "No API client works here now" in said
    assert "1 revoked" in said
    assert "Help desk Revoked" in words(admin_client.get(f"{HOME}?revoked=1").text)
    for again in (admin_client.get(path), admin_client.post(path)):
        assert again.status_code == 404
    assert "Ada Park revoked the API client Help desk" in words(admin_client.get("/admin/activity").text)


def test_another_workspaces_client_is_not_there(admin_client: Client, server: Server) -> None:
    house = server.house
    other = furnish(house.runtime, house.clock, ("Stage",), "Contoso")
    theirs = api_clients.create_api_client(
        house.runtime, operator(), other.workspace.id, "Their desk", ["explain:read"]
    ).client
    add(admin_client)
    assert "Their desk" not in admin_client.get(HOME).text
    for client_id in (theirs.id, "apc_" + "0" * 26, "nonsense", house.workspace.id):
        path = f"{HOME}/{client_id}/revoke"
        assert admin_client.get(path).status_code == 404
        admin_client.get(HOME)
        assert admin_client.post(path).status_code == 404
    assert [one.revoked_at for one in (*clients_of(other), *clients_of(house))] == [None, None]


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_who_only_reads_finds_the_list_and_nothing_to_press(server: Server, role: str, admin_client: Client) -> None:
    add(admin_client)
    (client,) = clients_of(server.house)
    reader = as_role(server, role)
    page = reader.get(HOME).text
    assert "Help desk" in page
    assert f"{HOME}/" not in page
    assert reader.get(f"{HOME}/new").status_code == reader.get(f"{HOME}/{client.id}/revoke").status_code == 403
    for path, typed in ((f"{HOME}/new", {**TYPED, "name": "Mine"}), (f"{HOME}/{client.id}/revoke", {})):
        reader.get(HOME)
        assert reader.post(path, typed).status_code == 403
    assert clients_of(server.house) == (client,)


def test_a_form_that_is_not_ours_does_nothing(admin_client: Client, server: Server) -> None:
    add(admin_client)
    (client,) = clients_of(server.house)
    for path, typed in ((f"{HOME}/new", TYPED), (f"{HOME}/{client.id}/revoke", {})):
        for forged in ({"token": ""}, {"token": "0" * 64}, {"headers": {"Origin": "https://evil.example"}}):
            admin_client.get(HOME)
            assert admin_client.post(path, typed, **forged).status_code == 403, (path, forged)
    assert clients_of(server.house) == (client,)


def test_markup_in_a_name_is_text_wherever_it_is_shown(admin_client: Client, server: Server) -> None:
    name = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script> {{7*7}}"
    pages = [add(admin_client, name=name).text]
    (client,) = clients_of(server.house)
    path = f"{HOME}/{client.id}/revoke"
    pages += [admin_client.get(HOME).text, admin_client.get(path).text]
    admin_client.post(path)
    pages += [admin_client.get(f"{HOME}?revoked=1").text, admin_client.get("/admin/activity").text]
    pages.append(add(admin_client, name=name).text)
    for page in pages:
        assert name in unescape(page)
        assert "<img src=x" not in page
        assert "<script>alert" not in page


def test_a_workspace_of_one_environment_is_not_asked_which(database_url: str, clock: TestClock) -> None:
    with serving(database_url, clock, ("Only",)) as server:
        client = server.client()
        client.sign_in()
        form = client.get(f"{HOME}/new").text
        assert "<select" in form
        assert 'id="environment"' not in form
        hidden = re.search(r'name="environment" value="([^"]+)"', form)
        assert hidden is not None
        add(client, environment=hidden[1])
        (made,) = clients_of(server.house)
        assert made.environment_id == server.house.environment("only").id
        assert ">Environment<" not in client.get(HOME).text


def test_the_list_says_what_ends_soon_and_what_has_ended(admin_client: Client, server: Server) -> None:
    house = server.house
    house.clock.freeze()
    for days in (14, 15):
        api_clients.create_api_client(
            house.runtime, operator(), house.workspace.id, f"{days} days", ["explain:read"], None, timedelta(days=days)
        )

    def shown() -> list[tuple[str, str]]:
        page = admin_client.get(HOME).text
        assert "Made on the command line" in page
        return re.findall(r'v-person">(\d+ days)(?: <span class="badge[^>]*>.*?</span>([^<]+)</span>)?', page)

    assert shown() == [("15 days", ""), ("14 days", "Ends soon")]
    house.clock.advance(days=14)
    admin_client.sign_in()
    assert shown() == [("15 days", "Ends soon"), ("14 days", "Expired")]


def names_by_page(client: Client, address: str, label: str) -> list[list[str]]:
    """Follow the links of a pager; return the names of each page."""
    pages = []
    while address:
        page = client.get(address).text
        pages.append(re.findall(r'v-person">(Program \d+)', page))
        found = re.search(rf'href="([^"]+)" rel="{label}"', page)
        address = unescape(found[1]) if found else ""
    return pages


def test_thousands_of_clients_are_shown_by_pages_those_that_were_revoked_apart(
    admin_client: Client, server: Server
) -> None:
    house = server.house
    house.clock.freeze()
    for number in range(5):
        house.clock.advance(seconds=1)
        made = api_clients.create_api_client(
            house.runtime, operator(), house.workspace.id, f"Program {number}", ["explain:read"]
        )
        house.clock.advance(seconds=1)
        api_clients.create_api_client(
            house.runtime, operator(), house.workspace.id, f"Program {number + 10}", ["explain:read"]
        )
        api_clients.revoke_as_admin(house.runtime, house.owner, made.client.id)
    working = [["Program 14", "Program 13"], ["Program 12", "Program 11"], ["Program 10"]]
    revoked = [["Program 4", "Program 3"], ["Program 2", "Program 1"], ["Program 0"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api_clients, "PAGE_SIZE", 2)
        assert names_by_page(admin_client, HOME, "next") == working
        assert names_by_page(admin_client, f"{HOME}?revoked=1", "next") == revoked
        oldest = {one.name: one.id for one in clients_of(house)}
        for address, ids, pages in (
            (f"{HOME}?", oldest["Program 10"], working),
            (f"{HOME}?revoked=1&", oldest["Program 0"], revoked),
        ):
            assert names_by_page(admin_client, f"{address}after={ids}", "prev") == pages[1::-1]
        assert "5 revoked" in words(admin_client.get(HOME).text)


@pytest.mark.parametrize("query", ["before=x", "after=", "before=%00&after=%ff", "revoked=&before=apc_", "revoked=2"])
def test_a_made_up_page_of_clients_is_a_page(admin_client: Client, query: str) -> None:
    add(admin_client)
    assert admin_client.get(f"{HOME}?{query}").status_code == 200
