"""Every page that a browser can open, and the states of its forms: accessible in light and dark, wide and narrow, and never sideways.

A page that is added to the server and not to this list fails the last test. With VESTIBULE_TEST_PICTURES set to a folder,
a picture of each is left there to look at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from starlette.routing import Route as ServerRoute

from tests.idps import misbehave
from tests.journeys.behind_a_proxy import closed_app, no_app, refused_app, registered_domain, to_app
from tests.journeys.console import starts
from tests.journeys.leaving import answering, leaving, logged_out, not_told, refused_logout
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.journeys.scene import Scene, furnish
from tests.journeys.trying import app_headers, tried, tried_in_vain
from tests.support import people
from tests.support.axe import COLOUR_RULES, axe_violations
from tests.support.browser import PageFaults, Pages
from tests.support.databases import Databases
from tests.support.fitting import sticks_out
from tests.support.house import TestClock, serving
from tests.support.tabbing import lost_on_the_way
from vestibule.app import routes
from vestibule.kernel.secrets import new_token
from vestibule.storage import end_users
from vestibule.web.console import api_clients as api_client_pages

# What answers with something else than a page.
NO_PAGES: Final = {
    "/api/openapi.json",
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/admin",
    "/admin/",
    "/admin/environments",
    "/admin/activity/{entry_id}/json",
    "/e/{env}",
    "/e/{env}/jwks.json",
    "/icons/{app_id}/{digest}.png",
    "/e/{env}/oauth2/userinfo",
    "/e/{env}/oauth2/register/{client_id}",
    "/e/{env}/sign-in/password",
    "/saml/{connection_id}/metadata",
    "/e/{env}/verify",
}


Opens = Callable[[Scene], Page]


@pytest.fixture(scope="module")
def scene(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, chromium: Browser, providers: Providers
) -> Iterator[Scene]:
    """Furnish a server with at least one of everything; the pages differ in nothing between the engines."""
    faults = PageFaults()
    pages = Pages(chromium, faults)
    with (
        databases.migrated("sqlite", tmp_path_factory.mktemp("pages")) as url,
        serving(url, TestClock()) as server,
    ):
        made = Scene(server, providers, pages(permissions=["clipboard-read", "clipboard-write"]), pages(), pages())
        made.console.sign_in()
        furnish(made)
        yield made
        pages.close()
        assert faults.remaining() == []


def at(path: str) -> Opens:
    """Open a page of the console by its address."""
    return lambda scene: scene.open(scene.admin, path)


def at_door(path: str) -> Opens:
    """Open a page of the portal in the window of somebody who is signed in to DEV."""
    return lambda scene: scene.open(scene.member, path)


def after(path: str, button: str, typed: dict[str, str] | None = None, heading: str | None = None) -> Opens:
    """Open a page of the console, type by label, press a button, and stay on what comes."""

    def opens(scene: Scene) -> Page:
        page = scene.open(scene.admin, path)
        for label, value in (typed or {}).items():
            page.get_by_label(label, exact=True).fill(value)
        page.get_by_role("main").get_by_role("button", name=button, exact=True).click()
        page.wait_for_load_state()
        if heading:
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
        return page

    return opens


def trial(scene: Scene, misbehaviour: str | None = None) -> Page:
    """Run a test sign-in, and stay on its page."""
    idp, page = scene.providers("practice"), scene.open(scene.admin, CONNECTION)
    page.get_by_role("button", name="Test sign-in").click()
    page.wait_for_url(f"{idp.base_url}/**")
    if misbehaviour:
        misbehave(page, misbehaviour)
    idp.sign_in(page, idp.people[0])
    expect(page.get_by_role("heading", name="Checks")).to_be_visible()
    return page


def arriving(scene: Scene) -> Page:
    """Arrive as somebody else in the window of somebody who is signed in."""
    house, token = scene.server.house, new_token()
    other = people.add_person(house, "Jo Park", "jo@practice.example", "dev")
    with house.runtime.database.transaction() as tx:
        assert end_users.note_sign_in(tx, house.workspace.id, other.id, house.clock())
    people.sign_in(house, other, token=token)
    scene.member.context.add_cookies([{"name": "vestibule_arrived_dev", "value": token, "url": scene.server.base_url}])
    page = scene.open(scene.member, "/e/dev/arrived")
    expect(page.get_by_role("heading", name="Continue as Jo Park?")).to_be_visible()
    return page


TAB: Final = "/admin/environments/{environment}"
CONNECTION: Final = "/admin/connections/{connection}"
SCIM: Final = "/admin/connections/{scim}/scim"
PERSON: Final = "/admin/end-users/{ada}"
SETTINGS: Final = "/admin/settings"
# The routes of the server, each with how it is opened; the names are what pytest and the pictures say.
ROUTES_OPENED: Final[dict[str, Opens]] = {
    "/admin/access-control": at("/admin/access-control"),
    "/admin/access-control/invite": at("/admin/access-control/invite"),
    "/admin/access-control/{admin_id}": at("/admin/access-control/{admin}"),
    "/admin/access-control/{admin_id}/remove": at("/admin/access-control/{admin}/remove"),
    "/admin/me": at("/admin/me"),
    "/admin/environments/{environment}/groups": at(f"{TAB}/groups"),
    "/admin/environments/{environment}/groups/new": at(f"{TAB}/groups/new"),
    "/admin/environments/{environment}/groups/{group_id}": at(f"{TAB}/groups/{{group}}"),
    "/admin/environments/{environment}/groups/{group_id}/rename": at(f"{TAB}/groups/{{group}}/rename"),
    "/admin/environments/{environment}/groups/{group_id}/delete": at(f"{TAB}/groups/{{group}}/delete"),
    "/admin/environments/{environment}/groups/{group_id}/add": at(f"{TAB}/groups/{{group}}/add?q=pe"),
    "/admin/environments/{environment}/apis": at(f"{TAB}/apis"),
    "/admin/environments/{environment}/apis/new": at(f"{TAB}/apis/new"),
    "/admin/environments/{environment}/apis/{api_id}": at(f"{TAB}/apis/{{api}}"),
    "/admin/environments/{environment}/apis/{api_id}/delete": at(f"{TAB}/apis/{{api}}/delete"),
    "/admin/environments/{environment}/authentication": at(f"{TAB}/authentication"),
    "/admin/environments/{environment}/authentication/saml": at(f"{TAB}/authentication/saml?to=off"),
    "/admin/environments/{environment}/authentication/idps/{idp_id}/delete": at(
        f"{TAB}/authentication/idps/{{unused_idp}}/delete"
    ),
    "/admin/environments/{environment}/authentication/new": at(f"{TAB}/authentication/new"),
    "/admin/environments/{environment}/authentication/use/{idp_id}": at(f"{TAB}/authentication/use/{{idp}}"),
    "/admin/connections/{connection_id}/set-up": at("/admin/connections/{draft}/set-up"),
    "/admin/connections/{connection_id}": at(CONNECTION),
    "/admin/connections/{connection_id}/scim/tokens/new": at(f"{SCIM}/tokens/new"),
    "/admin/connections/{connection_id}/scim/tokens/{token_id}/revoke": at(f"{SCIM}/tokens/{{scim_token}}/revoke"),
    "/admin/connections/{connection_id}/scim/log": at(f"{SCIM}/log"),
    "/admin/connections/{connection_id}/scim/stop-line": at(f"{SCIM}/stop-line"),
    "/admin/connections/{connection_id}/tests/{request_id}": lambda scene: trial(scene, "Wrong audience"),
    "/admin/connections/inspect": at("/admin/connections/inspect?connection={connection}"),
    "/admin/connections/{connection_id}/edit": at(f"{CONNECTION}/edit"),
    "/admin/connections/{connection_id}/requests": at(f"{CONNECTION}/requests"),
    "/admin/connections/{connection_id}/mapping": at(f"{CONNECTION}/mapping"),
    "/admin/connections/{connection_id}/provisioning": at(f"{CONNECTION}/provisioning"),
    "/admin/connections/{connection_id}/disable": at(f"{CONNECTION}/disable"),
    "/admin/connections/{connection_id}/enable": at("/admin/connections/{disabled}/enable"),
    "/admin/connections/{connection_id}/delete": at(f"{CONNECTION}/delete"),
    "/admin/end-users": at("/admin/end-users"),
    "/admin/end-users/new": at("/admin/end-users/new"),
    "/admin/end-users/waiting": at("/admin/end-users/waiting"),
    "/admin/end-users/waiting/{knock_id}/address": at("/admin/end-users/waiting/{knock}/address"),
    "/admin/end-users/{end_user_id}": at(PERSON),
    "/admin/end-users/{end_user_id}/deactivate": at(f"{PERSON}/deactivate"),
    "/admin/end-users/{end_user_id}/delete": at(f"{PERSON}/delete"),
    "/admin/end-users/{end_user_id}/identities/{link_id}": at("/admin/end-users/{maya}/identities/{link}"),
    "/admin/activity": at("/admin/activity"),
    "/admin/activity/{entry_id}": at("/admin/activity/{entry}"),
    "/admin/settings": at(SETTINGS),
    "/admin/settings/keys": at(f"{SETTINGS}/keys"),
    "/admin/settings/keys/rotate": at(f"{SETTINGS}/keys/rotate"),
    "/admin/settings/add-environment": at(f"{SETTINGS}/add-environment"),
    "/admin/settings/environments/{environment}": at(f"{SETTINGS}/environments/test"),
    "/admin/settings/environments/{environment}/cookie-domains": registered_domain,
    "/admin/settings/environments/{environment}/delete": at(f"{SETTINGS}/environments/dev/delete"),
    "/admin/apps": at("/admin/apps"),
    "/admin/apps/new": at("/admin/apps/new?environment=dev"),
    "/admin/apps/{app_id}": at("/admin/apps/{third_party}"),
    "/admin/apps/{app_id}/headers": app_headers,
    "/admin/apps/{app_id}/icon": at("/admin/apps/{third_party}/icon"),
    "/admin/apps/try": at("/admin/apps/try"),
    "/admin/apps/{app_id}/tries/{try_id}": tried,
    "/admin/apps/{app_id}/edit": at("/admin/apps/{third_party}/edit"),
    "/admin/apps/{app_id}/explain": at("/admin/apps/{closed}/explain?email=maya@example.com"),
    "/admin/apps/{app_id}/disable": at("/admin/apps/{third_party}/disable"),
    "/admin/apps/{app_id}/delete": at("/admin/apps/{third_party}/delete"),
    "/admin/api-clients": at("/admin/api-clients"),
    "/admin/api-clients/new": at("/admin/api-clients/new"),
    "/admin/api-clients/{api_client_id}/revoke": at("/admin/api-clients/{api_client}/revoke"),
    "/api/docs": lambda scene: scene.open(scene.stranger, "/api/docs"),
    "/admin/sign-in": lambda scene: scene.open(scene.stranger, "/admin/sign-in"),
    "/admin/link/{token}": lambda scene: scene.open(scene.stranger, "/admin/link/{admin_token}"),
    "/e/{env}/sign-in": lambda scene: scene.open(scene.stranger, "/e/dev/sign-in"),
    "/e/{env}/forgot": lambda scene: scene.open(scene.stranger, "/e/dev/forgot"),
    "/e/{env}/link/{token}": lambda scene: scene.open(scene.stranger, "/e/dev/link/{token}"),
    "/e/{env}/": at_door("/e/dev/"),
    "/e/{env}/account": at_door("/e/dev/account"),
    "/e/{env}/sign-out": at_door("/e/dev/sign-out"),
    "/e/{env}/arrived": arriving,
    "/e/{env}/verify/sign-in": refused_app,
    "/e/{env}/device": at_door("/e/dev/device?user_code=BCDF-GHJK"),
    "/e/{env}/oauth2/authorize": at_door("/e/dev/oauth2/authorize?client_id=app_nobody"),
    "/e/{env}/oauth2/continue": at_door("/e/dev/oauth2/continue?request=over"),
    "/e/{env}/oauth2/logout": at_door("/e/dev/oauth2/logout?client_id={third_party}"),
    "/saml/{connection_id}/slo": lambda scene: scene.open(scene.stranger, "/saml/{connection}/slo"),
    "/saml/{connection_id}/acs": lambda scene: scene.open(scene.stranger, "/saml/{connection}/acs"),
}


def refused(scene: Scene) -> Page:
    idp = scene.providers("practice")
    Portal(scene.stranger, scene.server.base_url).sign_in_badly(idp, idp.people[0], "Expired")
    expect(scene.stranger.get_by_role("heading", name="We could not sign you in")).to_be_visible()
    return scene.stranger


def waiting(scene: Scene) -> Page:
    idp = scene.providers("practice")
    Portal(scene.stranger, scene.server.base_url).sign_in(idp, idp.people[-1])
    expect(scene.stranger.get_by_role("heading", name="You have no access yet")).to_be_visible()
    return scene.stranger


def sending(scene: Scene) -> Page:
    """Stay on the page that takes people to the identity provider: there, nothing answers for once."""
    idp, page = scene.providers("practice"), scene.stranger

    def nothing(route: Route) -> None:
        route.fulfill(status=204)

    page.route(f"{idp.base_url}/**", nothing)
    scene.open(page, "/e/dev/sign-in")
    with page.expect_request(f"{idp.base_url}/**"):
        Portal(page, scene.server.base_url).type_email("ada@practice.example")
    expect(page.get_by_role("heading", name="Taking you to")).to_be_visible()
    page.unroute(f"{idp.base_url}/**")
    return page


def door(path: str, email: str, heading: str) -> Opens:
    """Type an address at a sign-in page, and stay on the second step."""

    def opens(scene: Scene) -> Page:
        page = scene.open(scene.stranger, path)
        Portal(page, scene.server.base_url).type_email(email)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        return page

    return opens


def wrong_password(scene: Scene) -> Page:
    page = door("/e/dev/sign-in", "x@example.net", "Enter your password")(scene)
    Portal(page, scene.server.base_url).type_password("wrong")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    return page


def wrong_address(scene: Scene) -> Page:
    page = scene.open(scene.stranger, "/e/dev/sign-in")
    Portal(page, scene.server.base_url).type_email("not an address")
    expect(page.get_by_label("Email address")).to_have_attribute("aria-invalid", "true")
    return page


def dialog(scene: Scene) -> Page:
    page = scene.open(scene.admin, f"{TAB}/authentication")
    page.get_by_role("link", name="Set up Okta Dev").click()
    expect(page.get_by_role("dialog", name="Provisioning")).to_be_visible()
    return page


def turning_scim_on(scene: Scene) -> Page:
    page = scene.open(scene.admin, f"{CONNECTION}/provisioning")
    page.get_by_role("radio", name=starts("SCIM 2.0")).check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Turn SCIM on for Okta Dev?")).to_be_visible()
    return page


def understood(scene: Scene) -> Page:
    page = scene.open(scene.admin, "/admin/connections/{draft}/set-up")
    scene.console.fetch_metadata(scene.providers("pysaml2").metadata_url)
    return page


def by_hand_with_errors(scene: Scene) -> Page:
    page = scene.open(scene.admin, "/admin/connections/{draft}/set-up")
    page.get_by_role("radio", name=starts("No, I have")).check()
    page.get_by_role("radio", name="Single values, by hand").check()
    page.get_by_label("Certificate", exact=True).fill("rubbish")
    page.get_by_role("button", name="Set up", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    return page


def consent(scene: Scene) -> Page:
    page = scene.open(scene.member, scene.ids["to_third_party"])
    expect(page.get_by_role("heading", name="Allow Notes for everybody?")).to_be_visible()
    return page


def device_that_waits(scene: Scene) -> Page:
    """Type the code of a television, and see what it asks for."""
    asked = {"scope": "openid email", "client_id": scene.ids["television"]}
    code = httpx.post(f"{scene.server.base_url}/e/dev/oauth2/device_authorization", data=asked).json()["user_code"]
    page = scene.open(scene.member, "/e/dev/device")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Let a device into Television?")).to_be_visible()
    return page


def device_let_in(scene: Scene) -> Page:
    page = device_that_waits(scene)
    page.get_by_role("button", name="Let it in").click()
    expect(page.get_by_role("heading", name="Your device is in")).to_be_visible()
    return page


def going(scene: Scene) -> Page:
    """Stay on the page that takes people back to the app: there, nothing answers for once."""
    page = consent(scene)
    page.route("https://app.example/**", lambda route: route.fulfill(status=204))
    with page.expect_request("https://app.example/**"):
        page.get_by_role("button", name="Don’t allow").click()
    expect(page.get_by_role("heading", name="Taking you to Notes for everybody")).to_be_visible()
    page.unroute("https://app.example/**")
    return page


def api_client_made(scene: Scene) -> Page:
    scene.console.add_api_client("Nightly check", "PROD")
    return scene.admin


def revoked_api_clients(scene: Scene) -> Page:
    page = scene.open(scene.admin, "/admin/api-clients")
    page.get_by_text("1 revoked").click()
    expect(page.get_by_text("Help desk of last year")).to_be_visible()
    return page


def menu(scene: Scene) -> Page:
    page = scene.open(scene.admin, "/admin/end-users")
    page.set_viewport_size({"width": 390, "height": 900})
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    return page


def broken(scene: Scene) -> Page:
    """Let a door fall over."""

    def falls_over(*_: object, **__: object) -> None:
        raise RuntimeError("the door fell over")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api_client_pages, "render", falls_over)
        page = scene.open(scene.admin, "/admin/api-clients")
    expect(page.get_by_role("heading", name="Something went wrong on our side")).to_be_visible()
    expect(page.get_by_role("button", name="Copy reference code")).to_be_visible()
    return page


STATES: Final[dict[str, Opens]] = {
    "leaving for the identity provider": leaving,
    "answering the identity provider": answering,
    "signed out everywhere": lambda scene: logged_out(scene, "Behave: a correct message"),
    "signed out here only": lambda scene: logged_out(scene, "Status: PartialLogout"),
    "logout refused": lambda scene: logged_out(scene, "Unsigned"),
    "refused logout in the activity": refused_logout,
    "sign-out that the identity provider was not told of": not_told,
    "good test sign-in": lambda scene: trial(scene, None),
    "duplicate address": after(
        "/admin/end-users/new",
        "Add",
        {"Full name": "Somebody", "Email address": "maya@example.com"},
    ),
    "empty form of an admin": after("/admin/access-control/invite", "Invite"),
    "API without anything": after(f"{TAB}/apis/new", "Add"),
    "API client made": api_client_made,
    "API client without anything": after("/admin/api-clients/new", "Add"),
    "revoked API clients": revoked_api_clients,
    "initial access token made": after(f"{TAB}/apis", "Make a token"),
    "group without a name": after(f"{TAB}/groups/new", "Create"),
    "bad domains": after(f"{TAB}/authentication/new", "Next", {"Domains": "gmail.com, nonsense"}),
    "domain that is none": after(f"{SETTINGS}/environments/test/cookie-domains", "Register", {"Domain": "localhost"}),
    "environment without a name": after(f"{SETTINGS}/add-environment", "Add"),
    "wizard understood": understood,
    "wizard by hand with errors": by_hand_with_errors,
    "provisioning dialog": dialog,
    "nothing to inspect": after("/admin/connections/inspect", "Inspect", {"Message": "nonsense"}),
    "people of a search": at("/admin/end-users?q=maya"),
    "nobody found": at("/admin/end-users?q=zzzz"),
    "activity of refusals": at("/admin/activity?outcome=refused"),
    "activity entry": at("/admin/activity/{plain_entry}"),
    "somebody deactivated": at("/admin/end-users/{gone}"),
    "somebody pushed": at("/admin/end-users/{pushed}"),
    "somebody with identities": at("/admin/end-users/{maya}"),
    "invitation handed out": after("/admin/end-users/{token_person}", "Make an invitation link"),
    "empty group": at(f"{TAB}/groups/{{empty_group}}"),
    "Everyone": at("/admin/environments/prod/groups"),
    "SAML off": at("/admin/environments/{fresh}/authentication"),
    "draft connection": at("/admin/connections/{draft}"),
    "connection with a directory": at("/admin/connections/{scim}"),
    "SCIM token made": after(f"{SCIM}/tokens/new", "Make token", {"Name": "The next one"}),
    "SCIM token without a name": after(f"{SCIM}/tokens/new", "Make token"),
    "stop line out of bounds": after(f"{SCIM}/stop-line", "Save", {"People within an hour": "none"}),
    "turning SCIM on": turning_scim_on,
    "disabled connection": at("/admin/connections/{disabled}"),
    "menu": menu,
    "no such page": at("/admin/nothing"),
    "no such page for a stranger": lambda scene: scene.open(scene.stranger, "/e/dev/nothing"),
    "no such environment": lambda scene: scene.open(scene.stranger, "/e/nowhere/sign-in"),
    "link used up": lambda scene: scene.open(scene.stranger, "/e/dev/link/never-was"),
    "broken": broken,
    "session ended": lambda scene: scene.open(scene.stranger, "/admin/sign-in?ended=1"),
    "refused": refused,
    "try that is refused": tried_in_vain,
    "no picture": after("/admin/apps/{third_party}/icon", "Upload"),
    "back to the app": to_app,
    "app that is closed": closed_app,
    "host of no app": no_app,
    "waiting": waiting,
    "sending": sending,
    "password": door("/e/dev/sign-in", "x@example.net", "Enter your password"),
    "wrong password": wrong_password,
    "choice": door("/e/{fresh}/sign-in", "x@example.net", "Choose how to sign in"),
    "wrong address": wrong_address,
    "no apps yet": at("/admin/apps?environment=prod"),
    "new app with errors": after("/admin/apps/new?environment=dev&kind=oidc", "Add"),
    "new app behind a proxy": at("/admin/apps/new?environment=dev&kind=forward_auth"),
    "client secret": after("/admin/apps/{third_party}", "Make a new secret"),
    "nobody to explain": at("/admin/apps/{third_party}/explain?email=nobody@example.net"),
    "consent": consent,
    "device that waits": device_that_waits,
    "device let in": device_let_in,
    "going to an app": going,
    "app not open to me": at_door("{to_closed}"),
}


@pytest.mark.parametrize("name", [*ROUTES_OPENED, *STATES])
def test_a_page_is_accessible_and_fits_in_light_and_dark_wide_and_narrow(name: str, scene: Scene) -> None:
    page = (ROUTES_OPENED | STATES)[name](scene)
    assert _ILL_SET.findall(page.inner_text("body")) == []
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        take_picture(page, f"{name} {width} light")
        assert axe_violations(page) == [], f"{width} light"
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        take_picture(page, f"{name} {width} dark")
        assert axe_violations(page, COLOUR_RULES) == [], f"{width} dark"
        assert sticks_out(page) == [], str(width)
    page.set_viewport_size({"width": 360, "height": 900})
    assert sticks_out(page) == [], "360"
    page.set_viewport_size({"width": 1280, "height": 900})
    assert lost_on_the_way(page) == []


# A sentence that begins where the one before ends, without a space; a word that a line may break after its first letter.
_ILL_SET: Final = re.compile(r"\w+[.!?][A-Z][a-z]+|\b[Ee]-mail\b")


def take_picture(page: Page, name: str) -> None:
    folder = os.environ.get("VESTIBULE_TEST_PICTURES")
    if folder:
        file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        page.screenshot(path=Path(folder) / f"{file}.png", full_page=True)


def test_no_page_is_left_out() -> None:
    pages = {
        route.path
        for route in routes()
        if isinstance(route, ServerRoute) and "GET" in (route.methods or ()) and not route.path.startswith("/static")
    }
    assert {one for one in pages if "/.well-known/" not in one} - NO_PAGES == set(ROUTES_OPENED)
