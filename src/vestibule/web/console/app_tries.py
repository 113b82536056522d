"""Try it: sending the admin's browser through an app's sign-in, taking the answer in the app's place, and the page of what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.app_tries import TryResult
from vestibule.directory.entry import Reason
from vestibule.flows import app_tries, forward_auth_tries
from vestibule.flows.parts.trying import TRY_PATH
from vestibule.kernel.secrets import new_token
from vestibule.kernel.text import N_
from vestibule.web.conditions import CONDITIONS
from vestibule.web.doors import browser_of, console, remember_browser
from vestibule.web.entrance import home_of, session_token
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

# What each claim means to an app (OpenID Connect Core 2 and 5.1, and ours).
CLAIMS: Final[Mapping[str, str]] = {
    "sub": N_(
        "The person, by an identifier that never changes and that only this app’s sector gets. Keep accounts by it."
    ),
    "email": N_("Their e-mail address. It can change: no key for accounts."),
    "email_verified": N_("The address comes from an admin, a directory or an identity provider, not from the person."),
    "name": N_("Their full name."),
    "groups": N_("Their groups in this environment, as far as this app is told of them."),
    "environment": N_("The environment that they are in."),
    "iss": N_("Who says all this. The app compares it with the issuer that it was set up with."),
    "aud": N_("Whom it is said to: the client ID."),
    "iat": N_("When it was said."),
    "exp": N_("Until when it may be believed. It says nothing about how long the app’s own session lasts."),
    "auth_time": N_("When the person signed in."),
    "amr": N_("How they signed in: “fed” through an identity provider, “pwd” with a password."),
    "acr": N_("What their identity provider says of how strongly they signed in."),
    "sid": N_("The session that they are in, which back-channel logout names when it ends."),
    "nonce": N_("The app’s own value from its request: this answer belongs to that request."),
    "at_hash": N_("Binds the access token to this ID token."),
}
CHECKS: Final[Mapping[str, str]] = {
    "state": N_("The answer has the state of the request."),
    "iss": N_("The answer says whose it is (RFC 9207)."),
    "id_token": N_("The ID token is signed with a published key, by this issuer, for this app, and has not ended."),
    "nonce": N_("The ID token has the nonce of the request."),
    "at_hash": N_("The access token belongs to the ID token."),
    "sub": N_("Userinfo speaks of the same person."),
}
_INSTANTS: Final = frozenset({"iat", "exp", "auth_time"})


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it is shown: its value as text or as an instant, and what it means."""

    name: str
    value: str
    instant: datetime | None
    meaning: str


def begin(visit: Visit) -> Response:
    """Send the browser to sign in for the app."""
    known = browser_of(visit)
    browser = known or new_token()
    app_id = visit.path_params["app_id"]
    path = app_tries.begin_try(
        visit.runtime, visit.admin, app_id, browser, as_somebody_else=visit.form.get("as") == "somebody_else"
    )
    response = redirect(path)
    if not known:
        remember_browser(response, visit, browser)
    return response


def come_back(visit: Visit) -> Response:
    """Take what came back for the app, and go on to the page that says it: a code is used up, and not left in the address."""
    answered = visit.query.fields
    begun, environment_key = app_tries.try_of(visit.runtime, visit.admin, answered)
    token = session_token(visit, environment_key)
    app_tries.finish_try(visit.runtime, visit.admin, begun, answered, token)
    return redirect(f"/admin/apps/{begun.app_id}/tries/{begun.id}")


def page(visit: Visit) -> Response:
    """Show what came of a try."""
    app_id, try_id = visit.path_params["app_id"], visit.path_params["try_id"]
    shown = app_tries.show_try(visit.runtime, visit.admin, app_id, try_id)
    result = shown.result
    return render(
        visit,
        "console/app_try.html",
        binding=visit.admin.session_id,
        shown=shown,
        result=result,
        here=f"/admin/apps/{shown.app.id}",
        home=home_of(shown.place.environment.key),
        checks=[(visit.gettext(CHECKS[name]), holds) for name, holds in result.checks],
        reasons=_reasons(visit, result.reasons),
        id_token=_claims(visit, result.id_token),
        userinfo=_claims(visit, result.userinfo),
        steps=_steps(visit, result),
    )


def headers_page(visit: Visit) -> Response:
    """Show what a proxy would be told of whoever is signed in to the environment in this browser."""
    app, environment = forward_auth_tries.environment_of_app(visit.runtime, visit.admin, visit.path_params["app_id"])
    token = session_token(visit, environment.key)
    shown = forward_auth_tries.headers_for(visit.runtime, visit.admin, app, environment, token)
    return render(
        visit,
        "console/app_headers.html",
        binding=visit.admin.session_id,
        shown=shown,
        here=f"/admin/apps/{app.id}",
        home=home_of(environment.key),
        reasons=_reasons(visit, shown.decision.reasons if shown.decision else ()),
        claims=_claims(visit, shown.claims),
    )


def _reasons(visit: Visit, reasons: Iterable[Reason]) -> list[tuple[str, bool]]:
    return [(visit.gettext(CONDITIONS[one.condition][0 if one.holds else 1]), one.holds) for one in reasons]


def _claims(visit: Visit, claims: Mapping[str, Any]) -> list[Claim]:
    return [
        Claim(
            name,
            _text(value),
            datetime.fromtimestamp(value, UTC) if name in _INSTANTS else None,
            visit.gettext(CLAIMS[name]) if name in CLAIMS else "",
        )
        for name, value in claims.items()
    ]


def _steps(visit: Visit, result: TryResult) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each step that was gone, with what was said in it."""
    said = (
        (N_("The app asks, and the browser goes to sign in"), result.request),
        (N_("The browser comes back to the app with"), result.answer),
        (N_("The app asks the token endpoint"), result.token_request),
        (N_("The token endpoint answers"), result.token_answer),
        (N_("The ID token’s header"), result.id_token_header),
    )
    return [(visit.gettext(title), [(name, _text(one)) for name, one in step.items()]) for title, step in said if step]


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_ONE: Final = "/admin/apps/{app_id}"
ROUTES: Final = [
    Route(TRY_PATH, console(come_back), methods=["GET"]),
    Route(f"{_ONE}/headers", console(headers_page), methods=["GET"]),
    Route(f"{_ONE}/try", console(begin), methods=["POST"]),
    Route(f"{_ONE}/tries/{{try_id}}", console(page), methods=["GET"]),
]
