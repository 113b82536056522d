"""The endpoints of an environment as an OpenID provider that programs call: tokens, userinfo, keys, metadata."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from vestibule.flows import authorization, discovery, tokens, userinfo
from vestibule.kernel.secrets import bearer_token
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import InvalidRequest, TokenMissing
from vestibule.web.machines import MachineRoute, json_answer, machine
from vestibule.web.visits import Visit

# Long enough to spare us the reading at each sign-in, and much shorter than the overlap of keys.
_CACHED: Final = {"Cache-Control": "public, max-age=300"}


def token(visit: Visit) -> Response:
    """Give tokens for a grant (RFC 6749, 3.2)."""
    found = tokens.answer(
        visit.runtime, visit.visitor, visit.path_params["env"], visit.form.fields, visit.authorization
    )
    return json_answer(found.body, headers={"Pragma": "no-cache"})


def user_info(visit: Visit) -> Response:
    """Say who the person of an access token is (OpenID Connect Core 5.3)."""
    return json_answer(userinfo.userinfo(visit.runtime, visit.path_params["env"], _bearer(visit)))


def introspection(visit: Visit) -> Response:
    """Say what a token is worth now (RFC 7662)."""
    return json_answer(
        userinfo.introspect(
            visit.runtime, visit.visitor, visit.path_params["env"], visit.form.fields, visit.authorization
        )
    )


def revocation(visit: Visit) -> Response:
    """End what a token stands for (RFC 7009)."""
    userinfo.revoke(visit.runtime, visit.visitor, visit.path_params["env"], visit.form.fields, visit.authorization)
    return json_answer({})


def pushed(visit: Visit) -> Response:
    """Take an authorization request beforehand (RFC 9126)."""
    found = authorization.push(
        visit.runtime, visit.visitor, visit.path_params["env"], visit.form.fields, visit.authorization
    )
    return json_answer({"request_uri": found.request_uri, "expires_in": found.seconds}, 201)


def provider(visit: Visit) -> Response:
    """Give the metadata of the environment (OpenID Connect Discovery 1.0, 4; RFC 8414, 3)."""
    return json_answer(discovery.provider_metadata(visit.runtime, visit.path_params["env"]), headers=_CACHED)


def keys(visit: Visit) -> Response:
    """Give the keys that tokens are verified with (RFC 7517, 5)."""
    return json_answer(discovery.provider_keys(visit.runtime, visit.path_params["env"]), headers=_CACHED)


def _bearer(visit: Visit) -> str:
    """Return the access token in the one place where it stands (RFC 6750, 2). Raises TokenMissing, InvalidRequest."""
    in_header = bearer_token(visit.authorization)
    in_form = read.token(visit.form.fields, "access_token")
    if in_header:
        if in_form is not None:
            raise InvalidRequest("the token stands in two places")
        return in_header
    if in_form is None:
        raise TokenMissing("no token")
    return in_form


def protected_resource(visit: Visit) -> Response:
    """Give the metadata of an API, whose 401 names this address (RFC 9728, 5.1)."""
    found = discovery.api_metadata(visit.runtime, visit.path_params["env"], visit.path_params["api"])
    return json_answer(found, headers=_CACHED)


_READS: Final = ["GET", "OPTIONS"]
_POSTS: Final = ["POST", "OPTIONS"]
ROUTES: Final = [
    MachineRoute("/e/{env}/oauth2/token", machine(token), methods=_POSTS),
    MachineRoute("/e/{env}/oauth2/userinfo", machine(user_info), methods=["GET", "POST", "OPTIONS"]),
    MachineRoute("/e/{env}/oauth2/introspect", machine(introspection), methods=_POSTS),
    MachineRoute("/e/{env}/oauth2/revoke", machine(revocation), methods=_POSTS),
    MachineRoute("/e/{env}/oauth2/par", machine(pushed), methods=_POSTS),
    MachineRoute("/e/{env}/jwks.json", machine(keys), methods=_READS),
    MachineRoute("/e/{env}/.well-known/oauth-protected-resource/{api}", machine(protected_resource), methods=_READS),
    MachineRoute("/e/{env}/.well-known/openid-configuration", machine(provider), methods=_READS),
    MachineRoute("/e/{env}/.well-known/oauth-authorization-server", machine(provider), methods=_READS),
    # RFC 8414, 3.1 puts the well-known part before the issuer's path; OpenID Connect Discovery behind it.
    MachineRoute("/.well-known/oauth-authorization-server/e/{env}", machine(provider), methods=_READS),
    MachineRoute("/.well-known/openid-configuration/e/{env}", machine(provider), methods=_READS),
]
