"""What a provider says of itself (OpenID Connect Discovery 1.0, 3; RFC 8414, 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vestibule.oidc.client_keys import ASSERTION_ALGORITHMS
from vestibule.oidc.scopes import SCOPES

_AUTHENTICATION = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]


def metadata(issuer: str, grant_types: Iterable[str]) -> dict[str, Any]:
    """Return the metadata of an issuer: what is there, and nothing that is not."""
    endpoint = f"{issuer}/oauth2"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{endpoint}/authorize",
        "token_endpoint": f"{endpoint}/token",
        "userinfo_endpoint": f"{endpoint}/userinfo",
        "jwks_uri": f"{issuer}/jwks.json",
        "introspection_endpoint": f"{endpoint}/introspect",
        "revocation_endpoint": f"{endpoint}/revoke",
        "pushed_authorization_request_endpoint": f"{endpoint}/par",
        "registration_endpoint": f"{endpoint}/register",
        "device_authorization_endpoint": f"{endpoint}/device_authorization",
        "end_session_endpoint": f"{endpoint}/logout",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": sorted(grant_types),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": _AUTHENTICATION,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": _AUTHENTICATION[:-1],
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": _AUTHENTICATION,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
            "email", "email_verified", "name", "groups", "environment",
        ],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
    }  # fmt: skip


def resource_metadata(identifier: str, name: str, scopes: Iterable[str], issuer: str) -> dict[str, Any]:
    """Return the metadata of a protected resource: whose tokens it takes, and with which scopes (RFC 9728, 2)."""
    return {
        "resource": identifier,
        "resource_name": name,
        "authorization_servers": [issuer],
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
    }
