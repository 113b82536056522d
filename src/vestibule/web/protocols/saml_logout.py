"""The Single logout URL of a connection: logout messages of the identity provider, by HTTP-Redirect and HTTP-POST."""

from __future__ import annotations

from typing import Final, Literal

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import saml_sign_in, single_logout
from vestibule.flows.parts.sending import Sent
from vestibule.flows.single_logout import Brought, LogoutRefused, SignedOut
from vestibule.kernel.text import N_
from vestibule.web.doors import browser_of, open_door
from vestibule.web.entrance import answering_page, going_page, place_page, sign_in_path
from vestibule.web.pages import redirect
from vestibule.web.problems import problem_page
from vestibule.web.protocols.saml import posted
from vestibule.web.visits import Visit

_KINDS: Final[tuple[Literal["SAMLRequest", "SAMLResponse"], ...]] = ("SAMLRequest", "SAMLResponse")
log = structlog.get_logger()


async def slo_endpoint(request: Request) -> Response:
    """Take a logout message by POST."""
    return await posted(request, slo_by_post)


def slo_by_post(visit: Visit) -> Response:
    """Take a logout message out of a form (saml-bindings-2.0-os 3.5)."""
    found = [(kind, value) for kind in _KINDS for value in visit.form.all(kind)]
    relay_states = visit.form.all("RelayState")
    if len(found) != 1 or len(relay_states) > 1:
        # Two could be read differently by whatever stands before us.
        raise HTTPException(400)
    kind, posted = found[0]
    return _taken(visit, Brought(kind, posted, relay_states[0] if relay_states else None, None, browser_of(visit)))


def slo_by_get(visit: Visit) -> Response:
    """Take a logout message out of the query, whose octets count as they came (saml-bindings-2.0-os 3.4)."""
    if not any(visit.query.has(name) for name in (*_KINDS, "Signature")):
        key = saml_sign_in.environment_of(visit.runtime, visit.path_params["connection_id"])
        sentence = visit.gettext(
            N_("This address is for identity providers to sign people out. Start at the sign-in page.")
        )
        return problem_page(visit, 400, sentence, home=sign_in_path(key) if key else "")
    return _taken(visit, Brought("SAMLRequest", "", None, visit.raw_query, browser_of(visit)))


def _taken(visit: Visit, brought: Brought) -> Response:
    try:
        done = single_logout.take(visit.runtime, visit.visitor, visit.path_params["connection_id"], brought)
    except LogoutRefused as refused:
        return _refused_page(visit, refused)
    if isinstance(done, Sent):
        if not done.fields:
            return redirect(done.url)
        return answering_page(visit, done)
    if done.back is not None and done.there:
        return going_page(visit, done.place, done.back.app_name, done.back.url, lead=_ended_lead(visit, done))
    return place_page(visit, "portal/signed_out.html", done.place, done=done)


def _ended_lead(visit: Visit, done: SignedOut) -> str:
    return visit.gettext(N_("Your session has ended here and at %(name)s."), name=done.idp_name)


def _refused_page(visit: Visit, refused: LogoutRefused) -> Response:
    log.info(
        "logout message refused",
        code=refused.cause.code,
        reference=refused.reference,
        environment=refused.place.environment.key,
        reason=refused.cause.reason,
    )
    return place_page(
        visit,
        "portal/logout_refused.html",
        refused.place,
        status=400 if refused.cause.check == "message" else 403,
        reference=refused.reference,
        ended=refused.after_the_end,
        answered=visit.query.has("SAMLResponse") or visit.form.has("SAMLResponse"),
    )


ROUTES = [
    Route("/saml/{connection_id}/slo", slo_endpoint, methods=["POST"]),
    Route("/saml/{connection_id}/slo", open_door(slo_by_get), methods=["GET"]),
]
