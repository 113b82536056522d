"""The API described: `/api/openapi.json` (OpenAPI 3.1), from the table of endpoints. Open to everybody, as the source is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import vestibule
from vestibule.web.api import explain
from vestibule.web.api.endpoints import PROBLEM_TYPE, Endpoint, json_response

ENDPOINTS: Final = explain.ENDPOINTS
_REFUSALS: Final = {
    401: "No token, or none that works.",
    403: "The API client lacks the scope.",
    404: "It does not exist, or is out of the client’s reach.",
    405: "It can be read only; `Allow` says how.",
    422: "Parameters are wrong; `errors` says which.",
    429: "Too many refused tokens from this address; `Retry-After` says when to ask again.",
    500: "Something went wrong; the sentence has a code for the operator.",
    503: "The database does not answer in time; `Retry-After` says when to ask again.",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says what kind it is."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status, again."},
        "detail": {"type": "string", "description": "What is wrong, in a sentence."},
        "errors": {
            "type": "array",
            "description": "With 422: everything that is wrong, part by part.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "The parameter, or `query` for one that is not known."},
                    "detail": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
    },
}


def openapi(public_url: str, endpoints: Iterable[Endpoint] = ENDPOINTS) -> dict[str, Any]:
    """Return the description of these endpoints (OpenAPI 3.1.0)."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vestibule", "version": vestibule.__version__},
        "servers": [{"url": public_url}],
        "security": [{"api_client": []}],
        "paths": {one.path: {"get": _operation(one)} for one in endpoints},
        "components": {
            "securitySchemes": {"api_client": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    data = {**one.answer, "description": "What was asked for."}
    answer = {"type": "object", "required": ["data"], "properties": {"data": data}}
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"{one.description} Needs the scope `{one.scope.value}`.",
        "parameters": [
            {
                "name": each.name,
                "in": "query",
                "required": True,
                "description": each.description,
                "example": each.example,
                "schema": {"type": "string", "minLength": 1, "maxLength": each.max_length},
            }
            for each in one.parameters
        ],
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": answer, "example": {"data": one.example}}},
            },
            **{str(status): {"description": said, "content": problem} for status, said in _REFUSALS.items()},
        },
    }


async def document(request: Request) -> Response:
    """Return the description for programs."""
    return json_response(openapi(request.app.state.site.runtime.public_url))


ROUTES = [Route("/api/openapi.json", document, methods=["GET"])]
