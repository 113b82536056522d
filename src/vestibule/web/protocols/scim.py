"""The SCIM endpoints of a connection (RFC 7644): reads the request, calls one flow, answers in JSON. Every error is a SCIM Error body."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vestibule.directory.scim import Caller, base_url
from vestibule.flows import scim
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.scim_answers import Answer
from vestibule.flows.parts.scim_changes import BUSY_SECONDS, Change
from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy
from vestibule.kernel.secrets import new_reference
from vestibule.kernel.text import has_unsafe_characters
from vestibule.scim.errors import (
    InvalidSyntax,
    MethodNotAllowed,
    NotAllowed,
    NotImplementedHere,
    PayloadTooLarge,
    ResourceNotFound,
    ScimError,
    Unavailable,
    UnsupportedMediaType,
)
from vestibule.scim.queries import parameters_of_search
from vestibule.scim.rendering import list_response
from vestibule.scim.schemas import (
    MAX_PAYLOAD_BYTES,
    RESOURCE_TYPES,
    SCHEMAS,
    resource_type_document,
    schema_document,
    service_provider_config,
)
from vestibule.web.threads import in_thread

MEDIA_TYPE: Final = "application/scim+json"
_JSON: Final = frozenset({"", MEDIA_TYPE, "application/json", "text/json"})
_PARAMETERS: Final = {
    name.lower(): name
    for name in (
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
        "attributes",
        "excludedAttributes",
    )
}
_MAX_FIELDS: Final = 100
_LOOKS: Final = ("GET", "HEAD")
_RESOURCES: Final = frozenset({"Users", "Groups"})
# In any case: Microsoft's own tests ask for /users.
_ENDPOINTS: Final = {
    name.lower(): name
    for name in (*_RESOURCES, "ServiceProviderConfig", "Schemas", "ResourceTypes", "Bulk", "Me", ".search")
}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came: all of it untrusted, the body as bytes."""

    runtime: Runtime
    visitor: Visitor
    connection_id: str
    method: str
    parts: tuple[str, ...]
    parameters: Mapping[str, str]
    authorization: str
    content_type: str
    if_match: str | None
    if_none_match: str | None
    body: bytes

    @property
    def path(self) -> str:
        """Return the path below the base URL."""
        return "/" + "/".join(self.parts)

    @property
    def looks(self) -> bool:
        """Say whether the request looks at a list, or at one user: such a look finds who calls by itself."""
        if self.method not in _LOOKS or not self.parts:
            return False
        alone = len(self.parts) == 1 and self.parts[0].lower() in {"users", "groups"}
        return alone or (len(self.parts) == 2 and self.parts[0].lower() == "users" and self.parts[1] != ".search")

    def json(self) -> Any:
        """Return the body. Raises UnsupportedMediaType, InvalidSyntax."""
        if self.content_type not in _JSON:
            raise UnsupportedMediaType(f"The body is {self.content_type}, not JSON.")
        try:
            return json.loads(self.body.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidSyntax("The body is no JSON.") from error


class ScimEndpoint:
    """Takes every request below a connection's base URL, whatever its method: what there is none for is answered in SCIM's words."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            call = await _read(request)
        except ClientDisconnect:
            return
        except ScimError as error:
            response = _refused(error)
        else:
            response = await in_thread(answer, call)
        await response(scope, receive, send)


def answer(call: Call) -> Response:
    """Answer one request. A refusal becomes its Error body, and anything unexpected a 500 with a reference code."""
    try:
        if call.looks:
            return _rendered(_looked(call))
        directory = (call.connection_id, call.authorization)
        caller = scim.authenticate(call.runtime, call.visitor, directory, call.method, call.path)
        return _rendered(_answered(call, caller))
    except ScimError as error:
        return _refused(error)
    except (AlreadyTaken, DatabaseBusy) as error:
        # The former: the connection was deleted while the request was on its way, so that nothing can be put on its record either.
        said = error if isinstance(error, DatabaseBusy) else DatabaseBusy()
        return _refused(Unavailable(str(said), BUSY_SECONDS))
    except RecursionError:
        return _refused(InvalidSyntax("The body is nested too deeply."))
    except Exception:
        reference = new_reference()
        log.exception("unexpected error", reference=reference)
        return _json({**Unavailable(f"Something went wrong on our side ({reference}).").body(), "status": "500"}, 500)


def _looked(call: Call) -> Answer:
    tools = (call.runtime, call.visitor, (call.connection_id, call.authorization))
    if len(call.parts) == 1:
        return scim.list_found(*tools, _ENDPOINTS[call.parts[0].lower()], call.parameters)
    return scim.look_up_user(*tools, call.parts[1], call.parameters, call.if_none_match)


def _answered(call: Call, caller: Caller) -> Answer:
    """Answer a directory that is known. What is refused here at the door, such as a wrong path, is on its record as well."""
    try:
        return _dispatch(call, caller)
    except ScimError as error:
        if not error.on_record:
            scim.note_refusal(call.runtime, call.visitor, caller, call.method, call.path, error)
        raise


def _dispatch(call: Call, caller: Caller) -> Answer:
    first = _ENDPOINTS.get(call.parts[0].lower(), "") if call.parts else ""
    if first in _RESOURCES:
        return _resources(call, caller, first)
    documents = {"ServiceProviderConfig": _config, "Schemas": _schemas, "ResourceTypes": _resource_types}
    if first in documents:
        if call.method not in _LOOKS:
            raise MethodNotAllowed(f"{first} can be read only.", *_LOOKS)
        if "filter" in call.parameters:
            # RFC 7644, 4: filters on discovery endpoints are refused with 403.
            raise NotAllowed(f"{first} can’t be filtered.")
        found = documents[first](base_url(call.runtime.public_url, caller.connection_id), call.parts[1:])
        scim.note_look(call.runtime, call.visitor, caller, call.path)
        return found
    if first == "Bulk" and len(call.parts) == 1:
        if call.method != "POST":
            raise MethodNotAllowed("Bulk takes POST.", "POST")
        return scim.change_many(call.runtime, call.visitor, caller, call.json())
    if first == "Me":
        raise NotImplementedHere("A bearer token is a directory’s, not a person’s: there is no /Me.")
    if first == ".search" and len(call.parts) == 1:
        if call.method != "POST":
            raise MethodNotAllowed(".search takes POST.", "POST")
        return scim.search_everything(call.runtime, call.visitor, caller, parameters_of_search(call.json()))
    raise ResourceNotFound("There is no such endpoint.")


def _resources(call: Call, caller: Caller, endpoint: str) -> Answer:
    rest = call.parts[1:]
    tools = (call.runtime, call.visitor, caller)
    if len(rest) > 1:
        raise ResourceNotFound("There is no such endpoint.")
    if rest == (".search",):
        if call.method != "POST":
            raise MethodNotAllowed(".search takes POST.", "POST")
        return scim.list_resources(*tools, endpoint, parameters_of_search(call.json()))
    if rest and call.method in _LOOKS:
        return scim.look_up_group(*tools, rest[0], call.parameters, call.if_none_match)
    allowed = ("PUT", "PATCH", "DELETE") if rest else ("POST",)
    if call.method not in allowed:
        raise MethodNotAllowed(f"{call.method} is not for /{endpoint}{'/{id}' if rest else ''}.", *_LOOKS, *allowed)
    body = None if call.method == "DELETE" else call.json()
    asked = Change(call.method, endpoint, rest[0] if rest else None, body, call.parameters, call.if_match)
    return scim.change(*tools, asked)


def _config(base: str, rest: tuple[str, ...]) -> Answer:
    if rest:
        raise ResourceNotFound("There is no such endpoint.")
    return Answer(200, service_provider_config(base))


def _schemas(base: str, rest: tuple[str, ...]) -> Answer:
    return _documents([schema_document(one, base) for one in SCHEMAS], rest)


def _resource_types(base: str, rest: tuple[str, ...]) -> Answer:
    return _documents([resource_type_document(one, base) for one in RESOURCE_TYPES], rest)


def _documents(found: list[dict[str, Any]], rest: tuple[str, ...]) -> Answer:
    if not rest:
        return Answer(200, list_response(found, len(found), 1))
    for document in found:
        if rest == (document["id"],):
            return Answer(200, document)
    raise ResourceNotFound("There is no such document.")


async def _read(request: Request) -> Call:
    scope = request.scope
    path, state = scope["path_params"], scope["state"]
    # Of a header that came twice the first counts.
    said = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
    parts = tuple(part for part in path.get("rest", "").split("/") if part)
    if any(has_unsafe_characters(part) for part in parts):
        raise ResourceNotFound("There is no such endpoint.")
    return Call(
        runtime=scope["app"].state.site.runtime,
        visitor=Visitor(state["client_address"], said.get(b"user-agent", "")[:500], state["request_id"]),
        connection_id=path["connection_id"],
        method=scope["method"],
        parts=parts,
        parameters=_parameters(scope["query_string"]),
        authorization=said.get(b"authorization", ""),
        content_type=said.get(b"content-type", "").partition(";")[0].strip().lower(),
        if_match=said.get(b"if-match"),
        if_none_match=said.get(b"if-none-match"),
        body=await _read_body(request),
    )


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_PAYLOAD_BYTES:
                raise PayloadTooLarge(f"The body has more than {MAX_PAYLOAD_BYTES} bytes.")
    except HTTPException as error:
        if error.status_code == 413:
            raise PayloadTooLarge(f"The body has more than {MAX_PAYLOAD_BYTES} bytes.") from error
        raise InvalidSyntax("The body did not arrive in time.") from error
    return bytes(body)


def _parameters(raw: bytes) -> dict[str, str]:
    """Return the parameters that we know, names in any case; what else stands behind the base URL (Entra's flags) is passed over."""
    # Whoever writes a space as %20 means + where they write it, as in an address; in a form's spelling it would be the space.
    raw = raw.replace(b"+", b"%2B") if b"%20" in raw else raw
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in pairs:
        known = _PARAMETERS.get(name.lower())
        if known is not None:
            found.setdefault(known, value.replace("\0", ""))
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _rendered(found: Answer) -> Response:
    if found.body is None:
        return Response(status_code=found.status, headers=dict(found.headers))
    return _json(found.body, found.status, found.headers)


def _refused(error: ScimError) -> Response:
    headers: dict[str, str] = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="SCIM"'
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return _json(error.body(), error.status, headers)


def _json(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    # Surrogates can come from a client's own words in a detail; they are no UTF-8.
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(content, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


_ENDPOINT: Final[Callable[..., Any]] = ScimEndpoint()
ROUTES = [
    Route("/scim/{connection_id}/v2", _ENDPOINT),
    Route("/scim/{connection_id}/v2/{rest:path}", _ENDPOINT),
]
