"""Pages in another language: every sentence of ours goes through gettext, and Accept-Language chooses."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.support.house import Client, Server
from tests.support.people import add_person, group_of
from tests.support.tools import ROOT
from vestibule.flows import api_clients
from vestibule.flows.parts.callers import operator
from vestibule.kernel import locales

PACKAGE = ROOT / "src" / "vestibule"
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}


def pseudo(message: str) -> str:
    """Return a message as a translator without words would: its letters doubled, placeholders as they are."""
    pieces = re.split(r"(%\(\w+\)[sd]|%%|\*\*)", message)
    return "".join(piece if index % 2 else re.sub(r"[A-Za-z]+", "ŧŧ", piece) for index, piece in enumerate(pieces))


def messages() -> Iterator[str | tuple[str, ...]]:
    """Collect every message of the package, as `make messages` does."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call] # because Babel left it untyped
    for _, _, message, _, _ in extract_from_dir(PACKAGE, methods, options, KEYWORDS):
        yield message


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile a pseudo-language of every message in the package."""
    made = Catalog(locale="eo")
    for message in messages():
        made.add(message, tuple(map(pseudo, message)) if isinstance(message, tuple) else pseudo(message))
    folder = tmp_path_factory.mktemp("locale")
    path = folder / "eo" / "LC_MESSAGES" / "vestibule.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, made)
    return folder


@pytest.fixture
def abroad(server: Server, catalogue: Path) -> Iterator[Client]:
    """Give a signed-in admin whose browser speaks the pseudo-language."""
    client = server.client()
    client.sign_in()
    locales.load_catalogues(catalogue)
    client.http.headers["Accept-Language"] = "eo, en;q=0.5"
    yield client
    locales.load_catalogues()


def english(page: str, *names: str) -> set[str]:
    """Return the words of a page, read aloud or shown, that are nobody's name and were not translated."""
    main = re.sub(r"<(script|style|svg|code|time)\b.*?</\1>", " ", page, flags=re.DOTALL)
    spoken = re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', main)
    shown = re.sub(r"<[^>]+>", "\n", main.partition("<body>")[2])
    text = html.unescape("\n".join([shown, *spoken]))
    for name in sorted(
        (*names, "DEV", "TEST", "PROD", "Northwind", "Ada Park", "ada@example.com", "Vestibule"), key=len
    ):
        text = text.replace(name, "")
    text = re.sub(r"\S*(?:://|@|/e/)\S*", "", text)
    return {
        word
        for word in re.findall(r"[A-Za-z]{2,}", text)
        if word not in {"dev", "test", "prod", "vestibule", "sign", "in"}
    }


def test_every_sentence_of_the_consoles_pages_is_translated(abroad: Client, server: Server) -> None:
    group = group_of(server.house, name="Gqq")
    add_person(server.house, "Mqq Lqq", "mqq@example.com", "dev", group=group)
    house = server.house
    client = api_clients.create_api_client(
        house.runtime, operator(), house.workspace.id, "Hqq", ["explain:read"]
    ).client
    asking = "/admin/api-clients"
    tab = "/admin/environments/dev/groups"
    paths = [
        *(tab, f"{tab}/new", f"{tab}/{group.id}", f"{tab}/{group.id}/add?q=mqq", f"{tab}/{group.id}/rename"),
        *(f"{tab}/{group.id}/delete", "/admin/settings", "/admin/settings/add-environment", "/admin/apps"),
        *("/admin/settings/environments/dev", "/admin/settings/environments/dev/delete"),
        *(asking, f"{asking}/new", f"{asking}/{client.id}/revoke"),
        *("/admin/access-control", "/admin/access-control/invite", "/no/such/page"),
    ]
    left = {}
    for path in paths:
        page = abroad.get(path).text
        assert '<html lang="eo">' in page
        words = english(page, "Gqq", "Hqq", "Mqq Lqq", "mqq", "Designers", "STAGING")
        if words:
            left[path] = words
    assert left == {}


def test_the_apis_documentation_is_translated_around_what_the_description_says(abroad: Client) -> None:
    page = abroad.get("/api/docs").text
    assert "May this person use this app" in page
    own = re.sub(r'<(pre|\w+(?= [^>]*lang="en"))\b.*?</\1>', " ", page.partition("<body>")[2], flags=re.DOTALL)
    assert english(f"<body>{own}", "OpenAPI", "GET") == set()


def test_a_refusal_beside_a_field_is_translated(abroad: Client) -> None:
    abroad.get("/admin/settings/add-environment")
    page = abroad.post("/admin/settings/add-environment", {"name": "", "key": "NO GOOD!"}).text
    for field in ("name", "key"):
        found = re.search(rf'id="{field}-error">.*?<span>([^<]+)</span>', page, re.DOTALL)
        assert found is not None
        assert "ŧŧ" in found[1]


def test_another_browser_at_the_same_time_reads_english(abroad: Client, server: Server) -> None:
    other = server.client()
    assert '<html lang="en">' in other.get("/admin/sign-in").text
    assert "Workspace" in english(other.last_page)
    assert "Workspace admin" not in abroad.get("/admin/sign-in").text.partition("<body>")[2]


def test_the_translators_template_holds_every_message() -> None:
    with (PACKAGE / "locale" / "vestibule.pot").open("rb") as file:
        known = {message.id for message in read_po(file) if message.id}
    collected = set(messages())
    assert collected - known == set(), "run make messages"
    assert known - collected == set(), "run make messages"
