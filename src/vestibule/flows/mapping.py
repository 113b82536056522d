"""The attribute mapping of a connection, and how it provisions just in time: read, judged, previewed, saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, ConnectionStatus, Provisioning, sp_entity_id
from vestibule.directory.groups import Group
from vestibule.directory.mapping import FIELDS, AttributeMapping, validate_mapping
from vestibule.directory.provisioning import (
    MAX_VALUE_LENGTH,
    GroupsBy,
    JitRules,
    MapEntry,
    UnknownGroups,
    value_key,
)
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.admitting import claim_from, look
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import environment_of, found_connection, record_connection
from vestibule.flows.parts.measuring import measure_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.provisioning import foreseen_groups
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.testing import Prospect, prospect_of
from vestibule.kernel.errors import AlreadyTaken, FieldError, Invalid, NotFound
from vestibule.kernel.text import N_, has_unsafe_characters, printable
from vestibule.saml.assertions import Assertion
from vestibule.saml.captures import CaptureInvalid, find_messages
from vestibule.saml.inspection_checks import Measure, judge_response
from vestibule.storage import connections, group_map, groups, synced_groups, workspaces
from vestibule.storage.database import Transaction

# Two fields each, of the thousand that a form may have.
MAX_ENTRIES: Final = 400
_CHANGED_MEANWHILE: Final = N_(
    "This mapping was changed since you opened this page. Look at it in another tab first: saving again replaces what was changed."
)


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """What the page of a mapping shows. `groups` are those of the environment that values can lead to, Everyone left out."""

    connection: Connection
    environment: Environment
    entries: tuple[MapEntry, ...]
    groups: tuple[Group, ...]

    @property
    def version(self) -> str:
        """Return a digest of all that can be typed, to tell whether it is still what a form was made of."""
        connection = self.connection
        return sha256(repr((connection.mapping, connection.jit, self.entries)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TypedMapping:
    """What an admin typed: attribute names by field, how groups are found, and the lines of the map. Untrusted."""

    names: Mapping[str, str]
    group_syncing: bool
    groups_by: str
    unknown_groups: str
    keep_in_sync: bool
    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class JudgedMapping:
    """A typed mapping that was found good."""

    mapping: AttributeMapping
    jit: JitRules
    entries: tuple[MapEntry, ...]


@dataclass(frozen=True, slots=True)
class MappingPreview:
    """Who would come in with a captured response, and with which groups. Its texts are printable, and claims unless `verified`."""

    prospect: Prospect
    verified: bool
    joins: tuple[str, ...]
    creates: tuple[str, ...]
    ignores: tuple[str, ...]
    overage: bool
    attributes: tuple[str, ...]


def get_mapping(runtime: Runtime, caller: AdminCaller, connection_id: str) -> MappingFacts:
    """Return the mapping of a connection of the workspace, by an untrusted id. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return _facts(tx, caller, connection_id)


def judge_mapping(runtime: Runtime, caller: AdminCaller, connection_id: str, typed: TypedMapping) -> JudgedMapping:
    """Return what was typed in tidy form, and save nothing. Raises Invalid with every FieldError; NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        return _judged(_facts(tx, caller, connection_id), typed)


def preview_mapping(
    runtime: Runtime, caller: AdminCaller, connection_id: str, typed: TypedMapping, pasted: bytes
) -> MappingPreview:
    """Return who would come in with a captured response (untrusted), by what was typed and just in time; nothing is saved.

    The response may be old or by a stranger: `verified` says whether its signature holds. Raises Invalid, also with field
    `pasted` where there is no response; NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        facts = _facts(tx, caller, connection_id)
    judged = _judged(facts, typed)
    drafted = replace(facts.connection, mapping=judged.mapping, jit=judged.jit, provisioning=Provisioning.JIT)
    verified, assertion = _captured(pasted, measure_of(runtime, facts.connection))
    entity_id = sp_entity_id(runtime.public_url, drafted.id)
    claim = claim_from(drafted, entity_id, assertion.subject, assertion.attributes)
    with runtime.database.reading() as tx:
        place = _place(tx, caller, facts)
        decision = look(tx, place, drafted, _rivals(tx, drafted), claim)
        prospect = prospect_of(tx, place, drafted, claim, decision)
        mapped = {value_key(entry.value): entry.group_id for entry in judged.entries}
        plan = foreseen_groups(tx, drafted, claim.groups.values, mapped)
        names = {one.id: one.name for one in synced_groups.names_of(tx, caller.workspace_id, plan.group_ids)}
    return MappingPreview(
        prospect=prospect,
        verified=verified,
        joins=tuple(names[group_id] for group_id in plan.group_ids if group_id in names),
        creates=plan.create,
        ignores=tuple(printable(value, 100) for value in plan.ignored),
        overage=claim.groups.overage,
        attributes=tuple(printable(name, 200) for name in assertion.attributes),
    )


def save_mapping(
    runtime: Runtime, caller: AdminCaller, connection_id: str, typed: TypedMapping, began_with: str = ""
) -> Connection:
    """Save which attributes say what, and how people are provisioned just in time: from the next sign-in on.

    Nothing is saved where it is no longer the version that the form `began_with`.
    Raises Invalid with every FieldError, also where a group is deleted at this very moment; NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    try:
        with runtime.database.transaction() as tx:
            workspaces.lock_workspace(tx, caller.workspace_id)
            facts = _facts(tx, caller, connection_id)
            if began_with not in {"", facts.version}:
                raise Invalid(FieldError("began_with", _CHANGED_MEANWHILE))
            judged, connection = _judged(facts, typed), facts.connection
            connections.set_mapping(tx, caller.workspace_id, connection.id, judged.mapping, judged.jit)
            group_map.replace_entries(tx, caller.workspace_id, connection.id, judged.entries)
            record_connection(tx, runtime, caller, "mapping_changed", connection, **_difference(facts, judged))
    except AlreadyTaken:
        raise Invalid(FieldError("group_map", N_("A group was deleted meanwhile. Choose another one."))) from None
    return connection


def _facts(tx: Transaction, caller: AdminCaller, connection_id: str) -> MappingFacts:
    connection = found_connection(tx, caller, connection_id)
    mine = [
        one
        for one in groups.list_group_names(tx, caller.workspace_id)
        if one.environment_id == connection.environment_id and not one.built_in
    ]
    entries = group_map.list_entries(tx, caller.workspace_id, connection.id)
    return MappingFacts(connection, environment_of(tx, connection), entries, tuple(mine))


def _captured(pasted: bytes, measure: Measure) -> tuple[bool, Assertion]:
    try:
        found = find_messages(pasted)
    except CaptureInvalid as error:
        raise Invalid(FieldError("pasted", error.public)) from error
    for one in found:
        judged = judge_response(one.data, measure)
        if judged.assertion is not None:
            return judged.verified, judged.assertion
    raise Invalid(FieldError("pasted", N_("There is no response with an assertion here that can be read.")))


def _place(tx: Transaction, caller: AdminCaller, facts: MappingFacts) -> Place:
    workspace = workspaces.find_workspace(tx, caller.workspace_id)
    if workspace is None:
        raise NotFound(caller.workspace_id)
    return Place(facts.environment, workspace)


def _rivals(tx: Transaction, connection: Connection) -> tuple[str, ...]:
    every = connections.list_connections(tx, connection.workspace_id, connection.environment_id)
    others = [one for one in every if one.id != connection.id and one.status is ConnectionStatus.ACTIVE]
    return tuple(domain for one in others for domain in one.domains)


def _judged(facts: MappingFacts, typed: TypedMapping) -> JudgedMapping:
    errors: list[FieldError] = []
    mapping = AttributeMapping()
    try:
        mapping = validate_mapping(typed.names)
    except Invalid as error:
        errors.extend(error.errors)
    entries = _judged_entries(typed.entries, {group.id for group in facts.groups}, errors)
    if typed.groups_by not in set(GroupsBy):
        errors.append(FieldError("groups_by", N_("Choose how groups are found.")))
    if typed.unknown_groups not in set(UnknownGroups):
        errors.append(FieldError("unknown_groups", N_("Choose what happens to other values.")))
    if errors:
        raise Invalid(*errors)
    rules = JitRules(
        typed.group_syncing, GroupsBy(typed.groups_by), UnknownGroups(typed.unknown_groups), typed.keep_in_sync
    )
    return JudgedMapping(mapping, rules, entries)


def _judged_entries(
    typed: Sequence[tuple[str, str]], known: set[str], errors: list[FieldError]
) -> tuple[MapEntry, ...]:
    entries: dict[str, MapEntry] = {}
    for index, (value, group_id) in enumerate((value.strip(), group_id) for value, group_id in typed):
        key = value_key(value)
        if not value and not group_id:
            continue
        if not value:
            errors.append(FieldError(f"value_{index}", N_("Enter the value that the identity provider sends.")))
        elif len(value) > MAX_VALUE_LENGTH or has_unsafe_characters(value):
            errors.append(FieldError(f"value_{index}", N_("Enter the value as the identity provider sends it.")))
        elif key in entries:
            errors.append(FieldError(f"value_{index}", N_("This value is in the map already.")))
        elif group_id not in known:
            errors.append(FieldError(f"group_{index}", N_("Choose a group for this value.")))
        else:
            entries[key] = MapEntry(value, group_id)
    if len(entries) > MAX_ENTRIES:
        errors.append(FieldError("group_map", N_("Use %(count)s lines or fewer."), count=str(MAX_ENTRIES)))
    return tuple(entries.values())


def _difference(facts: MappingFacts, judged: JudgedMapping) -> dict[str, object]:
    """Return what changed, for the record: each as it is now, and as it was before."""
    connection = facts.connection
    before = {**{name: getattr(connection.mapping, name) for name in FIELDS}, **_rules(connection.jit)}
    after = {**{name: getattr(judged.mapping, name) for name in FIELDS}, **_rules(judged.jit)}
    changed: dict[str, object] = {}
    for name, value in after.items():
        if value != before[name]:
            changed |= {name: value, f"{name}_before": before[name]}
    if set(judged.entries) != set(facts.entries):
        changed |= {"group_map_lines": len(judged.entries), "group_map_lines_before": len(facts.entries)}
    return changed


def _rules(rules: JitRules) -> dict[str, object]:
    return {
        "group_syncing": rules.group_syncing,
        "groups_by": rules.groups_by.value,
        "unknown_groups": rules.unknown_groups.value,
        "keep_in_sync": rules.keep_in_sync,
    }
