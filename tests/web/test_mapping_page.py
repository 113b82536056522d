"""The Attribute mapping page over HTTP: presets, the group map, wrong input, and the record."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from tests.support.people import group_of
from tests.web.test_connection_pages import text_of
from vestibule.directory.connections import Connection
from vestibule.directory.groups import Group
from vestibule.directory.mapping import PRESETS, AttributeMapping
from vestibule.directory.provisioning import GroupsBy, JitRules, MapEntry, UnknownGroups
from vestibule.directory.sources import Source
from vestibule.flows.mapping import MAX_ENTRIES
from vestibule.kernel.ids import new_id
from vestibule.storage import connections, group_map, groups, synced_groups
from vestibule.storage.tables import activity, end_users

RULES: dict[str, Any] = {"act": "save", "groups_by": "name", "unknown_groups": "ignore"}


@pytest.fixture
def connection(server: Server) -> Connection:
    return sign_ins.connect(server.house)


def stored(server: Server, connection: Connection) -> tuple[Connection, tuple[MapEntry, ...]]:
    with server.house.runtime.database.reading() as tx:
        found = connections.find_connection(tx, server.house.workspace.id, connection.id)
        assert found is not None
        return found, group_map.list_entries(tx, server.house.workspace.id, connection.id)


def send(client: Client, connection: Connection, **fields: Any) -> httpx.Response:
    client.get(f"/admin/connections/{connection.id}/mapping")
    return client.post(f"/admin/connections/{connection.id}/mapping", {**RULES, **fields})


def test_names_rules_and_map_are_saved_and_shown_again_and_on_the_record(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    designers = group_of(server.house, "dev", name="Designers")
    answer = send(
        admin_client,
        connection,
        email=" work.mail ",
        group_syncing="on",
        keep_in_sync="on",
        groups_by="map",
        unknown_groups="create",
        value=["8d2e0d8e", ""],
        group=[designers.id, ""],
    )
    assert answer.headers["location"] == f"/admin/connections/{connection.id}"
    found, entries = stored(server, connection)
    assert found.mapping == AttributeMapping(email="work.mail")
    assert found.jit == JitRules(True, GroupsBy.MAP, UnknownGroups.CREATE, keep_in_sync=True)
    assert entries == (MapEntry("8d2e0d8e", designers.id),)
    page = admin_client.get(f"/admin/connections/{connection.id}/mapping").text
    assert 'value="work.mail"' in page
    assert re.search(rf'value="8d2e0d8e".*?value="{designers.id}" selected', page, re.DOTALL)
    with server.house.runtime.database.reading() as tx:
        details = tx.execute(
            select(activity.c.details).where(activity.c.action == "connection.mapping_changed")
        ).scalar_one()
    assert (details["email"], details["email_before"], details["group_map_lines"]) == ("work.mail", "", 1)


def test_the_names_of_a_product_are_filled_in_and_nothing_is_saved(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    shown = send(admin_client, connection, act="preset", vendor="entra", value=["kept"], group=[""])
    assert shown.status_code == 200
    assert f'value="{PRESETS["entra"].groups}"' in shown.text
    assert 'value="kept"' in shown.text
    assert stored(server, connection)[0].mapping == AttributeMapping()


def test_more_lines_are_given_and_what_was_typed_stays(admin_client: Client, connection: Connection) -> None:
    before = send(admin_client, connection, act="preset").text.count('name="value"')
    shown = send(admin_client, connection, act="lines", value=["one"], group=[""])
    assert shown.text.count('name="value"') > before
    assert 'value="one"' in shown.text


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"email": "x" * 257}, "email", "256 characters"),
        ({"value": ["", "b"], "group": ["", ""]}, "group_1", "Choose a group"),
        ({"value": [""], "group": ["grp_x"]}, "value_0", "Enter the value"),
        ({"value": ["a\u202eb"], "group": ["grp_x"]}, "value_0", "as the identity provider sends it"),
        ({"groups_by": "guess"}, "groups_by", "Choose how"),
        ({"unknown_groups": ""}, "unknown_groups", "Choose what"),
    ],
)
def test_wrong_input_is_told_beside_the_field_and_nothing_is_saved(
    server: Server, admin_client: Client, connection: Connection, fields: dict[str, Any], field: str, part: str
) -> None:
    answer = send(admin_client, connection, full_name="cn", **fields)
    assert answer.status_code == 422
    assert part in text_of(answer)
    assert re.search(rf'id="{field}-error"', answer.text)
    assert 'value="cn"' in answer.text
    assert stored(server, connection)[0].mapping == AttributeMapping()


def test_one_value_leads_to_one_group_in_whatever_spelling(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    group = group_of(server.house, "dev")
    answer = send(admin_client, connection, value=["Team", "TEAM"], group=[group.id, group.id])
    assert "in the map already" in text_of(answer)
    assert answer.status_code == 422


def test_a_group_of_another_environment_or_everyone_is_no_choice(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    elsewhere = group_of(server.house, "test", name="Operators")
    with server.house.runtime.database.reading() as tx:
        everyone = groups.find_everyone(tx, server.house.workspace.id, server.house.environments["dev"].id)
    assert everyone is not None
    for group_id in (elsewhere.id, everyone.id):
        answer = send(admin_client, connection, value=["Team"], group=[group_id])
        assert answer.status_code == 422
        assert group_id not in answer.text


def captured(server: Server, connection: Connection, *groups: str, key: str = "idp", **changes: Any) -> str:
    attributes = (
        forge.Attribute("email", ("grace@example.com",)),
        forge.Attribute("displayName", ("Grace Okafor",)),
        forge.Attribute("groups", groups or ("Designers",)),
    )
    fields: dict[str, Any] = {"attributes": attributes, **changes}
    return base64.b64encode(sign_ins.answer(server, connection, "_" + "0" * 40, key=key, **fields)).decode()


def rows(server: Server) -> list[int]:
    with server.house.runtime.database.reading() as tx:
        return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in (activity, end_users)]


def test_a_preview_shows_who_would_come_in_with_what_by_the_fields_as_typed_and_changes_nothing(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    designers = group_of(server.house, "dev", name="Designers")
    before = rows(server)
    pasted = captured(server, connection, "Designers", "8d2e", "Elsewhere")
    fields = {"group_syncing": "on", "value": ["8d2e"], "group": [designers.id]}
    shown = text_of(send(admin_client, connection, act="preview", pasted=pasted, **fields))
    assert "Grace Okafor would get an account" in shown
    assert "Everyone, Designers" in shown
    assert "Ignored values Elsewhere" in shown
    assert "Its signature holds" in shown
    created = text_of(send(admin_client, connection, act="preview", pasted=pasted, unknown_groups="create", **fields))
    assert "New groups Elsewhere" in created
    assert rows(server) == before
    assert stored(server, connection)[0].mapping == AttributeMapping()


def test_a_preview_by_the_map_alone_passes_over_groups_that_another_connection_made(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    house, now = server.house, server.house.clock()
    other = sign_ins.connect(house, name="Okta B", domains=("b.example",), entity_id="https://b.example")
    made = Group(
        new_id("group", now), house.workspace.id, connection.environment_id, "Designers", False, Source.JIT, now
    )
    with house.runtime.database.transaction() as tx:
        synced_groups.make_groups(tx, [made], other.id)
    fields = {"act": "preview", "pasted": captured(server, connection, "Designers"), "group_syncing": "on"}
    assert "Everyone, Designers" in text_of(send(admin_client, connection, **fields))
    assert "Ignored values Designers" in text_of(send(admin_client, connection, **{**fields, "groups_by": "map"}))


def test_a_preview_says_of_somebody_known_whether_their_groups_would_change(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    sign_ins.add_person(server.house)
    fields = {"act": "preview", "pasted": captured(server, connection, "Designers"), "group_syncing": "on"}
    stays = "This person stays in the groups that they are in"
    assert stays in text_of(send(admin_client, connection, **fields))
    assert stays not in text_of(send(admin_client, connection, keep_in_sync="on", **fields))


def test_a_preview_by_the_map_leads_to_no_group_that_a_sign_in_would_not(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    house, now = server.house, server.house.clock()
    group_of(house, "dev", name="By hand")
    other = sign_ins.connect(house, name="Another", domains=("example.net",), entity_id="https://another.example")
    made = [
        Group(new_id("group", now), connection.workspace_id, connection.environment_id, name, False, Source.JIT, now)
        for name in ("Of another", "Of this one")
    ]
    with house.runtime.database.transaction() as tx:
        for group, maker in zip(made, (other, connection), strict=True):
            synced_groups.make_groups(tx, [group], maker.id)
    pasted = captured(server, connection, "By hand", "Of another", "Of this one", "Everyone", "New")
    fields = {"group_syncing": "on", "groups_by": "map", "unknown_groups": "create"}
    shown = text_of(send(admin_client, connection, act="preview", pasted=pasted, **fields))
    assert "Everyone, Of this one" in shown
    assert "New groups New Ignored values By hand, Of another, Everyone" in shown


def test_a_preview_of_a_response_by_a_stranger_says_that_it_is_a_claim(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    shown = text_of(send(admin_client, connection, act="preview", pasted=captured(server, connection, key="other")))
    assert "Its signature was not confirmed" in shown


def test_a_preview_says_why_nobody_would_come_in(server: Server, admin_client: Client, connection: Connection) -> None:
    pasted = captured(server, connection)
    missing = text_of(send(admin_client, connection, act="preview", pasted=pasted, email="noSuchAttribute"))
    assert "Nobody would come in" in missing
    assert "names no e-\u2060mail address" in missing
    foreign = captured(
        server,
        connection,
        name_id="g@else.example",
        attributes=(forge.Attribute("email", ("g@else.example",)),),
    )
    assert "not enforced for the domain" in text_of(send(admin_client, connection, act="preview", pasted=foreign))


@pytest.mark.parametrize("pasted", ["", "hello", "<Response/>", "<!DOCTYPE x><Response/>"])
def test_what_is_no_response_is_told_beside_the_field(
    admin_client: Client, connection: Connection, pasted: str
) -> None:
    shown = send(admin_client, connection, act="preview", pasted=pasted, full_name="cn")
    assert shown.status_code == 422
    assert 'id="pasted-error"' in shown.text
    assert 'value="cn"' in shown.text


def test_a_form_from_before_another_admins_change_is_not_saved_over_it(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    path = f"/admin/connections/{connection.id}/mapping"

    def began_with(page: str) -> dict[str, str]:
        found = re.search(r'name="began_with" value="([0-9a-f]+)"', page)
        assert found is not None
        return {"began_with": found[1]}

    stale = began_with(admin_client.get(path).text)
    assert send(admin_client, connection, **stale, email="by.the.other").status_code == 303
    # To look at more lines or at a preview makes a form no fresher.
    stale = began_with(send(admin_client, connection, **stale, act="lines", full_name="cn").text)
    answer = send(admin_client, connection, **stale, full_name="cn")
    assert answer.status_code == 422
    assert "This mapping was changed since you opened this page." in text_of(answer)
    assert 'value="cn"' in answer.text
    assert stored(server, connection)[0].mapping == AttributeMapping(email="by.the.other")
    assert send(admin_client, connection, **began_with(answer.text), full_name="cn").status_code == 303
    assert stored(server, connection)[0].mapping == AttributeMapping(full_name="cn")


def test_a_map_with_as_many_lines_as_there_may_be_is_saved_by_the_form(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    group = group_of(server.house)
    values = [f"value {number}" for number in range(MAX_ENTRIES)]
    answer = send(admin_client, connection, value=[*values, *[""] * 5], group=[*[group.id] * len(values), *[""] * 5])
    assert answer.status_code == 303, text_of(answer)
    assert len(stored(server, connection)[1]) == MAX_ENTRIES
    answer = send(admin_client, connection, value=[*values, "one more"], group=[group.id] * (len(values) + 1))
    assert f"Use {MAX_ENTRIES} lines or fewer." in text_of(answer)
