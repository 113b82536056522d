"""SCIM in the console: turning it on with open eyes, tokens that are shown once, and the stop line."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.support.directories import directory, pushed_group, pushed_user, pushing
from tests.support.house import Client, House, Server
from tests.support.people import add_person, connect, group_of
from vestibule.directory.sources import Source
from vestibule.flows import connections, scim_directories
from vestibule.kernel.errors import Invalid
from vestibule.kernel.secrets import token_hash
from vestibule.storage import groups
from vestibule.storage import scim_directories as storage
from vestibule.storage.tables import scim_tokens


def words(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_turning_scim_on_shows_first_who_is_adopted_who_conflicts_and_who_stays_manual(
    admin_client: Client, server: Server
) -> None:
    house = server.house
    here = connect(house, "dev", "Okta Dev", ("example.com",))
    add_person(house, "Maya Lindqvist", "maya@example.com", "dev")
    add_person(house, "Stray Guest", "stray@elsewhere.example", "dev")
    add_person(house, "Not In Dev", "not@example.com", "test")
    path = f"/admin/connections/{here.id}/provisioning"
    admin_client.get(path)
    asked = admin_client.post(path, {"mode": "scim"})
    assert asked.status_code == 200
    said = words(asked.text)
    assert "1 person will be adopted" in said
    assert "Maya Lindqvist" in said
    assert "1 person stays manual" in said
    assert "Stray Guest" in said
    assert "Not In Dev" not in said
    assert connections.get_connection(house.runtime, house.owner, here.id).connection.provisioning == "manual"
    found = re.search(r'name="shown" value="(\w+)"', asked.text)
    assert found is not None
    saved = admin_client.post(path, {"mode": "scim", "shown": found[1]})
    assert saved.headers["location"] == f"/admin/connections/{here.id}"
    assert connections.get_connection(house.runtime, house.owner, here.id).connection.provisioning == "scim"


def test_where_nobody_is_yet_scim_is_turned_on_without_a_question(admin_client: Client, server: Server) -> None:
    here = connect(server.house)
    path = f"/admin/connections/{here.id}/provisioning"
    admin_client.get(path)
    assert admin_client.post(path, {"mode": "scim"}).status_code == 303
    page = admin_client.get(f"/admin/connections/{here.id}").text.replace("<wbr>", "")
    assert f"/scim/{here.id}/v2" in page


def test_where_the_directory_decides_the_mapping_says_only_how_a_sign_in_finds_its_person(
    admin_client: Client, server: Server
) -> None:
    manual, scim = connect(server.house, "test", "Okta Test"), pushing(server.house)
    by_hand = words(admin_client.get(f"/admin/connections/{manual.id}").text)
    assert "which groups they give" in by_hand
    assert "Keep in sync" in by_hand
    by_directory = words(admin_client.get(f"/admin/connections/{scim.id}").text)
    assert "By which attributes a sign-in finds its person" in by_directory
    assert "Stable ID" in by_directory
    assert "Keep in sync" not in by_directory


def test_a_token_is_shown_once_and_only_its_hash_is_kept(admin_client: Client, server: Server) -> None:
    connection = pushing(server.house)
    path = f"/admin/connections/{connection.id}/scim/tokens/new"
    admin_client.get(path)
    made = admin_client.post(path, {"token_name": "Okta app", "token_life": "90"})
    found = re.search(r'id="scim-token">(.*?)</code>', made.text)
    assert found is not None
    secret = found[1]
    page = admin_client.get(f"/admin/connections/{connection.id}").text
    assert "Okta app" in page
    assert secret not in page
    with server.house.runtime.database.reading() as tx:
        row = tx.execute(scim_tokens.select()).one()
    assert row.token_hash == token_hash(secret)
    assert secret not in repr(row)


def test_two_tokens_live_at_once_and_no_third_until_one_is_revoked_or_has_expired(house: House) -> None:
    connection = pushing(house)
    first = scim_directories.make_token(house.runtime, house.owner, connection.id, "First", "90")
    scim_directories.make_token(house.runtime, house.owner, connection.id, "Second", "never")
    with pytest.raises(Invalid) as refused:
        scim_directories.make_token(house.runtime, house.owner, connection.id, "Third", "never")
    assert "two tokens" in str(refused.value.errors[0])
    scim_directories.revoke_token(house.runtime, house.owner, connection.id, first.token.id)
    short = scim_directories.make_token(house.runtime, house.owner, connection.id, "Third", "90")
    house.clock.advance(days=90)
    assert short.token.expired(house.clock())
    scim_directories.make_token(house.runtime, house.owner, connection.id, "Fourth", "never")
    with house.runtime.database.reading() as tx:
        found = storage.find_directory(tx, house.workspace.id, connection.id)
    assert found is not None
    assert {one.name for one in found.tokens} == {"Second", "Fourth"}


def test_a_token_without_a_name_or_of_an_unknown_life_is_not_made(house: House) -> None:
    connection = pushing(house)
    with pytest.raises(Invalid) as refused:
        scim_directories.make_token(house.runtime, house.owner, connection.id, " ", "12")
    assert [one.field for one in refused.value.errors] == ["token_name", "token_life"]


def test_a_connection_with_other_provisioning_has_no_tokens(house: House) -> None:
    with pytest.raises(scim_directories.NotScim):
        scim_directories.make_token(house.runtime, house.owner, connect(house).id, "A token", "90")


@pytest.mark.parametrize(("people", "percent"), [("0", "10"), ("20", "101"), ("-1", "10"), ("²", "10"), ("", "")])
def test_a_stop_line_out_of_bounds_is_refused(people: str, percent: str, house: House) -> None:
    with pytest.raises(Invalid):
        scim_directories.change_stop_line(house.runtime, house.owner, pushing(house).id, people, percent)


def test_a_pushed_group_named_like_a_hand_made_one_is_kept_apart_until_an_admin_lets_it_be_adopted(
    admin_client: Client, server: Server
) -> None:
    house = server.house
    by_hand = group_of(house, "dev", "Designers")
    ada = add_person(house, "Ada By Hand", "byhand@example.com", "dev", group=by_hand)
    connection = pushing(house)
    maya = pushed_user(house, connection, "maya@example.com")
    pushed = pushed_group(house, connection, "designers", maya.id)
    assert pushed.group_id != by_hand.id
    assert pushed.name == "designers (Okta Dev)"
    page = admin_client.get(f"/admin/connections/{connection.id}")
    assert "Groups of the same name" in page.text
    done = admin_client.post(f"/admin/connections/{connection.id}/scim/groups/{pushed.id}", {"decision": "adopt"})
    assert done.status_code == 303
    with house.runtime.database.reading() as tx:
        after = groups.find_group(tx, house.workspace.id, by_hand.id)
        assert after is not None
        assert (after.name, after.source) == ("designers", Source.SCIM)
        assert groups.find_group(tx, house.workspace.id, pushed.group_id) is None
        came = groups.members_among(tx, after, [ada.id, maya.end_user_id or ""])
    assert came[ada.id][0] is Source.MANUAL
    assert came[maya.end_user_id or ""][0] is Source.SCIM
    assert "Groups of the same name" not in admin_client.get(f"/admin/connections/{connection.id}").text


def test_groups_kept_apart_stay_so_and_are_asked_about_no_more(admin_client: Client, server: Server) -> None:
    house = server.house
    by_hand = group_of(house, "dev", "Designers")
    connection = pushing(house)
    pushed = pushed_group(house, connection, "Designers")
    admin_client.get(f"/admin/connections/{connection.id}")
    admin_client.post(f"/admin/connections/{connection.id}/scim/groups/{pushed.id}", {"decision": "apart"})
    assert "Groups of the same name" not in admin_client.get(f"/admin/connections/{connection.id}").text
    with house.runtime.database.reading() as tx:
        assert {one.name for one in groups.list_groups(tx, house.workspace.id, by_hand.environment_id)} == {
            "Everyone",
            "Designers",
            "Designers (Okta Dev)",
        }


def test_the_persons_page_says_where_everything_came_from_and_what_ends_it(
    admin_client: Client, server: Server
) -> None:
    house = server.house
    connection = pushing(house)
    maya = pushed_user(house, connection, "maya@example.com")
    pushed_group(house, connection, "Designers", maya.id)
    said = words(admin_client.get(f"/admin/end-users/{maya.end_user_id}").text)
    assert "Why does this person have access?" in said
    assert "Ends at once when the directory of Okta Dev takes it away" in said
    assert "Group Designers in DEV" in said
    assert said.count("A change in the directory of Okta Dev replaces it") == 4, (
        "name and e-mail address, wide and narrow"
    )
    by_hand = add_person(house, "Ada By Hand", "byhand@example.com", "dev")
    said = words(admin_client.get(f"/admin/end-users/{by_hand.id}").text)
    assert "Only an admin ends it." in said
    assert "An admin changes it." in said


@pytest.mark.parametrize("mode", ["manual", "jit"])
def test_what_a_directory_sent_can_still_be_read_once_people_come_another_way(
    mode: str, admin_client: Client, server: Server
) -> None:
    house = server.house
    okta = directory(server, pushing(house))
    here = f"/admin/connections/{okta.connection.id}"
    connections.choose_provisioning(house.runtime, house.owner, okta.connection.id, mode)
    assert f"{here}/scim/log" not in admin_client.get(here).text
    connections.choose_provisioning(house.runtime, house.owner, okta.connection.id, "scim")
    okta.create("maya@example.com")
    connections.choose_provisioning(house.runtime, house.owner, okta.connection.id, mode)
    assert f'href="{here}/scim/log"' in admin_client.get(here).text
    assert "maya@example.com" in words(admin_client.get(f"{here}/scim/log").text)
