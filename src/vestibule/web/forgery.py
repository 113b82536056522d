"""Cross-site request forgery: every unsafe request must come from a page of ours, and carry that page's token."""

from __future__ import annotations

from typing import ClassVar, Final

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.secrets import same
from vestibule.kernel.text import N_
from vestibule.web.visits import Visit

FIELD: Final = "csrf_token"


class ForeignRequest(VestibuleError):
    """The form was not sent by a page of this server, or the page is older than the session."""

    code: ClassVar[str] = "foreign_request"
    public = N_("This form is no longer valid. Go back, reload the page, and send it again.")


def token_for(visit: Visit, binding: str) -> str:
    """Return the token of the forms of one browser. `binding` is its secret cookie: the session's or the browser's."""
    return visit.runtime.sealer.mac("csrf", binding)


def require_own_form(visit: Visit, binding: str) -> None:
    """Raise ForeignRequest unless the browser says the request is same-origin and the form carries its token.

    Sec-Fetch-Site is the browser's own word; where an old one does not send it, Origin must be ours. The token stands
    behind both, for what neither header covers.
    """
    if visit.sec_fetch_site is not None:
        if visit.sec_fetch_site != "same-origin":
            raise ForeignRequest(f"Sec-Fetch-Site is {visit.sec_fetch_site[:20]}")
    elif visit.origin != visit.runtime.public_url:
        raise ForeignRequest("Origin is not ours")
    if visit.origin not in {None, visit.runtime.public_url}:
        raise ForeignRequest("Origin is not ours")
    if not binding or not same(visit.form.get(FIELD), token_for(visit, binding)):
        raise ForeignRequest("the token is not this browser's")
