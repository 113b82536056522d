"""The registration endpoint of an environment: JSON in, JSON out (RFC 7591, 3)."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import registration
from vestibule.kernel.text import has_unsafe_characters
from vestibule.oidc.registration import MAX_BODY_BYTES
from vestibule.web.machines import answered, json_answer, preflight
from vestibule.web.visits import Visit, read_head


async def register(request: Request) -> Response:
    """Take a registration. Its body is no form, so it is read here, and bounded."""
    if request.method == "OPTIONS":
        return preflight()
    if has_unsafe_characters(str(request.path_params["env"])):
        return json_answer({"error": "not_found"}, 404)
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return json_answer({"error": "invalid_client_metadata", "error_description": "Too long."}, 413)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it

    def handler(visit: Visit) -> Response:
        scheme, _, token = visit.authorization.partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        found = registration.register(visit.runtime, visit.visitor, visit.path_params["env"], bearer, body)
        return json_answer(found.body, 201)

    return await run_in_threadpool(answered, handler, read_head(request))


ROUTES: Final = [Route("/e/{env}/oauth2/register", register, methods=["POST", "OPTIONS"])]
