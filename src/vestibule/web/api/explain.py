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


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_NAMED: Final = _object(id=_text("Its id."), name=_text("Its name."))
_REASON: Final = _object(
    code=_text("The condition.", enum=[one.value for one in Condition]),
    holds={"type": "boolean", "description": "Whether it holds."},
    sentence=_text("The same in words, in a language that the request accepts."),
)
_ANSWER: Final = _object(
    allowed={"type": "boolean", "description": "Whether every condition holds: they get in."},
    refused_by={"type": ["string", "null"], "description": "The code of the first condition that does not hold."},
    reasons={"type": "array", "items": _REASON, "description": "The conditions that were looked at, in order."},
    user={**_object(id=_text("Their id."), email=_text("Their e-mail address.")), "description": "The end user."},
    app={**_NAMED, "description": "The app."},
    environment={**_object(id=_text("Its id."), key=_text("Its key.")), "description": "The environment."},
    groups={"type": "array", "items": _NAMED, "description": "Through which groups they may use it."},
    connections={"type": "array", "items": _NAMED, "description": "Which connections sign this person in."},
)
_LOOKED_AT: Final = (Condition.PERSON_ACTIVE, Condition.ENVIRONMENT_ACCESS, Condition.APP_ENABLED, Condition.APP_GROUPS)
_EXAMPLE: Final[Mapping[str, Any]] = {
    "allowed": False,
    "refused_by": Condition.APP_GROUPS.value,
    "reasons": [
        {"code": one.value, "holds": holds, "sentence": CONDITIONS[one][0 if holds else 1]}
        for one, holds in ((each, each is not Condition.APP_GROUPS) for each in _LOOKED_AT)
    ],
    "user": {"id": "usr_01jd8w2k7m4r6t8v0x1z3b5d7f", "email": "maya@acme.example"},
    "app": {"id": "app_01jd8w4tq5h2k9m3n7p6r8s0v1", "name": "Payroll"},
    "environment": {"id": "env_01jd8vzx3c5f7h9k1m3p5r7t9w", "key": "prod"},
    "groups": [],
    "connections": [{"id": "con_01jd8w0b2d4f6h8k0m2p4r6t8v", "name": "Okta"}],
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
        answer=_ANSWER,
        example=_EXAMPLE,
        handler=explain,
    ),
)
ROUTES = [Route(one.path, Door(one)) for one in ENDPOINTS]
