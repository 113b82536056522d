"""The workspace's own SAML keys: made when they are first needed, sealed to their row, opened once per process, retired when they end."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import lru_cache

from vestibule.directory.activity import Event, Subject
from vestibule.directory.saml_keys import KeyUse, SealedKey, of_use
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import SealBroken
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.saml.keys import DecryptionKey, SigningKey, load_decryption_key, load_signing_key, new_signing_key
from vestibule.storage import saml_keys, workspaces

# RFC 5280 4.1.2.2: positive, 20 octets at most.
_SERIAL_BITS = 159


def usable_keys(runtime: Runtime, workspace_id: str) -> tuple[SealedKey, ...]:
    """Return the keys of a workspace, whose id is trusted, that have not ended: one in use for each use, made now if there was none.

    Not for use inside a transaction: it opens its own, and making a key takes a good part of a second.
    """
    now = runtime.clock()
    with runtime.database.reading() as tx:
        found = saml_keys.list_keys(tx, workspace_id, now)
    missing = [use for use in KeyUse if not any(key.use is use and key.active_at <= now for key in found)]
    return found if not missing else (*found, *(made_once(runtime, workspace_id, use) for use in missing))


def made_once(runtime: Runtime, workspace_id: str, use: KeyUse) -> SealedKey:
    """Make the first key of a use, or return the one that somebody else made meanwhile."""
    now = runtime.clock()
    made = new_sealed_key(runtime, workspace_id, use, now, active_at=now)
    with runtime.database.transaction() as tx:
        # Two nodes may be here at once: the second one uses the first one's key, which an IdP may know already.
        workspaces.lock_workspace(tx, workspace_id)
        # By the clock as it is now: making a key takes time, and theirs may have begun after ours was begun.
        earlier = saml_keys.current_key(tx, workspace_id, use, runtime.clock())
        if earlier is not None:
            return earlier
        saml_keys.insert_key(tx, made)
    return made


def new_sealed_key(
    runtime: Runtime, workspace_id: str, use: KeyUse, now: datetime, *, active_at: datetime
) -> SealedKey:
    """Return a fresh key, sealed to the row that it is going to be."""
    private_key_pem, certificate_der = new_signing_key("Vestibule", now, secrets.randbits(_SERIAL_BITS) + 1)
    key_id = new_id("key", now)
    sealed = runtime.sealer.seal(private_key_pem, _row(key_id))
    return SealedKey(key_id, workspace_id, use, sealed, certificate_der, now, active_at)


def published(keys: tuple[SealedKey, ...], use: KeyUse, now: datetime) -> tuple[Certificate, ...]:
    """Return the certificates of one use in the order in which metadata has them."""
    return tuple(parse_certificate(key.certificate) for key in of_use(keys, use, now))


def to_sign_with(runtime: Runtime, key: SealedKey) -> SigningKey:
    """Open a key to sign with it. Raises SealBroken."""
    return _signing(runtime.sealer.open(key.sealed_private_key, _row(key.id)), key.certificate)


def opens(runtime: Runtime, key: SealedKey) -> bool:
    """Say whether this server's secret key opens a key."""
    try:
        runtime.sealer.open(key.sealed_private_key, _row(key.id))
    except SealBroken:
        return False
    return True


def decryption_keys(runtime: Runtime, workspace_id: str) -> tuple[DecryptionKey, ...]:
    """Return every key that an identity provider may have encrypted to: in use, next and ending. Raises SealBroken.

    Not for use inside a transaction. Costs a statement, so ask for it where something is encrypted.
    """
    usable = usable_keys(runtime, workspace_id)
    keys = of_use(usable, KeyUse.ENCRYPTION, runtime.clock())
    return tuple(
        _decrypting(runtime.sealer.open(key.sealed_private_key, _row(key.id)), key.certificate) for key in keys
    )


def decryption_keys_that_open(runtime: Runtime, workspace_id: str) -> tuple[DecryptionKey, ...]:
    """Return what `decryption_keys` returns, and none where one does not open: for what is mostly in the clear, and must go on."""
    try:
        return decryption_keys(runtime, workspace_id)
    except SealBroken:
        return ()


def retire_ended_keys(runtime: Runtime) -> int:
    """Delete the keys that have ended, on the record; return how many."""
    with runtime.database.transaction() as tx:
        gone = saml_keys.take_ended(tx, runtime.clock())
        for key in gone:
            fingerprint = parse_certificate(key.certificate).fingerprint
            details = {"use": key.use.value, "fingerprint": fingerprint, "ended_at": str(key.ends_at)}
            event = Event("saml_keys.retired", Subject("saml_keys", key.id, fingerprint[:23]), details=details)
            record(tx, runtime, key.workspace_id, system(), event)
    return len(gone)


# Reading a PEM checks the RSA key, which costs more than the signature that is wanted.
@lru_cache(maxsize=64)
def _signing(private_key_pem: bytes, certificate_der: bytes) -> SigningKey:
    return load_signing_key(private_key_pem, certificate_der)


@lru_cache(maxsize=64)
def _decrypting(private_key_pem: bytes, certificate_der: bytes) -> DecryptionKey:
    return load_decryption_key(private_key_pem, certificate_der)


def _row(key_id: str) -> str:
    return f"saml_keys/{key_id}"
