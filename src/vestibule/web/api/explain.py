"""`GET /api/v1/explain`: may this person use this app in this environment, and why or why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.routing import Route

from vestibule.directory.api_clients import ApiClient, Scope
from vestibule.directory.entry import Condition
from vestibule.flows import explaining
from vestibule.web.api.endpoints import Door, Endpoint, Parameter
from vestibule.web.conditions import CONDITIONS
from vestibule.web.visits import Visit


def explain(visit: Visit, client: ApiClient, values: Mapping[str, str]) -> Mapping[str, Any]:
    """Answer with every condition that was looked at, in order."""
    found = explaining.explain_to_client(visit.runtime, client, values["environment"], values["user"], values["app"])
    reasons = [
        {
            "code": one.condition.value,
            "holds": one.holds,
            "sentence": visit.gettext(CONDITIONS[one.condition][0 if one.holds else 1]),
        }
        for one in found.decision.reasons
    ]
    return {
        "allowed": found.decision.allowed,
        "refused_by": found.decision.refused_by,
        "reasons": reasons,
        "user": {"id": found.person.id, "email": found.person.email},
        "app": {"id": found.app.id, "name": found.app.name},
        "environment": {"id": found.environment.id, "key": found.environment.key},
        "groups": [{"id": group.id, "name": group.name} for group in found.through],
        "connections": [{"id": one.id, "name": one.idp.name} for one in found.ways],
    }


_TEXT: Final = {"type": "string"}


def _named(*names: str) -> dict[str, Any]:
    return {"type": "object", "required": list(names), "properties": dict.fromkeys(names, _TEXT)}


_CODE: Final = {"type": "string", "enum": [one.value for one in Condition]}
_REASON: Final = {
    "type": "object",
    "required": ["code", "holds", "sentence"],
    "properties": {"code": _CODE, "holds": {"type": "boolean"}, "sentence": _TEXT},
}
_PARTS: Final[Mapping[str, Any]] = {
    "allowed": {"type": "boolean", "description": "Whether every reason holds."},
    "refused_by": {"type": ["string", "null"], "description": "The code of the first reason that does not hold."},
    "reasons": {"type": "array", "items": _REASON, "description": "What was looked at, in order."},
    "user": _named("id", "email"),
    "app": _named("id", "name"),
    "environment": _named("id", "key"),
    "groups": {"type": "array", "items": _named("id", "name"), "description": "Through which groups they may use it."},
    "connections": {"type": "array", "items": _named("id", "name"), "description": "Which sign this person in."},
}
ENDPOINTS: Final = (
    Endpoint(
        path="/api/v1/explain",
        summary="May this person use this app, and why or why not?",
        description="The answer comes from the same function that lets people in, as the console’s Explain does.",
        scope=Scope.EXPLAIN_READ,
        parameters=(
            Parameter("environment", "The key of the environment.", "prod", 40),
            Parameter("user", "The id or the e-mail address of an end user.", "maya@acme.example"),
            Parameter("app", "The id of an app of that environment.", "app_01jd8w4tq5h2k9m3n7p6r8s0v1", 40),
        ),
        answer={"type": "object", "required": list(_PARTS), "properties": _PARTS},
        handler=explain,
    ),
)
ROUTES = [Route(one.path, Door(one)) for one in ENDPOINTS]
