"""An environment's own keys for tokens: made when they are first needed, sealed to their row, opened once per process."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from vestibule.directory.apps import SigningAlgorithm
from vestibule.directory.jwt_keys import SealedJwtKey, signing_key
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import SealBroken
from vestibule.oidc.jwt import JwtKey, load_private_key, load_public_key, new_private_key, public_jwk
from vestibule.storage import jwt_keys, workspaces


def usable_jwt_keys(
    runtime: Runtime, environment: Environment, known: tuple[SealedJwtKey, ...] | None = None
) -> tuple[SealedJwtKey, ...]:
    """Return the keys of an environment that have not ended: for each algorithm one that signs, made now if there was none.

    `known` are those that were read a moment ago, where somebody did.
    Not for use inside a transaction: it may open its own, and making a key takes a good part of a second.
    """
    now = runtime.clock()
    found = known
    if found is None:
        with runtime.database.reading() as tx:
            found = jwt_keys.list_jwt_keys(tx, environment.id, now)
    if all(signing_key(found, alg, now) for alg in SigningAlgorithm):
        return found
    return _made_once(runtime, environment)


def key_to_sign(runtime: Runtime, keys: tuple[SealedJwtKey, ...], alg: SigningAlgorithm) -> JwtKey:
    """Open the key of `usable_jwt_keys` that signs now. Raises SealBroken."""
    key = signing_key(keys, alg, runtime.clock())
    if key is None:
        msg = "an environment without a signing key"
        raise RuntimeError(msg)
    return _private(runtime.sealer.open(key.sealed_private_key, _row(key.id)), key.id, key.alg.value)


def opens(runtime: Runtime, key: SealedJwtKey) -> bool:
    """Say whether this server's secret key opens a key."""
    try:
        runtime.sealer.open(key.sealed_private_key, _row(key.id))
    except SealBroken:
        return False
    return True


def keys_to_verify(keys: tuple[SealedJwtKey, ...]) -> tuple[JwtKey, ...]:
    """Return the public halves of keys, each for its `kid` and its algorithm only."""
    return tuple(_public(key.id, key.alg.value, tuple(sorted(key.public_jwk.items()))) for key in keys)


def jwk_set(keys: tuple[SealedJwtKey, ...]) -> dict[str, Any]:
    """Return the JWK Set of an environment (RFC 7517, 5): also the next keys and those that are on their way out."""
    return {"keys": [public_jwk(one) for one in keys_to_verify(keys)]}


def new_sealed_jwt_key(
    runtime: Runtime, environment: Environment, alg: SigningAlgorithm, now: datetime, *, active_at: datetime
) -> SealedJwtKey:
    """Return a fresh key, sealed to the row that it is going to be."""
    key_id = new_id("key", now)
    private = new_private_key(alg.value)
    return SealedJwtKey(
        id=key_id,
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        alg=alg,
        sealed_private_key=runtime.sealer.seal(private, _row(key_id)),
        public_jwk=public_jwk(load_private_key(private, key_id, alg.value)),
        created_at=now,
        active_at=active_at,
    )


def _made_once(runtime: Runtime, environment: Environment) -> tuple[SealedJwtKey, ...]:
    now = runtime.clock()
    made = [new_sealed_jwt_key(runtime, environment, alg, now, active_at=now) for alg in SigningAlgorithm]
    with runtime.database.transaction() as tx:
        # Two nodes may be here at once: the second one uses the first one's keys, which an app may know already.
        workspaces.lock_workspace(tx, environment.workspace_id)
        found = jwt_keys.list_jwt_keys(tx, environment.id, runtime.clock())
        missing = [key for key in made if signing_key(found, key.alg, runtime.clock()) is None]
        for key in missing:
            jwt_keys.insert_jwt_key(tx, key)
    return (*missing, *found)


# Reading a private key checks it, which costs more than the signature that is wanted.
@lru_cache(maxsize=256)
def _private(jwk: bytes, kid: str, alg: str) -> JwtKey:
    return load_private_key(jwk, kid, alg)


@lru_cache(maxsize=256)
def _public(kid: str, alg: str, jwk: tuple[tuple[str, Any], ...]) -> JwtKey:
    return load_public_key(dict(jwk), kid, alg)


def _row(key_id: str) -> str:
    return f"jwt_keys/{key_id}"
