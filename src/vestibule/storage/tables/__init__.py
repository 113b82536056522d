"""The schema. Every row carries its workspace; uniqueness and foreign keys are the database's job."""

from vestibule.storage.tables.api_clients import api_clients
from vestibule.storage.tables.apps import app_groups, app_hosts, app_icons, app_secrets, apps, cookie_domains, jwt_keys
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
from vestibule.storage.tables.forward_auth import forward_auth_codes, forward_auth_sessions
from vestibule.storage.tables.grants import (
    app_sessions,
    app_tries,
    client_assertions,
    oidc_codes,
    oidc_consents,
    oidc_grants,
    oidc_refresh_tokens,
    oidc_requests,
    receipts,
)
from vestibule.storage.tables.house import admin_sessions, admins, environments, one_time_links, workspaces
from vestibule.storage.tables.machines import (
    app_apis,
    app_registrations,
    device_codes,
    registration_tokens,
    resource_apis,
)
from vestibule.storage.tables.people import end_user_terms, end_users, environment_access, group_members, groups
from vestibule.storage.tables.records import activity, jobs
from vestibule.storage.tables.rollover import (
    certificate_letters,
    metadata_changes,
    metadata_readings,
    saml_key_letters,
)
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
    "api_clients",
    "app_apis",
    "app_groups",
    "app_hosts",
    "app_icons",
    "app_registrations",
    "app_secrets",
    "app_sessions",
    "app_tries",
    "apps",
    "certificate_letters",
    "client_assertions",
    "connection_domains",
    "connections",
    "cookie_domains",
    "device_codes",
    "end_user_terms",
    "end_users",
    "environment_access",
    "environments",
    "forward_auth_codes",
    "forward_auth_sessions",
    "group_map",
    "group_members",
    "groups",
    "identity_links",
    "identity_providers",
    "idp_certificates",
    "jobs",
    "jwt_keys",
    "knocks",
    "logout_requests",
    "metadata",
    "metadata_changes",
    "metadata_readings",
    "oidc_codes",
    "oidc_consents",
    "oidc_grants",
    "oidc_refresh_tokens",
    "oidc_requests",
    "one_time_links",
    "receipts",
    "registration_tokens",
    "resource_apis",
    "saml_assertions",
    "saml_key_letters",
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
