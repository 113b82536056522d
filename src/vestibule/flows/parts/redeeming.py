"""The app's part of a sign-in, done in its place for a try: the code for tokens, and what an app has to verify before it believes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from vestibule.directory.app_tries import TryResult
from vestibule.flows.parts.bearers import verified_bearer
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, issuer_of
from vestibule.flows.parts.grant_code import exchange_code
from vestibule.flows.parts.issuing import ID_TOKEN
from vestibule.flows.parts.jwt_keys import keys_to_verify, usable_jwt_keys
from vestibule.flows.parts.person_claims import claims_for
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import same
from vestibule.oidc.claims import at_hash
from vestibule.oidc.errors import OAuthError
from vestibule.oidc.jwt import TokenRefused, Verified, verify

_HIDDEN: Final = frozenset(
    {"state", "nonce", "code", "code_challenge", "code_verifier", "access_token", "id_token", "refresh_token"}
)
_SHOWN_END: Final = 4


def shortened(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said with the end alone of whatever is secret, or good for something: enough to tell two apart."""
    return {name: f"…{value[-_SHOWN_END:]}" if name in _HIDDEN else value for name, value in said.items()}


def redeem(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    client: Client,
    result: TryResult,
    asked: Mapping[str, str],
    said: Mapping[str, str],
    verifier: str,
) -> TryResult:
    """Return the result with what came of an untrusted answer's code. The grant of the token endpoint is asked, as it would be there."""
    form = {
        "grant_type": "authorization_code",
        "code": said["code"],
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": verifier,
    }
    result = replace(result, token_request=shortened(form))
    # How the app proves itself is the one thing that a try can't show: only the app has its secret or key.
    proven = replace(client, authenticated=True)
    try:
        body = exchange_code(runtime, visitor, place, proven, {name: (value,) for name, value in form.items()}).body
        userinfo = claims_for(runtime, place, verified_bearer(runtime, place, body["access_token"]))
    except OAuthError as error:
        return replace(result, error=error.error, error_description=error.public)
    result = replace(result, token_answer=shortened(body), userinfo=userinfo)
    checks = {"state": same(said.get("state", ""), asked["state"]), "iss": said.get("iss") == _issuer(runtime, place)}
    verified = _verified(runtime, place, client, body["id_token"])
    if verified is None:
        return replace(result, checks=(*checks.items(), ("id_token", False)))
    claims = verified.claims
    checks |= {"id_token": True, "nonce": claims.get("nonce") == asked["nonce"]}
    if "at_hash" in claims:
        checks["at_hash"] = claims["at_hash"] == at_hash(body["access_token"])
    checks["sub"] = claims.get("sub") == userinfo["sub"]
    return replace(
        result,
        checks=tuple(checks.items()),
        id_token_header={"alg": client.oidc.id_token_alg.value, "kid": verified.kid, "typ": verified.typ},
        id_token=shortened(claims),
        person_name=str(userinfo.get("name", "")),
        person_email=str(userinfo.get("email", "")),
    )


def _issuer(runtime: Runtime, place: Place) -> str:
    return issuer_of(runtime, place.environment.key)


def _verified(runtime: Runtime, place: Place, client: Client, id_token: str) -> Verified | None:
    keys = keys_to_verify(usable_jwt_keys(runtime, place.environment))
    try:
        return verify(
            id_token,
            keys,
            issuer=_issuer(runtime, place),
            typ=ID_TOKEN,
            now=runtime.clock(),
            audience=client.app.id,
        )
    except TokenRefused:
        return None
