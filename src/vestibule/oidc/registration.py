"""Client metadata that an app registers itself with: read out of untrusted JSON into what we take of it (RFC 7591, 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vestibule.oidc.client_keys import read_client_keys
from vestibule.oidc.errors import InvalidClientMetadata, InvalidRedirectUri
from vestibule.oidc.redirect_uris import is_acceptable

MAX_BODY_BYTES: Final = 32_768
_MAX_URIS: Final = 20
_METHODS: Final = frozenset({"none", "client_secret_basic", "client_secret_post", "private_key_jwt"})
# Those in which a person agrees. A machine's own access and acting for others are an admin's to give.
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_GRANTS: Final = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})
# Never part of a change (RFC 7592, 2.2); a new secret is an admin's to make.
_OURS: Final = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_id_issued_at",
        "client_secret",
        "client_secret_expires_at",
    }
)


@dataclass(frozen=True, slots=True)
class Registration:
    """What we take of client metadata. Names are whatever their sender likes: they prove nothing."""

    client_name: str
    redirect_uris: tuple[str, ...]
    method: str
    grant_types: tuple[str, ...]
    jwks: str


def read_registration(body: bytes) -> Registration:
    """Return what an untrusted registration asks for. Raises InvalidRedirectUri, InvalidClientMetadata.

    What we don't know is passed over (RFC 7591, 2): logos and addresses of others' pages, which nobody here would check, and a
    software statement, whose issuers we don't trust.
    """
    try:
        data = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidClientMetadata("no JSON") from error
    if not isinstance(data, dict):
        raise InvalidClientMetadata("no JSON object")
    grants = _strings(data, "grant_types", ("authorization_code",))
    if not frozenset(grants) <= _GRANTS or not grants or grants == ("refresh_token",):
        raise InvalidClientMetadata("grant_types that nobody registers for themselves")
    if _strings(data, "response_types", ("code",)) not in {("code",), ()}:
        raise InvalidClientMetadata("a response_type other than code")
    method = data.get("token_endpoint_auth_method", "client_secret_basic")
    if not isinstance(method, str) or method not in _METHODS:
        raise InvalidClientMetadata("an unknown token_endpoint_auth_method")
    return Registration(
        client_name=_name(data),
        redirect_uris=_redirect_uris(data, needed="authorization_code" in grants),
        method=method,
        grant_types=grants,
        # A set by address (jwks_uri) is not fetched: whoever registers would choose where we go.
        jwks=read_client_keys(data.get("jwks")) if method == "private_key_jwt" else "",
    )


def read_change(body: bytes, client_id: str) -> Registration:
    """Return what an untrusted change of a client's registration asks for: all of it anew, with its client_id (RFC 7592, 2.2).

    Raises InvalidRedirectUri, InvalidClientMetadata.
    """
    wanted = read_registration(body)
    data = json.loads(body)
    if data.get("client_id") != client_id:
        raise InvalidClientMetadata("client_id is missing or another one")
    if not _OURS.isdisjoint(data):
        raise InvalidClientMetadata("what only the server says is in it")
    return wanted


def _name(data: Mapping[str, Any]) -> str:
    name = data.get("client_name", "")
    if not isinstance(name, str):
        raise InvalidClientMetadata("client_name is no text")
    return name


def _redirect_uris(data: Mapping[str, Any], *, needed: bool) -> tuple[str, ...]:
    uris = _strings(data, "redirect_uris", ())
    if (needed and not uris) or len(uris) > _MAX_URIS:
        raise InvalidRedirectUri("no redirect_uris, or too many")
    if not all(is_acceptable(uri) for uri in uris):
        raise InvalidRedirectUri("a redirect URI that can't be registered")
    return uris


def _strings(data: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    values = data.get(name)
    if values is None:
        return default
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise InvalidClientMetadata(f"{name} is no list of texts")
    return tuple(dict.fromkeys(values))
