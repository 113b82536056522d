"""An end user's hands at the front door of an environment."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.idps import RunningIdp, misbehave
from vestibule.practice.people import Person

REFERENCE = re.compile(r"^[BCDFGHJKMNPQRSTVWXZ2-9]{4}-[BCDFGHJKMNPQRSTVWXZ2-9]{4}$")


@dataclass
class Portal:
    """A browser window of an end user."""

    page: Page
    base_url: str
    environment: str = "dev"

    def open(self, path: str = "sign-in") -> None:
        self.page.goto(f"{self.base_url}/e/{self.environment}/{path}")

    def type_email(self, email: str) -> None:
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_role("button", name="Continue").click()

    def go_to_idp(self, idp: RunningIdp, email: str) -> None:
        """Type the address on the sign-in page, and arrive at the identity provider."""
        self.open()
        self.type_email(email)
        self.page.wait_for_url(f"{idp.base_url}/**")

    def sign_in(self, idp: RunningIdp, person: Person) -> None:
        self.go_to_idp(idp, person.email)
        idp.sign_in(self.page, person)

    def come_through(self, idp: RunningIdp, person: Person) -> None:
        """Go the whole way from the sign-in page, to which an app has sent us, through the identity provider."""
        self.page.wait_for_url(f"{self.base_url}/e/{self.environment}/sign-in**")
        self.type_email(person.email)
        idp.sign_in(self.page, person)

    def sign_in_badly(self, idp: RunningIdp, person: Person, misbehaviour: str) -> None:
        """Sign in at the practice identity provider with one of its switches set."""
        self.go_to_idp(idp, person.email)
        misbehave(self.page, misbehaviour)
        idp.sign_in(self.page, person)

    def type_password(self, password: str) -> None:
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def sign_out(self) -> None:
        self.open("")
        self.page.get_by_role("button", name="Sign out").click()
        # Where the provider takes logout requests the way leads there; the session here is over already.
        self.page.wait_for_url(re.compile(r"/slo\b|/sign-in\?"))
        self.open()
        expect(self.page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()

    def expect_sign_in_page(self) -> None:
        expect(self.page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        expect(self.page.get_by_label("Email address")).to_be_visible()

    def expect_in(self, name: str, *groups: str) -> None:
        """See the launch page: who they are, where, and exactly these groups beside Everyone."""
        expect(self.page.get_by_role("heading", name=f"Welcome, {name}", exact=True)).to_be_visible()
        expect(self.page).to_have_url(f"{self.base_url}/e/{self.environment}/")
        listed = self.page.get_by_role("region", name=f"Your groups in {self.environment.upper()}")
        expect(listed.get_by_role("listitem")).to_have_text(["Everyone", *groups])

    def expect_refused(self, sentence: str, heading: str = "We could not sign you in") -> str:
        """See the refused page with one plain sentence, and return its reference code."""
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(self.page.get_by_text(sentence, exact=True)).to_be_visible()
        return self.reference()

    def reference(self) -> str:
        code = self.page.get_by_role("main").get_by_role("code").inner_text()
        assert REFERENCE.match(code), code
        return code
