"""The End-user groups tab over HTTP: pages, forms, refusals beside the field."""

from __future__ import annotations

import html
import re

import pytest

from tests.support.house import PASSWORD, Client, Server
from tests.support.people import add_person, group_of
from vestibule.flows import admins, groups
from vestibule.flows.parts.callers import operator

TAB = "/admin/environments/dev/groups"


def text_of(page: str) -> str:
    """Return a page's words without markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_authentication_and_groups_opens_with_the_first_environments_groups(admin_client: Client) -> None:
    assert admin_client.get("/admin/environments").headers["location"] == TAB
    words = text_of(admin_client.get(TAB).text)
    assert "Authentication & Groups" in words
    assert "Everyone Whoever has access to DEV, always" in words


def test_the_picker_is_links_then_a_form_and_nothing_for_one_environment(admin_client: Client) -> None:
    assert admin_client.get(TAB).text.count('href="/admin/environments/prod/groups"') == 1
    for number in range(3):
        admin_client.get("/admin/settings/add-environment")
        assert admin_client.post("/admin/settings/add-environment", {"name": f"Extra {number}"}).status_code == 303
    page = admin_client.get(TAB).text
    assert "/admin/environments/prod/groups" not in page
    assert '<option value="prod">' in page
    went = admin_client.get("/admin/environments?tab=authentication&environment=prod").headers["location"]
    assert went == "/admin/environments/prod/authentication"
    for hostile in ("tab=//evil.example&environment=prod", "tab=groups&environment=../../x", "environment=%0d%0aX:y"):
        assert admin_client.get(f"/admin/environments?{hostile}").headers["location"] in {
            TAB,
            TAB.replace("dev", "prod"),
        }
    for key in ("test", "prod", "extra-0", "extra-1", "extra-2"):
        admin_client.get(f"/admin/settings/environments/{key}/delete")
        assert admin_client.post(f"/admin/settings/environments/{key}/delete").status_code == 303
    assert "v-picker" not in admin_client.get(TAB).text


def test_a_group_is_created_filled_renamed_and_deleted(server: Server, admin_client: Client) -> None:
    maya = add_person(server.house, "Maya Lindqvist", "maya@example.com", "dev")
    admin_client.get(f"{TAB}/new")
    created = admin_client.post(f"{TAB}/new", {"name": "Designers"})
    assert created.status_code == 303
    path = created.headers["location"]
    assert "Designers was created" in text_of(admin_client.get(path).text)
    found = admin_client.get(f"{path}/add?q=maya")
    assert "Add Maya Lindqvist" in text_of(found.text)
    added = admin_client.post(f"{path}/members", {"end_user": maya.id, "q": "maya"})
    assert added.headers["location"] == f"{path}/add?q=maya"
    assert "Maya Lindqvist is in Designers now" in text_of(admin_client.get(added.headers["location"]).text)
    assert "One member in DEV" in text_of(admin_client.get(path).text)
    admin_client.post(f"{path}/members/remove", {"end_user": maya.id})
    assert "Nobody is in this group yet" in text_of(admin_client.get(path).text)
    admin_client.get(f"{path}/rename")
    assert admin_client.post(f"{path}/rename", {"name": "Design"}).status_code == 303
    assert "Nobody is in this group. This can’t be undone" in text_of(admin_client.get(f"{path}/delete").text)
    assert admin_client.post(f"{path}/delete").headers["location"] == TAB
    assert "Design was deleted" in text_of(admin_client.get(TAB).text)
    assert admin_client.get(path).status_code == 404


def test_a_wrong_name_is_refused_beside_the_field_and_kept(server: Server, admin_client: Client) -> None:
    group_of(server.house, name="Designers")
    admin_client.get(f"{TAB}/new")
    refused = admin_client.post(f"{TAB}/new", {"name": "<b>designers</b>" * 20})
    assert refused.status_code == 422
    assert "&lt;b&gt;designers" in refused.text
    assert 'aria-describedby="name-error"' in refused.text
    assert "<title>Error:" in refused.text
    taken = admin_client.post(f"{TAB}/new", {"name": "DESIGNERS"})
    assert "This environment has a group of this name already." in text_of(taken.text)


def test_somebody_without_access_is_refused_with_the_way_on(server: Server, admin_client: Client) -> None:
    group, bo = group_of(server.house), add_person(server.house, "Bo Li", "bo@example.com", "test")
    path = f"{TAB}/{group.id}"
    found = admin_client.get(f"{path}/add?q=bo@example.com")
    assert f'href="/admin/end-users/{bo.id}"' in found.text
    forged = admin_client.post(f"{path}/members", {"end_user": bo.id})
    assert forged.status_code == 409
    assert "Give access on their page first" in text_of(forged.text)


def test_everyone_shows_no_button_and_its_forms_are_closed(server: Server, admin_client: Client) -> None:
    add_person(server.house, "Maya", "maya@example.com", "dev")
    found = re.search(rf'href="({TAB}/grp_\w+)">Everyone', admin_client.get(TAB).text)
    assert found is not None
    page = admin_client.get(found[1])
    assert "Maya" in page.text
    assert f"{found[1]}/rename" not in page.text
    for path in ("rename", "delete", "add"):
        assert admin_client.get(f"{found[1]}/{path}").status_code == 403
    assert admin_client.post(f"{found[1]}/delete").status_code == 403


def test_an_auditor_sees_no_button_and_is_refused(server: Server) -> None:
    group = group_of(server.house)
    runtime, workspace = server.house.runtime, server.house.workspace
    admins.create_admin(runtime, operator(), workspace.id, "Au", "au@example.com", "auditor", PASSWORD)
    client = server.client()
    client.sign_in("au@example.com")
    assert "Create group" not in client.get(TAB).text
    assert "Rename" not in client.get(f"{TAB}/{group.id}").text
    for path in (f"{TAB}/new", f"{TAB}/{group.id}/rename", f"{TAB}/{group.id}/delete", f"{TAB}/{group.id}/add"):
        assert client.get(path).status_code == 403
    assert client.post(f"{TAB}/new", {"name": "X"}).status_code == 403


@pytest.mark.parametrize(
    "query",
    ["after=AAAA", "before=%00", "after=" + "A" * 5000, "q=" + "x" * 5000, "q=%F0%9F%98%80%00", "after=WyJ4Il0"],
)
def test_a_strange_address_still_shows_a_page(query: str, server: Server, admin_client: Client) -> None:
    group = group_of(server.house)
    for path in (TAB, f"{TAB}/{group.id}"):
        assert admin_client.get(f"{path}?{query}").status_code == 200


def test_a_page_whose_groups_are_gone_by_now_says_so_and_speaks_of_no_search(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    made = [group_of(house, name=f"Group {number:03}") for number in range(60)]
    following = re.search(r'href="(\?after=[^"]+)"', admin_client.get(TAB).text)
    assert following is not None
    for group in made[10:]:
        groups.delete_group(house.runtime, house.owner, "dev", group.id)
    page = text_of(admin_client.get(f"{TAB}{following[1]}").text)
    assert "There is no group further on this list. Show all groups" in page
    assert "No group’s name" not in page
