"""Our own metadata for a connection, as its identity provider's admin loads it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from vestibule.directory.connections import Connection, acs_url, slo_url, sp_entity_id
from vestibule.directory.saml_keys import KeyUse, of_use
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import published, to_sign_with, usable_keys
from vestibule.flows.parts.signing import SigningKeyUnreadable
from vestibule.kernel.errors import NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import SealBroken
from vestibule.kernel.text import printable
from vestibule.saml.sp_metadata import sign_metadata, sp_metadata
from vestibule.storage import connections

# Carried by hand, metadata lies in a file at the identity provider, some of which refuse all sign-ins once it has ended.
METADATA_LIFE: Final = timedelta(days=365)
# Who asks for a signature reads it again by itself; a copy that somebody kept must not count for long.
SIGNED_METADATA_LIFE: Final = timedelta(days=14)
_ID_BYTES: Final = 20


def service_provider_metadata(runtime: Runtime, connection_id: str, *, signed: bool = False) -> bytes:
    """Return the metadata of a connection (untrusted id) with the keys of its workspace (saml-metadata-2.0-os 2.4.4).

    `signed` asks for an enveloped signature by the key in use. Raises NotFound, SigningKeyUnreadable.
    """
    connection = None
    if is_id(connection_id, "connection"):
        with runtime.database.reading() as tx:
            connection = connections.load_connection(tx, connection_id)
    if connection is None:
        raise NotFound(f"connection {printable(connection_id, 40)}")
    return _document(runtime, connection, signed=signed)


def _document(runtime: Runtime, connection: Connection, *, signed: bool) -> bytes:
    keys = usable_keys(runtime, connection.workspace_id)
    now = runtime.clock()
    # Nobody who has cached this may go on encrypting to a key that has ended: the one that stands first. Once the next has
    # taken over, a file that is carried by hand has to outlast the old one.
    ends = [end for use in KeyUse if (end := of_use(keys, use, now)[0].ends_at) is not None]
    document = sp_metadata(
        sp_entity_id(runtime.public_url, connection.id),
        acs_url(runtime.public_url, connection.id),
        published(keys, KeyUse.SIGNING, now),
        published(keys, KeyUse.ENCRYPTION, now),
        slo_url=slo_url(runtime.public_url, connection.id),
        want_assertions_signed=True,
        authn_requests_signed=connection.sign_requests or connection.idp.wants_signed_requests,
        allow_cbc=connection.allow_cbc,
        name_id_formats=[connection.asking.name_id_format] if connection.asking.name_id_format else [],
        valid_until=min([now + (SIGNED_METADATA_LIFE if signed else METADATA_LIFE), *ends]),
        document_id=f"_{secrets.token_hex(_ID_BYTES)}" if signed else None,
    )
    if not signed:
        return document
    try:
        signer = to_sign_with(runtime, of_use(keys, KeyUse.SIGNING, now)[0])
    except SealBroken as error:
        raise SigningKeyUnreadable(error.reason) from error
    return sign_metadata(document, signer)
