"""An admin's hands in the console: each method is one thing that somebody does there, found by label and role as they find it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.idps import RunningIdp, ServiceProvider
from tests.journeys.providers import tell
from tests.support.house import PASSWORD

OWNER = "ada@example.com"


def starts(text: str) -> re.Pattern[str]:
    """Match a name that begins so: rows and cards say more after their title."""
    return re.compile(f"^{re.escape(text)}")


@dataclass
class Console:
    """A browser window of an admin."""

    page: Page
    base_url: str

    def sign_in(self, email: str = OWNER, password: str = PASSWORD) -> None:
        self.page.goto(f"{self.base_url}/admin")
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.press("Sign in")
        expect(self.heading("Access control")).to_be_visible()

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name, exact=isinstance(name, str))

    def press(self, name: str, *, inside: Locator | None = None) -> None:
        (inside or self.page).get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern[str], *, inside: Locator | None = None) -> None:
        (inside or self.page.get_by_role("main")).get_by_role("link", name=name, exact=isinstance(name, str)).click()

    def go(self, place: str) -> None:
        """Go to a page by the sidebar, which is behind the Menu button on a narrow screen."""
        menu = self.page.get_by_role("button", name="Menu", exact=True)
        if menu.is_visible():
            menu.click()
        self.follow(place, inside=self.page.get_by_role("navigation", name="Workspace admin"))
        expect(self.heading(place)).to_be_visible()

    def said(self) -> Locator:
        """Return the sentence that says what was just done."""
        return self.page.get_by_role("main").get_by_role("status")

    def open_environment(self, environment: str, tab: str = "End-user groups") -> None:
        self.go("Authentication & Groups")
        picker = self.page.get_by_role("navigation", name="Environment", exact=True)
        if picker.is_visible():
            self.follow(environment, inside=picker)
        self.follow(starts(tab), inside=self.page.get_by_role("navigation", name=environment, exact=True))

    @property
    def saml_switch(self) -> Locator:
        return self.page.get_by_role("switch", name="SAML-based SSO authentication")

    def switch_saml(self, environment: str, *, on: bool) -> None:
        """Turn the toggle, and confirm where people are concerned."""
        self.open_environment(environment, "Authentication")
        expect(self.saml_switch).to_be_checked(checked=not on)
        self.saml_switch.click()
        self.page.wait_for_load_state()
        confirm = self.page.get_by_role("button", name="Turn on" if on else "Turn off", exact=True)
        if confirm.is_visible():
            confirm.click()
        expect(self.saml_switch).to_be_checked(checked=on)

    def create_group(self, environment: str, name: str) -> None:
        self.open_environment(environment)
        self.follow("Create group")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.press("Create")
        expect(self.heading(name)).to_be_visible()

    # Setting up a provider, step by step

    def begin_provider(self, name: str, domains: str | None) -> None:
        """Take step 1 of the wizard from the Authentication tab; `domains` None is All domains."""
        self.follow("Set up new provider")
        self.page.get_by_label("Identity provider (IdP) name").fill(name)
        self.choose_domains(domains)
        self.press("Next")
        expect(self.page.get_by_text("Do you have your identity provider metadata URL?")).to_be_visible()

    def choose_domains(self, domains: str | None) -> None:
        group = self.page.get_by_role("group", name="Enforce SAML authentication for")
        group.get_by_role("radio", name=starts("All domains" if domains is None else "Selected domains")).check()
        if domains is not None:
            group.get_by_label("Domains", exact=True).fill(domains)

    def values_to_carry(self) -> ServiceProvider:
        """Copy the two values, each with its button, as an admin carries them over."""
        carried = {}
        for label in ("Single sign-on URL", "Service provider (SP) entity ID"):
            self.press(f"Copy {label}")
            expect(self.page.get_by_text(f"{label} copied")).to_be_attached()
            carried[label] = self.page.evaluate("navigator.clipboard.readText()")
        return ServiceProvider(carried["Service provider (SP) entity ID"], carried["Single sign-on URL"])

    def sp_metadata(self) -> str:
        """Download the SP metadata."""
        with self.page.expect_download() as download:
            self.follow("SP metadata")
        return Path(download.value.path()).read_text(encoding="utf-8")

    def fetch_metadata(self, url: str) -> Locator:
        """Give the metadata URL, and return what is shown back as understood."""
        self.page.get_by_role("radio", name="Yes", exact=True).check()
        self.page.get_by_label("Metadata URL", exact=True).fill(url)
        self.press("Fetch")
        understood = self.page.get_by_role("group", name="This is what we understood")
        expect(understood).to_be_visible()
        return understood

    def type_values(self, idp: RunningIdp, *, binding: str = "HTTP-Redirect") -> Locator:
        """Enter sign-on URL, entity ID and certificate by hand, and return what is shown back as understood."""
        self.page.get_by_role("radio", name=starts("No, I have")).check()
        self.page.get_by_role("radio", name="Single values, by hand").check()
        self.page.get_by_label("Sign-on URL", exact=True).fill(idp.sso_url)
        self.page.get_by_role("radio", name=binding).check()
        self.page.get_by_label("Entity ID", exact=True).fill(idp.entity_id)
        self.page.get_by_label("Certificate", exact=True).fill(idp.certificate_pem)
        self.press("Show what is understood")
        understood = self.page.get_by_role("group", name="This is what we understood")
        expect(understood).to_be_visible()
        return understood

    def finish_provider(self, name: str) -> None:
        """Press Set up at the end of step 2: back on the Authentication tab, with the IdP in the list."""
        self.press("Set up")
        expect(self.connection(name)).to_be_visible()

    def connection(self, name: str) -> Locator:
        return self.page.get_by_role("article", name=name, exact=True)

    def choose_manual_provisioning(self, name: str) -> None:
        """Open the Provisioning dialog of an IdP in the list, and save Manual."""
        self.follow(f"Set up {name}", inside=self.connection(name))
        dialog = self.page.get_by_role("dialog", name="Provisioning")
        dialog.get_by_role("radio", name=starts("Manual provisioning")).check()
        self.press("Save", inside=dialog)
        expect(self.connection(name).get_by_text("Active", exact=True)).to_be_visible()

    def connect(self, idp: RunningIdp, name: str, domains: str | None, environment: str = "DEV") -> ServiceProvider:
        """Set a provider up by its metadata URL from beginning to end, both sides told."""
        self.open_environment(environment, "Authentication")
        if not self.saml_switch.is_checked():
            self.switch_saml(environment, on=True)
        self.begin_provider(name, domains)
        carried = self.values_to_carry()
        tell(idp, carried)
        self.fetch_metadata(idp.metadata_url)
        self.finish_provider(name)
        self.choose_manual_provisioning(name)
        return carried

    # People

    def add_end_user(self, name: str, email: str, environments: dict[str, str | None]) -> None:
        """Add somebody with access to environments, each with a group or none."""
        self.go("End users")
        self.follow("Add end user")
        self.page.get_by_label("Full name").fill(name)
        self.page.get_by_label("Email address").fill(email)
        self.tick_environments(environments)
        self.press("Add")

    def tick_environments(self, environments: dict[str, str | None]) -> None:
        for environment, group in environments.items():
            groups = self.page.get_by_label(f"Select a group in {environment}")
            self.page.get_by_role("checkbox", name=starts(environment)).check()
            if group is not None:
                groups.select_option(label=group)

    def open_end_user(self, name: str) -> None:
        self.go("End users")
        self.follow(name)
        expect(self.heading(starts(name))).to_be_visible()

    def add_api_client(self, name: str, environment: str) -> str:
        """Add an API client for one environment, and copy its token, which is shown once."""
        self.go("API clients")
        self.follow("Add API client")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Environment", exact=True).select_option(label=environment)
        self.press("Add")
        expect(self.heading(f"Token of “{name}”")).to_be_visible()
        self.press("Copy Bearer token")
        expect(self.page.get_by_text("Bearer token copied")).to_be_attached()
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def one_time_link(self) -> str:
        """Copy the link that is shown once."""
        self.press("Copy One-time link")
        expect(self.page.get_by_text("One-time link copied")).to_be_attached()
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def waiting_row(self, name: str) -> Locator:
        """Open End users → Waiting, and return the row of somebody who knocked."""
        self.go("End users")
        self.follow(starts("Waiting"))
        return self.page.get_by_role("row", name=starts(name))
