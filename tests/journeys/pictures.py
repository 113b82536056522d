"""Takes the pictures of the papers: `python -m tests.journeys.pictures`, or `make pictures`. They land in docs/pictures.

The server calls itself sso.northwind.example, which the browser is told to find on this machine.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.secure import serving_https
from tests.saml import forge
from tests.support import apps, people, sign_ins
from tests.support.browser import DEFAULT_CONTEXT, FLAGS
from tests.support.databases import Databases, end_run
from tests.support.house import House, Server, TestClock, free_socket
from tests.support.tools import ROOT, tool
from vestibule.directory.connections import Connection
from vestibule.flows import groups
from vestibule.practice.keys import make_key_pair
from vestibule.practice.metadata import build_metadata

FOLDER: Final = ROOT / "docs" / "pictures"
HOST: Final = "sso.northwind.example"
DOMAIN: Final = "northwind.example"
OKTA: Final = "https://northwind.okta.example"
ENTITY_ID: Final = f"{OKTA}/exk4x9"
APP_FOR_TEST: Final = "exk7t2"
METADATA_URL: Final = f"{OKTA}/app/{APP_FOR_TEST}/sso/saml/metadata"
MOST_BYTES: Final = 200_000
NAMES: Final = (
    ("Amara Nwosu", ("dev", "test", "prod"), "Engineering"),
    ("Björn Halvorsen", ("dev",), "Engineering"),
    ("Chiara Lombardi", ("dev", "prod"), "Designers"),
    ("Daniel Okafor", ("dev", "test"), "Engineering"),
    ("Elif Yıldız", ("prod",), None),
    ("Farid Haddad", ("dev",), "Designers"),
    ("Grace Okafor", ("dev", "test"), "Engineering"),
    ("Hanna Virtanen", ("dev", "test", "prod"), None),
)
ME: Final = "grace.okafor@northwind.example"


def main() -> None:
    """Furnish a house, and take the six pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as name,
        furnished(Path(name)) as (server, port),
        sync_playwright() as playwright,
    ):
        flags = [*FLAGS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}"]
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=flags)
        options: dict[str, Any] = {**DEFAULT_CONTEXT, "ignore_https_errors": True}
        pictures_of_the_door(server, browser.new_context(**options).new_page())
        pictures_of_the_console(server, browser.new_context(**options).new_page())
        browser.close()


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[Server, int]]:
    """Run a server with people, groups and two connections."""
    listening = free_socket()
    pair = make_key_pair("northwind.okta.example", TestClock()())
    app = f"{OKTA}/app/{APP_FOR_TEST}"
    metadata = build_metadata(f"{OKTA}/{APP_FOR_TEST}", f"{app}/sso/saml", f"{app}/slo/saml", pair).encode()
    run = folder / "run"
    run.mkdir()
    databases = Databases(run, os.getpid(), "pictures")
    with (
        databases.migrated("sqlite", folder) as url,
        serving_https(url, TestClock(), folder, listening, f"https://{HOST}", fetch=lambda _: metadata) as server,
    ):
        furnish(server.house)
        yield server, listening.getsockname()[1]
    databases.close()
    end_run(run, os.getpid())


def furnish(house: House) -> None:
    made = {name: people.group_of(house, "dev", name) for name in ("Engineering", "Designers")}
    groups.create_group(house.runtime, house.owner, "dev", "Field engineers")
    for name, icon in (("GitLab", "key"), ("Grafana", "activity"), ("Handbook", "users"), ("Payslips", "mail")):
        apps.make_app(house, name, icon=icon)
    for name, environments, group in NAMES:
        email = f"{name.lower().replace(' ', '.')}@{DOMAIN}".translate(str.maketrans("öı", "oi"))
        people.add_person(house, name, email, *environments, group=made[group] if group else None)


def pictures_of_the_door(server: Server, page: Page) -> None:
    """Take the sign-in page and the launch page, and leave a refusal behind."""
    connection = sign_ins.connect(server.house, name="Okta Dev", domains=(DOMAIN,), entity_id=ENTITY_ID)
    portal = Portal(page, server.base_url)
    portal.open()
    take(page, "sign-in")
    answer_as_okta(server, page, connection, {})
    portal.type_email(ME)
    expect(page.get_by_role("heading", name="Welcome, Grace Okafor")).to_be_visible()
    take(page, "launch-page")
    portal.sign_out()
    page.unroute_all()
    answer_as_okta(server, page, connection, {"destination": f"{server.base_url}/saml/{connection.id}/metadata"})
    portal.type_email(ME)
    expect(page.get_by_role("heading", name="We could not sign you in")).to_be_visible()
    partners, entra = ("partner.example", "*.partner.example"), "https://sts.windows.example/8f1c/"
    sign_ins.connect(server.house, name="Entra Dev", domains=partners, entity_id=entra, provisioning=None)


def answer_as_okta(server: Server, page: Page, connection: Connection, changes: dict[str, Any]) -> None:
    """Stand in for Okta, which answers at once."""

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15).decode()
        request_id = re.search(r' ID="([^"]+)"', request)
        assert request_id is not None, request
        data = sign_ins.answer(server, connection, request_id.group(1), ME, **changes)
        fields = {"SAMLResponse": forge.post_field(data), "RelayState": query["RelayState"][0]}
        inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        acs = f"{server.base_url}/saml/{connection.id}/acs"
        script = "<script>document.forms[0].submit()</script>"
        route.fulfill(content_type="text/html", body=f'<form method="post" action="{acs}">{inputs}</form>{script}')

    page.route("https://idp.example/**", answer)


def pictures_of_the_console(server: Server, page: Page) -> None:
    """Take the wizard, the Authentication tab, a refusal, and the list of end users."""
    console = Console(page, server.base_url)
    console.sign_in()
    console.open_environment("TEST", "Authentication")
    console.switch_saml("TEST", on=True)
    console.follow("Set up new provider")
    page.get_by_label("Identity provider (IdP) name").fill("Okta Test")
    page.get_by_label("Product").select_option(label="Okta")
    console.choose_domains(DOMAIN)
    console.press("Next")
    console.fetch_metadata(METADATA_URL)
    page.set_viewport_size({"width": 1280, "height": 1060})
    page.mouse.move(0, 0)
    take(page, "wizard")
    page.set_viewport_size({"width": 1280, "height": 820})
    console.open_environment("DEV", "Authentication")
    take(page, "authentication")
    console.go("End users")
    take(page, "end-users")
    console.go("Activity")
    console.follow(re.compile("was not let in$"))
    page.set_viewport_size({"width": 1280, "height": 1000})
    take(page, "refusal")


def take(page: Page, name: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB")  # noqa: T201  # a tool for the command line
    assert size < MOST_BYTES, path


if __name__ == "__main__":
    main()
