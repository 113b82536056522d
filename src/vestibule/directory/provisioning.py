"""Just-in-time provisioning: what an assertion gives a person at the first sign-in, and at later ones where it is kept in sync.

Pure rules over verified values. Who the person is, and whether an account is made, is `linking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vestibule.directory.attributes import GROUPS_LINK_NAMES, GROUPS_NAMES, Attributes, values_of
from vestibule.directory.mapping import AttributeMapping
from vestibule.directory.workspaces import validate_name
from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import fold

# More than any directory sends by default, and a bound on what one sign-in may cost.
MAX_GROUPS: Final = 1000
MAX_VALUE_LENGTH: Final = 512


class GroupsBy(StrEnum):
    """How a value that the IdP sends finds its group here."""

    NAME = "name"
    MAP = "map"


class UnknownGroups(StrEnum):
    """What happens to a value that finds no group."""

    IGNORE = "ignore"
    CREATE = "create"


@dataclass(frozen=True, slots=True)
class JitRules:
    """How a connection provisions just in time. With `keep_in_sync`, at every sign-in; else at the first one only."""

    group_syncing: bool = False
    groups_by: GroupsBy = GroupsBy.NAME
    unknown_groups: UnknownGroups = UnknownGroups.IGNORE
    keep_in_sync: bool = False


# Until an admin chooses otherwise: profile and access at the first sign-in, and groups by hand.
FIRST_TIME_ONLY: Final = JitRules()


@dataclass(frozen=True, slots=True)
class SentGroups:
    """The groups that an assertion names, each once, as sent. `left_out` counts values beyond what is read.

    `overage`: Entra ID sent a link instead of the list, because the person is in more than 150 groups.
    """

    values: tuple[str, ...] = ()
    left_out: int = 0
    overage: bool = False


NO_GROUPS: Final = SentGroups()


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One line of a connection's group map: the value that the IdP sends, and the group here."""

    value: str
    group_id: str


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What follows from the groups sent: groups here to be in, names of groups to make, and values that mean nothing here."""

    group_ids: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def groups_from(attributes: Attributes, mapping: AttributeMapping) -> SentGroups:
    """Return the groups that a verified assertion names."""
    found = values_of(attributes, (mapping.groups,) if mapping.groups else GROUPS_NAMES)
    values = tuple(dict.fromkeys(value.strip() for value in found))
    overage = not values and bool(values_of(attributes, GROUPS_LINK_NAMES))
    return SentGroups(values[:MAX_GROUPS], max(0, len(values) - MAX_GROUPS), overage)


def value_key(value: str) -> str:
    """Return the key under which a sent value is compared: without case, as directories compare names."""
    return fold(value[:MAX_VALUE_LENGTH])


def plan_groups(sent: Sequence[str], rules: JitRules, mapped: Mapping[str, str], named: Mapping[str, str]) -> GroupPlan:
    """Decide what each value means. `mapped` and `named` lead from a value's key to a group id of this environment.

    The map comes first. `named` has the groups that a name may lead to: by the map alone, those that the connection made itself,
    or anybody who can name a group at the IdP could join one that was made here by hand.
    """
    group_ids: dict[str, None] = {}
    create: dict[str, str] = {}
    ignored: list[str] = []
    for value in sent:
        key = value_key(value)
        group_id = mapped.get(key) or named.get(key)
        name = _new_name(value) if group_id is None and rules.unknown_groups is UnknownGroups.CREATE else None
        if group_id is not None:
            group_ids[group_id] = None
        elif name is not None:
            create.setdefault(fold(name), name)
        else:
            ignored.append(value)
    return GroupPlan(tuple(group_ids), tuple(create.values()), tuple(ignored))


def _new_name(value: str) -> str | None:
    try:
        return validate_name("name", value)
    except FieldError:
        return None
