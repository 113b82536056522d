"""The identity token: who somebody is in an environment, signed, for a service that need not ask anybody.

It is of a kind of its own (`typ` is `identity+jwt`), so that it passes for no other token, and is for one app (`aud`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from vestibule.directory.apps import App, SigningAlgorithm
from vestibule.directory.entry import Standing
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.jwt_keys import key_to_sign, usable_jwt_keys
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.subjects import subject_of
from vestibule.oidc.jwt import JwtKey, sign

IDENTITY_TYP: Final = "identity+jwt"
IDENTITY_TTL: Final = timedelta(minutes=2)


def identity_claims(runtime: Runtime, standing: Standing, app: App, groups: Iterable[str]) -> Mapping[str, Any]:
    """Return what an app's identity token says of a person, but for its times."""
    person, environment = standing.end_user, standing.environment
    return {
        "iss": f"{runtime.public_url}/e/{environment.key}",
        "aud": app.id,
        "sub": subject_of(runtime, app, person.id),
        "email": person.email,
        "name": person.full_name,
        "groups": list(groups),
        "environment": environment.key,
    }


def identity_key(runtime: Runtime, environment: Environment) -> JwtKey:
    """Return the key that identity tokens of an environment are signed with: RS256, which every library verifies."""
    return key_to_sign(runtime, usable_jwt_keys(runtime, environment), SigningAlgorithm.RS256)


def sign_identity(claims: Mapping[str, Any], key: JwtKey, now: datetime) -> str:
    """Return the token, good for two minutes from `now`."""
    issued = int(now.timestamp())
    times = {"iat": issued, "exp": issued + int(IDENTITY_TTL.total_seconds())}
    return sign({**claims, **times}, key, IDENTITY_TYP)
