"""What an access token is for: the resource APIs that an app asks for, and what of each it may have (RFC 8707)."""

from __future__ import annotations

from collections.abc import Sequence

from vestibule.directory.grants import Grant
from vestibule.directory.resource_apis import Reach
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.places import Place
from vestibule.oidc.errors import InvalidTarget
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.requests import read_resources
from vestibule.storage import resource_apis
from vestibule.storage.database import Transaction


def reaches_of(
    tx: Transaction, place: Place, client: Client, identifiers: Sequence[str], *, for_person: bool
) -> tuple[Reach, ...]:
    """Return the APIs of these untrusted identifiers, all of which the app may ask for. Raises InvalidTarget.

    One statement, none for no identifier.
    """
    if not identifiers:
        return ()
    found = resource_apis.find_reaches(tx, place.environment.id, client.app.id, identifiers)
    if len(found) != len(identifiers):
        raise InvalidTarget("no such API here")
    if not all(one.scopes(for_person=for_person) for one in found):
        raise InvalidTarget(f"{client.app.id} may ask for nothing there")
    return found


def one_resource(parameters: Parameters) -> str:
    """Return the one resource that a token is asked for by name. Raises InvalidTarget, InvalidRequest."""
    wanted = read_resources(parameters)
    if len(wanted) != 1:
        raise InvalidTarget("a token is for one resource, which has to be named")
    return wanted[0]


def target_of(tx: Transaction, place: Place, client: Client, grant: Grant, parameters: Parameters) -> Reach | None:
    """Return which of a grant's APIs a token is for now; None for our own endpoints. Raises InvalidTarget, InvalidRequest.

    One at a time, so that no API can use at another what it was sent (RFC 8707, 2.2; RFC 9068, 3).
    """
    wanted = read_resources(parameters)
    if not wanted and not grant.resources:
        return None
    resource = grant.resources[0] if not wanted and len(grant.resources) == 1 else one_resource(parameters)
    if resource not in grant.resources:
        raise InvalidTarget("not one of those that were granted")
    return reaches_of(tx, place, client, (resource,), for_person=True)[0]
