"""People of a house, and what ties them to it: connections, links, sessions and knocks, put straight into storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.house import House
from vestibule.directory.connections import Connection, IdentityProvider, IdpCertificate, IdpInitiated, Provisioning
from vestibule.directory.end_users import AccessDraft, EndUser, EndUserDraft
from vestibule.directory.groups import Group
from vestibule.directory.sessions import Knock, KnockReason, SignInMethod, Subject
from vestibule.directory.sources import Source
from vestibule.flows import end_users
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import connections, groups, identity_links, identity_providers, knocks, sessions, workspaces

CERTIFICATE = IdpCertificate(
    b"a certificate", "CN=idp", "ab" * 32, datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
)
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def connect(house: House, key: str = "dev", name: str = "Okta Dev", domains: tuple[str, ...] = ()) -> Connection:
    """Make an active connection, for all domains unless some are named, and turn SAML on in its environment."""
    now, environment = house.clock(), house.environments[key]
    idp = IdentityProvider(
        id=new_id("identity_provider", now),
        workspace_id=house.workspace.id,
        name=name,
        vendor="okta",
        entity_id=f"https://idp.example/{name}",
        sso_redirect_url="https://idp.example/sso",
        sso_post_url=None,
        metadata_url=None,
        metadata_read_at=None,
        wants_signed_requests=False,
        certificates=(CERTIFICATE,),
        created_at=now,
    )
    connection = Connection(
        id=new_id("connection", now),
        workspace_id=house.workspace.id,
        environment_id=environment.id,
        idp=idp,
        all_domains=not domains,
        domains=domains,
        provisioning=Provisioning.MANUAL,
        disabled=False,
        idp_initiated=IdpInitiated.CONVERT,
        sign_requests=False,
        created_at=now,
    )
    with house.runtime.database.transaction() as tx:
        identity_providers.insert_idp(tx, idp)
        connections.insert_connection(tx, connection)
        workspaces.set_saml_enabled(tx, house.workspace.id, environment.id, enabled=True)
    return connection


def group_of(house: House, key: str = "dev", name: str = "Designers") -> Group:
    """Make a group in an environment."""
    now = house.clock()
    group = Group(new_id("group", now), house.workspace.id, house.environments[key].id, name, False, Source.MANUAL, now)
    with house.runtime.database.transaction() as tx:
        groups.insert_group(tx, group)
    return group


def add_person(
    house: House, name: str = "Maya Lindqvist", email: str = "maya@example.com", *keys: str, group: Group | None = None
) -> EndUser:
    """Add a person by the flow, with access to the environments named, in a group of one of them."""
    drafts = tuple(
        AccessDraft(
            house.environments[key].id,
            group_ids=(group.id,) if group and group.environment_id == house.environments[key].id else (),
        )
        for key in keys
    )
    return end_users.add_end_user(house.runtime, house.owner, EndUserDraft(name, email, drafts))[0]


def link(house: House, person: EndUser, connection: Connection, name_id: str = "00u1") -> str:
    """Link a person to an identity, and return the link's id."""
    now = house.clock()
    link_id = new_id("link", now)
    with house.runtime.database.transaction() as tx:
        subject = Subject(PERSISTENT, name_id)
        assert identity_links.insert_identity_link(
            tx, house.workspace.id, link_id, connection.id, person.id, subject, now
        )
    return link_id


def sign_in(
    house: House,
    person: EndUser,
    key: str = "dev",
    connection: Connection | None = None,
    link_id: str | None = None,
    token: str = "",
    user_agent: str = "Firefox",
) -> str:
    """Begin a session of a person, and return its id. `token` is what a cookie will bring, where one shall."""
    now = house.clock()
    session = sessions.NewSession(
        id=new_id("session", now),
        environment=house.environments[key],
        end_user_id=person.id,
        method=SignInMethod.SAML if connection else SignInMethod.PASSWORD,
        created_at=now,
        expires_at=now + timedelta(hours=8),
        address="192.0.2.44",
        user_agent=user_agent,
        connection_id=connection.id if connection else None,
        link_id=link_id,
    )
    with house.runtime.database.transaction() as tx:
        sessions.insert_session(tx, session, token_hash(token or new_token()))
    return session.id


def knock(
    house: House,
    connection: Connection,
    name: str | None = "Jonas Berg",
    email: str | None = "jonas@example.com",
    name_id: str = "00u9",
    reason: KnockReason = KnockReason.UNKNOWN,
    end_user_id: str | None = None,
) -> Knock:
    """Let somebody knock, and return the knock as it is kept."""
    now = house.clock()
    with house.runtime.database.transaction() as tx:
        knocks.knock(
            tx,
            knock_id=new_id("knock", now),
            workspace_id=house.workspace.id,
            environment_id=connection.environment_id,
            connection_id=connection.id,
            subject=Subject(PERSISTENT, name_id),
            email=email,
            full_name=name,
            reason=reason,
            end_user_id=end_user_id,
            now=now,
        )
        kept = knocks.list_knocks(tx, house.workspace.id, size=1000)
    return next(one for one in kept if one.subject.value == name_id and one.connection_id == connection.id)
