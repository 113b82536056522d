"""End users, their environment access, and the words under which they are found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from vestibule.directory.groups import GroupName
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import validate_name
from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_, clean_email, email_domain, fold

MAX_NAME_LENGTH: Final = 200
MAX_TERMS: Final = 24
MAX_TERM_LENGTH: Final = 64
_QUOTED: Final = re.compile(r'["“„”«]([^"“„”«»@]+)["“”»]?\Z')
_MARKS: Final = str.maketrans(dict.fromkeys('"“„”«»', " "))
_AROUND: Final = ",;()<>\"'“”„«»"


class EndUserStatus(StrEnum):
    """Where a person stands."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class EndUser:
    """A person who signs in to apps."""

    id: str
    workspace_id: str
    email: str
    full_name: str
    status: EndUserStatus
    source: Source
    has_password: bool
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class EnvironmentAccess:
    """The fact that an end user may enter an environment, with where it came from."""

    environment_id: str
    end_user_id: str
    source: Source
    connection_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EndUserRow:
    """One line of the End users list: the person, the environments, the groups by name (Everyone left out)."""

    end_user: EndUser
    environment_ids: tuple[str, ...]
    groups: tuple[GroupName, ...]


@dataclass(frozen=True, slots=True)
class EndUserFilter:
    """What the End users list is narrowed to. `words` are folded and every one must be found; so must every environment.

    `beginning` is that of the whole name, folded.

    The group Everyone is not a group here: it is its environment.
    """

    words: tuple[str, ...] = ()
    beginning: str = ""
    environment_ids: tuple[str, ...] = ()
    group_id: str | None = None
    status: EndUserStatus | None = None
    source: Source | None = None


# Where a page of the list begins or ends: what it is read along ("name", "word-0" …), then the key of a person in that order.
Position = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EndUserPage:
    """One page of the End users list, and where the pages before and after it are, if there are any.

    `looked_through` says that it is not full because looking stopped after so many entries: there may be more to find beyond.
    """

    rows: tuple[EndUserRow, ...]
    previous: Position | None = None
    next: Position | None = None
    looked_through: int | None = None


@dataclass(frozen=True, slots=True)
class AccessDraft:
    """What an admin chose for one environment: whether it is ticked, and groups of it besides Everyone. Untrusted."""

    environment_id: str
    ticked: bool = True
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndUserDraft:
    """What an admin typed for a new person. Untrusted."""

    full_name: str
    email: str
    access: tuple[AccessDraft, ...]


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What an admin ticked for a person, beside what the page had shown as ticked. Untrusted.

    Only the difference is what the admin decided: somebody else may have changed the rest since the page was opened.
    """

    shown_environment_ids: frozenset[str]
    environment_ids: frozenset[str]
    shown_group_ids: frozenset[str]
    group_ids: frozenset[str]


def validate_email(field: str, typed: str) -> str:
    """Return a typed e-mail address in canonical form. Raises FieldError with an example of what would be right."""
    email = clean_email(typed)
    if not typed.strip():
        raise FieldError(field, N_("Enter an e-mail address."))
    if email is None:
        raise FieldError(field, N_("Enter a full e-mail address, such as name@example.com."))
    return email


def validate_profile(full_name: str, email: str) -> tuple[str, str]:
    """Return a person's typed name and e-mail address in tidy form. Raises Invalid with every FieldError (`name`, `email`)."""
    errors: list[FieldError] = []
    tidy: dict[str, str] = {}
    for field, validate, typed in (("name", _full_name, full_name), ("email", validate_email, email)):
        try:
            tidy[field] = validate(field, typed)
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    return tidy["name"], tidy["email"]


def _full_name(field: str, typed: str) -> str:
    return validate_name(field, typed, MAX_NAME_LENGTH)


def search_words(typed: str) -> tuple[str, ...]:
    """Return the folded words of a search box, four at most, without the signs of a pasted `Park, Ada <ada@example.com>`."""
    words = (word.strip(_AROUND).lstrip("@")[:MAX_TERM_LENGTH] for word in fold(typed).split())
    return tuple(word for word in words if word)[:4]


def search_beginning(typed: str) -> str:
    """Return the folded beginning of a name that is typed in quotation marks, or nothing: then it is words."""
    match = _QUOTED.match(typed.strip())
    return fold(match[1])[:MAX_TERM_LENGTH] if match else ""


def quoted(typed: str) -> str:
    """Return what was typed in a search box as the beginning of a name, for `search_beginning`."""
    return '"' + " ".join(typed.translate(_MARKS).split()) + '"'


def search_terms(full_name: str, email: str) -> frozenset[str]:
    """Return the terms under which a person is found: words of the name, the whole e-mail, its domain, and its parts."""
    name, address = fold(full_name), fold(email)
    domain = email_domain(address)
    # The most telling first: an address of many labels must not push out the words of the name.
    words = [
        address,
        *(word.strip(_AROUND) for word in name.split()),
        domain,
        *re.split(r"[\W_]+", name),
        # Who searches by what the address or its domain begins with finds these.
        *(part for part in re.split(r"[\W_]+", address) if not (address.startswith(part) or domain.startswith(part))),
    ]
    terms = dict.fromkeys(word[:MAX_TERM_LENGTH] for word in words if word)
    return frozenset(list(terms)[:MAX_TERMS])
