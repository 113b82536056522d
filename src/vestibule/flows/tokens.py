"""The token endpoint: a client proves who it is, brings a grant, and gets tokens for it (RFC 6749, 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from vestibule.directory.apps import GrantType
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, authenticate_client
from vestibule.flows.parts.grant_client_credentials import client_credentials
from vestibule.flows.parts.grant_code import exchange_code
from vestibule.flows.parts.grant_device import exchange_device_code
from vestibule.flows.parts.grant_refresh import refresh
from vestibule.flows.parts.grant_token_exchange import exchange_token
from vestibule.flows.parts.issuing import TokenAnswer
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc import parameters as read
from vestibule.oidc.client_authentication import read_client
from vestibule.oidc.errors import UnsupportedGrantType
from vestibule.oidc.parameters import Parameters

GRANTS: Final[Mapping[str, Callable[[Runtime, Visitor, Place, Client, Parameters], TokenAnswer]]] = {
    GrantType.AUTHORIZATION_CODE: exchange_code,
    GrantType.REFRESH_TOKEN: refresh,
    GrantType.CLIENT_CREDENTIALS: client_credentials,
    GrantType.DEVICE_CODE: exchange_device_code,
    GrantType.TOKEN_EXCHANGE: exchange_token,
}


def answer(
    runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, authorization: str
) -> TokenAnswer:
    """Return tokens for an untrusted request. Raises OAuthError, Throttled, NotFound."""
    place, client = authenticate_client(runtime, visitor, environment_key, read_client(parameters, authorization))
    name = read.required(parameters, "grant_type")
    grant = GRANTS.get(name)
    if grant is None:
        raise UnsupportedGrantType("no such grant")
    client.require_grant(GrantType(name))
    return grant(runtime, visitor, place, client, parameters)
