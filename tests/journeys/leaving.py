"""Pages that people see when they sign out, here and at the identity provider, each with how it is opened."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.portal import Portal
from tests.journeys.scene import Scene
from tests.saml import forge, forge_logout
from tests.support import logging_out, sign_ins
from vestibule.directory.connections import LogoutEndpoints
from vestibule.flows.parts import signing_out
from vestibule.kernel.secrets import SealBroken


def logged_out(scene: Scene, answer: str) -> Page:
    """Sign out, and come back from the identity provider with an answer of one kind."""
    idp, page = scene.providers("practice"), scene.stranger
    portal = Portal(page, scene.server.base_url)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name, "Designers")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("The answer").select_option(label=answer)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{scene.server.base_url}/saml/**")
    return page


def leaving(scene: Scene) -> Page:
    """Stay on the page that takes people on to sign out at the identity provider, which does not answer for once."""
    idp, page = scene.providers("practice"), scene.stranger
    portal = Portal(page, scene.server.base_url)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name, "Designers")
    page.route(f"{idp.base_url}/**", lambda route: route.fulfill(status=204))
    with page.expect_request(f"{idp.base_url}/**"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out here")).to_be_visible()
    page.unroute(f"{idp.base_url}/**")
    return page


def answering(scene: Scene) -> Page:
    """Stay on the page that carries our answer back to an identity provider that takes it by POST."""
    slo, page = "https://idp.example/slo", scene.stranger
    connection = sign_ins.connect(
        scene.server.house,
        "prod",
        name="Okta by POST",
        domains=("posts.example",),
        logout=LogoutEndpoints(post_url=slo),
    )
    signed = forge_logout.redirected(logging_out.message(scene.server, connection), forge.Signing(key=forge.key("idp")))
    page.route(f"{slo}**", lambda route: route.fulfill(status=204))
    scene.open(page, "/e/prod/sign-in")
    with page.expect_request(f"{slo}**"):
        # It never finishes loading: its form goes on to where nobody answers.
        page.goto(f"{scene.server.base_url}/saml/{connection.id}/slo?{signed}", wait_until="commit")
    expect(page.get_by_role("heading", name="You are signed out here")).to_be_visible()
    page.unroute(f"{slo}**")
    return page


def refused_logout(scene: Scene) -> Page:
    """Open what the activity has of a logout message that was refused."""
    page = logged_out(scene, "Signed with another certificate")
    reference = page.get_by_role("main").get_by_role("code").inner_text()
    scene.open(scene.admin, f"/admin/activity?q={reference}")
    scene.console.follow(re.compile("was refused$"))
    return scene.admin


def not_told(scene: Scene) -> Page:
    """Open what the activity has of a sign-out of which the identity provider was not told, since a key of ours does not open."""

    def does_not_open(*_: object, **__: object) -> None:
        raise SealBroken("could not open the seal of saml_keys/key_01K0G2Z7X9W3V5T8R6Q4P2N0M1")

    idp, page = scene.providers("practice"), scene.stranger
    portal = Portal(page, scene.server.base_url)
    portal.sign_in(idp, idp.people[0])
    portal.expect_in(idp.people[0].name, "Designers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing_out, "write_request", does_not_open)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out here.")).to_be_visible()
    scene.open(scene.admin, "/admin/activity?outcome=refused")
    # The newest: other pages were opened by sign-outs that ended so.
    told = re.compile("did not sign .* out everywhere$")
    scene.admin.get_by_role("main").get_by_role("link", name=told).first.click()
    return scene.admin
