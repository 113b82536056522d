"""The Authentication tab: the switch, whom it concerns, and cheap counts."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from tests.support import sign_ins
from tests.support.house import House, furnish
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.impact import Move
from vestibule.flows import admins, authentication
from vestibule.flows.authentication import Counts
from vestibule.kernel.errors import Forbidden, NotFound
from vestibule.storage import activity, workspaces


def actions(house: House) -> list[str]:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="environment.saml")
        entries = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=10)
    return [entry.event.action for entry in reversed(entries)]


def test_the_switch_is_turned_on_and_off_and_each_turn_is_recorded_once(house: House) -> None:
    for on in (True, True, False, False):
        authentication.set_saml(house.runtime, house.owner, "dev", on=on)
        assert house.environment("dev").saml_enabled is on
    assert actions(house) == ["environment.saml_turned_on", "environment.saml_turned_off"]
    assert not house.environment("test").saml_enabled


def test_a_changed_name_does_not_turn_the_switch_back(house: House) -> None:
    before = house.environment("dev")
    authentication.set_saml(house.runtime, house.owner, "dev", on=True)
    with house.runtime.database.transaction() as tx:
        workspaces.update_environment(tx, before)
    assert house.environment("dev").saml_enabled


def test_turning_on_without_an_active_connection_asks_nothing(house: House) -> None:
    sign_ins.add_person(house)
    assert not authentication.preview_saml(house.runtime, house.owner, "dev", on=True).needs_confirmation
    sign_ins.connect(house, switched_on=False, provisioning=None)
    assert not authentication.preview_saml(house.runtime, house.owner, "dev", on=True).needs_confirmation


def test_turning_on_says_who_goes_where_and_turning_off_who_is_stranded(house: House) -> None:
    sign_ins.connect(house, switched_on=False)
    sign_ins.add_person(house, "one@example.com", password=sign_ins.PASSWORD)
    sign_ins.add_person(house, "two@example.com")
    sign_ins.add_person(house, "three@example.org")
    on = authentication.preview_saml(house.runtime, house.owner, "dev", on=True)
    assert on.needs_confirmation
    assert on.moves == (Move((), ("Okta Dev",), 2, 1), Move((), (), 1, 1))
    authentication.set_saml(house.runtime, house.owner, "dev", on=True)
    off = authentication.preview_saml(house.runtime, house.owner, "dev", on=False)
    assert [(move.people, move.stranded) for move in off.moves] == [(2, 1), (1, 0)]
    assert authentication.show_authentication(house.runtime, house.owner, "dev").counts == Counts(3, 2)


def test_the_tab_takes_as_many_statements_for_many_connections_as_for_one(house: House) -> None:
    counted = []
    for number in range(4):
        sign_ins.connect(house, name=f"IdP {number}", domains=(f"d{number}.example",))
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object, seen: list[str] = seen) -> None:
            seen.append(statement)

        event.listen(house.runtime.database.engine, "before_cursor_execute", note)
        authentication.show_authentication(house.runtime, house.owner, "dev")
        event.remove(house.runtime.database.engine, "before_cursor_execute", note)
        counted.append(len(seen))
    assert len(set(counted)) == 1, counted
    assert counted[0] <= 9


def test_too_many_people_are_not_counted_for_a_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "COUNTED_PEOPLE", 1)
    sign_ins.add_person(house, "one@example.com")
    assert authentication.show_authentication(house.runtime, house.owner, "dev").counts == Counts(1, 0)
    sign_ins.add_person(house, "two@example.com")
    assert authentication.show_authentication(house.runtime, house.owner, "dev").counts is None


def test_another_workspace_and_lesser_roles_turn_nothing(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    auditor, _ = admins.invite_admin(house.runtime, house.owner, "Max", "max@example.com", "auditor")
    for caller, error in ((other.owner, NotFound), (house.caller(auditor), Forbidden)):
        with pytest.raises(error):
            authentication.set_saml(house.runtime, caller, "dev", on=True)
        with pytest.raises(error):
            authentication.preview_saml(house.runtime, caller, "dev", on=True)
    with pytest.raises(NotFound):
        authentication.show_authentication(house.runtime, other.owner, "dev")
    assert not house.environment("dev").saml_enabled
