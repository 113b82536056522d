"""The way in for an address at a place: asked of the environment's connections, decided by the domain alone."""

from __future__ import annotations

from vestibule.directory.enforcement import Route, route
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, email_domain
from vestibule.storage import connections


class SamlRequired(VestibuleError):
    """People of this domain sign in through their identity provider; a password is refused, and kept."""

    code = "saml_required"
    public = N_("People of %(domain)s sign in here through their organisation, without a password.")


def route_at(runtime: Runtime, place: Place, email: str) -> Route:
    """Return the way in for a cleaned address. It is the same whether or not anybody has that address."""
    environment = place.environment
    if not environment.saml_enabled:
        return Route(())
    with runtime.database.reading() as tx:
        found = connections.list_connections(tx, environment.workspace_id, environment.id)
    return route(email, environment.saml_enabled, found)


def require_password_route(runtime: Runtime, place: Place, email: str) -> None:
    """Raise SamlRequired unless the owner of a cleaned address signs in by password."""
    if not route_at(runtime, place, email).password:
        domain = email_domain(email)
        raise SamlRequired(f"a password for an address at {domain}", domain=domain)
