"""A form that was opened before another admin changed something gives back nothing that is over: roles, names, requests, stop lines."""

from __future__ import annotations

from tests.support import sign_ins
from tests.support.directories import pushing
from tests.support.house import Client, Server
from tests.support.people import group_of
from tests.web.test_confirmations import carried
from tests.web.test_connection_pages import text_of
from vestibule.directory.authn_requests import TypedOptions
from vestibule.flows import admins, connection_options, connections, groups, scim_directories
from vestibule.flows.parts.callers import operator

CHANGED = "This was changed since you opened this page."


def test_a_role_that_another_admin_took_away_is_not_given_back(server: Server, admin_client: Client) -> None:
    house = server.house
    max_, _ = admins.create_admin(
        house.runtime, operator(), house.workspace.id, "Max", "max@example.com", "admin", None
    )
    page = f"/admin/access-control/{max_.id}"

    def role() -> str:
        return admins.get_admin(house.runtime, house.owner, max_.id).role.value

    form = carried(admin_client.get(page).text)
    admins.change_role(house.runtime, house.owner, max_.id, "auditor")
    assert admin_client.post(f"{page}/role", {**form, "role": "admin"}).status_code == 303
    assert role() == "auditor"
    assert "role changed" not in text_of(admin_client.get("/admin/access-control"))
    form = carried(admin_client.get(page).text)
    assert admin_client.post(f"{page}/role", {**form, "role": "support"}).status_code == 303
    assert role() == "support"


def test_a_group_keeps_the_name_that_another_admin_gave_it(server: Server, admin_client: Client) -> None:
    house = server.house
    group = group_of(house, name="Designers")
    path = f"/admin/environments/dev/groups/{group.id}/rename"
    form = carried(admin_client.get(path).text)
    groups.rename_group(house.runtime, house.owner, "dev", group.id, "Design")
    assert admin_client.post(path, {**form, "name": "Designers"}).status_code == 303
    assert groups.get_changeable(house.runtime, house.owner, "dev", group.id).name == "Design"
    wrong = admin_client.post(path, {**form, "name": ""}, token=form["csrf_token"])
    assert wrong.status_code == 422
    assert carried(wrong.text)["shown"] == "Designers"
    assert admin_client.post(path, {**carried(wrong.text), "name": "Makers"}).status_code == 303
    assert groups.get_changeable(house.runtime, house.owner, "dev", group.id).name == "Makers"


def test_what_requests_ask_for_is_not_taken_back_unseen(server: Server, admin_client: Client) -> None:
    house = server.house
    made = sign_ins.connect(house)
    path = f"/admin/connections/{made.id}/requests"
    form = {**carried(admin_client.get(path).text), "allow_create": "on", "comparison": "exact"}
    asking = TypedOptions(True, "", False, "exact", "")
    connection_options.change_requests(house.runtime, house.owner, made.id, asking)
    answer = admin_client.post(path, form)
    assert answer.status_code == 422
    assert CHANGED in text_of(answer)

    def now() -> tuple[bool, bool]:
        found = connections.get_connection(house.runtime, house.owner, made.id).connection.asking
        return found.force_authn, found.allow_create

    assert now() == (True, False)
    assert admin_client.post(path, {**form, **carried(answer.text)}).status_code == 303
    assert now() == (False, True)


def test_a_stop_line_that_another_admin_moved_is_not_moved_back_unseen(server: Server, admin_client: Client) -> None:
    house = server.house
    made = pushing(house)
    path = f"/admin/connections/{made.id}/scim/stop-line"
    form = {**carried(admin_client.get(path).text), "most_people": "900", "most_percent": "90"}
    scim_directories.change_stop_line(house.runtime, house.owner, made.id, "5", "5")
    answer = admin_client.post(path, form)
    assert answer.status_code == 422
    assert CHANGED in text_of(answer)
    assert 'value="900"' in answer.text
    assert 'value="5"' in admin_client.get(path).text
    assert admin_client.post(path, {**form, **carried(answer.text)}).status_code == 303
