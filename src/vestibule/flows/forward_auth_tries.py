"""Try it, for an app behind a proxy: what the proxy would be told of whoever is signed in to the environment in the admin's browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestibule.directory.admins import Permission
from vestibule.directory.apps import App
from vestibule.directory.end_users import EndUser
from vestibule.directory.entry import Decision
from vestibule.directory.forward_auth import ForwardAuthSession, Found, groups_told
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.entry import decide, resume
from vestibule.flows.parts.forwarding import headers_told
from vestibule.flows.parts.identity import identity_claims
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.text import printable
from vestibule.storage import access, apps, workspaces


@dataclass(frozen=True, slots=True)
class ToldHeaders:
    """The answer. `person` is None where nobody is signed in; nothing is told of somebody who may not use the app."""

    app: App
    environment: Environment
    person: EndUser | None = None
    decision: Decision | None = None
    headers: tuple[tuple[str, str], ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)


def environment_of_app(runtime: Runtime, caller: AdminCaller, app_id: str) -> tuple[App, Environment]:
    """Return an app that stands behind a proxy, with its environment. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.reading() as tx:
        app = apps.find_app(tx, caller.workspace_id, app_id)
        environment = workspaces.find_environment_by_id(tx, caller.workspace_id, app.environment_id) if app else None
    if app is None or environment is None or not app.hosts:
        raise NotFound(f"app behind a proxy {printable(app_id, 40)}")
    return app, environment


def headers_for(
    runtime: Runtime, caller: AdminCaller, app: App, environment: Environment, session_token: str
) -> ToldHeaders:
    """Return what the proxy would be told of the owner of an untrusted session cookie. Nothing is written, and no token made."""
    caller.require(Permission.MANAGE_APPS)
    session = resume(runtime, environment.key, session_token)
    if session is None:
        return ToldHeaders(app, environment)
    person = session.end_user
    with runtime.database.reading() as tx:
        entry = decide(tx, runtime, environment, person.id, app, session)
        groups = access.memberships_of(tx, caller.workspace_id, person.id, environment.id)
    if entry is None or not entry.decision.allowed:
        return ToldHeaders(app, environment, person, entry.decision if entry else None)
    names = {one.group_id: one.name for one in groups if one.group_id in entry.standing.group_ids}
    here = ForwardAuthSession(caller.workspace_id, environment.id, session.id, app.hosts[0])
    found = Found(session, entry.standing, here, app, names)
    claims = identity_claims(runtime, entry.standing, app, sorted(groups_told(found).values()))
    return ToldHeaders(app, environment, person, entry.decision, tuple(headers_told(found)), claims)
