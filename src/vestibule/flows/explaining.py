"""Explain: may this person use this app in this environment, and why or why not. From the same function that lets people in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.api_clients import ApiClient, Scope
from vestibule.directory.app_sessions import AppSession
from vestibule.directory.apps import App
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser
from vestibule.directory.enforcement import route
from vestibule.directory.entry import Decision, Standing, may_enter
from vestibule.directory.groups import Group
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import found_end_user
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import FieldError, NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import N_, clean_email, printable
from vestibule.storage import app_sessions, apps, connections, end_users, groups, workspaces
from vestibule.storage.database import Transaction
from vestibule.storage.standings import find_standing

_MOST_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one person and one app. `through` are the groups of the app that the person is in; `ways` sign them in."""

    person: EndUser
    app: App
    environment: Environment
    decision: Decision
    through: tuple[Group, ...]
    ways: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """One app of an environment, and whether a person may use it."""

    app: App
    environment: Environment
    decision: Decision


@dataclass(frozen=True, slots=True)
class PersonsApps:
    """Every app of a person's environments with the answer; and the apps' own sessions of theirs, with how far each app was told
    that ours had ended: the receipt of taking access away. `names` are of the apps by id, those deleted left out.
    """

    answers: tuple[AppAnswer, ...]
    sessions: tuple[AppSession, ...]
    names: Mapping[str, str]


def explain(runtime: Runtime, caller: AdminCaller, app_id: str, email: str) -> Explanation:
    """Return the answer for the owner of an untrusted address. Raises FieldError when nobody has it, NotFound, Forbidden."""
    caller.require(Permission.READ)
    cleaned = clean_email(email)
    with runtime.database.reading() as tx:
        app = apps.find_app(tx, caller.workspace_id, app_id)
        environment = workspaces.find_environment_by_id(tx, caller.workspace_id, app.environment_id) if app else None
        if app is None or environment is None:
            raise NotFound(f"app {printable(app_id, 40)}")
        person = end_users.find_by_email(tx, caller.workspace_id, cleaned) if cleaned else None
        standing = find_standing(tx, environment, person.id) if person else None
        if person is None or standing is None:
            raise FieldError("email", N_("No end user has this e-mail address."))
        return _explained(tx, app, standing)


def explain_to_client(runtime: Runtime, client: ApiClient, environment_key: str, user: str, app_id: str) -> Explanation:
    """Return the same answer to a program. `user` is an id or an e-mail address; all three values are untrusted.

    Raises ScopeMissing; NotFound for what does not exist, is another workspace's or beyond the environment of the client, alike.
    """
    client.require(Scope.EXPLAIN_READ)
    with runtime.database.reading() as tx:
        environment = workspaces.find_environment(tx, client.workspace_id, environment_key)
        if environment is None or not client.reaches(environment.id):
            raise NotFound(f"environment {printable(environment_key, 40)}")
        app = apps.find_app_of(tx, environment.id, app_id) if is_id(app_id, "app") else None
        if app is None:
            raise NotFound(f"app {printable(app_id, 40)}")
        end_user_id = user if is_id(user, "end_user") else None
        cleaned = clean_email(user)
        if cleaned:
            person = end_users.find_by_email(tx, client.workspace_id, cleaned)
            end_user_id = person.id if person else None
        standing = find_standing(tx, environment, end_user_id) if end_user_id else None
        if standing is None:
            # An address that somebody asked about is nothing for a log.
            raise NotFound(f"end user {end_user_id or 'of that address'}")
        return _explained(tx, app, standing)


def _explained(tx: Transaction, app: App, standing: Standing) -> Explanation:
    """Decide by the function that lets people in, and add what helps to understand it."""
    person, environment = standing.end_user, standing.environment
    named = groups.list_group_names(tx, environment.workspace_id)
    found = connections.list_connections(tx, environment.workspace_id, environment.id)
    shared = app.group_ids & standing.group_ids
    return Explanation(
        person=person,
        app=app,
        environment=environment,
        decision=may_enter(standing, app),
        through=tuple(group for group in named if group.id in shared),
        ways=route(person.email, environment.saml_enabled, found).connections,
    )


def apps_of_person(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> PersonsApps:
    """Return what apps have to do with a person. Raises NotFound, Forbidden. Two statements for each environment of theirs."""
    caller.require(Permission.READ)
    answers: list[AppAnswer] = []
    with runtime.database.reading() as tx:
        person = found_end_user(tx, caller, end_user_id, lock=False)
        for environment in workspaces.list_environments(tx, caller.workspace_id):
            standing = find_standing(tx, environment, person.id)
            if standing is None or not standing.has_access:
                continue
            found = apps.list_apps(tx, caller.workspace_id, environment.id)
            answers.extend(AppAnswer(app, environment, may_enter(standing, app)) for app in found)
        told = app_sessions.list_app_sessions(tx, caller.workspace_id, person.id, _MOST_SESSIONS)
        names = apps.names_of(tx, caller.workspace_id, {one.app_id for one in told})
    return PersonsApps(tuple(answers), told, names)
