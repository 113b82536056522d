"""What the flows about connections share: finding what an address names, and judging what was typed for one."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.activity import Event, Subject
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.directory.domains import parse_domains
from vestibule.directory.impact import Enforcement
from vestibule.directory.vendors import GENERIC, VENDORS
from vestibule.directory.workspaces import Environment, validate_name
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import FieldError, Invalid, NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import N_, fold, printable
from vestibule.storage import connections, identity_providers, workspaces
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class TypedConnection:
    """What an admin typed about a connection (untrusted). `enforce` is `all` or `selected`; `domains` a list with commas."""

    name: str
    vendor: str
    enforce: str
    domains: str


@dataclass(frozen=True, slots=True)
class ConnectionChoice:
    """The same, judged. `domains` is empty when it is for all."""

    name: str
    vendor: str
    all_domains: bool
    domains: tuple[str, ...]


def found_environment(tx: Transaction, caller: AdminCaller, key: str) -> Environment:
    """Return an environment of the caller's workspace by its key (untrusted). Raises NotFound."""
    environment = workspaces.find_environment(tx, caller.workspace_id, key)
    if environment is None:
        raise NotFound(f"environment {printable(key, 40)}")
    return environment


def environment_of(tx: Transaction, connection: Connection) -> Environment:
    """Return the environment of a connection. Raises NotFound when it went just now."""
    environment = workspaces.find_environment_by_id(tx, connection.workspace_id, connection.environment_id)
    if environment is None:
        raise NotFound(f"environment {connection.environment_id}")
    return environment


def found_connection(tx: Transaction, caller: AdminCaller, connection_id: str) -> Connection:
    """Return a connection of the caller's workspace by its id (untrusted). Raises NotFound."""
    connection = None
    if is_id(connection_id, "connection"):
        connection = connections.find_connection(tx, caller.workspace_id, connection_id)
    if connection is None:
        raise NotFound(f"connection {printable(connection_id, 40)}")
    return connection


def found_idp(tx: Transaction, caller: AdminCaller, idp_id: str) -> IdentityProvider:
    """Return an IdP of the caller's workspace by its id (untrusted). Raises NotFound."""
    idp = None
    if is_id(idp_id, "identity_provider"):
        idp = identity_providers.find_idp(tx, caller.workspace_id, idp_id)
    if idp is None:
        raise NotFound(f"identity provider {printable(idp_id, 40)}")
    return idp


def enforcement_of(tx: Transaction, environment: Environment) -> Enforcement:
    """Return what an environment enforces now."""
    found = connections.list_connections(tx, environment.workspace_id, environment.id)
    return Enforcement(environment.saml_enabled, found)


def judge(typed: TypedConnection) -> ConnectionChoice:
    """Return what was typed about a connection in canonical form. Raises Invalid field by field."""
    errors: list[FieldError] = []
    name = ""
    domains: tuple[str, ...] = ()
    try:
        name = validate_name("name", typed.name)
    except FieldError as error:
        errors.append(error)
    if typed.enforce not in {"all", "selected"}:
        errors.append(FieldError("enforce", N_("Choose for whom SAML authentication is enforced.")))
    if typed.enforce == "selected":
        try:
            domains = parse_domains("domains", typed.domains)
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    vendor = typed.vendor if typed.vendor in VENDORS else GENERIC.key
    return ConnectionChoice(name, vendor, typed.enforce == "all", domains)


def clashes(
    tx: Transaction, environment: Environment, choice: ConnectionChoice, *, connection_id: str = "", idp_id: str = ""
) -> list[FieldError]:
    """Return what of a choice is taken already: the IdP's name in the workspace, a domain in the environment.

    `connection_id` and `idp_id` are those that are being changed, and don't clash with themselves.
    """
    idps = identity_providers.list_idps(tx, environment.workspace_id)
    others = connections.list_connections(tx, environment.workspace_id, environment.id)
    return [
        *(_name_taken(idp) for idp in idps if idp.id != idp_id and fold(idp.name) == fold(choice.name)),
        *(
            _domain_taken(other, domain, environment)
            for other in others
            for domain in sorted(set(other.domains) & set(choice.domains))[:1]
            if other.id != connection_id
        ),
    ]


def _name_taken(idp: IdentityProvider) -> FieldError:
    return FieldError(
        "name",
        N_("This workspace has an identity provider “%(name)s” already. Choose another name, or reuse that one."),
        name=idp.name,
    )


def _domain_taken(other: Connection, domain: str, environment: Environment) -> FieldError:
    return FieldError(
        "domains",
        N_(
            "%(domain)s belongs to the connection “%(name)s” of %(environment)s already. "
            "Two connections of one environment can’t claim one domain."
        ),
        domain=domain,
        name=other.idp.name,
        environment=environment.name,
    )


def taken_meanwhile(
    runtime: Runtime, environment: Environment, choice: ConnectionChoice, *, connection_id: str = "", idp_id: str = ""
) -> Invalid:
    """Return the refusal for what the database's uniqueness refused: somebody else was faster, and is named."""
    with runtime.database.reading() as tx:
        errors = clashes(tx, environment, choice, connection_id=connection_id, idp_id=idp_id)
    return Invalid(*(errors or [FieldError("name", N_("Somebody else changed this at the same time. Try again."))]))


def record_connection(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, action: str, connection: Connection, **details: object
) -> None:
    """Record an act upon a connection."""
    event = Event(
        f"connection.{action}",
        Subject("connection", connection.id, connection.idp.name),
        environment_id=connection.environment_id,
        connection_id=connection.id,
        details=details,
    )
    record(tx, runtime, caller.workspace_id, caller.actor, event)
