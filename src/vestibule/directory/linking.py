"""Who somebody with a verified assertion is here: found by their link, or once by e-mail. Pure; the flow carries it out.

Not here: verifying the assertion, and what just-in-time provisioning gives to somebody new (`provisioning`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from vestibule.directory.attributes import Attributes, stable_id_from
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.domains import covering_entries, most_specific
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.mapping import USUAL, AttributeMapping
from vestibule.directory.provisioning import NO_GROUPS, SentGroups
from vestibule.directory.sessions import KnockReason, Subject
from vestibule.kernel.text import email_domain, email_key

# SAML core 2.0, 8.3. A NameID without a format is one with `unspecified`.
_FORMATS: Final = {
    "": "unspecified",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified": "unspecified",
    "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress": "email",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent": "persistent",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:transient": "transient",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verified assertion says of a person. Without a subject nobody could be known again."""

    subject: Subject | None
    email: str | None
    full_name: str | None
    groups: SentGroups = NO_GROUPS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may be meant. `link_id` is the link on this connection, to whatever subject."""

    end_user: EndUser
    has_access: bool
    link_id: str | None


class Unfit(StrEnum):
    """Why a verified assertion lets nobody in, and nobody wait."""

    NO_SUBJECT = "no_subject"
    NO_EMAIL = "no_email"
    OUT_OF_REACH = "out_of_reach"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Enter:
    """The person signs in. Without a link, one is made now."""

    end_user: EndUser
    link_id: str | None


@dataclass(frozen=True, slots=True)
class Create:
    """Nobody has this address yet, and the connection provisions just in time: an account is made, and then they enter."""

    email: str


@dataclass(frozen=True, slots=True)
class Admit:
    """Somebody known elsewhere comes to this environment for the first time, just in time: they get access, and then enter."""

    end_user: EndUser


@dataclass(frozen=True, slots=True)
class Wait:
    """Nobody signs in; an admin sees that somebody knocked. `end_user` is whose account it would have been."""

    reason: KnockReason
    end_user: EndUser | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nobody signs in, and there is nothing for which to wait."""

    reason: Unfit
    end_user: EndUser | None = None


# What is left to do with them, once accounts and access are made.
Settled = Enter | Wait | Refuse
Decision = Settled | Create | Admit


def subject_of(
    name_id: str,
    name_id_format: str | None,
    qualifiers: tuple[str | None, str | None],
    attributes: Attributes,
    own: tuple[str, str],
    mapping: AttributeMapping = USUAL,
) -> Subject | None:
    """Return under which subject a person is known again, or None when this assertion has none that lasts.

    A transient NameID differs at each sign-in (SAML core 8.3.8), so the stable id stands in for it. An e-mail address is
    compared without case, all else exactly. A persistent NameID is unique only within its `qualifiers` (NameQualifier,
    SPNameQualifier; SAML core 8.3.7); those that are not `own` (the IdP's and our entity ID, the defaults) become part of it.
    """
    kind = _FORMATS.get(name_id_format or "", name_id_format or "")
    if kind == "transient":
        stable_id = stable_id_from(attributes, mapping)
        return None if stable_id is None else Subject("stable_id", stable_id)
    if kind == "persistent":
        foreign = [
            qualifier if qualifier not in {None, default} else ""
            for qualifier, default in zip(qualifiers, own, strict=True)
        ]
        kind = f"persistent {foreign[0]} {foreign[1]}" if any(foreign) else kind
    return Subject(kind, email_key(name_id) if kind == "email" else name_id)


class Enforced(Protocol):
    """What is enforced for some domains, or for all: a connection, or the directory behind it."""

    @property
    def all_domains(self) -> bool:
        """Say whether it is for every domain that no other connection claims."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the domains that it is for, when it is not for all."""


def reaches(connection: Enforced, rival_entries: Iterable[str], email: str) -> bool:
    """Say whether a connection may sign in the owner of a cleaned address: whether it is enforced for that domain.

    `rival_entries` are the domains of the environment's other active connections. The most specific entry wins, and any
    entry wins over *All domains*: otherwise the IdP of a partner could sign in as the people of another one.
    """
    domain = email_domain(email)
    rival = most_specific(rival_entries, domain)
    mine = most_specific(connection.domains, domain)
    if mine is None:
        return connection.all_domains and rival is None
    order = covering_entries(domain)
    return rival is None or order.index(mine) < order.index(rival)


def decide(
    connection: Connection,
    rival_entries: Iterable[str],
    claim: Claim,
    linked: Candidate | None,
    by_email: Candidate | None,
) -> Decision:
    """Decide what follows from a verified claim (product rules, "Linking" and "What each provisioning mode means").

    `linked` is who has the claim's subject on this connection, `by_email` who has its e-mail address in the workspace.
    """
    rivals = tuple(rival_entries)
    if claim.subject is None:
        return Refuse(Unfit.NO_SUBJECT)
    if linked is not None:
        # The identity is the link now, whatever the address in the assertion has become since.
        return _admit(connection, rivals, linked)
    return _decide_by_email(connection, rivals, claim, by_email)


def _decide_by_email(
    connection: Connection, rivals: tuple[str, ...], claim: Claim, by_email: Candidate | None
) -> Decision:
    if claim.email is None:
        return Refuse(Unfit.NO_EMAIL)
    if not reaches(connection, rivals, claim.email):
        return Refuse(Unfit.OUT_OF_REACH)
    if by_email is None:
        return Create(claim.email) if _just_in_time(connection) else Wait(KnockReason.UNKNOWN, None)
    if by_email.link_id is not None:
        # The account is another subject's: this address was given to somebody new.
        return Wait(KnockReason.ADDRESS_REUSED, by_email.end_user)
    return _admit(connection, rivals, by_email)


def _just_in_time(connection: Connection) -> bool:
    return connection.provisioning is Provisioning.JIT


def _admit(connection: Connection, rivals: tuple[str, ...], candidate: Candidate) -> Decision:
    person = candidate.end_user
    if not reaches(connection, rivals, person.email):
        return Refuse(Unfit.OUT_OF_REACH, person)
    if person.status is EndUserStatus.DEACTIVATED:
        return Refuse(Unfit.DEACTIVATED, person)
    if not candidate.has_access:
        # Without a link they have never been here. With one an admin took the access away, which no assertion undoes.
        first_time = _just_in_time(connection) and candidate.link_id is None
        return Admit(person) if first_time else Wait(KnockReason.NO_ACCESS, person)
    return Enter(person, candidate.link_id)
