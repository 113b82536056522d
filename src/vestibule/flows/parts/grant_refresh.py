"""The grant `refresh_token`: a refresh token for new tokens, once; it is replaced at each use (RFC 6749, 6; RFC 9700, 4.14.2)."""

from __future__ import annotations

from vestibule.directory.grants import Grant
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.granted import end_grant, standing_of
from vestibule.flows.parts.issuing import TokenAnswer, issue, signing_keys_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.resources import target_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import token_hash
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import InvalidGrant, InvalidScope, OAuthError, RefreshTokenReused
from vestibule.oidc.parameters import Parameters
from vestibule.storage import grants
from vestibule.storage.database import Transaction


def refresh(runtime: Runtime, visitor: Visitor, place: Place, client: Client, parameters: Parameters) -> TokenAnswer:
    """Return new tokens, for the scope of the grant or less. A token that comes a second time ends the grant. Raises OAuthError."""
    digest, wanted = token_hash(read.required(parameters, "refresh_token")), read.words(parameters, "scope")
    keys = signing_keys_of(runtime, place, client)
    with runtime.database.transaction() as tx:
        grant = grants.use_refresh_token(tx, place.environment.id, digest, runtime.clock())
        # Raised after the commit: that it was used, and what ends because of that, must stay.
        refused = _misuse(tx, runtime, visitor, place, client, digest, grant)
        if grant is not None and refused is None:
            if not frozenset(wanted) <= frozenset(grant.scope):
                raise InvalidScope("more than was granted")  # rolled back: the token is not used up by a mistake
            target = target_of(tx, place, client, grant, parameters)
            try:
                standing = standing_of(tx, runtime, place, client.app, grant, named=True)
            except OAuthError as error:
                grants.delete_grant(tx, place.environment.id, grant.id)
                refused = error
            else:
                scope = wanted or grant.scope
                return issue(tx, runtime, place, client, grant, standing, keys, scope=scope, target=target)
    raise refused or InvalidGrant("no such refresh token")


def _misuse(
    tx: Transaction,
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    client: Client,
    digest: str,
    grant: Grant | None,
) -> OAuthError | None:
    if grant is None:
        reused = grants.grant_of_used_refresh_token(tx, place.environment.id, digest)
        if reused is None:
            return InvalidGrant("unknown refresh token, or it has ended")
        end_grant(tx, runtime, visitor, place, client.app, reused, "app.refresh_token_reused")
        return RefreshTokenReused("the refresh token was used before")
    if grant.app_id != client.app.id:
        end_grant(tx, runtime, visitor, place, client.app, grant, "app.refresh_token_misused")
        return InvalidGrant("another client's refresh token")
    return None
