"""What an endpoint of the API is, and the one table from error to problem document (RFC 9457). Holds no endpoint itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from vestibule.directory.api_clients import ApiClient, Scope, ScopeMissing, TokenMissing, TokenRefused
from vestibule.flows import api_clients
from vestibule.kernel.errors import DatabaseBusy, FieldError, Invalid, NotFound, Throttled, VestibuleError
from vestibule.kernel.secrets import new_reference
from vestibule.kernel.text import N_, has_unsafe_characters
from vestibule.web.problems import status_of
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_head

PROBLEM_TYPE: Final = "application/problem+json"
TITLES: Final[Mapping[int, str]] = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    422: "Something needs a correction",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "The server is busy",
}
_NOT_FOUND: Final = "This does not exist, or is out of the reach of this API client."
_MOST_FIELDS: Final = 50
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of the query, which has to be there once."""

    name: str
    description: str
    example: str
    max_length: int = 300


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One GET of the API: what serves it and what describes it are this one thing.

    `answer` is a JSON Schema of `data`, and `example` a `data` as it may come.
    """

    path: str
    summary: str
    description: str
    scope: Scope
    parameters: tuple[Parameter, ...]
    answer: Mapping[str, Any]
    example: Mapping[str, Any]
    handler: Callable[[Visit, ApiClient, Mapping[str, str]], Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Return a name for generated clients."""
        return self.handler.__name__


class Door:
    """Serves an endpoint, whatever the method: what there is none for is answered as a problem document too."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one request. A body is not read."""
        visit = read_head(Request(scope, receive))
        response = await in_thread(_answered, self.endpoint, visit)
        await response(scope, receive, send)


def parse_parameters(raw: bytes, expected: tuple[Parameter, ...]) -> dict[str, str]:
    """Return an untrusted query's values by name. Raises Invalid, with a FieldError for every one that is wrong."""
    found: dict[str, list[bytes]] = {}
    for pair in [one for one in raw.split(b"&", _MOST_FIELDS) if one]:
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        found.setdefault(unquote_to_bytes(name).decode("utf-8", "replace"), []).append(unquote_to_bytes(value))
    values: dict[str, str] = {}
    errors: list[FieldError] = []
    for one in expected:
        try:
            values[one.name] = _value(one, found.pop(one.name, []))
        except FieldError as error:
            errors.append(error)
    if found:
        # Not named: what a stranger sent does not come back.
        errors.append(FieldError("query", N_("There is a parameter that this endpoint does not know.")))
    if errors:
        raise Invalid(*errors)
    return values


def _value(parameter: Parameter, sent: list[bytes]) -> str:
    if len(sent) != 1:
        raise FieldError(parameter.name, N_("Send this once.") if sent else N_("This is missing."))
    try:
        text = sent[0].decode()
    except UnicodeDecodeError as error:
        raise FieldError(parameter.name, N_("This is not UTF-8.")) from error
    if not text.strip():
        raise FieldError(parameter.name, N_("This is missing."))
    if len(text) > parameter.max_length:
        raise FieldError(parameter.name, N_("This is too long."))
    if has_unsafe_characters(text):
        raise FieldError(parameter.name, N_("This has characters that can’t be used here."))
    return text.strip()


def _answered(endpoint: Endpoint, visit: Visit) -> Response:
    try:
        # First of all who asks: strangers learn nothing of what there is.
        client = api_clients.authenticate(visit.runtime, visit.visitor, visit.authorization)
        if visit.method not in {"GET", "HEAD"}:
            return problem(405, "This can be read only.", headers={"Allow": "GET, HEAD"})
        client.require(endpoint.scope)
        values = parse_parameters(visit.raw_query, endpoint.parameters)
        return json_response({"data": endpoint.handler(visit, client, values)})
    except VestibuleError as error:
        return _refused(visit, error)
    except Exception:
        reference = new_reference()
        log.exception("unexpected error", reference=reference)
        return problem(500, f"Nothing was changed. Tell your operator this code: {reference}.")


def _refused(visit: Visit, error: VestibuleError) -> Response:
    """Return the problem document of a refusal. The private reason goes to the log, which never has a token in it."""
    status = 401 if isinstance(error, TokenRefused) else status_of(error)
    level = logging.ERROR if status >= 500 else logging.INFO
    log.log(level, "api request refused", code=error.code, reason=error.reason, status=status)
    if isinstance(error, NotFound):
        return problem(404, _NOT_FOUND)
    if isinstance(error, Invalid):
        errors = [{"field": one.field, "detail": visit.gettext(one.message, **one.params)} for one in error.errors]
        return problem(422, visit.gettext(error.public), errors=errors)
    headers: dict[str, str] = {}
    if isinstance(error, TokenRefused):
        # RFC 6750, 3.1: who brought no bearer token at all reads no error code.
        code = "" if isinstance(error, TokenMissing) else ', error="invalid_token"'
        headers["WWW-Authenticate"] = f'Bearer realm="Vestibule"{code}'
    if isinstance(error, ScopeMissing):
        scope = error.params["scope"]
        headers["WWW-Authenticate"] = f'Bearer realm="Vestibule", error="insufficient_scope", scope="{scope}"'
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, DatabaseBusy):
        headers["Retry-After"] = "1"
    return problem(status, visit.gettext(error.public, **error.params), headers=headers)


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> Response:
    """Return a problem document (RFC 9457). Its type is `about:blank`: the status says what kind it is."""
    body = {"type": "about:blank", "title": TITLES.get(status, "Refused"), "status": status, "detail": detail}
    return json_response({**body, **members}, status, headers, PROBLEM_TYPE)


def json_response(
    body: Any, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = "application/json"
) -> Response:
    """Return JSON that no cache keeps."""
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, media_type)
