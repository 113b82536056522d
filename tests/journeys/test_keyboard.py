"""By keyboard alone: an admin signs in and adds an end user, and sees at every stop where the focus is."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.journeys.conftest import NewConsole
from tests.journeys.console import OWNER, Console, starts
from tests.journeys.providers import Providers
from tests.support.house import PASSWORD

_FOCUS_IS_SEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  return at === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
}"""
MOST_STOPS = 60


def test_an_admin_signs_in_and_adds_an_end_user_by_keyboard_alone(console: Console, new_console: NewConsole) -> None:
    console.create_group("DEV", "Designers")
    hands = new_console()
    page, keys = hands.page, hands.page.keyboard
    page.goto(f"{hands.base_url}/admin")
    tab_to(hands, page.get_by_label("Email address"))
    keys.type(OWNER)
    tab_to(hands, page.get_by_label("Password"))
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(hands.heading("Access control")).to_be_visible()
    tab_to(hands, page.get_by_role("link", name="Skip to content"))
    tab_to(hands, page.get_by_role("link", name="End users"))
    keys.press("Enter")
    expect(hands.heading("End users")).to_be_visible()
    tab_to(hands, page.get_by_role("link", name="Skip to content"))
    keys.press("Enter")
    # The sidebar is skipped: the next stop is in the page itself.
    keys.press("Tab")
    expect(page.get_by_role("link", name="Add end user")).to_be_focused()
    keys.press("Enter")
    fills_the_form(hands)
    expect(hands.heading("Invitation for Jonas Berg")).to_be_visible()


def fills_the_form(hands: Console) -> None:
    page, keys = hands.page, hands.page.keyboard
    expect(hands.heading("Add end user")).to_be_visible()
    tab_to(hands, page.get_by_label("Full name"))
    keys.type("Jonas Berg")
    tab_to(hands, page.get_by_label("Email address"))
    keys.type("not an address")
    keys.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    tab_to(hands, page.get_by_role("alert").get_by_role("link"))
    keys.press("Enter")
    field = page.get_by_label("Email address")
    expect(field).to_be_focused()
    keys.press("ControlOrMeta+a")
    keys.type("jonas@partner.example")
    tab_to(hands, page.get_by_role("checkbox", name=starts("DEV")))
    keys.press("Space")
    tab_to(hands, page.get_by_label("Select a group in DEV"))
    keys.type("Des")
    tab_to(hands, page.get_by_role("button", name="Add", exact=True))
    keys.press("Enter")


def test_the_provisioning_dialog_is_opened_left_and_saved_by_keyboard(console: Console, providers: Providers) -> None:
    page, keys = console.page, console.page.keyboard
    idp = providers("practice")
    console.switch_saml("DEV", on=True)
    console.begin_provider("Okta Dev", "practice.example")
    console.fetch_metadata(idp.metadata_url)
    console.finish_provider("Okta Dev")
    set_up = page.get_by_role("link", name="Set up Okta Dev")
    dialog = page.get_by_role("dialog", name="Provisioning")
    tab_to(console, set_up)
    keys.press("Enter")
    expect(dialog.get_by_role("radio", name=starts("Manual provisioning"))).to_be_focused()
    keys.press("Escape")
    expect(dialog).not_to_be_visible()
    expect(set_up).to_be_focused()
    keys.press("Enter")
    tab_to(console, dialog.get_by_role("button", name="Save"))
    keys.press("Enter")
    expect(console.connection("Okta Dev").get_by_text("Active", exact=True)).to_be_visible()


def tab_to(console: Console, target: Locator) -> None:
    """Press Tab until the target has the focus, which has to be seen at every stop."""
    for _ in range(MOST_STOPS):
        console.page.keyboard.press("Tab")
        assert console.page.evaluate(_FOCUS_IS_SEEN), console.page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")
