"""The domains below which one sign-in counts for every app behind a proxy: registered by an admin, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.domains import PUBLIC_MAIL_DOMAINS, is_public_suffix
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, FieldError, NotFound
from vestibule.kernel.text import N_, clean_domain, printable
from vestibule.storage import forward_auth, workspaces
from vestibule.storage.database import Transaction

MAX_COOKIE_DOMAINS: Final = 20


def list_cookie_domains(runtime: Runtime, caller: AdminCaller, key: str) -> tuple[Environment, Mapping[str, datetime]]:
    """Return an environment with its registered domains, each with when. `key` is untrusted. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        environment = _find(tx, caller, key)
        return environment, forward_auth.list_cookie_domains(tx, environment.id)


def register_cookie_domain(runtime: Runtime, caller: AdminCaller, key: str, typed: str) -> str:
    """Register a domain, which counts from the next sign-in at an app on; return it tidied. Raises FieldError, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    domain = _clean(typed)
    try:
        with runtime.database.transaction() as tx:
            environment = _find(tx, caller, key)
            if len(forward_auth.list_cookie_domains(tx, environment.id)) >= MAX_COOKIE_DOMAINS:
                raise FieldError("domain", N_("Register %(count)s domains or fewer."), count=str(MAX_COOKIE_DOMAINS))
            forward_auth.insert_cookie_domain(tx, caller.workspace_id, environment.id, domain, runtime.clock())
            _record(tx, runtime, caller, "environment.cookie_domain_registered", environment, domain)
    except AlreadyTaken as error:
        raise FieldError("domain", N_("%(domain)s is registered already."), domain=domain) from error
    return domain


def remove_cookie_domain(runtime: Runtime, caller: AdminCaller, key: str, domain: str) -> None:
    """Take a domain back: whoever is signed in by it signs in again at each app. Twice is no error. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    with runtime.database.transaction() as tx:
        environment = _find(tx, caller, key)
        if forward_auth.delete_cookie_domain(tx, caller.workspace_id, environment.id, domain):
            _record(tx, runtime, caller, "environment.cookie_domain_removed", environment, domain)


def _clean(typed: str) -> str:
    domain = clean_domain(typed.strip().removeprefix("*.").removeprefix("."))
    if domain is None:
        raise FieldError("domain", N_("Enter a domain, such as example.com."))
    # A browser keeps no cookie for a public suffix that it knows; for one that it does not, every stranger below would be sent it.
    if domain in PUBLIC_MAIL_DOMAINS or is_public_suffix(domain):
        raise FieldError("domain", N_("%(domain)s is a public service. Its hosts are not all yours."), domain=domain)
    return domain


def _find(tx: Transaction, caller: AdminCaller, key: str) -> Environment:
    environment = workspaces.find_environment(tx, caller.workspace_id, key)
    if environment is None:
        raise NotFound(f"environment {printable(key, 40)}")
    return environment


def _record(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, action: str, environment: Environment, domain: str
) -> None:
    subject = Subject("environment", environment.id, environment.name)
    event = Event(action, subject, environment_id=environment.id, details={"domain": domain})
    record(tx, runtime, caller.workspace_id, caller.actor, event)
