"""The grant `client_credentials`: a machine gets a token for an API, on its own account (RFC 6749, 4.4)."""

from __future__ import annotations

from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.issuing import TokenAnswer, machine_token, signing_keys_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.resources import one_resource, reaches_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import InvalidScope, UnauthorizedClient
from vestibule.oidc.parameters import Parameters


def client_credentials(
    runtime: Runtime,
    visitor: Visitor,  # noqa: ARG001 - every grant has this signature
    place: Place,
    client: Client,
    parameters: Parameters,
) -> TokenAnswer:
    """Return a token for one API, with the scopes that an admin allowed the app there or fewer. Raises OAuthError.

    There is no person: no ID token, no refresh token, and nothing of OpenID Connect in the scope.
    """
    if not client.authenticated:
        raise UnauthorizedClient("a public client has no credentials")
    resource, wanted = one_resource(parameters), read.words(parameters, "scope")
    with runtime.database.reading() as tx:
        target = reaches_of(tx, place, client, (resource,), for_person=False)[0]
    allowed = target.scopes(for_person=False)
    if not frozenset(wanted) <= allowed:
        raise InvalidScope("more than an admin allowed this app")
    scope = wanted or tuple(one for one in target.api.scopes if one in allowed)
    keys = signing_keys_of(runtime, place, client)
    return machine_token(runtime, place, client, target.api, keys.agreed, scope=scope)
