"""SCIM set up in the console, then driven by an independent client through the whole life of a person, in whose browser it shows."""

from __future__ import annotations

from typing import Any

from httpx2 import Client
from playwright.sync_api import expect
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import PatchOp

from tests.idps import RunningIdp
from tests.journeys.console import Console, starts
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from vestibule.practice.people import Person

NO_ACCESS = "You don’t have access here yet. Your admin can see that you tried."


def set_up(console: Console) -> tuple[str, str]:
    """Turn SCIM on for a connection as an admin does; return the base URL and the token that the page shows."""
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.follow("Set up")
    console.page.get_by_role("radio", name=starts("SCIM 2.0")).check()
    console.press("Save")
    expect(console.heading("Directory (SCIM 2.0)")).to_be_visible()
    console.follow("Make a token")
    console.page.get_by_label("Name", exact=True).fill("Provisioning app")
    console.press("Make token")
    return console.page.locator("#scim-url").inner_text(), console.page.locator("#scim-token").inner_text()


class Directory:
    """The client, with the models that the server's own schemas make."""

    def __init__(self, http: Client) -> None:
        self.client = SyncSCIMClient(http)
        self.client.discover()

    def create(self, kind: str, body: dict[str, Any]) -> Any:
        model: Any = self.client.get_resource_model(kind)
        return self.client.create(model.model_validate(body))

    def patch(self, resource: Any, op: str, path: str, value: Any = None) -> None:
        kind: Any = type(resource)
        message = {"Operations": [{"op": op, "path": path, "value": value}]}
        self.client.modify(kind, resource.id, PatchOp[kind].model_validate(message))

    def delete(self, resource: Any) -> None:
        self.client.delete(type(resource), resource.id)


def test_a_persons_whole_life_by_scim(console: Console, portal: Portal, providers: Providers) -> None:
    idp = providers("practice")
    person = idp.people[0]
    console.connect(idp, "Okta Dev", "practice.example")
    base_url, token = set_up(console)
    portal.sign_in(idp, person)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")
    with Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}) as http:
        live(Directory(http), console, portal, idp, person)
    console.open_environment("DEV", "Authentication")
    console.follow("Okta Dev")
    console.follow("Live list")
    expect(console.page.get_by_role("row").filter(has_text="DELETE").first).to_contain_text("204")
    console.go("End users")
    expect(console.page.get_by_text(person.email)).to_have_count(0)


def try_again(portal: Portal, idp: RunningIdp, person: Person) -> None:
    portal.page.get_by_role("link", name="Try again").click()
    portal.type_email(person.email)
    idp.sign_in(portal.page, person)


def live(directory: Directory, console: Console, portal: Portal, idp: RunningIdp, person: Person) -> None:
    """Create, group, rename, move, deactivate, hire again, delete; each shows in the open browser at once."""
    sent = {
        "userName": person.email,
        "externalId": "00u1",
        "displayName": person.name,
        "emails": [{"value": person.email, "type": "work", "primary": True}],
        "active": True,
    }
    user = directory.create("User", sent)
    designers = directory.create("Group", {"displayName": "Designers", "members": [{"value": user.id}]})
    try_again(portal, idp, person)
    portal.expect_in(person.name, "Designers")

    directory.patch(designers, "replace", "displayName", "Product design")
    directory.patch(user, "replace", "displayName", "Ada Lovelace")
    portal.page.reload()
    portal.expect_in("Ada Lovelace", "Product design")
    directory.patch(user, "replace", "displayName", person.name)

    directory.create("Group", {"displayName": "Engineering", "members": [{"value": user.id}]})
    directory.patch(designers, "remove", f'members[value eq "{user.id}"]')
    portal.page.reload()
    portal.expect_in(person.name, "Engineering")
    expect(portal.page.get_by_text("Product design")).to_have_count(0)
    look_at_why(console, person)

    directory.patch(user, "replace", "active", value=False)
    portal.page.reload()
    portal.expect_sign_in_page()
    portal.sign_in(idp, person)
    portal.expect_refused(NO_ACCESS, heading="You have no access yet")

    assert directory.create("User", sent).id == user.id
    try_again(portal, idp, person)
    portal.expect_in(person.name)
    expect(portal.page.get_by_text("Engineering")).to_have_count(0)

    directory.delete(user)
    portal.page.reload()
    portal.expect_sign_in_page()


def look_at_why(console: Console, person: Person) -> None:
    console.open_end_user(person.name)
    why = console.page.get_by_role("region", name="Why does this person have access?")
    expect(why).to_contain_text("Group Engineering in DEV")
    expect(why).to_contain_text("Ends at once when the directory of Okta Dev takes it away")
