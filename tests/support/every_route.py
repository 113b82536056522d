"""Every unsafe route of the console with a request that does its work, and what of a workspace it must not touch for others.

A route that is not here fails `tests/web/test_walls.py`: whoever adds a door says who may use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from sqlalchemy import select

from tests.support.apps import CALLBACK, make_app, make_secret
from tests.support.directories import pushed_group
from tests.support.house import Client, House, Server
from tests.support.people import add_person, connect, group_of, knock, link, sign_in
from tests.support.pictures import png
from vestibule.directory.admins import Admin, Permission
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.rollover import values_of
from vestibule.directory.sessions import Knock, KnockReason
from vestibule.flows import admins, api_clients, app_icons, scim_directories
from vestibule.flows import connections as connections_flow
from vestibule.flows import resource_apis as api_flows
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.understanding import digest_of
from vestibule.storage import apps, connections, end_users, forward_auth, identity_providers, metadata_readings
from vestibule.storage.tables import metadata

METADATA_URL = "https://idp.example/metadata"
P = Permission


@dataclass(frozen=True)
class World:
    """The ids of one of everything in a workspace, fresh for each route: deleting one must not spoil the next."""

    house: House
    number: int
    person: EndUser
    guest: EndUser
    away: EndUser
    group: str
    joined: str
    active: str
    pending: str
    disabled: str
    read: str
    used_idp: str
    free_idp: str
    link: str
    api: str
    registration: str
    session: str
    knocks: Mapping[str, str]
    colleague: Admin
    scim: str
    scim_token: str
    scim_group: str
    change: str
    app: str
    closed_app: str
    app_secret: str
    api_client: str

    @property
    def environment(self) -> str:
        """Return the key of the environment where all of it is: the first."""
        return next(iter(self.house.environments))


@dataclass(frozen=True)
class Case:
    """Who may send what to a route. `path` and `form` are made for a world; `permission` None is for every admin."""

    permission: Permission | None
    path: Callable[[World], Mapping[str, str]] = field(default=lambda _: {})
    form: Callable[[World], Mapping[str, Any]] = field(default=lambda _: {})


def metadata_url(idp: IdentityProvider) -> str:
    """Return where an IdP's metadata is fetched from: the address says which IdP's it is."""
    return f"{METADATA_URL}?{quote(idp.entity_id or '')}"


def world(house: House, number: int) -> World:
    """Fill a workspace with one more of everything."""
    here, there, last = list(house.environments)[:3]
    group, joined = group_of(house, here, name=f"Designers {number}"), group_of(house, here, name=f"Members {number}")
    domain = f"w{number}.example"
    person = add_person(house, f"Maya {number}", f"maya@{domain}", here, group=joined)
    newcomer = add_person(house, f"Noor {number}", f"noor@{domain}", here)
    guest = add_person(house, f"Guest {number}", f"guest@{domain}", here)
    away = add_person(house, f"Away {number}", f"away@{domain}")
    kinds = {
        kind: connect(house, here, f"{kind} {number}", (f"{kind}.{domain}",)) for kind in ("a", "p", "d", "r", "s")
    }
    active = kinds["a"]
    elsewhere = connect(house, there, f"elsewhere {number}", (f"else.{domain}",))
    free = connect(house, last, f"free {number}", (f"free.{domain}",))
    link_id = link(house, person, active, f"00u{number}")
    knocked = _knocks(house, number, active, away, person)
    workspace_id = house.workspace.id
    _settle(house, number, kinds, free, (person, newcomer), away)
    email = f"cora{number}@{house.workspace.name.lower()}.example"
    colleague, _ = admins.create_admin(
        house.runtime, operator(), workspace_id, f"Cora {number}", email, "auditor", None
    )
    return World(
        house=house,
        number=number,
        person=person,
        guest=guest,
        away=away,
        group=group.id,
        joined=joined.id,
        active=active.id,
        pending=kinds["p"].id,
        disabled=kinds["d"].id,
        read=kinds["r"].id,
        used_idp=elsewhere.idp.id,
        free_idp=free.idp.id,
        link=link_id,
        **_api_of(house, here, domain),
        session=sign_in(house, person, here),
        knocks={kind: one.id for kind, one in knocked.items()},
        colleague=colleague,
        scim=kinds["s"].id,
        scim_token=_token(house, kinds["s"], number),
        scim_group=pushed_group(house, kinds["s"], f"Members {number}").id,
        change=_change(house, kinds["r"].idp.id),
        **_apps(house, here, number),
        api_client=api_clients.create_api_client(
            house.runtime, operator(), workspace_id, f"Client {number}", ["explain:read"], here
        ).client.id,
    )


def _apps(house: House, here: str, number: int) -> dict[str, str]:
    """Make an app with a secret, and one that is disabled."""
    app = make_app(house, f"App {number}", here)
    make_secret(house, app)
    closed = make_app(house, f"Closed app {number}", here, disabled=True)
    app_icons.upload_icon(house.runtime, house.owner, closed.id, png())
    with house.runtime.database.reading() as tx:
        (secret,) = apps.list_secrets(tx, app.id, house.clock())
    return {"app": app.id, "closed_app": closed.id, "app_secret": secret.id}


def _change(house: House, idp_id: str) -> str:
    """Let an IdP's metadata say something that waits for approval; return its digest."""
    with house.runtime.database.transaction() as tx:
        idp = identity_providers.find_idp(tx, house.workspace.id, idp_id)
        before = values_of(idp) if idp else None
        assert before is not None
        found = replace(before, entity_id=f"{before.entity_id}/moved")
        digest = digest_of(found)
        metadata_readings.save_change(tx, house.workspace.id, idp_id, digest, found, house.clock())
    return digest


def _api_of(house: House, key: str, domain: str) -> dict[str, str]:
    """Make an API and an initial access token of an environment; return their ids."""
    typed = api_flows.TypedApi("Files", f"https://api.{domain}", "files:read files:write", open=True)
    api = api_flows.add_api(house.runtime, house.owner, key, typed)
    api_flows.allow_registration(house.runtime, house.owner, key)
    return {"api": api.id, "registration": api_flows.list_apis(house.runtime, house.owner, key).tokens[0].id}


def _settle(
    house: House,
    number: int,
    kinds: Mapping[str, Connection],
    free: Connection,
    reached: tuple[EndUser, EndUser],
    away: EndUser,
) -> None:
    """Bring connections and people into the states that routes ask for."""
    workspace_id, domain = house.workspace.id, f"w{number}.example"
    with house.runtime.database.transaction() as tx:
        first = next(iter(house.environments.values()))
        for domain_before in forward_auth.list_cookie_domains(tx, first.id):  # an environment has a few at most
            forward_auth.delete_cookie_domain(tx, workspace_id, first.id, domain_before)
        forward_auth.insert_cookie_domain(tx, workspace_id, first.id, f"registered{number}.example", house.clock())
        connections.update_connection(tx, workspace_id, kinds["p"].id, provisioning=None)
        connections.update_connection(tx, workspace_id, kinds["d"].id, disabled=True)
        connections.delete_connection(tx, workspace_id, free.id)
        idps = metadata.tables["identity_providers"]
        tx.execute(
            idps.update().where(idps.c.id == kinds["r"].idp.id).values(metadata_url=metadata_url(kinds["r"].idp))
        )
        # Within the reach of the connection, which moving a link asks for.
        for one in reached:
            address = f"{one.full_name.split()[0].lower()}@a.{domain}"
            terms = [f"{one.id} {number}"]
            end_users.update_profile(
                tx, workspace_id, one.id, full_name=one.full_name, email=address, terms=terms, now=house.clock()
            )
        end_users.set_status(tx, workspace_id, reached[0].id, EndUserStatus.ACTIVE, house.clock())
        end_users.set_status(tx, workspace_id, away.id, EndUserStatus.DEACTIVATED, house.clock())


def _token(house: House, connection: Connection, number: int) -> str:
    """Let people of a connection come by SCIM, and return the id of a token for their directory."""
    connections_flow.choose_provisioning(house.runtime, house.owner, connection.id, "scim")
    return scim_directories.make_token(house.runtime, house.owner, connection.id, f"Token {number}", "never").token.id


def _knocks(house: House, number: int, active: Connection, away: EndUser, person: EndUser) -> dict[str, Knock]:
    """Let somebody wait for each of the reasons."""
    domain = f"w{number}.example"
    return {
        "unknown": knock(house, active, f"Jonas {number}", f"jonas@{domain}", f"k{number}"),
        "no_access": knock(
            house, active, "Away", f"away@a.{domain}", f"n{number}", KnockReason.NO_ACCESS, end_user_id=away.id
        ),
        "reused": knock(
            house, active, "Maya", f"maya@a.{domain}", f"r{number}", KnockReason.ADDRESS_REUSED, end_user_id=person.id
        ),
    }


def _environment(w: World) -> dict[str, str]:
    return {"environment": w.environment}


def _group(w: World) -> dict[str, str]:
    return {**_environment(w), "group_id": w.group}


def _person(w: World) -> dict[str, str]:
    return {"end_user_id": w.person.id}


def _link(w: World) -> dict[str, str]:
    return {**_person(w), "link_id": w.link}


def _api(w: World) -> dict[str, str]:
    return {**_environment(w), "api_id": w.api}


def _admin(w: World) -> dict[str, str]:
    return {"admin_id": w.colleague.id}


def _app(w: World) -> dict[str, str]:
    return {"app_id": w.app}


def _knock(kind: str) -> Callable[[World], dict[str, str]]:
    return lambda w: {"knock_id": w.knocks[kind]}


def _connection(kind: str) -> Callable[[World], dict[str, str]]:
    return lambda w: {"connection_id": getattr(w, kind)}


def _typed(w: World, what: str) -> dict[str, Any]:
    return {
        "name": f"{what} {w.number}",
        "vendor": "okta",
        "enforce": "selected",
        "domains": f"{what}{w.number}.example",
    }


def _new_person(w: World) -> dict[str, Any]:
    place = w.house.environments[w.environment].id
    return {
        "name": "New Person",
        "email": f"new{w.number}@example.com",
        "knock": w.knocks["unknown"],
        "environment": place,
        f"group_{place}": w.group,
    }


def _access(w: World) -> dict[str, Any]:
    place = w.house.environments[w.environment].id
    return {"shown_environment": place, "environment": place, "shown_group": w.joined, "group": w.group}


_ADMINS, _ONE_ADMIN = "/admin/access-control", "/admin/access-control/{admin_id}"
_TAB = "/admin/environments/{environment}"
_GROUP = f"{_TAB}/groups/{{group_id}}"
_CONNECTION = "/admin/connections/{connection_id}"
_PEOPLE, _ONE = "/admin/end-users", "/admin/end-users/{end_user_id}"
_WAITING = "/admin/end-users/waiting/{knock_id}"
_APPS, _APP = "/admin/apps", "/admin/apps/{app_id}"
_API_CLIENTS = "/admin/api-clients"
_SETTINGS = "/admin/settings"
_PLACE = f"{_SETTINGS}/environments/{{environment}}"

CASES: Mapping[str, Case] = {
    "/admin/sign-out": Case(None),
    "/admin/me/sessions/end-others": Case(None),
    "/admin/me/sessions/{session_id}/end": Case(None, lambda w: {"session_id": w.session}),
    f"{_ADMINS}/invite": Case(
        P.MANAGE_ADMINS,
        form=lambda w: {"name": "Eve", "email": f"eve{w.number}@example.com", "role": "admin"},
    ),
    f"{_ONE_ADMIN}/role": Case(P.MANAGE_ADMINS, _admin, lambda _: {"role": "support"}),
    f"{_ONE_ADMIN}/link": Case(P.MANAGE_ADMINS, _admin),
    f"{_ONE_ADMIN}/remove": Case(P.MANAGE_ADMINS, _admin),
    f"{_TAB}/groups/new": Case(P.MANAGE_PEOPLE, _environment, lambda w: {"name": f"New group {w.number}"}),
    f"{_GROUP}/rename": Case(P.MANAGE_PEOPLE, _group, lambda w: {"name": f"Renamed {w.number}"}),
    f"{_GROUP}/delete": Case(P.MANAGE_PEOPLE, _group),
    f"{_GROUP}/members": Case(P.MANAGE_PEOPLE, _group, lambda w: {"end_user": w.person.id}),
    f"{_GROUP}/members/remove": Case(
        P.MANAGE_PEOPLE, lambda w: {**_environment(w), "group_id": w.joined}, lambda w: {"end_user": w.person.id}
    ),
    f"{_TAB}/apis/new": Case(
        P.MANAGE_AUTHENTICATION,
        _environment,
        lambda w: {"name": "Files", "identifier": f"https://new.w{w.number}.example", "scopes": "files:read"},
    ),
    f"{_TAB}/apis/registration": Case(P.MANAGE_AUTHENTICATION, _environment),
    f"{_TAB}/apis/registration/{{token_id}}/revoke": Case(
        P.MANAGE_AUTHENTICATION, lambda w: {**_environment(w), "token_id": w.registration}
    ),
    f"{_TAB}/apis/{{api_id}}": Case(
        P.MANAGE_AUTHENTICATION, _api, lambda _: {"name": "Mail", "scopes": "mail:send", "open": "1"}
    ),
    f"{_TAB}/apis/{{api_id}}/delete": Case(P.MANAGE_AUTHENTICATION, _api),
    f"{_TAB}/authentication/saml": Case(
        P.MANAGE_AUTHENTICATION, _environment, lambda _: {"saml": "off", "confirmed": "1"}
    ),
    f"{_TAB}/authentication/idps/{{idp_id}}/delete": Case(
        P.MANAGE_AUTHENTICATION, lambda w: {**_environment(w), "idp_id": w.free_idp}
    ),
    f"{_TAB}/authentication/new": Case(P.MANAGE_AUTHENTICATION, _environment, lambda w: _typed(w, "fresh")),
    f"{_TAB}/authentication/use/{{idp_id}}": Case(
        P.MANAGE_AUTHENTICATION, lambda w: {**_environment(w), "idp_id": w.used_idp}, lambda w: _typed(w, "again")
    ),
    f"{_CONNECTION}/set-up": Case(
        P.MANAGE_AUTHENTICATION,
        _connection("active"),
        lambda w: {"act": "save", "has_url": "yes", "metadata_url": f"{METADATA_URL}?{w.number}", "keep_apart": "1"},
    ),
    "/admin/connections/inspect": Case(
        None, form=lambda w: {"pasted": "<Response/>", "connection": w.active, "redact": "on"}
    ),
    f"{_CONNECTION}/test": Case(P.MANAGE_AUTHENTICATION, _connection("pending")),
    f"{_CONNECTION}/edit": Case(P.MANAGE_AUTHENTICATION, _connection("disabled"), lambda w: _typed(w, "edited")),
    f"{_CONNECTION}/provisioning": Case(P.MANAGE_AUTHENTICATION, _connection("pending"), lambda _: {"mode": "manual"}),
    f"{_CONNECTION}/mapping": Case(
        P.MANAGE_AUTHENTICATION,
        _connection("active"),
        lambda w: {
            "act": "save",
            "email": f"mail{w.number}",
            "groups_by": "map",
            "unknown_groups": "ignore",
            "value": f"team {w.number}",
            "group": w.group,
        },
    ),
    f"{_CONNECTION}/metadata/follow": Case(P.MANAGE_AUTHENTICATION, _connection("read"), lambda _: {"applies": "off"}),
    f"{_CONNECTION}/metadata/approve": Case(
        P.MANAGE_AUTHENTICATION, _connection("read"), lambda w: {"change": w.change}
    ),
    f"{_CONNECTION}/metadata/dismiss": Case(
        P.MANAGE_AUTHENTICATION, _connection("read"), lambda w: {"change": w.change}
    ),
    f"{_CONNECTION}/signing": Case(P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"sign": "on"}),
    f"{_CONNECTION}/logout": Case(P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"logs_out": "off"}),
    f"{_CONNECTION}/requests": Case(
        P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"force_authn": "on", "comparison": "exact"}
    ),
    f"{_CONNECTION}/idp-initiated": Case(
        P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"idp_initiated": "accept"}
    ),
    f"{_CONNECTION}/expiry": Case(P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"refuse_expired": "on"}),
    f"{_CONNECTION}/encryption": Case(P.MANAGE_AUTHENTICATION, _connection("active"), lambda _: {"allow_cbc": "on"}),
    f"{_CONNECTION}/read-again": Case(P.MANAGE_AUTHENTICATION, _connection("read")),
    f"{_CONNECTION}/disable": Case(P.MANAGE_AUTHENTICATION, _connection("active")),
    f"{_CONNECTION}/enable": Case(P.MANAGE_AUTHENTICATION, _connection("disabled")),
    f"{_CONNECTION}/delete": Case(P.MANAGE_AUTHENTICATION, _connection("active")),
    f"{_CONNECTION}/scim/tokens/new": Case(
        P.MANAGE_AUTHENTICATION, _connection("scim"), lambda _: {"token_name": "Next", "token_life": "365"}
    ),
    f"{_CONNECTION}/scim/tokens/{{token_id}}/revoke": Case(
        P.MANAGE_AUTHENTICATION, lambda w: {"connection_id": w.scim, "token_id": w.scim_token}
    ),
    f"{_CONNECTION}/scim/stop-line": Case(
        P.MANAGE_AUTHENTICATION,
        _connection("scim"),
        lambda w: {"most_people": str(w.number % 90 + 21), "most_percent": "15"},
    ),
    f"{_CONNECTION}/scim/groups/{{scim_group_id}}": Case(
        P.MANAGE_PEOPLE,
        lambda w: {"connection_id": w.scim, "scim_group_id": w.scim_group},
        lambda _: {"decision": "adopt"},
    ),
    f"{_CONNECTION}/scim/hold": Case(
        P.MANAGE_AUTHENTICATION, _connection("scim"), lambda _: {"decision": "let_through"}
    ),
    f"{_PEOPLE}/new": Case(P.MANAGE_PEOPLE, form=_new_person),
    f"{_WAITING}/dismiss": Case(P.MANAGE_PEOPLE, _knock("unknown")),
    f"{_WAITING}/access": Case(P.MANAGE_PEOPLE, _knock("no_access")),
    f"{_WAITING}/address": Case(P.MANAGE_PEOPLE, _knock("reused")),
    f"{_ONE}/profile": Case(
        P.MANAGE_PEOPLE, _person, lambda w: {"name": "Changed", "email": f"changed{w.number}@example.com"}
    ),
    f"{_ONE}/access": Case(P.MANAGE_PEOPLE, _person, _access),
    f"{_ONE}/link": Case(P.MANAGE_PEOPLE, lambda w: {"end_user_id": w.guest.id}),
    f"{_ONE}/deactivate": Case(P.MANAGE_PEOPLE, _person),
    f"{_ONE}/reactivate": Case(P.MANAGE_PEOPLE, lambda w: {"end_user_id": w.away.id}),
    f"{_ONE}/delete": Case(P.MANAGE_PEOPLE, _person),
    f"{_ONE}/sessions/{{session_id}}/end": Case(P.MANAGE_PEOPLE, lambda w: {**_person(w), "session_id": w.session}),
    f"{_ONE}/identities/{{link_id}}/break": Case(P.MANAGE_PEOPLE, _link),
    f"{_ONE}/identities/{{link_id}}/move": Case(
        P.MANAGE_PEOPLE, _link, lambda w: {"email": f"noor@a.w{w.number}.example"}
    ),
    f"{_APPS}/new": Case(
        P.MANAGE_APPS,
        form=lambda w: {
            **_environment(w),
            "kind": "oidc",
            "name": f"New app {w.number}",
            "redirect_uris": CALLBACK,
            "who": "groups",
            "group": w.group,
        },
    ),
    f"{_APP}/edit": Case(
        P.MANAGE_APPS, _app, lambda w: {"name": f"Renamed app {w.number}", "redirect_uris": f"{CALLBACK}/{w.number}"}
    ),
    f"{_APP}/disable": Case(P.MANAGE_APPS, _app),
    f"{_APP}/enable": Case(P.MANAGE_APPS, lambda w: {"app_id": w.closed_app}),
    f"{_APP}/delete": Case(P.MANAGE_APPS, _app),
    f"{_APP}/icon": Case(P.MANAGE_APPS, _app, lambda _: {"picture": png()}),
    f"{_APP}/icon/remove": Case(P.MANAGE_APPS, lambda w: {"app_id": w.closed_app}),
    f"{_APP}/try": Case(P.MANAGE_APPS, _app),
    f"{_APP}/secrets/new": Case(P.MANAGE_APPS, _app),
    f"{_APP}/secrets/{{secret_id}}/revoke": Case(P.MANAGE_APPS, lambda w: {**_app(w), "secret_id": w.app_secret}),
    f"{_API_CLIENTS}/new": Case(
        P.MANAGE_AUTHENTICATION,
        form=lambda w: {
            **_environment(w),
            "name": f"New client {w.number}",
            "scope": "explain:read",
            "token_life": "90",
        },
    ),
    f"{_API_CLIENTS}/{{api_client_id}}/revoke": Case(
        P.MANAGE_AUTHENTICATION, lambda w: {"api_client_id": w.api_client}
    ),
    _SETTINGS: Case(P.MANAGE_ENVIRONMENTS, form=lambda w: {"name": f"Northwind {w.number}", "help_contact": ""}),
    f"{_SETTINGS}/add-environment": Case(
        P.MANAGE_ENVIRONMENTS, form=lambda w: {"name": f"E{w.number}", "key": f"e{w.number}"}
    ),
    _PLACE: Case(
        P.MANAGE_ENVIRONMENTS,
        _environment,
        lambda w: {"name": f"DEV {w.number}", "session_hours": str(w.number % 99 + 9)},
    ),
    f"{_SETTINGS}/keys/rotate": Case(P.MANAGE_AUTHENTICATION, form=lambda _: {"overlap_days": "0"}),
    f"{_PLACE}/move": Case(P.MANAGE_ENVIRONMENTS, _environment, lambda _: {"direction": "down"}),
    f"{_PLACE}/cookie-domains": Case(
        P.MANAGE_ENVIRONMENTS, _environment, lambda w: {"domain": f"apps{w.number}.example"}
    ),
    f"{_PLACE}/cookie-domains/remove": Case(
        P.MANAGE_ENVIRONMENTS, _environment, lambda w: {"domain": f"registered{w.number}.example"}
    ),
    f"{_PLACE}/delete": Case(P.MANAGE_ENVIRONMENTS, lambda _: {"environment": "empty"}),
}

# What is read or counted without being somebody's: attempts, and until when an admin's session lives on.
_PASSING = {"throttles": None, "admin_sessions": {"last_seen_at", "expires_at"}}


def dump(server: Server, workspace_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a workspace in every table."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with server.house.runtime.database.reading() as tx:
        for table in metadata.sorted_tables:
            passing = _PASSING.get(table.name, set())
            if passing is None:
                continue
            columns = [column for column in table.c if column.name not in passing]
            query = select(*columns)
            owner = table
            if table.name != "workspaces" and "workspace_id" not in table.c:
                owner = next(key.column.table for key in table.foreign_keys)
                query = query.join(owner)
            whose = owner.c.id if table.name == "workspaces" else owner.c.workspace_id
            rows[table.name] = sorted((tuple(row) for row in tx.execute(query.where(whose == workspace_id))), key=repr)
    return rows


def send(client: Client, path: str, form: Mapping[str, Any], **options: Any) -> Any:
    """Send a form with the token of a page that the admin has open."""
    fields = {name: value for name, value in form.items() if not isinstance(value, bytes)}
    files = {name: ("file", value) for name, value in form.items() if isinstance(value, bytes)}
    return client.post(path, fields, **({"files": files} if files else {}) | options)
