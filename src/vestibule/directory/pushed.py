"""What a directory pushes: users and groups as it sent them, who they are here, and the pure rules about that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vestibule.directory.end_users import MAX_NAME_LENGTH, EndUser
from vestibule.directory.groups import EVERYONE
from vestibule.kernel.text import clean_email, clean_name, fold, has_unsafe_characters

MAX_GROUP_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class PushedUser:
    """A user as the directory sent it. `attributes` is the resource but for `id`, `meta` and `groups`; `end_user_id` who it is here."""

    id: str
    end_user_id: str | None
    external_id: str | None
    user_name: str
    active: bool
    attributes: Mapping[str, Any]
    version: int
    created_at: datetime
    last_modified_at: datetime


@dataclass(frozen=True, slots=True)
class PushedGroup:
    """A group as the directory sent it, and the end-user group that it is here. `name` is what it is called here."""

    id: str
    group_id: str
    name: str
    clashes_with: str | None
    external_id: str | None
    display_name: str
    version: int
    created_at: datetime
    last_modified_at: datetime


@dataclass(frozen=True, slots=True)
class PushedMember:
    """Somebody in a pushed group."""

    value: str
    display: str


@dataclass(frozen=True, slots=True)
class Account:
    """The account that has an e-mail address, as it stands to a directory that pushes somebody with it.

    `holder_id` is the user of this directory that the account belongs to, `gone` says that the directory deleted it,
    `holder_external_id` what it was called there. `another_directory` pushed the account into the same environment.
    """

    end_user: EndUser
    has_access: bool
    holder_id: str | None
    holder_external_id: str | None
    gone: bool
    another_directory: bool


class Standing(StrEnum):
    """What the e-mail address of a pushed user means."""

    NEW = "new"
    ADOPT = "adopt"
    SHARED = "shared"
    ANOTHER_DIRECTORY = "another_directory"
    REUSED = "reused"


def standing_of(account: Account | None, external_id: str | None) -> Standing:
    """Decide what the account that has an address means for a user pushed with it, under its `external_id`.

    An address that was given to somebody new does not lead to the old account (product rules, "Linking").
    """
    if account is None:
        return Standing.NEW
    if account.another_directory:
        return Standing.ANOTHER_DIRECTORY
    if account.holder_id is None:
        return Standing.ADOPT
    if not account.gone:
        return Standing.SHARED
    known = account.holder_external_id
    return Standing.REUSED if known and external_id and known != external_id else Standing.ADOPT


def email_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the address by which a pushed user has an account: the primary e-mail, the one for work, the first, or the userName."""
    sent = [one for one in attributes.get("emails") or () if isinstance(one, Mapping)]
    ordered = [
        *(one for one in sent if one.get("primary") is True),
        *(one for one in sent if str(one.get("type", "")).casefold() == "work"),
        *sent,
    ]
    candidates: Iterable[Any] = (*(one.get("value") for one in ordered), attributes.get("userName"))
    return next((email for one in candidates if isinstance(one, str) and (email := clean_email(one))), None)


def full_name_of(attributes: Mapping[str, Any]) -> str:
    """Return what a pushed user is called here: displayName, the formatted name, given and family name, or the userName."""
    name = attributes.get("name")
    name = name if isinstance(name, Mapping) else {}
    parts = [name.get("givenName"), name.get("familyName")]
    candidates = (
        attributes.get("displayName"),
        name.get("formatted"),
        " ".join(one for one in parts if isinstance(one, str)),
        attributes.get("userName"),
    )
    found = next((found for one in candidates if isinstance(one, str) and (found := _name(one))), "")
    return found or _name(email_of(attributes) or "") or "?"


def group_names(display_name: str, directory: str) -> tuple[str, ...]:
    """Return what a pushed group may be called here, the best first: its own name, and one that tells it from a group that was here.

    Every environment has a built-in group Everyone, so a pushed one of that name is always told apart.
    """
    own = _name(display_name)[:MAX_GROUP_NAME].strip()
    source = _name(directory)[:40].strip() or "SCIM"
    apart = f"{own[: MAX_GROUP_NAME - len(source) - 8].strip() or 'Group'} ({source})"
    first = (own,) if own and fold(own) != fold(EVERYONE) else ()
    return (*first, apart, *(f"{apart} {number}" for number in range(2, 10)))


def _name(sent: str) -> str:
    tidy = clean_name(sent[: MAX_NAME_LENGTH * 4])
    if has_unsafe_characters(tidy):
        tidy = clean_name("".join(char for char in tidy if not has_unsafe_characters(char)))
    return tidy[:MAX_NAME_LENGTH].strip()
