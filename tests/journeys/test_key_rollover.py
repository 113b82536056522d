"""An identity provider changes its key, or moves: who can still sign in, and what an admin has to do. With two that are not ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.idps import RunningIdp, ServiceProvider, pysaml2_idp, samlp_idp
from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.support import metadata

NAME = "Okta Dev"
Start = Callable[..., AbstractContextManager[RunningIdp]]
PROVIDERS: dict[str, Start] = {"pysaml2": pysaml2_idp, "samlp": samlp_idp}


@pytest.fixture
def documents() -> Iterator[metadata.Documents]:
    with metadata.serving_documents() as served:
        yield served


def connected(console: Console, idp: RunningIdp) -> ServiceProvider:
    person = idp.people[0]
    carried = console.connect(idp, NAME, person.email.partition("@")[2])
    idp.trust(carried)
    console.add_end_user(person.name, person.email, {"DEV": None})
    return carried


def open_connection(console: Console) -> None:
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)


def approve(console: Console) -> None:
    open_connection(console)
    expect(console.page.get_by_role("group", name="The metadata says something new")).to_be_visible()
    console.page.get_by_role("button", name="Approve").click()
    expect(console.said()).to_contain_text("are in use")


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_first_sign_in_with_a_new_key_goes_through_without_an_admin(
    kind: str, console: Console, portal: Portal
) -> None:
    with PROVIDERS[kind]() as old:
        carried = connected(console, old)
        person, port = old.people[0], urlsplit(old.base_url).port
        portal.sign_in(old, person)
        portal.expect_in(person.name)
        portal.sign_out()
    with PROVIDERS[kind](port=port) as new:
        assert (new.entity_id, new.certificate_pem != old.certificate_pem) == (old.entity_id, True)
        new.trust(carried)
        portal.sign_in(new, person)
        portal.expect_in(person.name)
    console.go("Activity")
    expect(
        console.page.get_by_role("link", name=re.compile(f"new values in the metadata of {NAME} and put them"))
    ).to_be_visible()


@pytest.mark.parametrize("kind", PROVIDERS)
def test_where_changes_wait_for_approval_the_new_key_works_once_it_is_approved(
    kind: str, console: Console, portal: Portal
) -> None:
    with PROVIDERS[kind]() as old:
        carried = connected(console, old)
        person, port = old.people[0], urlsplit(old.base_url).port
        open_connection(console)
        console.page.get_by_role("switch", name="Apply changes by themselves").click()
        expect(console.said()).to_contain_text("wait for approval")
    with PROVIDERS[kind](port=port) as new:
        new.trust(carried)
        portal.sign_in(new, person)
        expect(portal.page.get_by_role("heading", name="We could not sign you in")).to_be_visible()
        approve(console)
        portal.sign_in(new, person)
        portal.expect_in(person.name)


def test_a_provider_that_moved_waits_for_approval_and_then_people_are_sent_to_its_new_place(
    console: Console, portal: Portal, documents: metadata.Documents
) -> None:
    with samlp_idp() as before, samlp_idp() as after:
        documents.document = before.metadata_xml
        carried = connected(console, replace(before, metadata_url=documents.url))
        after.trust(carried)
        documents.document = after.metadata_xml
        open_connection(console)
        console.page.get_by_role("button", name="Read metadata again").click()
        person = before.people[0]
        portal.sign_in(before, person)
        portal.expect_in(person.name)
        portal.sign_out()
        approve(console)
        portal.sign_in(after, person)
        portal.expect_in(person.name)
