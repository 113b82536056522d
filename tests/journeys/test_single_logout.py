"""Single Logout in the browser, with pysaml2 and samlp as the identity provider: from here, from there, and when it stays silent.

What samlp 8 does, from its lib/logout.js, so that nobody reads more into these journeys than they show:

- It takes and sends signed messages by HTTP-Redirect and by HTTP-POST, but answers by the one binding that it is set up with
  (`protocolBinding`), whichever a request came by. So each binding is a provider of its own here.
- It verifies the signature of our request and of our answer because it was given our certificate with the session; without
  one it takes unsigned messages ("let it pass"). The wrong certificate stands beside the right one below for that reason.
- It reads neither Destination, IssueInstant nor NotOnOrAfter of our request, and compares neither Issuer nor InResponseTo of
  our answer: RelayState alone ties it to the request. That our messages have them right is for pysaml2 and tests/saml to show.
- It finds a session by SessionIndex and NameID together, so it can't take a request without SessionIndex, which means all
  sessions of a person. It always has said one in the assertion, and we always send it back.
- It has no SOAP and no logout without a browser: a request of its own comes through the browser that holds its session.
"""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
from playwright.sync_api import Route, expect

from tests.idps import RunningIdp, ServiceProvider
from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.saml import forge, forge_logout
from tests.support import logging_out, sign_ins
from tests.support.browser import PageFaults
from tests.support.house import Server
from tests.support.loopback import serving
from vestibule.directory.connections import LogoutEndpoints

NAME = "Okta Dev"
SIGNING = forge.Signing(key=forge.key("idp"))
BINDINGS = pytest.mark.parametrize("kind", ["pysaml2, logout by redirect", "pysaml2, logout by post"])
SAMLP_BINDINGS = pytest.mark.parametrize("kind", ["samlp, logout by redirect", "samlp, logout by post"])
ALL = pytest.mark.parametrize("kind", [*BINDINGS.args[1], *SAMLP_BINDINGS.args[1]])


def connected(console: Console, idp: RunningIdp) -> ServiceProvider:
    """Connect the identity provider with the SP metadata, which has our logout address and certificate, and add a person."""
    person = idp.people[0]
    carried = console.connect(idp, NAME, person.email.partition("@")[2])
    idp.trust_metadata_url(carried.entity_id)
    console.add_end_user(person.name, person.email, {"DEV": None})
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)
    expect(console.page.get_by_role("region", name="Single logout")).to_contain_text("is signed out at Okta Dev, too")
    return carried


@ALL
def test_signing_out_here_signs_out_at_the_idp_and_comes_back(
    kind: str, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers(kind)
    connected(console, idp)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.get_by_role("button", name="Sign out").click()
    expect(portal.page.get_by_role("heading", name="You are signed out", exact=True)).to_be_visible()
    expect(portal.page.get_by_text("Your session has ended here and at Okta Dev.")).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


@BINDINGS
def test_signing_out_at_the_idp_ends_the_session_here(
    kind: str, console: Console, portal: Portal, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers(kind)
    connected(console, idp)
    person = idp.people[0]
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    elsewhere = new_portal()
    elsewhere.page.goto(f"{idp.base_url}/sign-out/{person.email}")
    expect(elsewhere.page.get_by_text("The application answered True.")).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


@SAMLP_BINDINGS
def test_signing_out_at_samlp_ends_the_session_here_and_it_takes_our_signed_answer(
    kind: str, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers(kind)
    connected(console, idp)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.goto(f"{idp.base_url}/slo")
    expect(portal.page.get_by_text("Everybody was signed out: 0 left.")).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


@SAMLP_BINDINGS
def test_samlp_refuses_a_request_that_our_certificate_does_not_verify_and_nobody_is_signed_in_here(
    kind: str, console: Console, portal: Portal, providers: Providers, page_faults: PageFaults
) -> None:
    idp = providers(kind)
    carried = connected(console, idp)
    slo_url = f"{carried.acs_url.removesuffix('/acs')}/slo"
    idp.trust(ServiceProvider(carried.entity_id, carried.acs_url, idp.certificate_pem, slo_url=slo_url))
    page_faults.allow("403")
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.get_by_role("button", name="Sign out").click()
    expect(portal.page.get_by_role("heading", name="Refused", exact=True)).to_be_visible()
    expect(portal.page.get_by_text(re.compile("Signature check errors|invalid signature"))).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


@pytest.mark.parametrize("cut_at", ["&Signature=", "&SigAlg="])
def test_an_answer_of_samlp_whose_signature_was_cut_off_is_refused(
    cut_at: str, console: Console, portal: Portal, providers: Providers, page_faults: PageFaults
) -> None:
    idp = providers("samlp, logout by redirect")
    connected(console, idp)
    page_faults.allow("403")
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)

    def cut(route: Route) -> None:
        signed = route.fetch(max_redirects=0).headers["location"]
        assert cut_at in signed
        route.fulfill(status=302, headers={"Location": signed.partition(cut_at)[0]})

    portal.page.route(re.compile(r"/slo\?SAMLRequest="), cut)
    portal.page.get_by_role("button", name="Sign out").click()
    portal.page.wait_for_url(f"{portal.base_url}/saml/**")
    portal.reference()
    portal.open("")
    portal.expect_sign_in_page()


def test_an_idp_that_never_answers_leaves_nobody_signed_in(
    console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("pysaml2, logout by redirect")
    connected(console, idp)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.route(f"{idp.base_url}/slo**", lambda route: route.fulfill(body="<title>silence</title>"))
    portal.page.get_by_role("button", name="Sign out").click()
    portal.page.wait_for_url(f"{idp.base_url}/slo**")
    portal.open("")
    portal.expect_sign_in_page()


@pytest.mark.parametrize(
    ("answer", "heading"),
    [("Behave: a correct message", "You are signed out"), ("Status: PartialLogout", "You are signed out here")],
)
def test_the_practice_idp_answers_as_it_is_told(
    answer: str, heading: str, console: Console, portal: Portal, providers: Providers
) -> None:
    idp = providers("practice")
    console.connect(idp, NAME, "practice.example")
    console.add_end_user(idp.people[0].name, idp.people[0].email, {"DEV": None})
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name)
    portal.page.get_by_role("button", name="Sign out").click()
    portal.page.get_by_label("The answer").select_option(label=answer)
    portal.page.get_by_role("button", name="Sign out").click()
    expect(portal.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    portal.open("")
    portal.expect_sign_in_page()


class FramingIdp(BaseHTTPRequestHandler):
    """An IdP that lets each app sign people out in a frame of its page: it posts there, and notes by which method the answer came."""

    came: ClassVar[list[str]] = []
    page: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        framed = self.path.startswith("/slo")
        if framed:
            self.came.append("GET")
        self._say(b"<title>Answered</title><h1>Answered</h1>" if framed else self.page)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.came.append("POST")
        self._say(b"<title>Answered</title><h1>Answered</h1>")

    def _say(self, page: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)


@pytest.mark.parametrize("binding", ["POST", "GET"])
def test_a_request_that_the_idp_posts_in_a_frame_ends_the_session_without_a_cookie_and_is_answered_there(
    server: Server, portal: Portal, binding: str
) -> None:
    """On localhost, which is another site than our 127.0.0.1, so that no cookie comes along."""
    with serving(FramingIdp) as origin:
        idp = origin.replace("127.0.0.1", "localhost")
        logout = LogoutEndpoints(post_url=f"{idp}/slo") if binding == "POST" else LogoutEndpoints(f"{idp}/slo")
        connection = sign_ins.connect(server.house, logout=logout)
        sign_ins.add_person(server.house)
        client, page = server.client(), portal.page
        assert sign_ins.sign_in(server, client, connection).status_code == 303
        for one in client.http.cookies.jar:
            page.context.add_cookies([{"name": one.name, "value": one.value or "", "url": server.base_url}])
        portal.open("")
        portal.expect_in("Grace Okafor")
        theirs = logging_out.message(server, connection, session_indexes=("_session1",))
        action, field = f"{server.base_url}/saml/{connection.id}/slo", forge_logout.posted(theirs, SIGNING)
        FramingIdp.came.clear()
        FramingIdp.page = (
            f'<title>Signing out everywhere</title><iframe name="app"></iframe><form action="{action}" method="post" '
            f'target="app"><input type="hidden" name="SAMLRequest" value="{field}"><button>Go</button></form>'
        ).encode()
        page.goto(f"{idp}/everywhere")
        with page.expect_request(action) as posted:
            page.get_by_role("button", name="Go").click()
        assert "cookie" not in posted.value.all_headers()
        expect(page.frame_locator("iframe").get_by_role("heading", name="Answered")).to_be_visible()
        assert FramingIdp.came == [binding]
    portal.open("")
    portal.expect_sign_in_page()
