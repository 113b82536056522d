"""Our own SAML keys: which there are, and putting new ones in their place, with an overlap or at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.saml_keys import (
    MAX_OVERLAP_DAYS,
    KeyState,
    KeysUnreadable,
    KeyUse,
    RotationUnderWay,
    SealedKey,
    end_of_overlap,
    of_use,
    state_of,
)
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import new_sealed_key, opens, usable_keys
from vestibule.kernel.clock import day_in_words
from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.storage import connections, saml_keys, workspaces


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What everybody may know of a key."""

    use: KeyUse
    state: KeyState
    certificate: Certificate
    created_at: datetime
    active_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a workspace, and the connections whose identity provider needs to know when one changes.

    `takes_over_at` is when new keys take over where a rotation is under way.
    """

    keys: tuple[KeyFacts, ...]
    signed_connections: tuple[Connection, ...]
    connections: int
    takes_over_at: datetime | None


def get_keys(runtime: Runtime, caller: AdminCaller) -> Keys:
    """Return the keys of the workspace; made if there were none. Raises Forbidden."""
    caller.require(Permission.READ)
    keys = usable_keys(runtime, caller.workspace_id)
    now = runtime.clock()
    with runtime.database.reading() as tx:
        every = connections.list_connections(tx, caller.workspace_id)
    return Keys(
        keys=tuple(_facts(key, keys, now) for use in KeyUse for key in of_use(keys, use, now)),
        signed_connections=tuple(one for one in every if one.sign_requests or one.idp.wants_signed_requests),
        connections=len(every),
        takes_over_at=max((key.active_at for key in keys if key.active_at > now), default=None),
    )


def rotate_as_admin(runtime: Runtime, caller: AdminCaller, overlap_days: str) -> Keys:
    """Rotate the keys of the admin's workspace; `overlap_days` as typed. Raises Invalid, RotationUnderWay, KeysUnreadable, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    rotate_keys(runtime, caller.actor, caller.workspace_id, int(overlap_days) if _is_number(overlap_days) else -1)
    return get_keys(runtime, caller)


def rotate_keys(runtime: Runtime, actor: Actor, workspace_id: str, overlap_days: int) -> tuple[KeyFacts, ...]:
    """Publish new keys of a workspace, whose id is trusted, and return them.

    They take over after the overlap; those before them go on being published, and opening what is encrypted to them, for
    as long again. An overlap of 0 replaces them at once, also in the middle of a rotation: the answer to a stolen key.
    Raises Invalid for a number of days out of bounds, RotationUnderWay, and KeysUnreadable where an overlap would keep
    keys in use that don't open.
    """
    if not 0 <= overlap_days <= MAX_OVERLAP_DAYS:
        raise Invalid(FieldError("overlap_days", N_("From 0 to 90 days, in whole days.")))
    usable = usable_keys(runtime, workspace_id)
    now = runtime.clock()
    in_use = [of_use(usable, use, now)[0] for use in KeyUse]
    unreadable = [key.id for key in in_use if not opens(runtime, key)]
    if unreadable and overlap_days:
        raise KeysUnreadable(", ".join(unreadable))
    takes_over_at, ends_at = end_of_overlap(now, timedelta(days=overlap_days))
    made = [new_sealed_key(runtime, workspace_id, use, now, active_at=takes_over_at) for use in KeyUse]
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, workspace_id)
        before = saml_keys.list_keys(tx, workspace_id, now)
        waiting = [key for key in before if key.active_at > now]
        if waiting and overlap_days:
            raise RotationUnderWay(day=day_in_words(waiting[0].active_at))
        saml_keys.end_keys(tx, workspace_id, tuple(KeyUse), now, ends_at)
        for key in made:
            saml_keys.insert_key(tx, key)
        details = {
            "overlap_days": overlap_days,
            "takes_over_at": str(takes_over_at),
            **{f"new_{key.use}": parse_certificate(key.certificate).fingerprint for key in made},
            "before": [parse_certificate(key.certificate).fingerprint for key in before],
        }
        record(
            tx,
            runtime,
            workspace_id,
            actor,
            Event("saml_keys.rotated", Subject("saml_keys", None, "SAML"), details=details),
        )
    return tuple(_facts(key, made, now) for key in made)


def _facts(key: SealedKey, keys: tuple[SealedKey, ...] | list[SealedKey], now: datetime) -> KeyFacts:
    state = state_of(key, keys, now)
    return KeyFacts(key.use, state, parse_certificate(key.certificate), key.created_at, key.active_at, key.ends_at)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 4
