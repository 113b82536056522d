"""One identity provider in two environments: two connections, each with addresses of its own, neither good at the other's door."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Route, expect

from tests.journeys.conftest import NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.providers import Providers, tell

NAME = "Okta"


def test_an_idp_is_reused_with_other_addresses_and_an_answer_for_one_is_refused_at_the_other(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("pysaml2")
    person = idp.people[0]
    in_dev = console.connect(idp, NAME, "northwind.example")
    console.switch_saml("TEST", on=True)
    console.follow(starts("Use in TEST"))
    expect(console.heading(f"Use {NAME} in TEST")).to_be_visible()
    console.press("Use in TEST")
    in_test = console.values_to_carry()
    assert in_test.acs_url != in_dev.acs_url
    assert in_test.entity_id != in_dev.entity_id
    tell(idp, in_test)
    console.open_environment("TEST", "Authentication")
    console.choose_manual_provisioning(NAME)
    console.add_end_user(person.name, person.email, {"DEV": None, "TEST": None})
    for environment in ("dev", "test"):
        portal = new_portal(environment)
        portal.sign_in(idp, person)
        portal.expect_in(person.name)
    crossing = new_portal("dev")

    def to_the_other_door(route: Route) -> None:
        route.continue_(url=in_test.acs_url)

    crossing.page.route(urlsplit(in_dev.acs_url)._replace(scheme="http").geturl(), to_the_other_door)
    crossing.go_to_idp(idp, person.email)
    idp.sign_in(crossing.page, person)
    crossing.expect_refused("This answer belongs to another sign-in, or to one from long ago. Please start again.")
    for environment in ("dev", "test"):
        crossing.environment = environment
        crossing.open("")
        crossing.expect_sign_in_page()


def test_deleting_a_connection_names_the_consequences_and_ends_its_sessions(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, NAME, "practice.example")
    console.add_end_user(person.name, person.email, {"DEV": None})
    portal = new_portal()
    portal.sign_in(idp, person)
    portal.expect_in(person.name)
    console.open_environment("DEV", "Authentication")
    console.follow(NAME)
    console.follow(f"Delete {NAME}")
    expect(console.heading(f"Delete {NAME} from DEV?")).to_be_visible()
    who = console.page.get_by_role("region", name="Who is concerned")
    expect(who).to_contain_text("1 session ends at once.")
    expect(who).to_contain_text("1 person has signed in through it before")
    console.press("Delete")
    expect(console.page.get_by_role("list", name="Identity providers to reuse")).to_contain_text(NAME)
    portal.page.reload()
    portal.expect_sign_in_page()
    expect(console.page.get_by_role("link", name=starts("Use in DEV"))).to_be_visible()
