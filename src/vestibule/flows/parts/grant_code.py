"""The grant `authorization_code`: a code for tokens, once (RFC 6749, 4.1.3; RFC 7636, 4.5)."""

from __future__ import annotations

from vestibule.directory.grants import UsedCode
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.granted import end_grant, standing_of
from vestibule.flows.parts.issuing import TokenAnswer, issue, signing_keys_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.resources import target_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import same, token_hash
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import CodeReplayed, InvalidGrant, OAuthError
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.pkce import require_verifier
from vestibule.storage import grants
from vestibule.storage.database import Transaction


def exchange_code(
    runtime: Runtime, visitor: Visitor, place: Place, client: Client, parameters: Parameters
) -> TokenAnswer:
    """Return tokens for a code. A code that is brought wrongly is used up, and what it stood for ends. Raises OAuthError."""
    digest = token_hash(read.required(parameters, "code"))
    redirect_uri, verifier = read.required(parameters, "redirect_uri"), read.required(parameters, "code_verifier")
    keys = signing_keys_of(runtime, place, client)
    with runtime.database.transaction() as tx:
        used = grants.use_code(tx, place.environment.id, digest, runtime.clock())
        # Raised after the commit: that it was used, and what ends because of that, must stay.
        refused = _misuse(tx, runtime, visitor, place, client, digest, used, redirect_uri, verifier)
        if used is not None and refused is None:
            try:
                standing = standing_of(tx, runtime, place, client.app, used.grant, named=True)
                target = target_of(tx, place, client, used.grant, parameters)
            except OAuthError as error:
                refused = error
            else:
                scope = used.grant.scope
                return issue(tx, runtime, place, client, used.grant, standing, keys, scope=scope, target=target)
    raise refused or InvalidGrant("no such code")


def _misuse(
    tx: Transaction,
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    client: Client,
    digest: str,
    used: UsedCode | None,
    redirect_uri: str,
    verifier: str,
) -> OAuthError | None:
    if used is None:
        replayed = grants.grant_of_used_code(tx, place.environment.id, digest)
        if replayed is None:
            return InvalidGrant("unknown code, or it has ended")
        # Whoever came first may have stolen it: what it led to is worth nothing any more (RFC 9700, 2.1.1).
        end_grant(tx, runtime, visitor, place, client.app, replayed, "app.code_replayed")
        return CodeReplayed("the code was used before")
    refused: OAuthError | None = None
    if used.grant.app_id != client.app.id:
        refused = InvalidGrant("another client's code")
    elif not same(used.redirect_uri, redirect_uri):
        refused = InvalidGrant("another redirect_uri than that of the request")
    else:
        try:
            require_verifier(used.code_challenge, verifier)
        except OAuthError as error:
            refused = error
    if refused is not None:
        end_grant(tx, runtime, visitor, place, client.app, used.grant, "app.code_misused")
    return refused
