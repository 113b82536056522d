"""Scopes in words: what a person agrees to, said the same wherever it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vestibule.kernel.text import N_
from vestibule.web.visits import Visit

_SENTENCES: Final[Mapping[str, str]] = {
    "openid": N_("An identifier of yours that only this app gets"),
    "profile": N_("Your name"),
    "email": N_("Your e-mail address"),
    "groups": N_("The groups that you are in"),
    "offline_access": N_("Access while you are not signed in, until you take it back"),
}


def scope_sentence(visit: Visit, scope: str) -> str:
    """Return what a scope opens; one of an API is shown by its own name."""
    return visit.gettext(_SENTENCES.get(scope, scope))
