"""What everybody may know of an environment as an OpenID provider: its metadata and its keys."""

from __future__ import annotations

from typing import Any, Final

from vestibule.directory.apps import GrantType
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.jwt_keys import jwk_set, usable_jwt_keys
from vestibule.flows.parts.places import find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import printable
from vestibule.oidc.discovery import metadata, resource_metadata
from vestibule.storage import resource_apis

_GRANTS: Final = (
    GrantType.AUTHORIZATION_CODE,
    GrantType.REFRESH_TOKEN,
    GrantType.CLIENT_CREDENTIALS,
    GrantType.TOKEN_EXCHANGE,
    GrantType.DEVICE_CODE,
)


def provider_metadata(runtime: Runtime, environment_key: str) -> dict[str, Any]:
    """Return the metadata of an environment by its untrusted key. Raises NotFound."""
    place = find_place(runtime, environment_key)
    return metadata(issuer_of(runtime, place.environment.key), _GRANTS)


def provider_keys(runtime: Runtime, environment_key: str) -> dict[str, Any]:
    """Return the JWK Set of an environment by its untrusted key. Raises NotFound."""
    place = find_place(runtime, environment_key)
    return jwk_set(usable_jwt_keys(runtime, place.environment))


def api_metadata(runtime: Runtime, environment_key: str, api_id: str) -> dict[str, Any]:
    """Return the metadata of an API of an environment, by its untrusted id (RFC 9728, 2). Raises NotFound."""
    place = find_place(runtime, environment_key)
    with runtime.database.reading() as tx:
        found = resource_apis.find_api(tx, place.environment.id, api_id) if is_id(api_id, "api") else None
    if found is None:
        raise NotFound(f"API {printable(api_id, 40)}")
    return resource_metadata(found.identifier, found.name, found.scopes, issuer_of(runtime, place.environment.key))
