"""The Authentication tab of an environment: its SAML switch, its connections, the IdPs to reuse, and who is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.directory.impact import Enforcement, Move, Population, covered, moves
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import enforcement_of, found_environment
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import (
    connection_people,
    connections,
    groups,
    identity_providers,
    metadata_readings,
    scim_directories,
    workspaces,
)
from vestibule.storage.database import Transaction

# The page counts who signs in how as long as that takes milliseconds.
COUNTED_PEOPLE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reusable:
    """A complete IdP of the workspace that the environment does not use, and who does."""

    idp: IdentityProvider
    environments: tuple[Environment, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people have access, and how many of them sign in through an IdP."""

    people: int
    covered: int


@dataclass(frozen=True, slots=True)
class AuthenticationTab:
    """What the tab shows. `counts` is None where there are too many people to count for a page.

    `held` are the connections whose directories wait at the stop line for an admin, `moved` the IdPs whose metadata says
    something that an admin has to look at.
    """

    environment: Environment
    environments: tuple[Environment, ...]
    connections: tuple[Connection, ...]
    reusable: tuple[Reusable, ...]
    counts: Counts | None
    group_count: int
    held: tuple[str, ...] = ()
    moved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SwitchPreview:
    """What turning the switch would do. `needs_confirmation` when there are connections that enforce something."""

    environment: Environment
    on: bool
    moves: tuple[Move, ...]
    needs_confirmation: bool


def show_authentication(runtime: Runtime, caller: AdminCaller, environment_key: str) -> AuthenticationTab:
    """Return the Authentication tab of an environment, in a constant number of statements. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        environment = found_environment(tx, caller, environment_key)
        environments = workspaces.list_environments(tx, caller.workspace_id)
        every = connections.list_connections(tx, caller.workspace_id, with_last_sign_in=True)
        mine = tuple(one for one in every if one.environment_id == environment.id)
        return AuthenticationTab(
            environment=environment,
            environments=environments,
            connections=mine,
            reusable=_reusable(tx, environments, every, mine),
            counts=_counts(tx, environment, mine),
            group_count=groups.count_groups(tx, caller.workspace_id, environment.id),
            held=scim_directories.held_directories(tx, caller.workspace_id),
            moved=metadata_readings.list_waiting(tx, caller.workspace_id),
        )


def preview_saml(runtime: Runtime, caller: AdminCaller, environment_key: str, *, on: bool) -> SwitchPreview:
    """Return what turning SAML-based SSO on or off would do to whom. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        environment = found_environment(tx, caller, environment_key)
        now = enforcement_of(tx, environment)
        needs_confirmation = bool(now.active) and environment.saml_enabled is not on
        found = connection_people.populations(tx, caller.workspace_id, environment.id) if needs_confirmation else ()
    return SwitchPreview(environment, on, moves(found, now, now.switched(on=on)), needs_confirmation)


def set_saml(runtime: Runtime, caller: AdminCaller, environment_key: str, *, on: bool) -> Environment:
    """Turn SAML-based SSO of an environment on or off. Setting what is set already is harmless. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        environment = found_environment(tx, caller, environment_key)
        if not workspaces.set_saml_enabled(tx, caller.workspace_id, environment.id, enabled=on):
            return environment
        action = "environment.saml_turned_on" if on else "environment.saml_turned_off"
        subject = Subject("environment", environment.id, environment.name)
        record(tx, runtime, caller.workspace_id, caller.actor, Event(action, subject, environment_id=environment.id))
    return environment


def _reusable(
    tx: Transaction,
    environments: tuple[Environment, ...],
    every: tuple[Connection, ...],
    mine: tuple[Connection, ...],
) -> tuple[Reusable, ...]:
    here = {one.idp.id for one in mine}
    found = []
    for idp in identity_providers.list_idps(tx, environments[0].workspace_id):
        if idp.id not in here and idp.complete:
            used_in = {one.environment_id for one in every if one.idp.id == idp.id}
            found.append(Reusable(idp, tuple(one for one in environments if one.id in used_in)))
    return tuple(found)


def _counts(tx: Transaction, environment: Environment, mine: tuple[Connection, ...]) -> Counts | None:
    people = connection_people.count_people(tx, environment.workspace_id, environment.id, COUNTED_PEOPLE + 1)
    if people > COUNTED_PEOPLE:
        return None
    found: tuple[Population, ...] = connection_people.populations(tx, environment.workspace_id, environment.id)
    return Counts(sum(one.people for one in found), covered(found, Enforcement(environment.saml_enabled, mine)))
