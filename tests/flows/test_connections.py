"""One connection: provisioning, change, switching off and on, deleting, and what that does to people and sessions."""

from __future__ import annotations

import pytest

from tests.support import sign_ins
from tests.support.house import House, Server, furnish
from vestibule.directory.connections import Connection, ConnectionStatus, Provisioning
from vestibule.directory.impact import Move, Ties
from vestibule.flows import admins, authentication, connection_set_up, connections
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.storage import connections as stored
from vestibule.storage import identity_providers


def load(house: House, connection: Connection) -> Connection | None:
    with house.runtime.database.reading() as tx:
        return stored.load_connection(tx, connection.id)


def status(house: House, connection: Connection) -> ConnectionStatus:
    found = load(house, connection)
    assert found is not None
    return found.status


def typed(domains: str = "example.com", name: str = "Okta Dev", enforce: str = "selected") -> TypedConnection:
    return TypedConnection(name, "okta", enforce, domains)


def test_manual_provisioning_makes_a_connection_active_and_its_preview_says_for_whom(house: House) -> None:
    pending = sign_ins.connect(house, provisioning=None)
    sign_ins.add_person(house)
    assert status(house, pending) is ConnectionStatus.PENDING
    preview = connections.preview_activation(house.runtime, house.owner, pending.id)
    assert preview.moves == (Move((), ("Okta Dev",), 1, 1),)
    saved = connections.choose_provisioning(house.runtime, house.owner, pending.id, "manual")
    assert (saved.status, saved.provisioning) == (ConnectionStatus.ACTIVE, Provisioning.MANUAL)


@pytest.mark.parametrize(
    ("mode", "part"),
    [("", "Choose"), ("x", "Choose")],
)
def test_a_mode_that_is_not_here_yet_is_refused_and_nothing_becomes_active(house: House, mode: str, part: str) -> None:
    pending = sign_ins.connect(house, provisioning=None)
    with pytest.raises(Invalid) as caught:
        connections.choose_provisioning(house.runtime, house.owner, pending.id, mode)
    assert [error.field for error in caught.value.errors] == ["mode"]
    assert part in str(caught.value.errors[0])
    assert status(house, pending) is ConnectionStatus.PENDING


def test_a_draft_has_no_provisioning_to_choose(house: House) -> None:
    draft = connection_set_up.begin_set_up(house.runtime, house.owner, "dev", typed())
    with pytest.raises(connections.NotConnectedYet):
        connections.choose_provisioning(house.runtime, house.owner, draft.id, "manual")


def test_name_and_domains_change_and_the_name_counts_everywhere(house: House) -> None:
    made = sign_ins.connect(house)
    changed = connections.change_connection(house.runtime, house.owner, made.id, typed("a.example, b.example", "Okta"))
    assert (changed.idp.name, changed.domains, changed.all_domains) == ("Okta", ("a.example", "b.example"), False)
    changed = connections.change_connection(house.runtime, house.owner, made.id, typed("", "Okta", "all"))
    assert (changed.domains, changed.all_domains) == ((), True)


def test_other_domains_say_first_who_would_sign_in_otherwise(house: House) -> None:
    made = sign_ins.connect(house)
    sign_ins.add_person(house)
    preview = connections.preview_change(house.runtime, house.owner, made.id, typed("example.org"))
    assert preview.concerns_somebody
    assert preview.moves == (Move(("Okta Dev",), (), 1, 1),)
    assert not connections.preview_change(
        house.runtime, house.owner, made.id, typed("example.com, x.example")
    ).concerns_somebody


def test_a_change_that_clashes_is_refused_and_keeps_what_was(house: House) -> None:
    made = sign_ins.connect(house)
    sign_ins.connect(house, name="Entra", domains=("taken.example",))
    for wrong, field in ((typed("taken.example"), "domains"), (typed(name="ENTRA"), "name"), (typed(""), "domains")):
        with pytest.raises(Invalid) as caught:
            connections.change_connection(house.runtime, house.owner, made.id, wrong)
        assert [error.field for error in caught.value.errors] == [field]
    found = load(house, made)
    assert found is not None
    assert (found.idp.name, found.domains) == ("Okta Dev", ("example.com",))


def test_disabling_ends_the_sessions_at_once_and_enabling_goes_on_with_the_same_links(server: Server) -> None:
    house = server.house
    made = sign_ins.connect(house)
    sign_ins.add_person(house)
    client = server.client()
    assert sign_ins.sign_in(server, client, made).status_code == 303
    assert client.get("/e/dev/").status_code == 200
    assert connections.get_connection(house.runtime, house.owner, made.id).ties == Ties(1, 1)
    connections.set_disabled(house.runtime, house.owner, made.id, disabled=True)
    assert client.get("/e/dev/").status_code == 303
    assert status(house, made) is ConnectionStatus.DISABLED
    assert connections.get_connection(house.runtime, house.owner, made.id).ties == Ties(1, 0)
    connections.set_disabled(house.runtime, house.owner, made.id, disabled=False)
    assert sign_ins.sign_in(server, client, made).status_code == 303


def test_deleting_ends_the_sessions_forgets_the_links_and_keeps_the_idp_and_the_people(server: Server) -> None:
    house = server.house
    made = sign_ins.connect(house)
    sign_ins.add_person(house, password=sign_ins.PASSWORD)
    client = server.client()
    sign_ins.sign_in(server, client, made)
    preview = connections.preview_removal(house.runtime, house.owner, made.id)
    assert preview.ties == Ties(1, 1)
    assert [(move.before, move.after, move.stranded) for move in preview.moves] == [(("Okta Dev",), (), 0)]
    connections.delete_connection(house.runtime, house.owner, made.id)
    assert client.get("/e/dev/").status_code == 303
    assert load(house, made) is None
    (offered,) = authentication.show_authentication(house.runtime, house.owner, "dev").reusable
    assert offered.idp.id == made.idp.id
    counts = authentication.show_authentication(house.runtime, house.owner, "dev").counts
    assert counts is not None
    assert counts.people == 1


def test_an_unfinished_idp_goes_with_its_draft(house: House) -> None:
    draft = connection_set_up.begin_set_up(house.runtime, house.owner, "dev", typed())
    connections.delete_connection(house.runtime, house.owner, draft.id)
    with house.runtime.database.reading() as tx:
        assert identity_providers.list_idps(tx, house.workspace.id) == ()


def test_requests_are_signed_when_the_admin_says_so(house: House) -> None:
    made = sign_ins.connect(house)
    for sign in (True, True, False):
        connections.set_sign_requests(house.runtime, house.owner, made.id, sign=sign)
        found = load(house, made)
        assert found is not None
        assert found.sign_requests is sign


def test_another_workspace_and_lesser_roles_reach_nothing(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    made = sign_ins.connect(house)
    auditor, _ = admins.invite_admin(house.runtime, house.owner, "Max", "max@example.com", "auditor")
    assert connections.get_connection(house.runtime, house.caller(auditor), made.id).connection.id == made.id
    for caller, error in ((other.owner, NotFound), (house.caller(auditor), Forbidden)):
        for act in (
            lambda caller=caller: connections.change_connection(house.runtime, caller, made.id, typed()),
            lambda caller=caller: connections.preview_change(house.runtime, caller, made.id, typed()),
            lambda caller=caller: connections.choose_provisioning(house.runtime, caller, made.id, "manual"),
            lambda caller=caller: connections.set_sign_requests(house.runtime, caller, made.id, sign=True),
            lambda caller=caller: connections.set_disabled(house.runtime, caller, made.id, disabled=True),
            lambda caller=caller: connections.preview_removal(house.runtime, caller, made.id),
            lambda caller=caller: connections.delete_connection(house.runtime, caller, made.id),
        ):
            with pytest.raises(error):
                act()
    for unknown in ("con_0", "", "../x", made.idp.id, "con_" + "0" * 26):
        with pytest.raises(NotFound):
            connections.get_connection(house.runtime, house.owner, unknown)
    assert status(house, made) is ConnectionStatus.ACTIVE
