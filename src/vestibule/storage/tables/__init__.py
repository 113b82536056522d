"""The schema. Every row carries its workspace; uniqueness and foreign keys are the database's job."""

from vestibule.storage.tables.base import metadata
from vestibule.storage.tables.connections import (
    connection_domains,
    connections,
    group_map,
    identity_links,
    identity_providers,
    idp_certificates,
    knocks,
    saml_keys,
)
from vestibule.storage.tables.house import admin_sessions, admins, environments, one_time_links, workspaces
from vestibule.storage.tables.people import end_user_terms, end_users, environment_access, group_members, groups
from vestibule.storage.tables.records import activity, jobs
from vestibule.storage.tables.rollover import certificate_letters, metadata_changes, metadata_readings
from vestibule.storage.tables.scim import (
    scim_departures,
    scim_directories,
    scim_events,
    scim_groups,
    scim_members,
    scim_tokens,
    scim_user_emails,
    scim_users,
)
from vestibule.storage.tables.signing_in import logout_requests, saml_assertions, saml_requests, sessions, throttles

__all__ = [
    "activity",
    "admin_sessions",
    "admins",
    "certificate_letters",
    "connection_domains",
    "connections",
    "end_user_terms",
    "end_users",
    "environment_access",
    "environments",
    "group_map",
    "group_members",
    "groups",
    "identity_links",
    "identity_providers",
    "idp_certificates",
    "jobs",
    "knocks",
    "logout_requests",
    "metadata",
    "metadata_changes",
    "metadata_readings",
    "one_time_links",
    "saml_assertions",
    "saml_keys",
    "saml_requests",
    "scim_departures",
    "scim_directories",
    "scim_events",
    "scim_groups",
    "scim_members",
    "scim_tokens",
    "scim_user_emails",
    "scim_users",
    "sessions",
    "throttles",
    "workspaces",
]
