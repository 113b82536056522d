"""Languages: chosen from what the browser asks for, compiled catalogues, and English wherever nothing fits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from vestibule.kernel import locales


def compile_catalogue(folder: Path, language: str, messages: dict[str, str]) -> None:
    catalogue = Catalog(locale=language.replace("-", "_"))
    for message, translated in messages.items():
        catalogue.add(message, translated)
    path = folder / language.replace("-", "_") / "LC_MESSAGES" / "vestibule.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)


@pytest.fixture
def translated(tmp_path: Path) -> Iterator[None]:
    compile_catalogue(tmp_path, "de", {"Sign in": "Anmelden", "Hello %(name)s,": "Hallo %(name)s,"})
    compile_catalogue(tmp_path, "pt-BR", {"Sign in": "Entrar"})
    assert locales.load_catalogues(tmp_path) == ("en", "de", "pt-br")
    yield
    locales.load_catalogues()


@pytest.mark.usefixtures("translated")
@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, de;q=0.5, en;q=0.8", "en"),
        ("pt-BR", "pt-br"),
        ("PT-br;q=0.4, xx", "pt-br"),
        ("pt", "en"),
        ("de;q=0", "en"),
        ("de;q=2", "en"),
        ("de;q=nonsense", "en"),
        ("*", "en"),
        ("", "en"),
        ("\x00;;;,,,=", "en"),
        ("x" * 10_000, "en"),
        (", ".join(f"x{number}" for number in range(1000)), "en"),
    ],
)
def test_the_best_language_of_an_accept_language_header_is_chosen(header: str, language: str) -> None:
    assert locales.choose_language(header) == language


@pytest.mark.usefixtures("translated")
def test_long_headers_of_strangers_are_not_kept() -> None:
    tracemalloc.start()
    for number in range(256):
        locales.choose_language(f"{number}{'x' * 20_000}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000


@pytest.mark.usefixtures("translated")
def test_a_message_is_translated_where_its_language_is_spoken_and_english_elsewhere() -> None:
    assert locales.gettext("Sign in") == "Sign in"
    with locales.speaking("de"):
        assert locales.language() == "de"
        assert locales.gettext("Hello %(name)s,", {"name": "100 %(x)s"}) == "Hallo 100 %(x)s,"
        assert locales.gettext("Not translated yet") == "Not translated yet"
        assert locales.gettext("") == ""
    assert locales.language() == "en"
    with locales.speaking("../../etc"):
        assert locales.gettext("Sign in") == "Sign in"


def test_without_catalogues_every_browser_reads_english() -> None:
    locales.load_catalogues()
    assert locales.choose_language("de") == "en"
