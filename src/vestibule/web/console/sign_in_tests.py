"""Test sign-in: sending the admin's browser to the identity provider, and the page of what came back."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.connections import IdpValues
from vestibule.directory.differences import difference
from vestibule.flows import sign_in_tests
from vestibule.flows.parts.understanding import version_of
from vestibule.kernel.secrets import new_token
from vestibule.web.doors import browser_of, console, remember_browser
from vestibule.web.entrance import sending_page
from vestibule.web.pages import render
from vestibule.web.visits import Visit


def send_to_test(visit: Visit, connection_id: str, values: IdpValues | None = None) -> Response:
    """Take the browser to the identity provider, with draft values where there are any."""
    known = browser_of(visit)
    browser = known or new_token()
    sent = sign_in_tests.begin_test(visit.runtime, visit.admin, connection_id, browser, values)
    response = sending_page(visit, sent)
    if not known:
        remember_browser(response, visit, browser)
    return response


def begin(visit: Visit) -> Response:
    """Test the values in use."""
    return send_to_test(visit, visit.path_params["connection_id"])


def page(visit: Visit) -> Response:
    """Show what a test found."""
    request_id = visit.path_params["request_id"]
    shown = sign_in_tests.show_test(visit.runtime, visit.admin, visit.path_params["connection_id"], request_id)
    return render(
        visit,
        "console/sign_in_test.html",
        binding=visit.admin.session_id,
        shown=shown,
        result=shown.result,
        request_id=request_id,
        began_with=version_of(shown.connection.idp),
        checks=[
            (one, difference(one.expected, one.received) if one.outcome == "failed" else None)
            for one in shown.result.findings
        ],
        sentence=visit.gettext(shown.result.public) if shown.result.public else "",
        mend_title=shown.mend.title_text(visit.gettext) if shown.mend else "",
        mend_parts=shown.mend.parts(visit.gettext) if shown.mend else (),
    )


_ONE = "/admin/connections/{connection_id}"
ROUTES = [
    Route(f"{_ONE}/test", console(begin), methods=["POST"]),
    Route(f"{_ONE}/tests/{{request_id}}", console(page), methods=["GET"]),
]
