"""The claims that an access token opens at userinfo (OpenID Connect Core 5.3)."""

from __future__ import annotations

from typing import Any

from vestibule.flows.parts.bearers import Bearer
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.granted import standing_of
from vestibule.flows.parts.issuing import person_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc.claims import claims_of
from vestibule.oidc.errors import InsufficientScope, InvalidToken, OAuthError
from vestibule.oidc.scopes import OPENID
from vestibule.storage import grants


def claims_for(runtime: Runtime, place: Place, bearer: Bearer) -> dict[str, Any]:
    """Return the claims of the person of a verified access token. Raises InvalidToken, InsufficientScope."""
    scope = tuple(str(bearer.claims["scope"]).split(" "))
    issuer, audience = issuer_of(runtime, place.environment.key), bearer.claims["aud"]
    if issuer != audience and not (isinstance(audience, list) and issuer in audience):
        raise InvalidToken("the token is for a resource, not for us")
    if OPENID not in scope:
        raise InsufficientScope("no openid")
    with runtime.database.reading() as tx:
        grant = grants.find_grant(tx, place.environment.id, bearer.grant_id, runtime.clock())
        if grant is None:
            raise InvalidToken("the grant has ended")
        try:
            standing = standing_of(tx, runtime, place, bearer.client.app, grant, named=True)
        except OAuthError as error:
            raise InvalidToken(error.reason) from error
        return claims_of(person_of(runtime, bearer.client.app, standing), scope)
