"""Scopes in words: what a person agrees to and what an API client may do, said the same wherever it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vestibule.directory.api_clients import Scope
from vestibule.kernel.text import N_
from vestibule.web.visits import Visit

_SENTENCES: Final[Mapping[str, str]] = {
    "openid": N_("An identifier of yours that only this app gets"),
    "profile": N_("Your name"),
    "email": N_("Your e-mail address"),
    "groups": N_("The groups that you are in"),
    "offline_access": N_("Access while you are not signed in, until you take it back"),
}
API_SCOPES: Final[Mapping[Scope, str]] = {
    Scope.EXPLAIN_READ: N_("Ask whether a person may use an app, and why or why not. It changes nothing."),
}


def scope_sentence(visit: Visit, scope: str) -> str:
    """Return what a scope opens; one of an API is shown by its own name."""
    return visit.gettext(_SENTENCES.get(scope, scope))
