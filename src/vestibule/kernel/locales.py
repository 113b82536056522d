"""Languages: which there are, which one a browser asks for, and `gettext` in the language of the request at hand.

Owns loading the catalogues (`locale/<language>/LC_MESSAGES/vestibule.mo`). English is the language of the sources and has none.
"""

from __future__ import annotations

import gettext as standard
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

SOURCE_LANGUAGE: Final = "en"
DOMAIN: Final = "vestibule"
FOLDER: Final = Path(__file__).parent.parent / "locale"
_MOST_READ: Final = 500
# Read by every message of every page: a context variable, because the same templates serve all threads.
_language: ContextVar[str] = ContextVar("vestibule_language", default=SOURCE_LANGUAGE)
_catalogues: dict[str, standard.NullTranslations] = {SOURCE_LANGUAGE: standard.NullTranslations()}


def load_catalogues(folder: Path = FOLDER) -> tuple[str, ...]:
    """Load every compiled catalogue in a folder, in place of those loaded before; return the languages, English first."""
    found: dict[str, standard.NullTranslations] = {SOURCE_LANGUAGE: standard.NullTranslations()}
    for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
        with path.open("rb") as file:
            found[path.parent.parent.name.replace("_", "-").lower()] = standard.GNUTranslations(file)
    _catalogues.clear()
    _catalogues.update(found)
    _choose.cache_clear()
    return tuple(found)


def choose_language(accept_language: str) -> str:
    """Return the best language for an untrusted Accept-Language header (RFC 9110, 12.5.4); English where none fits."""
    if len(_catalogues) == 1 or not accept_language:
        return SOURCE_LANGUAGE
    # Cut before it is remembered: strangers choose how long it is.
    return _choose(accept_language[:_MOST_READ])


@lru_cache(maxsize=256)
def _choose(accept_language: str) -> str:
    wanted = []
    for place, entry in enumerate(accept_language.lower().split(",")[:20]):
        tag, _, weight = entry.partition(";")
        wanted.append((-_quality(weight), place, tag.strip()))
    for quality, _, tag in sorted(wanted):
        if quality == 0:
            break
        for candidate in (tag, tag.partition("-")[0]):
            if candidate in _catalogues:
                return candidate
    return SOURCE_LANGUAGE


def language() -> str:
    """Return the language that is set, as for the `lang` attribute."""
    return _language.get()


@contextmanager
def speaking(wanted: str) -> Iterator[None]:
    """Set the language for what runs inside, worker threads of the same request included."""
    before = _language.set(wanted if wanted in _catalogues else SOURCE_LANGUAGE)
    try:
        yield
    finally:
        _language.reset(before)


def gettext(message: str, params: Mapping[str, str] | None = None) -> str:
    """Return one of our English sentences in the language that is set, its `%(name)s` placeholders filled."""
    translated = _catalogues[_language.get()].gettext(message) if message else ""
    return translated % params if params else translated


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the sentence for a number of things in the language that is set."""
    return _catalogues[_language.get()].ngettext(singular, plural, count)


def install(environment: Any, finish: Callable[[str], str] = str) -> None:
    """Give a Jinja environment with the i18n extension these functions as `_` and `ngettext`; `finish` has the last word on a sentence."""

    def one(message: str) -> str:
        return finish(gettext(message))

    def several(singular: str, plural: str, count: int) -> str:
        return finish(ngettext(singular, plural, count))

    environment.install_gettext_callables(one, several, newstyle=True)


def _quality(weight: str) -> float:
    try:
        value = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
