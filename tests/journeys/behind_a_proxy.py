"""Pages about apps behind a proxy, each open in a window: for looking at every page."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.journeys.scene import Scene
from tests.support.forward_auth import PAGE, AppHost, grace, signed_in, wiki
from vestibule.storage import apps


def refused_app(scene: Scene) -> Page:
    """Come from an app that one's groups do not include."""
    wiki(scene.server.house, "payroll.example.com", name="Payroll", groups=())
    page = _bring_ticket(scene, "payroll.example.com")
    expect(page.get_by_role("heading", name="You can’t use Payroll")).to_be_visible()
    return page


def to_app(scene: Scene) -> Page:
    """Stay on the page that takes people back to their app after they signed in: there, nothing answers for once."""
    wiki(scene.server.house, name="Wiki")
    scene.member.route("http://wiki.example.com/**", lambda route: route.fulfill(status=204))
    page = _bring_ticket(scene, "wiki.example.com", "&signed_in=1")
    expect(page.get_by_role("heading", name="Taking you to Wiki")).to_be_visible()
    return page


def closed_app(scene: Scene) -> Page:
    """Open an app that was open to one until now. The window plays the proxy, too."""
    host, token = _token_that_counts_no_more(scene)
    page = scene.stranger
    page.context.add_cookies([{"name": "vestibule_app_dev", "value": token, "url": scene.server.base_url}])
    _as_the_proxy(page, host)
    scene.open(page, "/e/dev/verify")
    page.set_extra_http_headers({})
    expect(page.get_by_role("heading", name="You can’t use Graphs")).to_be_visible()
    return page


def no_app(scene: Scene) -> Page:
    """Open a host that is no app's."""
    page = scene.stranger
    _as_the_proxy(page, "nothing.example.com")
    scene.open(page, "/e/dev/verify")
    page.set_extra_http_headers({})
    return page


def registered_domain(scene: Scene) -> Page:
    """Open the domains of an environment that has one."""
    page = scene.open(scene.admin, "/admin/settings/environments/prod/cookie-domains")
    page.get_by_label("Domain", exact=True).fill("Example.com")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("example.com was registered")).to_be_visible()
    return page


def _token_that_counts_no_more(scene: Scene) -> tuple[str, str]:
    house, host = scene.server.house, "graphs.example.com"
    app = wiki(house, host, name="Graphs")
    grace(house)
    token = signed_in(scene.server, host).cookies["vestibule_app_dev"]
    with house.runtime.database.transaction() as tx:
        apps.update_app(tx, replace(app, everyone=False))
    return host, token


def _as_the_proxy(page: Page, host: str) -> None:
    page.set_extra_http_headers(
        {
            "X-Forwarded-Method": "GET",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": host,
            "X-Forwarded-Uri": "/",
            "Accept": PAGE["Accept"],
        }
    )


def _bring_ticket(scene: Scene, host: str, more: str = "") -> Page:
    path = AppHost(scene.server, host).ask().headers["location"].removeprefix(scene.server.base_url)
    return scene.open(scene.member, f"{path}{more}")
