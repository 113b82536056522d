"""The workspace's own signing key, for requests, logout messages and metadata."""

from __future__ import annotations

from vestibule.directory.saml_keys import KeyUse
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import made_once, to_sign_with
from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_
from vestibule.saml.keys import SigningKey
from vestibule.storage import saml_keys


class SigningKeyUnreadable(Conflict):
    """What an admin, or whoever reads our metadata, asked for needs a signature, and our key does not open."""

    code = "signing_key_unreadable"
    public = N_(
        "This server can’t sign: its own key does not open, because it runs with another secret key than the one that sealed it. "
        "Ask the operator to run “vestibule doctor”, which says what to do."
    )


def signing_key(runtime: Runtime, workspace_id: str) -> SigningKey:
    """Return the signing key of a workspace, whose id is trusted. Raises SealBroken.

    Not for use inside a transaction: it opens its own, and making a key takes a good part of a second.
    """
    with runtime.database.reading() as tx:
        stored = saml_keys.current_key(tx, workspace_id, KeyUse.SIGNING, runtime.clock())
    return to_sign_with(runtime, stored or made_once(runtime, workspace_id, KeyUse.SIGNING))
