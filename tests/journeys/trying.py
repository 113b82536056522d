"""Tries of an app's sign-in in the admin's window: for looking at every page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.portal import Portal
from tests.journeys.scene import Scene
from tests.support.forward_auth import wiki


def tried(scene: Scene) -> Page:
    """Try an app that asks for consent, and stay on the page of what it would be told."""
    page = _begun(scene, "third_party")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", name="What the ID token says")).to_be_visible()
    return page


def tried_in_vain(scene: Scene) -> Page:
    """Try an app that nobody may use, go on from the page that says so, and stay where the admin reads why."""
    page = _begun(scene, "closed")
    page.get_by_role("link", name="Back to Treasury").click()
    expect(page.get_by_role("heading", name="The app gets an error: access_denied")).to_be_visible()
    return page


def _begun(scene: Scene, app: str) -> Page:
    idp, page = scene.providers("practice"), scene.admin
    page.context.clear_cookies(name="vestibule_env_dev")
    scene.open(page, f"/admin/apps/{{{app}}}")
    page.get_by_role("button", name="Try it").click()
    Portal(page, scene.server.base_url).type_email(idp.people[0].email)
    page.wait_for_url(f"{idp.base_url}/**")
    idp.sign_in(page, idp.people[0])
    return page


def app_headers(scene: Scene) -> Page:
    """See what an app behind a proxy would be told of whoever is signed in in the admin's window."""
    app = wiki(scene.server.house, "handbook.example.com", name="Handbook behind a proxy")
    tried(scene)
    page = scene.open(scene.admin, f"/admin/apps/{app.id}/headers")
    expect(page.get_by_role("heading", name="Headers that the app gets")).to_be_visible()
    return page
