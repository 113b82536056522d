"""End users: list and search them, and add one by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vestibule.directory.activity import Event
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.directory.end_users import (
    AccessDraft,
    EndUser,
    EndUserDraft,
    EndUserFilter,
    EndUserPage,
    EndUserStatus,
    Position,
    search_terms,
    validate_profile,
)
from vestibule.directory.groups import Group
from vestibule.directory.sessions import Knock
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import EmailTaken, HandedOut, give_access, hand_out_link, note, subject_of
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, FieldError, Invalid
from vestibule.kernel.ids import is_id, new_id
from vestibule.kernel.text import N_
from vestibule.storage import access, connections, end_user_list, end_users, groups, knocks, workspaces
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class EnvironmentChoice:
    """An environment to tick, with its groups (Everyone left out) and the connections through which its people sign in."""

    environment: Environment
    groups: tuple[Group, ...]
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class EndUserList:
    """One page of the list with all that surrounds it. The counts stop one above 1,000."""

    page: EndUserPage
    environments: tuple[Environment, ...]
    groups: tuple[Group, ...]
    total: int
    waiting: int


def list_end_users(
    runtime: Runtime,
    caller: AdminCaller,
    wanted: EndUserFilter,
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> EndUserList:
    """Return one page of the people that a filter leaves, by name, or by the term found. Raises Forbidden.

    Environments are named by id or key. Environments and groups of another workspace, and positions made up, are as
    good as none at all.
    """
    caller.require(Permission.READ)
    workspace_id = caller.workspace_id
    with runtime.database.reading() as tx:
        environments = workspaces.list_environments(tx, workspace_id)
        every_group = groups.list_group_names(tx, workspace_id)
        narrowed = _narrowed(wanted, environments, every_group)
        return EndUserList(
            page=end_user_list.page(tx, workspace_id, narrowed, after=after, before=before),
            environments=environments,
            groups=every_group,
            total=end_user_list.count_end_users(tx, workspace_id),
            waiting=knocks.count_knocks(tx, workspace_id),
        )


def list_choices(runtime: Runtime, caller: AdminCaller) -> tuple[EnvironmentChoice, ...]:
    """Return what may be ticked for a new person. Raises Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.reading() as tx:
        return _choices(tx, caller.workspace_id)


def look_at_knock(runtime: Runtime, caller: AdminCaller, knock_id: str) -> Knock | None:
    """Return somebody who waits, to fill the form for a new person with; None when they wait no longer. Raises Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.reading() as tx:
        return knocks.find_knock(tx, caller.workspace_id, knock_id) if is_id(knock_id, "knock") else None


def add_end_user(
    runtime: Runtime, caller: AdminCaller, draft: EndUserDraft, knock_id: str = ""
) -> tuple[EndUser, HandedOut | None]:
    """Add a person with access and groups; return them, and the invitation if they may use a password anywhere.

    Whoever waited is let in by this: `knock_id` (untrusted, may be empty) and their knocks at the environments ticked
    are forgotten. Nothing is linked; the first sign-in does that. Raises Invalid (EmailTaken among its errors), Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    full_name, email, errors = _judged_profile(draft)
    now = runtime.clock()
    person = EndUser(
        id=new_id("end_user", now),
        workspace_id=caller.workspace_id,
        email=email,
        full_name=full_name,
        status=EndUserStatus.INVITED,
        source=Source.MANUAL,
        has_password=False,
        created_at=now,
        updated_at=now,
        last_sign_in_at=None,
    )
    try:
        with runtime.database.transaction() as tx:
            holder = end_users.find_by_email(tx, caller.workspace_id, email) if email else None
            if holder is not None:
                errors.append(EmailTaken(holder))
            chosen, more = _judged_access(_choices(tx, caller.workspace_id), draft.access)
            if errors or more:
                raise Invalid(*errors, *more)
            end_users.insert_end_user(tx, person, None, search_terms(full_name, email))
            names = [choice.environment.name for choice, _ in chosen]
            details = {"email": email, "environments": names}
            record(
                tx,
                runtime,
                caller.workspace_id,
                caller.actor,
                Event("end_user.added", subject_of(person), details=details),
            )
            for choice, joined in chosen:
                _enter(tx, runtime, caller, person, choice, joined)
            if is_id(knock_id, "knock"):
                knocks.delete_knock(tx, caller.workspace_id, knock_id)
            return person, hand_out_link(tx, runtime, caller, person)
    except AlreadyTaken as error:
        raise _lost_race(runtime, caller, email) from error


def _narrowed(
    wanted: EndUserFilter, environments: Sequence[Environment], every_group: Sequence[Group]
) -> EndUserFilter:
    known = {name: environment.id for environment in environments for name in (environment.id, environment.key)}
    ids = [known[one] for one in wanted.environment_ids if one in known]
    group = next((one for one in every_group if one.id == wanted.group_id), None)
    if group is not None and group.built_in:
        # Everyone has no rows: it is the access.
        return replace(wanted, environment_ids=tuple(dict.fromkeys((*ids, group.environment_id))), group_id=None)
    return replace(wanted, environment_ids=tuple(ids), group_id=group.id if group else None)


def _choices(tx: Transaction, workspace_id: str) -> tuple[EnvironmentChoice, ...]:
    every_group = [group for group in groups.list_group_names(tx, workspace_id) if not group.built_in]
    every_connection = connections.list_connections(tx, workspace_id)
    return tuple(
        EnvironmentChoice(
            environment,
            tuple(group for group in every_group if group.environment_id == environment.id),
            tuple(
                one
                for one in every_connection
                if one.environment_id == environment.id
                and one.status is ConnectionStatus.ACTIVE
                and environment.saml_enabled
            ),
        )
        for environment in workspaces.list_environments(tx, workspace_id)
    )


def _judged_profile(draft: EndUserDraft) -> tuple[str, str, list[FieldError]]:
    try:
        return *validate_profile(draft.full_name, draft.email), []
    except Invalid as error:
        return "", "", list(error.errors)


def _judged_access(
    choices: Sequence[EnvironmentChoice], drafts: Sequence[AccessDraft]
) -> tuple[list[tuple[EnvironmentChoice, tuple[Group, ...]]], list[FieldError]]:
    """Return what may be done of what was ticked, and what is wrong with the rest. Ids are looked up, never believed."""
    known = {choice.environment.id: choice for choice in choices}
    chosen: list[tuple[EnvironmentChoice, tuple[Group, ...]]] = []
    errors: list[FieldError] = []
    for draft in drafts:
        choice = known.get(draft.environment_id)
        if choice is None:
            errors.append(FieldError("environment", N_("One of the environments was deleted meanwhile. Choose again.")))
            continue
        field = f"group_{choice.environment.id}"
        wanted = {group_id for group_id in draft.group_ids if group_id}
        joined = tuple(group for group in choice.groups if group.id in wanted)
        if not draft.ticked:
            if wanted:
                sentence = N_("Tick %(environment)s first: only people with access to it can be in its groups.")
                errors.append(FieldError(field, sentence, environment=choice.environment.name))
        elif len(joined) != len(wanted):
            errors.append(FieldError(field, N_("This group was deleted meanwhile. Choose another one.")))
        else:
            chosen.append((choice, joined))
    return chosen, errors


def _enter(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    person: EndUser,
    choice: EnvironmentChoice,
    joined: Sequence[Group],
) -> None:
    give_access(tx, runtime, caller, person, choice.environment)
    for group in joined:
        source, now = Source.MANUAL, runtime.clock()
        access.add_member(tx, caller.workspace_id, group.id, person.id, source=source, now=now)
        note(
            tx,
            runtime,
            caller,
            person,
            "end_user.group_joined",
            choice.environment.id,
            group=group.name,
            group_id=group.id,
        )


def _lost_race(runtime: Runtime, caller: AdminCaller, email: str) -> Invalid:
    """Say what the database refused: mostly the same person, added by a second click or a second admin at that very moment."""
    with runtime.database.reading() as tx:
        holder = end_users.find_by_email(tx, caller.workspace_id, email)
    if holder is not None:
        return Invalid(EmailTaken(holder))
    return Invalid(FieldError("environment", N_("One of the environments was deleted meanwhile. Choose again.")))
