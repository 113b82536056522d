"""The SAML endpoints of a connection: metadata, and the Single sign-on URL (ACS) to which the identity provider posts."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive

from vestibule.flows import saml_sign_in, sign_in_tests, sp_metadata
from vestibule.flows.parts.entering import Entered
from vestibule.flows.parts.refusing import SignInRefused
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import new_token
from vestibule.kernel.text import N_
from vestibule.web.cookies import clear_cookie, set_cookie
from vestibule.web.doors import Door, answer, browser_of, open_door, remember_browser
from vestibule.web.entrance import arriving_page, entered_page, refused_page, sending_page, session_tokens, sign_in_path
from vestibule.web.forms import local_path
from vestibule.web.pages import redirect
from vestibule.web.problems import problem_page
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_visit

# A response of 256 KiB in base64, and the rest of the form.
MAX_BODY_BYTES: Final = 512 * 1024
_CONVERTED_SECONDS: Final = 120


def metadata(visit: Visit) -> Response:
    """Give our metadata for a connection; with `signed=1` it is signed."""
    signed = visit.query.get("signed") == "1"
    document = sp_metadata.service_provider_metadata(visit.runtime, visit.path_params["connection_id"], signed=signed)
    return Response(
        document,
        media_type="application/samlmetadata+xml",
        headers={"Content-Disposition": 'inline; filename="vestibule-sp-metadata.xml"'},
    )


async def posted(request: Request, handler: Door) -> Response:
    """Read an identity provider's POST, within bounds of its own. It comes from another site, so no form token can be asked for."""
    try:
        visit = await read_visit(Request(request.scope, bounded(request.receive)))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    return await in_thread(answer, handler, visit)


async def acs_endpoint(request: Request) -> Response:
    """Take a response."""
    return await posted(request, acs)


def acs(visit: Visit) -> Response:
    """Finish a sign-in with the response that the browser brings (saml-bindings-2.0-os 3.5)."""
    connection_id = visit.path_params["connection_id"]
    responses = visit.form.all("SAMLResponse")
    if len(responses) != 1:
        # Two could be read differently by whatever stands before us.
        raise HTTPException(400)
    browser, new_browser = browser_of(visit), new_token()
    relay_state = visit.form.get("RelayState")
    converted = _converted_cookie(connection_id)
    brought = saml_sign_in.Answer(
        saml_response=responses[0],
        relay_state=relay_state,
        relay_path=local_path(relay_state, "/e/", ""),
        browser=browser,
        sessions=session_tokens(visit),
        converted=bool(converted) and visit.site.cookie_name(converted) in visit.cookies,
    )
    try:
        done = saml_sign_in.finish(visit.runtime, visit.visitor, connection_id, brought, new_browser)
    except SignInRefused as refused:
        return refused_page(visit, refused)
    if isinstance(done, Entered):
        response = entered_page(visit, done) if done.asked else arriving_page(visit, done)
        if brought.converted:
            # It says what it answers after all, so there is no circle to be kept out of: the next one is converted, too.
            clear_cookie(response, visit.site, converted)
        return response
    if isinstance(done, saml_sign_in.AnswersTest):
        return _finish_test(visit, connection_id, done.request_id, responses[0], browser)
    response = sending_page(visit, done)
    set_cookie(response, visit.site, converted, "1", max_age_seconds=_CONVERTED_SECONDS, cross_site=True)
    if not browser:
        remember_browser(response, visit, new_browser)
    return response


def _finish_test(visit: Visit, connection_id: str, request_id: str, saml_response: str, browser: str) -> Response:
    """Keep what a test sign-in found, and go on to its page: that one asks for the admin's session."""
    try:
        sign_in_tests.finish_test(visit.runtime, visit.visitor, connection_id, request_id, saml_response, browser)
    except SignInRefused as refused:
        return refused_page(visit, refused)
    return redirect(f"/admin/connections/{connection_id}/tests/{request_id}")


def acs_by_get(visit: Visit) -> Response:
    """Say what this address is for, to somebody who opens it in a browser."""
    sentence = visit.gettext(
        N_("This address is for identity providers to send their answers to. Start at the sign-in page.")
    )
    key = saml_sign_in.environment_of(visit.runtime, visit.path_params["connection_id"])
    response = problem_page(visit, 405, sentence, home=sign_in_path(key) if key else "")
    response.headers["Allow"] = "POST"
    return response


def _converted_cookie(connection_id: str) -> str:
    return f"asked_{connection_id}" if is_id(connection_id, "connection") else ""


def bounded(receive: Receive) -> Receive:
    """Return a body that ends with 413 when it grows over what the messages of an identity provider need."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return counted


ROUTES = [
    Route("/saml/{connection_id}/metadata", open_door(metadata), methods=["GET"]),
    Route("/saml/{connection_id}/acs", acs_endpoint, methods=["POST"]),
    Route("/saml/{connection_id}/acs", open_door(acs_by_get), methods=["GET"]),
]
