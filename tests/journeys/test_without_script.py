"""The main job in a browser that runs no script, here and at the identity provider."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.idps import RunningIdp, ServiceProvider
from tests.journeys.conftest import NewConsole, NewPortal
from tests.journeys.console import Console, starts
from tests.journeys.providers import Providers


def test_the_main_job_needs_no_script(new_console: NewConsole, new_portal: NewPortal, providers: Providers) -> None:
    idp = providers("pysaml2")
    person = idp.people[0]
    console = new_console(java_script_enabled=False)
    console.sign_in()
    console.create_group("DEV", "Designers")
    connects(console, idp)
    console.add_end_user(person.name, person.email, {"DEV": "Designers"})
    expect(console.said()).to_contain_text(person.name)
    portal = new_portal(java_script_enabled=False)
    portal.go_to_idp(idp, person.email)
    idp.sign_in(portal.page, person)
    # What a script presses elsewhere: the identity provider's own form.
    portal.page.get_by_role("button").click()
    portal.expect_in(person.name, "Designers")
    portal.sign_out()


def test_requests_by_post_are_sent_with_a_button_where_no_script_sends_them(
    console: Console, new_portal: NewPortal, providers: Providers
) -> None:
    idp = providers("pysaml2, signed requests")
    person = idp.people[0]
    console.switch_saml("DEV", on=True)
    console.begin_provider("Okta Dev", "northwind.example")
    idp.trust_metadata(console.sp_metadata())
    console.type_values(idp, binding="HTTP-POST")
    console.finish_provider("Okta Dev")
    console.choose_manual_provisioning("Okta Dev")
    console.follow("Okta Dev")
    console.page.get_by_role("switch", name="Sign requests").click()
    console.add_end_user(person.name, person.email, {"DEV": None})
    by_itself = new_portal()
    by_itself.sign_in(idp, person)
    by_itself.expect_in(person.name)
    by_hand = new_portal(java_script_enabled=False)
    by_hand.open()
    by_hand.type_email(person.email)
    expect(by_hand.page.get_by_role("heading", name="Taking you to Okta Dev…")).to_be_visible()
    by_hand.page.get_by_role("button", name="Continue").click()
    idp.sign_in(by_hand.page, person)
    by_hand.page.get_by_role("button").click()
    by_hand.expect_in(person.name)


def connects(console: Console, idp: RunningIdp) -> None:
    console.switch_saml("DEV", on=True)
    console.begin_provider("Okta Dev", "northwind.example")
    acs_url, entity_id = (
        console.page.get_by_role("region", name=starts("Give these two values")).get_by_role("code").all()
    )
    idp.trust(ServiceProvider(entity_id.inner_text(), acs_url.inner_text()))
    console.fetch_metadata(idp.metadata_url)
    console.finish_provider("Okta Dev")
    console.follow("Set up Okta Dev")
    expect(console.heading("Provisioning")).to_be_visible()
    console.page.get_by_role("radio", name=starts("Manual provisioning")).check()
    console.press("Save")
    expect(console.connection("Okta Dev").get_by_text("Active", exact=True)).to_be_visible()
