"""Environments: added, changed, moved, and deleted only when nobody and nothing is lost with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support import apps
from tests.support.house import VISITOR, House, furnish
from tests.support.people import add_person, connect
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.admins import Admin, AdminStatus, Role
from vestibule.directory.workspaces import MAX_ENVIRONMENTS
from vestibule.flows import api_clients, environments, groups, resource_apis
from vestibule.flows import apps as app_flows
from vestibule.flows.parts.callers import AdminCaller, operator
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.storage import activity


def names(house: House) -> list[str]:
    return [one.name for one in environments.list_environments(house.runtime, house.owner)]


def actions(house: House) -> list[str]:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="environment.")
        found = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=50)
    return [entry.event.action for entry in found]


def wrong_fields(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {error.field for error in refused.value.errors}


def of_role(house: House, role: Role) -> AdminCaller:
    admin = Admin("adm_x", house.workspace.id, "x@example.com", "X", role, AdminStatus.ACTIVE, house.clock(), None)
    return AdminCaller(admin, "ses_x", VISITOR)


def test_an_environment_is_added_last_with_its_everyone_and_a_key_from_its_name(house: House) -> None:
    made = environments.add_environment(house.runtime, house.owner, "  Pre-production  2 ", "")
    assert (made.name, made.key, made.session_ttl) == ("Pre-production 2", "pre-production-2", timedelta(hours=8))
    assert names(house) == ["DEV", "TEST", "PROD", "Pre-production 2"]
    listed = groups.list_groups(house.runtime, house.owner, made.key)
    assert listed.everyone is not None
    assert listed.everyone.members == 0
    assert actions(house) == ["environment.added"]


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("", "", {"name"}),
        ("dev", "another", {"name"}),
        ("ＤＥＶ", "another", {"name"}),
        ("Staging", "dev", {"key"}),
        ("Staging", "Über", {"key"}),
        ("Staging", "-x", {"key"}),
        ("Staging", "a" * 33, {"key"}),
        ("DEV", "dev", {"name", "key"}),
        ("x" * 101, "no good", {"name", "key"}),
        ("in\u202evisible", "ok", {"name"}),
    ],
)
def test_a_name_or_key_that_is_taken_or_is_none_is_refused_beside_its_field(
    name: str, key: str, wrong: set[str], house: House
) -> None:
    with pytest.raises(Invalid) as refused:
        environments.add_environment(house.runtime, house.owner, name, key)
    assert wrong_fields(refused) == wrong
    assert names(house) == ["DEV", "TEST", "PROD"]
    assert actions(house) == []


def test_a_key_of_another_workspace_is_taken_but_its_name_is_free(house: House) -> None:
    other = furnish(house.runtime, house.clock, ("STAGING",), name="Südwind")
    with pytest.raises(Invalid) as refused:
        environments.add_environment(house.runtime, house.owner, "STAGING", "staging")
    assert wrong_fields(refused) == {"key"}
    assert environments.add_environment(house.runtime, house.owner, "STAGING", "staging-2").key == "staging-2"
    assert names(other) == ["STAGING"]


def test_a_workspace_has_so_many_environments_and_no_more(house: House) -> None:
    for number in range(MAX_ENVIRONMENTS - 3):
        environments.add_environment(house.runtime, house.owner, f"E{number}", "")
    with pytest.raises(Invalid):
        environments.add_environment(house.runtime, house.owner, "One more", "")


def test_a_change_keeps_the_key_and_says_what_was_changed(house: House) -> None:
    changed = environments.change_environment(house.runtime, house.owner, "dev", "Development", " 168 ")
    assert (changed.key, changed.name, changed.session_ttl) == ("dev", "Development", timedelta(hours=168))
    assert house.environment("dev") == changed
    environments.change_environment(house.runtime, house.owner, "dev", "Development", "168")
    assert actions(house) == ["environment.changed"]


@pytest.mark.parametrize("hours", ["0", "169", "-1", "1.5", "", "eight", "٨", "9" * 50, "1e2"])
def test_a_session_length_that_is_none_is_refused(hours: str, house: House) -> None:
    with pytest.raises(Invalid) as refused:
        environments.change_environment(house.runtime, house.owner, "dev", "TEST", hours)
    assert "session_hours" in wrong_fields(refused)
    assert house.environment("dev").name == "DEV"


def test_a_rename_to_a_taken_name_is_refused_and_to_its_own_in_another_case_is_not(house: House) -> None:
    with pytest.raises(Invalid) as refused:
        environments.change_environment(house.runtime, house.owner, "dev", "test", "8")
    assert wrong_fields(refused) == {"name"}
    assert environments.change_environment(house.runtime, house.owner, "dev", "Dev", "8").name == "Dev"


def test_moving_changes_the_order_of_the_picker_and_stops_at_the_ends(house: House) -> None:
    environments.move_environment(house.runtime, house.owner, "prod", "up")
    assert names(house) == ["DEV", "PROD", "TEST"]
    environments.move_environment(house.runtime, house.owner, "dev", "up")
    assert names(house) == ["DEV", "PROD", "TEST"]
    environments.move_environment(house.runtime, house.owner, "dev", "down")
    environments.move_environment(house.runtime, house.owner, "dev", "down")
    environments.move_environment(house.runtime, house.owner, "dev", "down")
    assert names(house) == ["PROD", "TEST", "DEV"]
    assert actions(house).count("environment.moved") == 3


def test_an_empty_environment_is_deleted_with_its_everyone_and_its_key_is_free_again(house: House) -> None:
    environments.delete_environment(house.runtime, house.owner, "test")
    assert names(house) == ["DEV", "PROD"]
    with pytest.raises(NotFound):
        groups.list_groups(house.runtime, house.owner, "test")
    assert environments.add_environment(house.runtime, house.owner, "TEST", "test").key == "test"
    assert actions(house) == ["environment.added", "environment.deleted"]


def test_an_environment_with_people_groups_or_connections_stays(house: House) -> None:
    add_person(house, "Bo Li", "bo@example.com", "dev")
    groups.create_group(house.runtime, house.owner, "test", "Designers")
    connect(house, "prod")
    for key in ("dev", "test", "prod"):
        with pytest.raises(environments.EnvironmentNotEmpty):
            environments.delete_environment(house.runtime, house.owner, key)
    assert names(house) == ["DEV", "TEST", "PROD"]
    _, contents = environments.look_at_environment(house.runtime, house.owner, "dev")
    assert (contents.people, contents.groups, contents.connections) == (1, 0, 0)


def test_an_environment_with_an_app_an_api_or_an_api_client_stays_until_they_are_gone(house: House) -> None:
    app = apps.make_app(house, key="dev")
    api = apps.make_api(house, "https://files.example", key="test")
    client = api_clients.create_api_client(
        house.runtime, operator(), house.workspace.id, "Reports", ["explain:read"], "prod"
    ).client
    found = [environments.look_at_environment(house.runtime, house.owner, key)[1] for key in ("dev", "test", "prod")]
    assert [(one.apps, one.apis, one.api_clients) for one in found] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    for key in ("dev", "test", "prod"):
        with pytest.raises(environments.EnvironmentNotEmpty):
            environments.delete_environment(house.runtime, house.owner, key)
    app_flows.delete_app(house.runtime, house.owner, app.id)
    resource_apis.delete_api(house.runtime, house.owner, "test", api.id)
    api_clients.revoke_api_client(house.runtime, house.owner.actor, house.workspace.id, client.id)
    for key in ("dev", "test"):
        environments.delete_environment(house.runtime, house.owner, key)
    assert environments.look_at_environment(house.runtime, house.owner, "prod")[1].empty, (
        "a revoked client holds nobody"
    )


def test_the_last_environment_stays(house: House) -> None:
    for key in ("dev", "test"):
        environments.delete_environment(house.runtime, house.owner, key)
    with pytest.raises(environments.LastEnvironment):
        environments.delete_environment(house.runtime, house.owner, "prod")


def test_an_environment_of_another_workspace_does_not_exist(house: House) -> None:
    other = furnish(house.runtime, house.clock, ("STAGING",), name="Südwind")
    for act in (
        lambda: environments.look_at_environment(house.runtime, house.owner, "staging"),
        lambda: environments.change_environment(house.runtime, house.owner, "staging", "X", "8"),
        lambda: environments.move_environment(house.runtime, house.owner, "staging", "up"),
        lambda: environments.delete_environment(house.runtime, house.owner, "staging"),
    ):
        with pytest.raises(NotFound):
            act()
    assert names(other) == ["STAGING"]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_who_may_not_change_environments_reads_them_only(role: Role, house: House) -> None:
    caller = of_role(house, role)
    assert len(environments.list_environments(house.runtime, caller)) == 3
    acts: tuple[Callable[[], object], ...] = (
        lambda: environments.add_environment(house.runtime, caller, "X", "x"),
        lambda: environments.change_environment(house.runtime, caller, "dev", "X", "8"),
        lambda: environments.move_environment(house.runtime, caller, "dev", "down"),
        lambda: environments.delete_environment(house.runtime, caller, "dev"),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            act()
    assert names(house) == ["DEV", "TEST", "PROD"]
