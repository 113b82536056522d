"""Who confirms confirms what the page said: where that is not so any more, nothing is done and the page asks again."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from tests.support import sign_ins
from tests.support.house import Client, House, Server
from tests.support.people import add_person, connect, group_of, knock, link
from tests.web.test_connection_pages import text_of
from vestibule.directory.connections import Connection, ConnectionStatus, Provisioning
from vestibule.directory.end_users import AccessChange
from vestibule.directory.sessions import KnockReason
from vestibule.flows import admins, authentication, connections, end_user, group_members
from vestibule.kernel.errors import NotFound

TAB = "/admin/environments/dev/authentication"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
CHANGED = "Something changed since this page was opened, so nothing was done"


def carried(page: str) -> dict[str, str]:
    """Return what the form of an opened page sends without anything being typed."""
    return {name: unescape(value) for name, value in _HIDDEN.findall(page)}


def now(house: House, made: Connection) -> Connection | None:
    try:
        return connections.get_connection(house.runtime, house.owner, made.id).connection
    except NotFound:
        return None


@pytest.mark.parametrize("act", ["disable", "delete"])
def test_a_connection_that_concerns_more_people_by_now_is_asked_about_again(
    server: Server, admin_client: Client, act: str
) -> None:
    house = server.house
    made = sign_ins.connect(house)
    path = f"/admin/connections/{made.id}/{act}"
    form = carried(admin_client.get(path).text)
    sign_ins.add_person(house)
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert CHANGED in text_of(answer)
    assert "1 person signs in with e-\u2060mail and password again" in text_of(answer)
    found = now(house, made)
    assert found is not None
    assert found.status is ConnectionStatus.ACTIVE
    assert admin_client.post(path, carried(answer.text)).status_code == 303
    found = now(house, made)
    assert found is None or found.status is ConnectionStatus.DISABLED


def test_a_connection_that_was_activated_meanwhile_is_not_deleted_as_one_that_nobody_uses(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    made = sign_ins.connect(house, provisioning=None)
    sign_ins.add_person(house)
    path = f"/admin/connections/{made.id}/delete"
    form = carried(admin_client.get(path).text)
    connections.choose_provisioning(house.runtime, house.owner, made.id, "manual")
    assert admin_client.post(path, form).status_code == 409
    assert now(house, made) is not None


def test_a_connection_is_not_enabled_over_people_whom_the_page_did_not_name(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    made = sign_ins.connect(house)
    connections.set_disabled(house.runtime, house.owner, made.id, disabled=True)
    path = f"/admin/connections/{made.id}/enable"
    form = carried(admin_client.get(path).text)
    sign_ins.add_person(house)
    assert admin_client.post(path, form).status_code == 409
    assert admin_client.post(path, carried(admin_client.last_page)).status_code == 303


def test_what_another_admin_did_already_is_done(server: Server, admin_client: Client) -> None:
    house = server.house
    made = sign_ins.connect(house)
    sign_ins.add_person(house)
    path = f"/admin/connections/{made.id}/disable"
    form = carried(admin_client.get(path).text)
    assert [admin_client.post(path, form, token=form["csrf_token"]).status_code for _ in range(2)] == [303, 303]


def test_the_answer_to_one_question_is_no_answer_to_another(server: Server, admin_client: Client) -> None:
    made = sign_ins.connect(server.house)
    here = f"/admin/connections/{made.id}"
    form = carried(admin_client.get(f"{here}/disable").text)
    assert admin_client.post(f"{here}/delete", form).status_code == 409


@pytest.mark.parametrize("to", ["on", "off"])
def test_the_switch_is_not_turned_over_people_whom_the_page_did_not_name(
    server: Server, admin_client: Client, to: str
) -> None:
    house = server.house
    sign_ins.connect(house, switched_on=to == "off")
    sign_ins.add_person(house, "one@example.com")
    form = carried(admin_client.get(f"{TAB}/saml?to={to}").text)
    sign_ins.add_person(house, "two@example.com")
    answer = admin_client.post(f"{TAB}/saml", form)
    assert answer.status_code == 409
    assert CHANGED in text_of(answer)
    assert "2 people sign in" in text_of(answer)
    assert house.environment().saml_enabled is (to == "off")
    assert admin_client.post(f"{TAB}/saml", carried(answer.text)).status_code == 303
    assert house.environment().saml_enabled is (to == "on")


def test_a_mode_that_another_admin_chose_is_not_undone_by_a_form_from_before(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    made = sign_ins.connect(house, provisioning=Provisioning.MANUAL)
    path = f"/admin/connections/{made.id}/provisioning"
    form = carried(admin_client.get(path).text)
    connections.choose_provisioning(house.runtime, house.owner, made.id, "jit")
    answer = admin_client.post(path, {**form, "mode": "manual"})
    assert answer.status_code == 409
    assert CHANGED in text_of(answer)
    assert re.search(r'value="jit" checked', answer.text)
    assert admin_client.post(path, {**carried(answer.text), "mode": "manual"}).status_code == 303
    found = now(house, made)
    assert found is not None
    assert found.provisioning is Provisioning.MANUAL


@pytest.mark.parametrize("mode", ["manual", "scim"])
def test_a_connection_becomes_active_only_over_the_people_that_the_page_named(
    server: Server, admin_client: Client, mode: str
) -> None:
    house = server.house
    made = sign_ins.connect(house, provisioning=None)
    path = f"/admin/connections/{made.id}/provisioning"
    form = {**carried(admin_client.get(path).text), "mode": mode}
    sign_ins.add_person(house)
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert "1 person signs in through" in text_of(answer)
    asked = admin_client.post(path, {**carried(answer.text), "mode": mode})
    if mode == "scim":
        asked = admin_client.post(path, carried(asked.text))
    assert asked.status_code == 303
    assert admin_client.post(path, form).status_code == 303  # sent twice: it is so already


def test_a_group_that_has_members_by_now_is_not_deleted_as_an_empty_one(server: Server, admin_client: Client) -> None:
    house = server.house
    group, maya = group_of(house), add_person(house, "Maya Lindqvist", "maya@example.com", "dev")
    path = f"/admin/environments/dev/groups/{group.id}/delete"
    form = carried(admin_client.get(path).text)
    group_members.add_member(house.runtime, house.owner, "dev", group.id, maya.id)
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert "One person is in this group and leaves it." in text_of(answer)
    assert admin_client.post(path, carried(answer.text)).status_code == 303


def give_access(house: House, person_id: str) -> None:
    prod = frozenset({house.environments["prod"].id})
    change = AccessChange(frozenset(), prod, frozenset(), frozenset())
    end_user.change_access(house.runtime, house.owner, person_id, change)


def rename(house: House, person_id: str) -> None:
    end_user.change_profile(house.runtime, house.owner, person_id, "Maya Berg", "maya@example.com")


@pytest.mark.parametrize("act", ["deactivate", "delete"])
@pytest.mark.parametrize("meanwhile", [give_access, rename])
def test_a_person_who_would_lose_more_by_now_is_asked_about_again(
    server: Server, admin_client: Client, act: str, meanwhile: Callable[[House, str], None]
) -> None:
    maya = add_person(server.house)
    path = f"/admin/end-users/{maya.id}/{act}"
    form = carried(admin_client.get(path).text)
    meanwhile(server.house, maya.id)
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert CHANGED in text_of(answer)
    assert admin_client.post(path, carried(answer.text)).status_code == 303


def test_people_who_come_and_go_meanwhile_are_no_reason_to_ask_again(server: Server, admin_client: Client) -> None:
    house = server.house
    made = sign_ins.connect(house)
    for number in range(5):
        sign_ins.add_person(house, f"p{number}@example.com")
    preview = authentication.preview_saml(house.runtime, house.owner, "dev", on=False)
    assert preview.moves[0].people == 5
    form = carried(admin_client.get(f"{TAB}/saml?to=off").text)
    sign_ins.sign_in(server, server.client(), made, email="p1@example.com")
    assert admin_client.post(f"{TAB}/saml", form).status_code == 303


def test_where_accounts_are_made_all_the_time_an_act_over_hundreds_can_still_be_confirmed(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    made = sign_ins.connect(house)
    for number in range(120):
        sign_ins.add_person(house, f"p{number}@example.com")
    path = f"/admin/connections/{made.id}/edit"
    admin_client.get(path)
    typed = {"name": "Okta Dev", "vendor": "okta", "enforce": "selected", "domains": "example.org"}
    asked = admin_client.post(path, typed)
    assert "120 people sign in with" in text_of(asked)
    sign_ins.add_person(house, "newcomer@example.com")
    sign_ins.add_person(house, "bystander@example.net")
    assert admin_client.post(path, {**carried(asked.text), **typed}).status_code == 303
    provisioning = f"/admin/connections/{made.id}/provisioning"
    asked = admin_client.post(provisioning, {"mode": "scim"})
    assert "122 people stay manual" in text_of(asked)
    sign_ins.add_person(house, "next@example.com")
    assert admin_client.post(provisioning, carried(asked.text)).status_code == 303


def test_an_account_that_another_admin_gave_another_address_is_not_linked_to_who_came_with_the_old_one(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    connection, old = connect(house), add_person(house, "Old", "shared@example.com", "dev")
    link(house, old, connection, "before")
    came = knock(house, connection, "New", "shared@example.com", "now", KnockReason.ADDRESS_REUSED, old.id)
    path = f"/admin/end-users/waiting/{came.id}/address"
    form = carried(admin_client.get(path).text)
    assert "by now" not in admin_client.last_page
    # The other admin knows that it is somebody else.
    end_user.change_profile(house.runtime, house.owner, old.id, "Old", "old@example.com")
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert CHANGED in text_of(answer)
    assert "Old , which has the address old@example.com by now" in text_of(answer)
    (kept,) = end_user.look_at_end_user(house.runtime, house.owner, old.id).links
    assert kept.subject_value == "before"
    assert admin_client.post(path, carried(answer.text)).status_code == 303


def test_an_admin_who_is_an_owner_by_now_is_not_removed_as_an_auditor(server: Server, admin_client: Client) -> None:
    house = server.house
    max_, _ = admins.create_admin(
        house.runtime, house.owner.actor, house.workspace.id, "Max", "max@example.com", "auditor", None
    )
    path = f"/admin/access-control/{max_.id}/remove"
    form = carried(admin_client.get(path).text)
    admins.change_role(house.runtime, house.owner, max_.id, "owner")
    answer = admin_client.post(path, form)
    assert answer.status_code == 409
    assert "max@example.com · Owner" in text_of(answer)
    assert admin_client.post(path, carried(answer.text)).status_code == 303
