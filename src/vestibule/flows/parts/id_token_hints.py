"""ID tokens of ours that an app hands back as a hint: who, and which session, it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vestibule.flows.parts.clients import Client, issuer_of
from vestibule.flows.parts.issuing import ID_TOKEN
from vestibule.flows.parts.jwt_keys import keys_to_verify, usable_jwt_keys
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import is_id
from vestibule.oidc.errors import InvalidRequest
from vestibule.oidc.jwt import TokenRefused, unverified, verify


def claims_of_hint(runtime: Runtime, place: Place, hint: str) -> Mapping[str, Any]:
    """Return what an ID token of ours (untrusted) says. One that has ended is as good a hint as any. Raises InvalidRequest.

    RP-Initiated Logout 1.0, 4; OpenID Connect Core 3.1.2.1.
    """
    keys = keys_to_verify(usable_jwt_keys(runtime, place.environment))
    issuer = issuer_of(runtime, place.environment.key)
    try:
        return verify(hint, keys, issuer=issuer, typ=ID_TOKEN, now=None).claims
    except TokenRefused as error:
        raise InvalidRequest(f"the id_token_hint: {error.reason}") from error


def claims_to_leave(runtime: Runtime, place: Place, hint: str) -> Mapping[str, Any]:
    """Return what an ID token (untrusted) says to somebody who signs out. Raises InvalidRequest.

    Of one whose key ended since, as keys do, it is the app alone, and no more proof than a client_id is: the person is asked.
    """
    try:
        return claims_of_hint(runtime, place, hint)
    except InvalidRequest:
        said = _said_by_ended_key(runtime, place, hint)
        if said is None:
            raise
        return {"aud": said["aud"]}


def _said_by_ended_key(runtime: Runtime, place: Place, hint: str) -> Mapping[str, Any] | None:
    """Return what an ID token says that names a key which is gone, and otherwise is as ours are. Nobody has verified it."""
    try:
        said = unverified(hint)
    except TokenRefused:
        return None
    living = {key.id for key in usable_jwt_keys(runtime, place.environment)}
    ended = is_id(said.kid, "key") and said.kid not in living
    named = all(isinstance(said.claims.get(name), str) for name in ("aud", "sub"))
    ours = said.typ == ID_TOKEN and said.claims.get("iss") == issuer_of(runtime, place.environment.key)
    return said.claims if ended and named and ours else None


def hinted_sub(runtime: Runtime, place: Place, client: Client, hint: str) -> str:
    """Return whom a client means by an ID token (untrusted) that it was given once. Raises InvalidRequest for one that is not its own.

    Nobody else is answered for, which is all that it does: so one whose key ended since counts unverified.
    """
    try:
        claims = claims_of_hint(runtime, place, hint)
    except InvalidRequest:
        said = _said_by_ended_key(runtime, place, hint)
        if said is None:
            raise
        claims = said
    if claims.get("aud") != client.app.id:
        raise InvalidRequest("the id_token_hint is another client's")
    return str(claims["sub"])
