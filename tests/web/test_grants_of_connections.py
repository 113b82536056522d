"""Offline access that began through a connection ends with it: an identity provider that is switched off vouches for nobody any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import apps, people, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import House, Server
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.sessions import KnockReason
from vestibule.flows import connections, end_user, end_user_identities, waiting
from vestibule.storage import activity

OFFLINE = "openid offline_access"


def disable(house: House, connection: Connection) -> None:
    connections.set_disabled(house.runtime, house.owner, connection.id, disabled=True)


def delete(house: House, connection: Connection) -> None:
    connections.delete_connection(house.runtime, house.owner, connection.id)


def refresh_token_of(server: Server, app: RelyingApp, connection: Connection, email: str) -> str:
    answered = apps.through_saml(app, server.client(), connection, email, scope=OFFLINE)
    return str(app.exchange(answered.code).json()["refresh_token"])


@pytest.mark.parametrize("take_away", [disable, delete])
def test_offline_access_ends_with_the_connection_that_it_began_through_and_with_no_other(
    server: Server, take_away: Callable[[House, Connection], None]
) -> None:
    house = server.house
    okta = sign_ins.connect(house)
    other = sign_ins.connect(
        house, name="Entra", domains=("other.example",), entity_id="https://entra.example/metadata"
    )
    for email in ("grace@example.com", "maya@other.example"):
        sign_ins.add_person(house, email, status=EndUserStatus.ACTIVE)
    made = apps.make_app(house)
    app = RelyingApp(server, made, apps.make_secret(house, made))
    tokens = [refresh_token_of(server, app, okta, "grace@example.com")]
    tokens.append(refresh_token_of(server, app, other, "maya@other.example"))
    tokens = [str(app.refresh(one).json()["refresh_token"]) for one in tokens]

    take_away(house, okta)
    assert [app.refresh(one).status_code for one in tokens] == [400, 200]
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="connection.")
        (entry, *_) = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=5)
    assert entry.event.details["grants_ended"] == 1


def break_link(house: House, person: EndUser, link_id: str, _: Connection) -> None:
    end_user_identities.break_link(house.runtime, house.owner, person.id, link_id)


def move_link(house: House, person: EndUser, link_id: str, _: Connection) -> None:
    other = sign_ins.add_person(house, "noor@example.com")
    end_user_identities.move_link(house.runtime, house.owner, person.id, link_id, other.email)


def give_to_newcomer(house: House, person: EndUser, _: str, connection: Connection) -> None:
    reason = KnockReason.ADDRESS_REUSED
    knock = people.knock(house, connection, "Grace", person.email, "00u77", reason, end_user_id=person.id)
    waiting.move_link_to_newcomer(house.runtime, house.owner, knock.id)


@pytest.mark.parametrize("take_away", [break_link, move_link, give_to_newcomer])
def test_offline_access_ends_with_the_link_to_the_identity_that_it_began_with(
    server: Server, take_away: Callable[[House, EndUser, str, Connection], None]
) -> None:
    house = server.house
    okta, person = sign_ins.connect(house), sign_ins.add_person(house, status=EndUserStatus.ACTIVE)
    made = apps.make_app(house)
    app = RelyingApp(server, made, apps.make_secret(house, made))
    token = refresh_token_of(server, app, okta, person.email)
    (link,) = end_user.look_at_end_user(house.runtime, house.owner, person.id).links
    take_away(house, person, link.id, okta)
    assert app.refresh(token).status_code == 400
