"""The workspace's own signing key, for requests and metadata: made when it is first needed, opened once per process."""

from __future__ import annotations

import secrets
from functools import lru_cache

from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.saml.keys import SigningKey, load_signing_key, new_signing_key
from vestibule.storage import saml_keys, workspaces

# RFC 5280 4.1.2.2: positive, 20 octets at most.
_SERIAL_BITS = 159


def signing_key(runtime: Runtime, workspace_id: str) -> SigningKey:
    """Return the signing key of a workspace, whose id is trusted. Raises SealBroken.

    Not for use inside a transaction: it opens its own, and making a key takes a good part of a second.
    """
    with runtime.database.reading() as tx:
        stored = saml_keys.current_signing_key(tx, workspace_id)
    if stored is None:
        stored = _make(runtime, workspace_id)
    return _load(runtime.sealer.open(stored.sealed_private_key, _row(stored.id)), stored.certificate)


def _make(runtime: Runtime, workspace_id: str) -> saml_keys.SealedKey:
    now = runtime.clock()
    private_key_pem, certificate_der = new_signing_key("Vestibule", now, secrets.randbits(_SERIAL_BITS) + 1)
    key_id = new_id("key", now)
    sealed = runtime.sealer.seal(private_key_pem, _row(key_id))
    made = saml_keys.SealedKey(key_id, workspace_id, sealed, certificate_der, now)
    with runtime.database.transaction() as tx:
        # Two nodes may be here at once: the second one uses the first one's key, which an IdP may know already.
        workspaces.lock_workspace(tx, workspace_id)
        earlier = saml_keys.current_signing_key(tx, workspace_id)
        if earlier is not None:
            return earlier
        saml_keys.insert_key(tx, made)
    return made


# Reading a PEM checks the RSA key, which costs more than the signature that is wanted.
@lru_cache(maxsize=64)
def _load(private_key_pem: bytes, certificate_der: bytes) -> SigningKey:
    return load_signing_key(private_key_pem, certificate_der)


def _row(key_id: str) -> str:
    return f"saml_keys/{key_id}"
