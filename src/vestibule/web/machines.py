"""Doors for programs: JSON in OAuth's words whatever happens, open to scripts of any site where that is safe, never cached."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy, NotFound, Throttled
from vestibule.kernel.secrets import new_reference
from vestibule.kernel.text import has_unsafe_characters
from vestibule.oidc.errors import InvalidClient, InvalidToken, OAuthError, RegistrationClosed, TokenMissing
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_visit

# No credentials: what these answer depends on what the request itself brings, never on a cookie.
_CORS: Final = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT: Final = {
    **_CORS,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version",
    "Access-Control-Max-Age": "600",
}
log = structlog.get_logger()

Handler = Callable[[Visit], Response]


class MachineRoute(Route):
    """A route for programs, which answers a method that it has not in their words, too."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say which methods there are (RFC 9110, 15.5.6)."""
        methods = self.methods or set()
        if scope["method"] in methods:
            await super().handle(scope, receive, send)
            return
        body = {"error": "invalid_request", "error_description": "This address takes other methods, which Allow names."}
        await json_answer(body, 405, {"Allow": ", ".join(sorted(methods))})(scope, receive, send)


def machine(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for programs; a refusal becomes its JSON, anything unexpected a 500 with a reference code."""

    async def endpoint(request: Request) -> Response:
        if request.method == "OPTIONS":
            return preflight()
        if any(has_unsafe_characters(str(part)) for part in request.path_params.values()):
            return json_answer({"error": "not_found"}, 404)
        try:
            visit = await read_visit(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except HTTPException as error:
            return json_answer({"error": "invalid_request", "error_description": "Send a form."}, error.status_code)
        return await in_thread(answered, handler, visit)

    endpoint.__name__ = handler.__name__
    return endpoint


def preflight() -> Response:
    """Return what lets a script of any site ask."""
    return Response(status_code=204, headers=_PREFLIGHT)


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON that no cache keeps, unless `headers` say otherwise (RFC 6749, 5.1)."""
    content = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, {"Cache-Control": "no-store", **_CORS, **(headers or {})}, "application/json")


def answered(handler: Handler, visit: Visit) -> Response:
    """Return what a handler answers, or its refusal in OAuth's words."""
    try:
        return handler(visit)
    except OAuthError as error:
        log.info("oauth request refused", code=error.code, reason=error.reason)
        return json_answer(error.body(), error.status, _challenge(error))
    except Throttled as error:
        headers = {"Retry-After": str(error.retry_after_seconds)}
        return json_answer({"error": "slow_down", "error_description": "Too many attempts."}, 429, headers)
    except NotFound:
        return json_answer({"error": "not_found"}, 404)
    except (AlreadyTaken, DatabaseBusy) as error:
        # What the request rests on went away while it was on its way: whoever asks again is told how things stand.
        log.warning("not now", code=error.code, reason=error.reason)
        return json_answer({"error": "temporarily_unavailable"}, 503, {"Retry-After": "1"})
    except Exception:
        reference = new_reference()
        log.exception("unexpected error", reference=reference)
        return json_answer({"error": "server_error", "error_description": f"Reference {reference}."}, 500)


def _challenge(error: OAuthError) -> dict[str, str]:
    if isinstance(error, InvalidClient):
        return {"WWW-Authenticate": 'Basic realm="Vestibule"'}  # RFC 6749, 5.2
    if isinstance(error, TokenMissing):
        return {"WWW-Authenticate": 'Bearer realm="Vestibule"'}  # RFC 6750, 3.1
    if isinstance(error, InvalidToken | RegistrationClosed) or error.status == 403:
        return {"WWW-Authenticate": f'Bearer error="{error.error}", error_description="{error.public}"'}
    return {}
