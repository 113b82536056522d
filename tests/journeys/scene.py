"""A server with at least one of everything, and three windows on it: for looking at every page, and for the pictures in the papers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from playwright.sync_api import Page

from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.support import apps, directories, people
from tests.support.house import House, Server
from tests.support.pictures import png
from vestibule.directory.apps import ClientAuthentication, GrantType, OidcSettings
from vestibule.directory.connections import Connection
from vestibule.directory.sessions import KnockReason
from vestibule.flows import (
    admins,
    api_clients,
    app_icons,
    connections,
    end_user,
    environments,
    resource_apis,
    scim_directories,
)
from vestibule.flows.parts.callers import operator

FAR_TOO_LONG: Final = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh of the long corridor"


@dataclass
class Scene:
    """A furnished server, and two windows: an Owner's and an end user's."""

    server: Server
    providers: Providers
    admin: Page
    member: Page
    stranger: Page
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def console(self) -> Console:
        return Console(self.admin, self.server.base_url)

    @property
    def portal(self) -> Portal:
        return Portal(self.member, self.server.base_url)

    def open(self, page: Page, path: str) -> Page:
        page.goto(self.server.base_url + path.format(**self.ids))
        return page


def furnish(scene: Scene) -> None:
    house, console, idp = scene.server.house, scene.console, scene.providers("practice")
    carried = console.connect(idp, "Okta Dev", "practice.example")
    console.begin_provider("Entra Dev", "partner.example, *.partner.example")
    console.open_environment("DEV", "Authentication")
    scene.ids |= {"environment": "dev", "env": "dev", "connection": carried.acs_url.split("/")[-2]}
    scene.ids["draft"] = draft_of(scene)
    disabled = people.connect(house, "test", "Keycloak Test", ("example.org",))
    connections.set_disabled(house.runtime, house.owner, disabled.id, disabled=True)
    forgotten = people.connect(house, "test", "ADFS of last year", ("example.net",))
    connections.delete_connection(house.runtime, house.owner, forgotten.id)
    pushing = people.connect(house, "test", "Okta Test", ("pushed.example",))
    pushing = connections.choose_provisioning(house.runtime, house.owner, pushing.id, "scim")
    token = scim_directories.make_token(house.runtime, house.owner, pushing.id, "Okta provisioning app", "365").token
    people.group_of(house, "test", "Engineering")
    pushed = directories.pushed_user(house, pushing, "maya@pushed.example")
    directories.pushed_group(house, pushing, "Engineering", pushed.id)
    push_something(scene, pushing)
    scene.ids |= {"pushed": pushed.end_user_id or ""}
    scene.ids |= {"scim": pushing.id, "scim_token": token.id}
    scene.ids |= {"disabled": disabled.id, "idp": disabled.idp.id, "unused_idp": forgotten.idp.id}
    furnish_people(scene, house)
    furnish_environments(scene, house)
    invited, link = admins.invite_admin(house.runtime, house.owner, "Noa Klein", "noa@example.com", "auditor")
    scene.ids |= {"admin": invited.id, "admin_token": link.rpartition("/")[2]}
    scene.portal.sign_in_badly(idp, idp.people[0], "Wrong audience")
    scene.ids["reference"] = scene.portal.reference()
    console.go("Activity")
    console.follow(re.compile("was not let in$"))
    scene.ids["entry"] = scene.admin.url.rpartition("/")[2]
    console.go("Activity")
    console.follow(re.compile("created the group Designers$|added Maya Lindqvist$"))
    scene.ids["plain_entry"] = scene.admin.url.rpartition("/")[2]
    scene.portal.sign_in(idp, idp.people[0])
    scene.portal.expect_in(idp.people[0].name, "Designers")
    furnish_apps(scene, house)
    furnish_api_clients(scene, house)


def furnish_api_clients(scene: Scene, house: House) -> None:
    """Make API clients in each of their states: by an admin and the operator, ending soon, expired, revoked."""

    def made(name: str, environment: str | None = None, life: timedelta | None = None) -> str:
        allowed = (name[:100], ["explain:read"], environment, life)
        return api_clients.create_api_client(house.runtime, operator(), house.workspace.id, *allowed).client.id

    house.clock.advance(days=-40)
    gone, _ = made("Help desk of last year"), made("Pilot of the intranet", "test", timedelta(days=30))
    house.clock.advance(days=40)
    api_clients.revoke_as_admin(house.runtime, house.owner, gone)
    made(FAR_TOO_LONG)
    made("Release checks", "dev", timedelta(days=10))
    desk = api_clients.add_as_admin(house.runtime, house.owner, "Help desk", ["explain:read"], "prod", "365")
    scene.ids["api_client"] = desk.client.id
    api_clients.authenticate(house.runtime, house.owner.visitor, f"Bearer {desk.token}")


def furnish_apps(scene: Scene, house: House) -> None:
    """Make an app of somebody else, which has to ask people, one that is open to nobody, and a launch page full of others."""
    designers = scene.ids["group"]
    for name, icon in (
        ("Grafana", "activity"),
        ("GitLab", "key"),
        ("Handbook", "users"),
        ("Payslips", "mail"),
        (FAR_TOO_LONG, "apps"),
    ):
        apps.make_app(
            house,
            name[:60],
            icon=icon,
            everyone=icon != "key",
            group_ids=frozenset({designers} if icon == "key" else ()),
        )
    third_party = apps.make_app(house, "Notes for everybody", third_party=True)
    app_icons.upload_icon(house.runtime, house.owner, third_party.id, png(120))
    for name, app in (
        ("third_party", third_party),
        ("closed", apps.make_app(house, "Treasury", everyone=False)),
    ):
        asked = apps.RelyingApp(scene.server, app)
        scene.ids |= {name: app.id, f"to_{name}": f"{asked.path('authorize')}?{urlencode(asked.request())}"}


def push_something(scene: Scene, pushing: Connection) -> None:
    """Let a directory send what is done and what is refused, with a token that is gone afterwards."""
    okta = directories.directory(scene.server, pushing)
    okta.create("jonas.berg@pushed.example", favouriteColour="blue", password="not kept")
    okta.create_group("Product design", "00u-not-here-yet")
    okta.send("POST", "/Users", directories.user("jonas.berg@pushed.example"))
    okta.send("POST", "/Users", directories.user("somebody@far-away.example"))
    house = scene.server.house
    found = scim_directories.look_at_directory(house.runtime, house.owner, pushing)
    assert found is not None
    (token,) = (one for one in found.directory.tokens if one.name == "Test")
    scim_directories.revoke_token(house.runtime, house.owner, pushing.id, token.id)


def furnish_environments(scene: Scene, house: House) -> None:
    """Make an environment with two ways in and SAML switched on, another with none, and an IdP that nobody uses."""
    added = environments.add_environment(house.runtime, house.owner, "STAGING", "")
    house.environments[added.key] = added
    people.connect(house, added.key, "Okta Staging")
    people.connect(house, added.key, "Entra Staging")
    typed = resource_apis.TypedApi("Notes for agents", "https://mcp.example.com/mcp", "notes.read", open=True)
    scene.ids["api"] = resource_apis.add_api(house.runtime, house.owner, "dev", typed).id
    resource_apis.allow_registration(house.runtime, house.owner, "dev")
    settings = OidcSettings(authentication=ClientAuthentication.NONE, grant_types=frozenset({GrantType.DEVICE_CODE}))
    scene.ids["television"] = apps.make_app(house, "Television", oidc=settings).id
    scene.ids["fresh"] = added.key


def draft_of(scene: Scene) -> str:
    scene.console.follow("Finish Entra Dev")
    return scene.admin.url.split("/")[-2]


def furnish_people(scene: Scene, house: House) -> None:
    idp = scene.providers("practice")
    designers = people.group_of(house, "dev", "Designers")
    long_group = people.group_of(house, "dev", FAR_TOO_LONG)
    scene.ids |= {"group": designers.id, "empty_group": long_group.id}
    ada = people.add_person(house, idp.people[0].name, idp.people[0].email, "dev", "test", group=designers)
    scene.ids |= {"ada": ada.id}
    others = [
        people.add_person(
            house, f"Person {number} {FAR_TOO_LONG}"[:60], f"p{number}@partner.example", "dev", group=designers
        )
        for number in range(12)
    ]
    link = end_user.make_link(house.runtime, house.owner, others[0].id).url
    assert link is not None, "this server sends no mail"
    scene.ids |= {"token": link.rpartition("/")[2], "token_person": others[1].id}
    lindqvist = people.add_person(house, "Maya Lindqvist", "maya@example.com", "prod")
    scene.ids["maya"] = lindqvist.id
    connection = people.connect(house, "prod", "Okta", ("example.com",))
    scene.ids["link"] = people.link(house, lindqvist, connection)
    people.sign_in(house, lindqvist, "prod", connection, scene.ids["link"])
    reused = people.knock(
        house, connection, "Maya Lind", "maya@example.com", "00u7", KnockReason.ADDRESS_REUSED, lindqvist.id
    )
    scene.ids["knock"] = reused.id
    people.knock(house, connection)
    gone = people.add_person(house, "Gone Person", "gone@example.com", "dev")
    end_user.deactivate(house.runtime, house.owner, gone.id)
    scene.ids["gone"] = gone.id
