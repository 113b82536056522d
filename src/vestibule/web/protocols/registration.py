"""The registration endpoint of an environment, and what each registration is managed at: JSON in, JSON out (RFC 7591, 3; RFC 7592, 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vestibule.flows import registered_apps, registration
from vestibule.kernel.secrets import bearer_token
from vestibule.kernel.text import has_unsafe_characters
from vestibule.oidc.errors import TokenMissing
from vestibule.oidc.registration import MAX_BODY_BYTES
from vestibule.web.machines import MachineRoute, answered, json_answer, preflight
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_head


async def register(request: Request) -> Response:
    """Take a registration. Its body is no form, so it is read here, and bounded."""
    if request.method == "OPTIONS":
        return preflight()

    def handler(visit: Visit, body: bytes) -> Response:
        found = registration.register(visit.runtime, visit.visitor, visit.path_params["env"], _bearer(visit), body)
        return json_answer(found.body, 201)

    return await _taken(request, handler)


async def manage(request: Request) -> Response:
    """Read, change or withdraw a registration for whoever has its token."""

    def handler(visit: Visit, body: bytes) -> Response:
        who = (
            visit.runtime,
            visit.visitor,
            visit.path_params["env"],
            visit.path_params["client_id"],
            _bearer(visit),
        )
        if visit.method == "DELETE":
            registered_apps.withdraw(*who)
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return json_answer(registered_apps.change(*who, body) if visit.method == "PUT" else registered_apps.read(*who))

    return await _taken(request, handler)


def _bearer(visit: Visit) -> str:
    token = bearer_token(visit.authorization)
    if not token:
        raise TokenMissing("no token")
    return token


async def _taken(request: Request, handler: Callable[[Visit, bytes], Response]) -> Response:
    if any(has_unsafe_characters(str(part)) for part in request.path_params.values()):
        return json_answer({"error": "not_found"}, 404)
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return json_answer({"error": "invalid_client_metadata", "error_description": "Too long."}, 413)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    return await in_thread(answered, lambda visit: handler(visit, body), read_head(request))


ROUTES: Final = [
    MachineRoute("/e/{env}/oauth2/register", register, methods=["POST", "OPTIONS"]),
    MachineRoute("/e/{env}/oauth2/register/{client_id}", manage, methods=["GET", "PUT", "DELETE"]),
]
