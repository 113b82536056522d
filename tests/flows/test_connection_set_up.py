"""Setting a provider up, and reusing one: names, domains, races, other workspaces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import metadata, sign_ins
from tests.support.house import House, furnish
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.flows import admins, authentication, connection_set_up, connections, idp_values
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.flows.parts.understanding import TypedIdp
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.storage import activity, workspaces
from vestibule.storage import connections as stored_connections


def typed(name: str = "Okta Dev", domains: str = "example.com", enforce: str = "selected") -> TypedConnection:
    return TypedConnection(name, "okta", enforce, domains)


def begin(house: House, environment: str = "dev", **values: str) -> Connection:
    return connection_set_up.begin_set_up(house.runtime, house.owner, environment, typed(**values))


def complete(house: House, connection: Connection, entity_id: str = metadata.ENTITY_ID) -> Connection:
    xml = metadata.idp_metadata(entity_id)
    values = idp_values.understand_idp(house.runtime, house.owner, TypedIdp("xml", metadata_xml=xml))
    return idp_values.save_idp_values(house.runtime, house.owner, connection.id, values)


def refused(house: House, environment: str = "dev", **values: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        begin(house, environment, **values)
    return {error.field: str(error) for error in caught.value.errors}


def test_step_one_saves_a_draft_that_enforces_nothing(house: House) -> None:
    connection = begin(house, domains="Example.com, *.example.org")
    tab = authentication.show_authentication(house.runtime, house.owner, "dev")
    assert [(one.id, one.status) for one in tab.connections] == [(connection.id, ConnectionStatus.DRAFT)]
    assert tab.connections[0].domains == ("*.example.org", "example.com")
    assert tab.reusable == ()
    with house.runtime.database.reading() as tx:
        (entry,) = activity.page(
            tx, house.workspace.id, ActivityFilter(connection_id=connection.id), before=None, after=None, size=5
        )
    assert (entry.event.action, entry.event.subject.name) == ("connection.added", "Okta Dev")


@pytest.mark.parametrize(
    ("values", "field", "part"),
    [
        ({"name": "  "}, "name", "Enter a name"),
        ({"name": "x" * 101}, "name", "100 characters"),
        ({"name": "Okta\u202edev"}, "name", "invisible"),
        ({"domains": ""}, "domains", "Enter one domain"),
        ({"domains": "example"}, "domains", "“example” is not a domain"),
        ({"domains": "gmail.com"}, "domains", "public mail service"),
        ({"domains": "example.com, *.googlemail.com"}, "domains", "public mail service"),
        ({"domains": "<script>alert(1)</script>.com"}, "domains", "is not a domain"),
        ({"enforce": "everything"}, "enforce", "Choose for whom"),
    ],
)
def test_wrong_input_is_refused_at_its_field_and_writes_nothing(
    house: House, values: dict[str, str], field: str, part: str
) -> None:
    assert part in refused(house, **values)[field]
    assert authentication.show_authentication(house.runtime, house.owner, "dev").connections == ()


def test_several_mistakes_are_said_at_once(house: House) -> None:
    assert refused(house, name="", domains="nonsense").keys() == {"name", "domains"}


def test_a_domain_of_another_connection_is_refused_naming_it(house: House) -> None:
    begin(house)
    sentence = refused(house, name="Second", domains="example.net, EXAMPLE.com")["domains"]
    assert "example.com" in sentence
    assert "Okta Dev" in sentence
    assert "DEV" in sentence
    assert begin(house, "test", name="Second").all_domains is False


def test_a_name_is_taken_whatever_its_case_and_in_the_whole_workspace(house: House) -> None:
    begin(house)
    assert "Okta Dev" in refused(house, "test", name="OKTA  dev", domains="example.org")["name"]


def test_two_connections_may_be_for_all_domains(house: House) -> None:
    assert begin(house, enforce="all", domains="ignored nonsense").domains == ()
    assert begin(house, enforce="all", name="Second").all_domains


def test_of_two_admins_who_claim_a_domain_at_once_one_is_told_at_the_field(house: House) -> None:
    def claim(number: int) -> dict[str, str]:
        try:
            begin(house, name=f"IdP {number}")
        except Invalid as error:
            return {one.field: str(one) for one in error.errors}
        return {}

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(claim, range(4)))
    assert answers.count({}) == 1
    assert all("belongs to the connection" in answer["domains"] for answer in answers if answer)
    assert len(authentication.show_authentication(house.runtime, house.owner, "dev").connections) == 1


def test_an_idp_is_reused_in_another_environment_with_addresses_of_its_own(house: House) -> None:
    first = complete(house, begin(house))
    (offered,) = authentication.show_authentication(house.runtime, house.owner, "test").reusable
    assert [one.name for one in offered.environments] == ["DEV"]
    offer = connection_set_up.offer_reuse(house.runtime, house.owner, "test", offered.idp.id)
    assert offer.example is not None
    assert offer.example.domains == ("example.com",)
    second = connection_set_up.reuse_idp(house.runtime, house.owner, "test", offered.idp.id, "selected", "example.com")
    assert (second.idp.id, second.status) == (first.idp.id, ConnectionStatus.PENDING)
    assert second.id != first.id
    assert authentication.show_authentication(house.runtime, house.owner, "test").reusable == ()
    facts = connections.get_connection(house.runtime, house.owner, second.id)
    assert [one.name for one in facts.shared_with] == ["DEV"]


def test_an_idp_is_not_used_twice_in_one_environment_nor_before_it_is_complete(house: House) -> None:
    draft = begin(house)
    with pytest.raises(connection_set_up.NotReusable):
        connection_set_up.reuse_idp(house.runtime, house.owner, "test", draft.idp.id, "all", "")
    complete(house, draft)
    with pytest.raises(connection_set_up.ReusedAlready):
        connection_set_up.reuse_idp(house.runtime, house.owner, "dev", draft.idp.id, "all", "")


def test_reusing_refuses_domains_that_are_claimed_there(house: House) -> None:
    first = complete(house, begin(house))
    begin(house, "test", name="Other")
    with pytest.raises(Invalid) as caught:
        connection_set_up.reuse_idp(house.runtime, house.owner, "test", first.idp.id, "selected", "example.com")
    assert [error.field for error in caught.value.errors] == ["domains"]


def test_double_clicks_reuse_an_idp_once(house: House) -> None:
    idp_id = complete(house, begin(house)).idp.id

    def click(_: int) -> str:
        try:
            connection_set_up.reuse_idp(house.runtime, house.owner, "test", idp_id, "all", "")
        except (connection_set_up.ReusedAlready, Invalid) as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(click, range(3)))
    assert sorted(answers) == ["ReusedAlready", "ReusedAlready", "done"]


def test_a_draft_takes_over_an_idp_that_the_workspace_knows(house: House) -> None:
    known = complete(house, begin(house, "test", name="Okta Corporate"))
    draft = begin(house)
    adopted = connection_set_up.adopt_idp(house.runtime, house.owner, draft.id, known.idp.id)
    assert (adopted.id, adopted.idp.id, adopted.domains) == (draft.id, known.idp.id, ("example.com",))
    assert adopted.status is ConnectionStatus.PENDING
    assert begin(house, "prod", name="Okta Dev").idp.name == "Okta Dev"
    with pytest.raises(connection_set_up.NotADraft):
        connection_set_up.adopt_idp(house.runtime, house.owner, draft.id, known.idp.id)
    third = begin(house, name="Third", domains="third.example")
    with pytest.raises(connection_set_up.ReusedAlready):
        connection_set_up.adopt_idp(house.runtime, house.owner, third.id, known.idp.id)


def test_a_draft_whose_values_are_being_saved_is_not_taken_over_meanwhile(house: House) -> None:
    known = complete(house, begin(house, "test", name="Okta Corporate"))
    draft = begin(house)
    with ThreadPoolExecutor(1) as pool:
        with house.runtime.database.transaction() as tx:
            workspaces.lock_workspace(tx, house.workspace.id)  # as saving does
            adopting = pool.submit(connection_set_up.adopt_idp, house.runtime, house.owner, draft.id, known.idp.id)
            with pytest.raises(TimeoutError):
                adopting.result(timeout=0.5)
        assert adopting.result().idp.id == known.idp.id


def test_another_workspace_sees_and_reaches_nothing(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    connection = complete(house, begin(house))
    with pytest.raises(NotFound):
        connection_set_up.begin_set_up(house.runtime, other.owner, "dev", typed())
    for idp_id in (connection.idp.id, "idp_0", "../../x", connection.id):
        with pytest.raises(NotFound):
            connection_set_up.reuse_idp(house.runtime, other.owner, "southwind-dev", idp_id, "all", "")
    own = connection_set_up.begin_set_up(house.runtime, other.owner, "southwind-dev", typed())
    with pytest.raises(NotFound):
        connection_set_up.adopt_idp(house.runtime, other.owner, own.id, connection.idp.id)
    with pytest.raises(NotFound):
        connection_set_up.adopt_idp(house.runtime, other.owner, connection.id, own.idp.id)


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_who_may_not_manage_authentication_changes_nothing(house: House, role: str) -> None:
    known = complete(house, begin(house))
    admin, _ = admins.invite_admin(house.runtime, house.owner, "Max", "max@example.com", role)
    max_ = house.caller(admin)
    assert authentication.show_authentication(house.runtime, max_, "dev").connections
    for act in (
        lambda: connection_set_up.begin_set_up(house.runtime, max_, "dev", typed("New", "new.example")),
        lambda: connection_set_up.get_environment(house.runtime, max_, "dev"),
        lambda: connection_set_up.reuse_idp(house.runtime, max_, "test", known.idp.id, "all", ""),
        lambda: connection_set_up.adopt_idp(house.runtime, max_, known.id, known.idp.id),
    ):
        with pytest.raises(Forbidden):
            act()
    with house.runtime.database.reading() as tx:
        assert len(stored_connections.list_connections(tx, house.workspace.id)) == 1


def test_a_complete_idp_that_nobody_uses_can_be_reused_or_deleted(house: House) -> None:
    connection = complete(house, begin(house))
    with pytest.raises(idp_values.IdpInUse):
        idp_values.delete_idp(house.runtime, house.owner, connection.idp.id)
    connections.delete_connection(house.runtime, house.owner, connection.id)
    (offered,) = authentication.show_authentication(house.runtime, house.owner, "dev").reusable
    assert offered.environments == ()
    idp_values.delete_idp(house.runtime, house.owner, offered.idp.id)
    assert authentication.show_authentication(house.runtime, house.owner, "dev").reusable == ()


def test_a_connection_made_elsewhere_is_seen_at_once(house: House) -> None:
    made = sign_ins.connect(house)
    (shown,) = authentication.show_authentication(house.runtime, house.owner, "dev").connections
    assert (shown.id, shown.status) == (made.id, ConnectionStatus.ACTIVE)
