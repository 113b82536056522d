"""What the demo is furnished with: three environments, three people and two apps in DEV, and a directory that pushes into PROD.

Everything goes through the same flows as the console's pages, in the name of the demo's Owner, so the activity tells the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vestibule.directory.app_drafts import AppDraft
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import AccessDraft, EndUserDraft
from vestibule.flows import (
    admins,
    apps,
    authentication,
    connection_set_up,
    connections,
    end_users,
    environments,
    groups,
    idp_values,
    scim_directories,
    workspaces,
)
from vestibule.flows.parts.callers import AdminCaller, Visitor, system
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.understanding import TypedIdp
from vestibule.practice.app import PracticeApp
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import DOMAIN, PEOPLE

WORKSPACE: Final = "Demo"
GROUP: Final = "Engineering"
_COMMAND: Final = Visitor("127.0.0.1", "vestibule demo", "demo")


@dataclass(frozen=True, slots=True)
class House:
    """What the one who tries the demo needs to know."""

    link: str
    environment_key: str
    group: str
    member: str


def furnish(runtime: Runtime, idp: PracticeIdp, app: PracticeApp) -> House:
    """Fill an empty database; return the ways in."""
    workspace = workspaces.create_workspace(runtime, system(), WORKSPACE, ("DEV", "TEST", "PROD"))
    owner, link = admins.create_admin(runtime, system(), workspace.id, "Demo Owner", f"owner@{DOMAIN}", "owner", None)
    caller = AdminCaller(owner, "", _COMMAND)
    dev, _, prod = environments.list_environments(runtime, caller)
    connection = _connect(runtime, caller, dev.key, idp)
    group = groups.create_group(runtime, caller, dev.key, GROUP)
    for person in PEOPLE:
        chosen = (group.id,) if person is PEOPLE[0] else ()
        draft = EndUserDraft(person.name, person.email, (AccessDraft(dev.id, group_ids=chosen),))
        end_users.add_end_user(runtime, caller, draft)
    _register(runtime, caller, dev.key, app)
    link_to_idp = AppDraft("Practice identity provider", "link", icon="key", launch_url=f"{idp.base_url}/")
    apps.create_app(runtime, caller, dev.key, link_to_idp)
    _push(runtime, caller, prod.key, idp, connection.idp.id)
    return House(link or "", dev.key, group.name, PEOPLE[0].email)


def _connect(runtime: Runtime, caller: AdminCaller, environment_key: str, idp: PracticeIdp) -> Connection:
    typed = TypedConnection("Practice IdP", "generic", enforce="all", domains="")
    connection = connection_set_up.begin_set_up(runtime, caller, environment_key, typed)
    # The IdP is not listening yet, so its metadata is handed over; the URL is kept for reading it again.
    values = idp_values.understand_idp(runtime, caller, TypedIdp("xml", metadata_xml=idp.metadata_xml))
    values = replace(values, metadata_url=f"{idp.base_url}/metadata")
    idp_values.save_idp_values(runtime, caller, connection.id, values)
    connections.choose_provisioning(runtime, caller, connection.id, "manual")
    authentication.set_saml(runtime, caller, environment_key, on=True)
    return connection


def _register(runtime: Runtime, caller: AdminCaller, environment_key: str, app: PracticeApp) -> None:
    draft = AppDraft(
        "Practice app",
        "oidc",
        icon="activity",
        launch_url=app.launch_url,
        redirect_uris=app.redirect_uri,
        post_logout_redirect_uris=app.signed_out_uri,
        backchannel_logout_uri=app.backchannel_logout_uri,
    )
    made = apps.create_app(runtime, caller, environment_key, draft)
    app.party.know(made.facts.app.id, made.secret)


def _push(runtime: Runtime, caller: AdminCaller, environment_key: str, idp: PracticeIdp, idp_id: str) -> None:
    """Let the practice directory push into an environment that the same IdP signs people in to."""
    connection = connection_set_up.reuse_idp(runtime, caller, environment_key, idp_id, "all", "")
    connections.choose_provisioning(runtime, caller, connection.id, "scim")
    made = scim_directories.make_token(runtime, caller, connection.id, "Practice directory", "never")
    idp.directory.aim(made.base_url, made.secret)
    authentication.set_saml(runtime, caller, environment_key, on=True)
