"""Issuing tokens for a grant: access token, ID token, refresh token. Decides nothing: whoever calls has asked `entry.decide`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from vestibule.directory.apps import App, GrantType, GroupsClaim, OidcSettings, SigningAlgorithm
from vestibule.directory.entry import Standing
from vestibule.directory.grants import Grant
from vestibule.directory.resource_apis import Reach, ResourceApi
from vestibule.flows.parts.clients import Client, issuer_of
from vestibule.flows.parts.jwt_keys import key_to_sign, usable_jwt_keys
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.subjects import api_subject_of, subject_of
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.oidc.claims import Person, at_hash, claims_of
from vestibule.oidc.jwt import JwtKey, sign
from vestibule.oidc.scopes import OFFLINE_ACCESS, OPENID, SCOPES
from vestibule.storage import grants
from vestibule.storage.database import Transaction

ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105 - the `typ` of RFC 9068, 2.1
ID_TOKEN: Final = "JWT"  # noqa: S105 - the `typ` of a header


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the token endpoint answers (RFC 6749, 5.1)."""

    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """What tokens are signed with: what others verify as was `agreed` with the app, access tokens for our `own` endpoints with EdDSA.

    Nobody but us reads those, and RS256 takes seven times as long: it would be half of the cost of an exchange.
    """

    agreed: JwtKey
    own: JwtKey


def signing_keys_of(runtime: Runtime, place: Place, client: Client) -> SigningKeys:
    """Return the environment's keys for an app, of the algorithm that it agreed to. Not inside a transaction. Raises SealBroken."""
    alg, found = client.oidc.id_token_alg, usable_jwt_keys(runtime, place.environment, client.jwt_keys)
    own = key_to_sign(runtime, found, SigningAlgorithm.EDDSA)
    return SigningKeys(own if alg is SigningAlgorithm.EDDSA else key_to_sign(runtime, found, alg), own)


def scopes_of(oidc: OidcSettings) -> tuple[str, ...]:
    """Return the scopes that an app may have."""
    refreshes = GrantType.REFRESH_TOKEN in oidc.grant_types
    groups = oidc.groups_claim is not GroupsClaim.NONE
    return tuple(one for one in SCOPES if (one != OFFLINE_ACCESS or refreshes) and (one != "groups" or groups))


def person_of(runtime: Runtime, app: App, standing: Standing) -> Person:
    """Return a person as an app may know them; with `standing_of(…, named=True)` the names of groups came along."""
    oidc, groups = app.oidc or OidcSettings(), standing.group_ids
    if not app.everyone and not oidc.all_groups:
        groups = groups & app.group_ids
    named: tuple[str, ...] | None = None
    if oidc.groups_claim is GroupsClaim.IDS:
        named = tuple(sorted(groups))
    elif oidc.groups_claim is GroupsClaim.NAMES:
        if standing.group_names is None:
            raise RuntimeError("a standing without the names that this app is told")
        named = tuple(name for group_id, name in standing.group_names.items() if group_id in groups)
    return Person(
        subject=subject_of(runtime, app, standing.end_user.id),
        email=standing.end_user.email,
        name=standing.end_user.full_name,
        environment=standing.environment.key,
        groups=named,
    )


def issue(
    tx: Transaction,
    runtime: Runtime,
    place: Place,
    client: Client,
    grant: Grant,
    standing: Standing,
    keys: SigningKeys,
    *,
    scope: tuple[str, ...],
    target: Reach | None = None,
) -> TokenAnswer:
    """Return tokens for a grant; `scope` is the grant's or less. The refresh token is new each time (RFC 9700, 2.2.2).

    `target` is the API that the access token is for; None for our own endpoints.
    """
    now = runtime.clock()
    if target is not None:
        reached = target.scopes(for_person=True)
        scope = tuple(one for one in scope if one in reached or one in SCOPES)
    person = person_of(runtime, client.app, standing)
    token = access_token(
        runtime, place, client, grant, person, keys, scope=scope, now=now, api=target.api if target else None
    )
    body = answer_for(token, scope, life_seconds(client, now, grant))
    if OPENID in scope:
        body["id_token"] = _id_token(runtime, place, client, grant, person, keys.agreed, token, scope, now)
    if GrantType.REFRESH_TOKEN in client.oidc.grant_types:
        body["refresh_token"] = refresh = new_token()
        ends = min(grant.expires_at, now + client.oidc.refresh_token_ttl)
        grants.insert_refresh_token(tx, grant, token_hash(refresh), now, ends)
    return TokenAnswer(body)


def access_token(
    runtime: Runtime,
    place: Place,
    client: Client,
    grant: Grant,
    person: Person,
    keys: SigningKeys,
    *,
    scope: tuple[str, ...],
    now: datetime,
    api: ResourceApi | None = None,
) -> str:
    """Return a signed access token (RFC 9068). Without an API it is for our own endpoints, whose name is the issuer's.

    An API knows a person by one `sub`, whichever app calls (RFC 9068, 5), and is told only its own scopes: a token that it could
    bring to userinfo would open more than it was sent for.
    """
    told = person if api is None else replace(person, subject=api_subject_of(runtime, api, grant.end_user_id))
    claims: dict[str, Any] = {
        **claims_of(told, scope),
        **_of_token(runtime, place, client, api, scope, now, life_seconds(client, now, grant)),
        "gid": grant.id,
        "auth_time": int(grant.authentication.instant.timestamp()),
    }
    if grant.actor is not None:
        claims["act"] = dict(grant.actor)
    return sign(claims, keys.own if api is None else keys.agreed, ACCESS_TOKEN)


def machine_token(
    runtime: Runtime, place: Place, client: Client, api: ResourceApi, key: JwtKey, *, scope: tuple[str, ...]
) -> TokenAnswer:
    """Return an access token of an app on its own account: the subject is the app (RFC 9068, 2.2)."""
    now = runtime.clock()
    life = life_seconds(client, now)
    claims = {
        "sub": client.app.id,
        "environment": place.environment.key,
        **_of_token(runtime, place, client, api, scope, now, life),
    }
    return TokenAnswer(answer_for(sign(claims, key, ACCESS_TOKEN), scope, life))


def life_seconds(client: Client, now: datetime, grant: Grant | None = None) -> int:
    """Return how long an access token of an app lasts that is made now: never longer than the grant that it hangs on."""
    ends = now + client.oidc.access_token_ttl
    return int((ends if grant is None else min(ends, grant.expires_at)).timestamp()) - int(now.timestamp())


def _of_token(
    runtime: Runtime,
    place: Place,
    client: Client,
    api: ResourceApi | None,
    scope: tuple[str, ...],
    now: datetime,
    life: int,
) -> dict[str, Any]:
    issuer, seconds = issuer_of(runtime, place.environment.key), int(now.timestamp())
    return {
        "iss": issuer,
        "aud": issuer if api is None else api.identifier,
        "client_id": client.app.id,
        "iat": seconds,
        "exp": seconds + life,
        "jti": new_token(),
        "scope": " ".join(one for one in scope if api is None or one in api.scopes),
    }


def answer_for(token: str, scope: tuple[str, ...], life: int) -> dict[str, Any]:
    """Return what is answered with an access token that lasts so many seconds (RFC 6749, 5.1)."""
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": life,
        "scope": " ".join(scope),
    }


def _id_token(
    runtime: Runtime,
    place: Place,
    client: Client,
    grant: Grant,
    person: Person,
    key: JwtKey,
    token: str,
    scope: tuple[str, ...],
    now: datetime,
) -> str:
    seconds, known = int(now.timestamp()), grant.authentication
    claims: dict[str, Any] = {
        **claims_of(person, scope),
        "iss": issuer_of(runtime, place.environment.key),
        "aud": client.app.id,
        "iat": seconds,
        "exp": seconds + int(client.oidc.access_token_ttl.total_seconds()),
        "auth_time": int(known.instant.timestamp()),
        "amr": list(known.methods),
        "sid": grant.sid,
    }
    if known.context:
        claims["acr"] = known.context
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if key.alg == SigningAlgorithm.RS256:
        claims["at_hash"] = at_hash(token)
    return sign(claims, key, ID_TOKEN)
