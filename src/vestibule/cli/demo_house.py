"""What the demo is furnished with: a workspace with three environments, DEV connected to the practice IdP, three people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.connections import Connection, IdentityProvider, IdpCertificate, IdpInitiated, Provisioning
from vestibule.directory.end_users import EndUser, EndUserStatus, search_terms
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows import admins, environments, workspaces
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import DOMAIN, PEOPLE, Person
from vestibule.saml.metadata import parse_idp_metadata
from vestibule.storage import access, connections, end_users, groups, identity_providers
from vestibule.storage import workspaces as stored_workspaces
from vestibule.storage.database import Transaction

WORKSPACE: Final = "Demo"
GROUP: Final = "Engineering"


@dataclass(frozen=True, slots=True)
class House:
    """What the one who tries the demo needs to know."""

    link: str
    environment_key: str
    group: str
    member: str


def furnish(runtime: Runtime, idp: PracticeIdp) -> House:
    """Fill an empty database; return the ways in."""
    workspace = workspaces.create_workspace(runtime, system(), WORKSPACE, ("DEV", "TEST", "PROD"))
    dev = environments.list_of_workspace(runtime, workspace.id)[0]
    with runtime.database.transaction() as tx:
        _connect(tx, runtime, dev, idp)
        group = Group(
            new_id("group", runtime.clock()), workspace.id, dev.id, GROUP, False, Source.MANUAL, runtime.clock()
        )
        groups.insert_group(tx, group)
        for person in PEOPLE:
            end_user = _add(tx, runtime, dev, person)
            if person is PEOPLE[0]:
                access.add_member(tx, workspace.id, group.id, end_user.id, source=Source.MANUAL, now=runtime.clock())
        subject = Subject("environment", dev.id, dev.name)
        record(tx, runtime, workspace.id, system(), Event("demo.furnished", subject, environment_id=dev.id))
    _, link = admins.create_admin(runtime, system(), workspace.id, "Demo Owner", f"owner@{DOMAIN}", "owner", None)
    return House(link or "", dev.key, GROUP, PEOPLE[0].email)


def _connect(tx: Transaction, runtime: Runtime, environment: Environment, idp: PracticeIdp) -> None:
    now = runtime.clock()
    understood = parse_idp_metadata(idp.metadata_xml.encode(), now=now)
    provider = IdentityProvider(
        id=new_id("identity_provider", now),
        workspace_id=environment.workspace_id,
        name="Practice IdP",
        vendor="generic",
        entity_id=understood.entity_id,
        sso_redirect_url=understood.sso_redirect_url,
        sso_post_url=understood.sso_post_url,
        metadata_url=f"{idp.base_url}/metadata",
        metadata_read_at=now,
        wants_signed_requests=understood.want_authn_requests_signed,
        certificates=tuple(
            IdpCertificate(one.der, one.subject, one.fingerprint, one.not_before, one.not_after)
            for one in understood.certificates
        ),
        created_at=now,
    )
    identity_providers.insert_idp(tx, provider)
    connection = Connection(
        id=new_id("connection", now),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        idp=provider,
        all_domains=True,
        domains=(),
        provisioning=Provisioning.MANUAL,
        disabled=False,
        idp_initiated=IdpInitiated.CONVERT,
        sign_requests=False,
        created_at=now,
    )
    connections.insert_connection(tx, connection)
    stored_workspaces.update_environment(tx, replace(environment, saml_enabled=True))


def _add(tx: Transaction, runtime: Runtime, environment: Environment, person: Person) -> EndUser:
    now = runtime.clock()
    end_user = EndUser(
        id=new_id("end_user", now),
        workspace_id=environment.workspace_id,
        email=person.email,
        full_name=person.name,
        status=EndUserStatus.INVITED,
        source=Source.MANUAL,
        has_password=False,
        created_at=now,
        updated_at=now,
        last_sign_in_at=None,
    )
    end_users.insert_end_user(tx, end_user, None, search_terms(person.name, person.email))
    access.grant_access(tx, environment.workspace_id, environment.id, end_user.id, source=Source.MANUAL, now=now)
    return end_user
