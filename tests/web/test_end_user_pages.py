"""The End users pages over HTTP: real forms, errors beside their fields, nothing typed lost, nobody let in by a forged request."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from tests.support.house import PASSWORD, Client, Server
from tests.support.people import add_person, connect, group_of, knock, link, sign_in
from vestibule.directory.end_users import EndUser, EndUserFilter
from vestibule.directory.sessions import KnockReason
from vestibule.directory.sources import Source
from vestibule.flows import admins, end_user, end_users, waiting
from vestibule.flows.parts.callers import operator
from vestibule.storage import access, end_user_list
from vestibule.storage import end_users as storage
from vestibule.web.positions import from_address, to_address

NEW = "/admin/end-users/new"


def emails(server: Server) -> list[str]:
    house = server.house
    page = end_users.list_end_users(house.runtime, house.owner, EndUserFilter()).page
    return [row.end_user.email for row in page.rows]


def found(text: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'class="v-person" href="[^"]+">([^<]*)<', text)]


def active(server: Server, *keys: str) -> EndUser:
    person = add_person(server.house, "Maya Lindqvist", "maya@example.com", *keys)
    with server.house.runtime.database.transaction() as tx:
        storage.note_sign_in(tx, person.workspace_id, person.id, server.house.clock())
    return person


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    text = admin_client.get("/admin/end-users").text
    assert "Nobody can come in yet" in text
    assert 'href="/admin/end-users/new"' in text


def test_a_person_is_added_by_the_form_and_the_link_is_shown_once_to_be_handed_over(
    server: Server, admin_client: Client
) -> None:
    dev, designers = server.house.environments["dev"].id, group_of(server.house)
    text = admin_client.get(NEW).text
    for word in (
        "Full name",
        "Email address",
        "Environment access",
        "Select a group in DEV",
        "Signs in with e-\u2060mail and password",
    ):
        assert word in text
    response = admin_client.post(
        NEW, {"name": "Maya", "email": "maya@example.com", "environment": dev, f"group_{dev}": designers.id}
    )
    assert response.status_code == 200
    (url,) = re.findall(r'<code id="link"[^>]*>([^<]+)</code>', response.text.replace("<wbr>", ""))
    assert url.startswith(f"{server.base_url}/e/dev/link/")
    text = admin_client.get("/admin/end-users").text
    assert found(text) == ["Maya"]
    assert "Designers" in text
    assert url not in text


def test_a_duplicate_is_refused_in_place_leads_to_who_has_the_address_and_keeps_what_was_typed(
    server: Server, admin_client: Client
) -> None:
    maya = add_person(server.house, "Maya <Lindqvist>", "maya@example.com")
    dev, designers = server.house.environments["dev"].id, group_of(server.house)
    admin_client.get(NEW)
    typed = {"name": "Maja <b>", "email": "MAYA@example.com", "environment": dev, f"group_{dev}": designers.id}
    response = admin_client.post(NEW, typed)
    assert response.status_code == 422
    text = response.text
    assert "<title>Error:" in text
    assert 'id="email-error"' in text
    assert "Maya &lt;Lindqvist&gt; already has this e-\u2060mail address." in text
    assert f'href="/admin/end-users/{maya.id}"' in text
    assert 'value="Maja &lt;b&gt;"' in text
    assert 'value="MAYA@example.com"' in text
    assert re.search(rf'value="{dev}" checked', text)
    assert re.search(rf'value="{designers.id}" selected', text)
    assert emails(server) == ["maya@example.com"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"name", "email"}),
        ({"name": "\u202e", "email": "x"}, {"name", "email"}),
        ({"name": "M" * 3000, "email": f"{'m' * 3000}@example.com"}, {"name", "email"}),
        ({"name": "M", "email": "m@example.com", "environment": "env_nothing"}, {"environment"}),
        ({"name": "M", "email": "m@example.com", "environment": "<script>"}, {"environment"}),
    ],
)
def test_wrong_input_is_told_beside_the_field_and_writes_nothing(
    server: Server, admin_client: Client, fields: dict[str, str], wrong: set[str]
) -> None:
    admin_client.get(NEW)
    response = admin_client.post(NEW, fields)
    assert response.status_code == 422
    assert {field for field in ("name", "email", "environment") if f'id="{field}-error"' in response.text} == wrong
    assert "<script>" not in response.text.replace('<script src="/static/', "")
    assert emails(server) == []


def test_a_group_chosen_without_its_environment_is_told_beside_the_list(server: Server, admin_client: Client) -> None:
    dev, designers = server.house.environments["dev"].id, group_of(server.house)
    admin_client.get(NEW)
    response = admin_client.post(NEW, {"name": "M", "email": "m@example.com", f"group_{dev}": designers.id})
    assert response.status_code == 422
    assert f'id="group_{dev}-error"' in response.text
    assert emails(server) == []


def test_nul_and_emoji_end_in_no_500(server: Server, admin_client: Client) -> None:
    admin_client.get(NEW)
    response = admin_client.post(NEW, {"name": "Ada\0 🚀", "email": "a\0da@example.com"})
    assert response.status_code == 303
    assert emails(server) == ["ada@example.com"]
    for query in (
        "q=%00",
        "q=%ff%fe",
        "q=🚀",
        "environment=%00",
        "group=x&status=y&source=z",
        "after=%00",
        "after=AAAA",
        "before=WyJuYW1lIl0",
    ):
        assert admin_client.get(f"/admin/end-users?{query}").status_code == 200
    hostile = (["name", "\0", "x"], ["name", "\ud800", "x"], ["name", 1, 2], {"a": 1}, ["word-0", "a", "b", "c"], "x")
    for position in hostile:
        packed = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
        assert admin_client.get(f"/admin/end-users?q=a&after={packed}").status_code == 200
        assert admin_client.get(f"/admin/end-users/waiting?before={packed}").status_code == 200


def test_positions_survive_the_address_and_nothing_else_does() -> None:
    position = ("word-0", "zoë", "zoë o'brien", "usr_1")
    assert from_address(to_address(position)) == position
    for hostile in ("", "x" * 3000, "€", "!!!", to_address(("\0",)), "WyJcdWQ4MDAiXQ", "W1tbW1s", "bnVsbA", "MQ"):
        assert from_address(hostile) is None


def test_search_and_filters_are_kept_on_the_page_and_in_the_way_to_the_next(
    server: Server, admin_client: Client
) -> None:
    for number in range(30):
        add_person(server.house, f"Person {number:02}", f"{number}@example.com", "dev" if number else "test")
    text = admin_client.get("/admin/end-users?q=person&environment=dev&status=invited&source=manual").text
    assert found(text) == [f"Person {number:02}" for number in range(1, 26)]
    assert 'value="person"' in text
    assert 'value="dev" selected' in text
    (following,) = re.findall(r'href="([^"]+)" rel="next"', text)
    text = admin_client.get(unescape(following)).text
    assert found(text) == [f"Person {number:02}" for number in range(26, 30)]
    (back,) = re.findall(r'href="([^"]+)" rel="prev"', text)
    assert found(admin_client.get(unescape(back)).text)[0] == "Person 01"
    assert "Nobody is found like this" in admin_client.get("/admin/end-users?q=zzz").text


def test_a_search_that_stopped_says_how_far_it_looked_and_leads_further(
    server: Server, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 4)
    group = group_of(server.house, "test", "Testers")
    for number in range(11):
        add_person(server.house, f"Person {number:02}", f"{number}@example.com", "test", group=group)
    add_person(server.house, "Person Last", "last@example.com", "test", "dev", group=group)
    here = f"/admin/environments/test/groups/{group.id}"
    for first in ("/admin/end-users?q=person+example", f"{here}?q=person+example"):
        address, seen, stops = first, [], 0
        while address:
            text = admin_client.get(address).text
            seen += found(text)
            stops += "4 entries were looked through for this page, and there are more." in text
            following = re.search(r'href="([^"]+)" rel="next">Look further', text)
            address = urljoin(first, unescape(following[1])) if following else ""
        assert seen == [*(f"Person {number:02}" for number in range(11)), "Person Last"]
        assert stops == 2
    for number in range(5):
        add_person(server.house, f"Zoe {number}", f"zoe{number}@example.com", "dev")
        add_person(server.house, f"Abe {number}", f"abe{number}@other.test", "test")
    text = admin_client.get("/admin/end-users?q=abe+example").text
    assert "Nobody is found so far." in text
    (by_name,) = re.findall(r'<a href="([^"]+)">Names that begin like this', text)
    assert parse_qs(urlsplit(unescape(by_name)).query) == {"q": ['"abe example"']}
    assert "Nobody is found like this." in admin_client.get(unescape(by_name)).text
    assert len(found(admin_client.get('/admin/end-users?q="abe"').text)) == 5
    assert found(admin_client.get(f'{here}?q="person l"').text) == ["Person Last"]
    assert "Person Last" in admin_client.get(f'{here}/add?q="person l"').text
    assert "4 entries were looked through" in text
    assert "4 entries were looked through" in admin_client.get(f"{here}/add?q=person+example").text


def test_everyone_of_an_environment_is_a_filter_like_any_group(server: Server, admin_client: Client) -> None:
    add_person(server.house, "In Dev", "d@example.com", "dev")
    add_person(server.house, "In Test", "t@example.com", "test")
    text = admin_client.get("/admin/end-users").text
    (of_dev,) = re.findall(r'<optgroup label="DEV"><option value="([^"]+)">Everyone', text)
    assert found(admin_client.get(f"/admin/end-users?group={of_dev}").text) == ["In Dev"]


def test_profile_access_and_standing_are_changed_from_the_persons_page(server: Server, admin_client: Client) -> None:
    maya, prod = active(server, "dev"), server.house.environments["prod"].id
    dev, here = server.house.environments["dev"].id, f"/admin/end-users/{maya.id}"
    text = admin_client.get(here).text
    assert f'name="shown_environment" value="{dev}"' in text
    assert admin_client.post(f"{here}/profile", {"name": "Maya Berg", "email": "berg@example.com"}).status_code == 303
    shown = {"shown_environment": dev, "environment": [dev, prod]}
    assert admin_client.post(f"{here}/access", shown).status_code == 303
    text = admin_client.get(here).text
    assert "Maya Berg" in text
    assert re.search(rf'value="{prod}" checked', text)
    sign_in(server.house, maya)
    assert "1 session ends at once." in admin_client.get(f"{here}/deactivate").text
    assert admin_client.post(f"{here}/deactivate").status_code == 303
    assert "is deactivated and can’t come in anywhere" in admin_client.get(here).text
    assert admin_client.post(f"{here}/reactivate").status_code == 303
    assert "This can’t be undone" in admin_client.get(f"{here}/delete").text
    assert admin_client.post(f"{here}/delete").status_code == 303
    assert admin_client.get(here).status_code == 404
    assert emails(server) == []


def test_wrong_changes_keep_what_was_typed_and_ticked(server: Server, admin_client: Client) -> None:
    maya, bram = active(server, "dev"), add_person(server.house, "Bram", "bram@example.com")
    here, reviewers = f"/admin/end-users/{maya.id}", group_of(server.house, "prod", "Reviewers")
    admin_client.get(here)
    response = admin_client.post(f"{here}/profile", {"name": "Typed", "email": "bram@example.com"})
    assert response.status_code == 422
    assert f'href="/admin/end-users/{bram.id}"' in response.text
    assert 'value="Typed"' in response.text
    prod = server.house.environments["prod"].id
    response = admin_client.post(f"{here}/access", {"group": reviewers.id})
    assert response.status_code == 422
    assert f'id="group_{prod}-error"' in response.text
    assert re.search(rf'value="{reviewers.id}" checked', response.text)


def test_a_name_saved_on_an_old_page_leaves_the_address_that_was_changed_meanwhile(
    server: Server, admin_client: Client
) -> None:
    house, maya = server.house, active(server, "dev")
    here = f"/admin/end-users/{maya.id}"
    admin_client.get(here)
    shown = {"shown_name": "Maya Lindqvist", "shown_email": "maya@example.com"}
    assert all(f'name="{name}" value="{value}"' in admin_client.last_page for name, value in shown.items())
    end_user.change_profile(house.runtime, house.owner, maya.id, "Maya Lindqvist", "maya.berg@example.com")
    wrong = admin_client.post(f"{here}/profile", {"name": "", "email": "maya@example.com", **shown})
    assert all(f'name="{name}" value="{value}"' in wrong.text for name, value in shown.items())
    saved = admin_client.post(f"{here}/profile", {"name": "Maya Berg", "email": "maya@example.com", **shown})
    assert saved.status_code == 303
    now = end_user.look_at_end_user(house.runtime, house.owner, maya.id).end_user
    assert (now.full_name, now.email) == ("Maya Berg", "maya.berg@example.com")


def test_identities_and_sessions_are_ended_from_the_persons_page(server: Server, admin_client: Client) -> None:
    connection = connect(server.house)
    maya = active(server, "dev", "test")
    link_id = link(server.house, maya, connection, "00u1<b>")
    session_id = sign_in(server.house, maya, "test")
    here = f"/admin/end-users/{maya.id}"
    text = admin_client.get(here).text
    assert "00u1&lt;b&gt;" in text
    assert "192.0.2.44" in text
    admin_client.get(f"{here}/identities/{link_id}")
    response = admin_client.post(f"{here}/identities/{link_id}/move", {"email": "nobody@example.com"})
    assert response.status_code == 422
    assert 'value="nobody@example.com"' in response.text
    assert admin_client.post(f"{here}/identities/{link_id}/break").status_code == 303
    assert admin_client.post(f"{here}/sessions/{session_id}/end").status_code == 303
    text = admin_client.get(here).text
    assert "00u1" not in text
    assert "Signed in nowhere now." in text


def test_waiting_people_are_added_let_in_decided_and_dismissed(server: Server, admin_client: Client) -> None:
    connection, bram = connect(server.house), add_person(server.house, "Bram", "bram@example.com", "test")
    maya = active(server, "dev")
    unknown = knock(server.house, connection)
    known = knock(server.house, connection, "Bram", "bram@example.com", "2", KnockReason.NO_ACCESS, bram.id)
    reused = knock(server.house, connection, "New", "maya@example.com", "3", KnockReason.ADDRESS_REUSED, maya.id)
    waiting = "/admin/end-users/waiting"
    text = admin_client.get(waiting).text
    assert 'Waiting <span class="v-count v-count-warn">3</span>' in text
    text = admin_client.get(f"{NEW}?knock={unknown.id}").text
    assert 'value="Jonas Berg"' in text
    assert re.search(rf'value="{connection.environment_id}" checked', text)
    response = admin_client.post(
        NEW,
        {
            "name": "Jonas Berg",
            "email": "jonas@example.com",
            "environment": connection.environment_id,
            "knock": unknown.id,
        },
    )
    assert response.status_code == 303
    admin_client.get(waiting)
    assert admin_client.post(f"{waiting}/{known.id}/access").status_code == 303
    assert "belongs to another identity there" in admin_client.get(f"{waiting}/{reused.id}/address").text
    assert admin_client.post(f"{waiting}/{reused.id}/address").status_code == 303
    assert "Nobody is waiting" in admin_client.get(waiting).text
    gone = knock(server.house, connection, "Priya", "p@example.com", "4")
    admin_client.get(waiting)
    assert admin_client.post(f"{waiting}/{gone.id}/dismiss").status_code == 303
    for address in ("access", "address"):
        assert admin_client.post(f"{waiting}/{gone.id}/{address}").status_code == 404
    assert admin_client.get(f"{NEW}?knock={gone.id}").status_code == 404


def test_no_address_answers_a_stranger_or_a_forged_form(server: Server, admin_client: Client) -> None:
    maya = active(server, "dev")
    here = f"/admin/end-users/{maya.id}"
    stranger = server.client()
    for path in ("/admin/end-users", NEW, here, "/admin/end-users/waiting"):
        assert stranger.get(path).headers["location"].startswith("/admin/sign-in")
    admin_client.get(here)
    for path in (NEW, f"{here}/profile", f"{here}/access", f"{here}/deactivate", f"{here}/delete", f"{here}/link"):
        assert admin_client.post(path, {"name": "X", "email": "x@example.com"}, token="0" * 64).status_code == 403
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert admin_client.post(path, {"name": "X", "email": "x@example.com"}, headers=foreign).status_code == 403
        assert admin_client.get(path).status_code in {200, 405}
    assert emails(server) == ["maya@example.com"]
    assert "Deactivated" not in admin_client.get(here).text


def test_an_auditor_sees_everything_and_no_button(server: Server) -> None:
    house, maya = server.house, active(server, "dev")
    knock(house, connect(house))
    admins.create_admin(house.runtime, operator(), house.workspace.id, "Otto", "otto@example.com", "auditor", PASSWORD)
    auditor = server.client()
    auditor.sign_in("otto@example.com")
    for path in ("/admin/end-users", "/admin/end-users/waiting", f"/admin/end-users/{maya.id}"):
        text = auditor.get(path).text
        forms = re.findall(r'<form[^>]+action="([^"]+)" method="post"', text.partition("<main")[2])
        assert [one for one in forms if not one.endswith("/access")] == []
        assert "Add end user" not in text
        assert '<button class="btn" type="submit">Save' not in text
    assert auditor.get(NEW).status_code == 403
    assert auditor.get(f"/admin/end-users/{maya.id}/delete").status_code == 403
    assert auditor.post(f"/admin/end-users/{maya.id}/delete").status_code == 403


def test_somebody_who_does_not_wait_any_more_is_said_not_to_and_the_list_is_a_step_away(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    connection, old = connect(house), add_person(house, "Old", "shared@example.com", "dev")
    known = knock(house, connection, "Old", "shared@example.com", "1", KnockReason.NO_ACCESS, old.id)
    reused = knock(house, connection, "New", "shared@example.com", "2", KnockReason.ADDRESS_REUSED, old.id)
    unknown = knock(house, connection, "Priya", "priya@example.com", "3")
    admin_client.get("/admin/end-users/waiting")
    for one in (known, reused, unknown):
        waiting.dismiss(house.runtime, house.owner, one.id)
    list_path = "/admin/end-users/waiting"
    for answer in (
        admin_client.post(f"{list_path}/{known.id}/access"),
        admin_client.get(f"{list_path}/{reused.id}/address"),
        admin_client.post(f"{list_path}/{reused.id}/address"),
        admin_client.get(f"{NEW}?knock={unknown.id}"),
    ):
        assert answer.status_code == 404
        assert "This person does not wait any more" in answer.text
        assert "They were let in or dismissed meanwhile" in answer.text
        assert f'<a class="btn btn-primary" href="{list_path}">Go back</a>' in answer.text


def test_somebody_in_hundreds_of_groups_can_still_be_changed(server: Server, admin_client: Client) -> None:
    house, maya = server.house, active(server, "dev")
    made = [group_of(house, "dev", f"Group {number:03}") for number in range(600)]
    with house.runtime.database.transaction() as tx:
        for group in made:
            access.add_member(tx, maya.workspace_id, group.id, maya.id, source=Source.MANUAL, now=house.clock())
    here = f"/admin/end-users/{maya.id}"
    text = admin_client.get(here).text
    shown = re.findall(r'name="(shown_\w+|environment|group)" value="([^"]*)"( checked)?', text)
    form: dict[str, list[str]] = {}
    for name, value, ticked in shown:
        if (ticked or name.startswith("shown_")) and value != made[7].id:
            form.setdefault(name, []).append(value)
    assert admin_client.post(f"{here}/access", {**form}).status_code == 303
    with house.runtime.database.reading() as tx:
        kept = {one.group_id for one in access.memberships_of(tx, maya.workspace_id, maya.id)}
    assert kept == {group.id for group in made if group is not made[7]}
