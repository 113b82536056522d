"""An environment's keys for tokens: putting new ones in their place, with an overlap or at once."""

from __future__ import annotations

from datetime import timedelta

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.apps import SigningAlgorithm
from vestibule.directory.jwt_keys import JWT_OVERLAP, SealedJwtKey
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.jwt_keys import new_sealed_jwt_key, opens
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_
from vestibule.storage import jwt_keys, workspaces


class KeysUnreadable(Conflict):
    """The keys that would go on signing can't be opened: an overlap would only put off what signs again."""

    code = "jwt_keys_unreadable"
    public = N_(
        "The keys for tokens can’t be opened with this secret key, so they could not sign until new ones take over. Give the "
        "server the secret key that it had. If that is lost, replace the keys at once: --overlap-days 0."
    )


def rotate_every_environment(
    runtime: Runtime, actor: Actor, workspace_id: str, *, at_once: bool = False
) -> dict[str, tuple[SealedJwtKey, ...]]:
    """Rotate the keys of each environment of a workspace, whose id is trusted; return the new ones by the environment's key.

    Raises KeysUnreadable before any is rotated, unless they are replaced at once.
    """
    with runtime.database.reading() as tx:
        found = workspaces.list_environments(tx, workspace_id)
        before = [key for one in found for key in jwt_keys.list_jwt_keys(tx, one.id, runtime.clock())]
    unreadable = [] if at_once else [key.id for key in before if not opens(runtime, key)]
    if unreadable:
        raise KeysUnreadable(", ".join(unreadable))
    return {one.key: rotate_jwt_keys(runtime, actor, one, at_once=at_once) for one in found}


def rotate_jwt_keys(
    runtime: Runtime, actor: Actor, environment: Environment, *, at_once: bool = False
) -> tuple[SealedJwtKey, ...]:
    """Publish new keys of an environment and return them. They sign after the overlap; those before end after as long again.

    `at_once` is the answer to a stolen key: new ones sign now, and what the old ones signed is worthless from now on.
    """
    now = runtime.clock()
    overlap = timedelta(0) if at_once else JWT_OVERLAP
    made = tuple(
        new_sealed_jwt_key(runtime, environment, alg, now, active_at=now + overlap) for alg in SigningAlgorithm
    )
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, environment.workspace_id)
        jwt_keys.end_jwt_keys(tx, environment.id, now, now + 2 * overlap)
        for key in made:
            jwt_keys.insert_jwt_key(tx, key)
        event = Event(
            "jwt_keys.rotated",
            Subject("jwt_keys", None, environment.name),
            environment_id=environment.id,
            details={"new": [key.id for key in made], "take_over_at": str(now + overlap)},
        )
        record(tx, runtime, environment.workspace_id, actor, event)
    return made
