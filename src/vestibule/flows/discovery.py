"""What everybody may know of an environment as an OpenID provider: its metadata and its keys."""

from __future__ import annotations

from typing import Any

from vestibule.directory.apps import GrantType
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.jwt_keys import jwk_set, usable_jwt_keys
from vestibule.flows.parts.places import find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc.discovery import metadata


def provider_metadata(runtime: Runtime, environment_key: str) -> dict[str, Any]:
    """Return the metadata of an environment by its untrusted key. Raises NotFound."""
    place = find_place(runtime, environment_key)
    return metadata(issuer_of(runtime, place.environment.key), [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN])


def provider_keys(runtime: Runtime, environment_key: str) -> dict[str, Any]:
    """Return the JWK Set of an environment by its untrusted key. Raises NotFound."""
    place = find_place(runtime, environment_key)
    return jwk_set(usable_jwt_keys(runtime, place.environment))
