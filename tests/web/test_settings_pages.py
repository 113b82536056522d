"""Settings over HTTP."""

from __future__ import annotations

import html
import re

from tests.support.house import PASSWORD, Client, Server
from tests.support.people import add_person
from vestibule.directory.activity import ActivityFilter
from vestibule.flows import admins, environments, workspaces
from vestibule.flows.parts.callers import operator
from vestibule.storage import activity

HOME = "/admin/settings"


def text_of(page: str) -> str:
    """Return a page's words without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_name_and_help_contact_are_saved_and_shown(admin_client: Client) -> None:
    admin_client.get(HOME)
    assert admin_client.post(HOME, {"name": "Südwind", "help_contact": "help@example.com"}).status_code == 303
    page = admin_client.get(HOME).text
    assert 'value="Südwind"' in page
    assert 'value="help@example.com"' in page
    assert "The settings were saved" in page


def test_a_wrong_help_contact_is_refused_beside_its_field_and_everything_typed_is_kept(admin_client: Client) -> None:
    admin_client.get(HOME)
    refused = admin_client.post(HOME, {"name": "Südwind", "help_contact": "not an address"})
    assert refused.status_code == 422
    assert 'value="Südwind"' in refused.text
    assert 'value="not an address"' in refused.text
    assert 'aria-describedby="help_contact-error"' in refused.text
    assert "Südwind" not in admin_client.get(HOME).text


def test_an_environment_is_added_moved_changed_and_deleted(admin_client: Client) -> None:
    admin_client.get(f"{HOME}/add-environment")
    assert admin_client.post(f"{HOME}/add-environment", {"name": "Staging"}).headers["location"] == HOME
    admin_client.get(HOME)
    for _ in range(3):
        admin_client.post(f"{HOME}/environments/staging/move", {"direction": "up"})
    assert re.findall(r'v-person">([^<]+)<', admin_client.get(HOME).text) == ["Staging", "DEV", "TEST", "PROD"]
    admin_client.get(f"{HOME}/environments/staging")
    admin_client.post(f"{HOME}/environments/staging", {"name": "Stage", "session_hours": "1"})
    assert "1 hour" in text_of(admin_client.get(HOME).text)
    assert "It is empty: nobody loses access." in text_of(admin_client.get(f"{HOME}/environments/staging/delete").text)
    assert admin_client.post(f"{HOME}/environments/staging/delete").headers["location"] == HOME
    assert admin_client.get(f"{HOME}/environments/staging").status_code == 404


def test_a_taken_name_comes_back_with_a_suggested_key(admin_client: Client) -> None:
    admin_client.get(f"{HOME}/add-environment")
    refused = admin_client.post(f"{HOME}/add-environment", {"name": "DEV", "key": ""})
    assert refused.status_code == 422
    assert 'value="dev"' in refused.text
    assert {"name-error", "key-error"} <= set(re.findall(r'id="([\w-]+)"', refused.text))


def test_a_full_environment_is_not_deleted_and_the_page_says_what_is_in_it(
    server: Server, admin_client: Client
) -> None:
    add_person(server.house, "Maya", "maya@example.com", "dev")
    words = text_of(admin_client.get(f"{HOME}/environments/dev/delete").text)
    assert "DEV can’t be deleted now" in words
    assert "1 person has access" in words
    admin_client.post("/admin/environments/dev/groups/new", {"name": "Design"})
    assert "Delete it on the End-user groups tab." in text_of(admin_client.get(f"{HOME}/environments/dev/delete").text)
    hint = "Only an empty environment can be deleted: without people, groups, connections, apps, APIs and API clients."
    assert hint in text_of(admin_client.get(f"{HOME}/environments/dev").text)
    assert admin_client.post(f"{HOME}/environments/dev/delete").status_code == 409
    assert admin_client.get(f"{HOME}/environments/dev").status_code == 200


def test_a_wrong_session_length_is_refused_beside_its_field(admin_client: Client) -> None:
    admin_client.get(f"{HOME}/environments/dev")
    refused = admin_client.post(f"{HOME}/environments/dev", {"name": "Kept", "session_hours": "169"})
    assert refused.status_code == 422
    assert 'value="Kept"' in refused.text
    assert 'aria-describedby="session_hours-error"' in refused.text


def test_support_reads_the_settings_and_changes_none(server: Server) -> None:
    runtime, workspace = server.house.runtime, server.house.workspace
    admins.create_admin(runtime, operator(), workspace.id, "Su", "su@example.com", "support", PASSWORD)
    client = server.client()
    client.sign_in("su@example.com")
    page = client.get(HOME).text
    assert "Northwind" in page
    assert "Add environment" not in page
    for path in (f"{HOME}/add-environment", f"{HOME}/environments/dev", f"{HOME}/environments/dev/delete"):
        assert client.get(path).status_code == 403
    for path in (HOME, f"{HOME}/add-environment", f"{HOME}/environments/dev/move"):
        assert client.post(path, {"name": "X"}).status_code == 403


def test_settings_saved_on_an_old_page_leave_what_was_changed_meanwhile(server: Server, admin_client: Client) -> None:
    house, of_dev = server.house, f"{HOME}/environments/dev"
    old_page = shown_on(admin_client, of_dev)
    assert old_page == {"shown_name": "DEV", "shown_hours": "8"}
    environments.change_environment(house.runtime, house.owner, "dev", "DEV", "2")
    assert admin_client.post(of_dev, {"name": "Dev", "session_hours": "8", **old_page}).status_code == 303
    assert shown_on(admin_client, of_dev) == {"shown_name": "Dev", "shown_hours": "2"}
    old_page = shown_on(admin_client, HOME)
    assert old_page == {"shown_name": "Northwind", "shown_help_contact": ""}
    workspaces.change_workspace(house.runtime, house.owner, "Northwind", "help@example.com")
    assert admin_client.post(HOME, {"name": "Südwind", "help_contact": "", **old_page}).status_code == 303
    assert shown_on(admin_client, HOME) == {"shown_name": "Südwind", "shown_help_contact": "help@example.com"}


def shown_on(client: Client, path: str) -> dict[str, str]:
    """Return what a form says it began with."""
    return dict(re.findall(r'name="(shown_\w+)" value="([^"]*)"', client.get(path).text))


def test_the_record_says_what_of_the_workspace_was_changed_and_nothing_where_nothing_was(server: Server) -> None:
    house = server.house
    for _ in range(2):
        workspaces.change_workspace(house.runtime, house.owner, "Northwind", "help@example.com")
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="workspace.changed")
        found = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=5)
    assert [entry.event.details for entry in found] == [{"help_contact": {"from": None, "to": "help@example.com"}}]
