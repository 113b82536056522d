"""What the next page says once, such as "Ines was added": carried in a short-lived cookie that we signed."""

from __future__ import annotations

import base64
from typing import Final, Literal

from starlette.responses import Response

from vestibule.kernel.secrets import same
from vestibule.web.cookies import clear_cookie, set_cookie
from vestibule.web.visits import Visit

_COOKIE: Final = "said"
_MAX_LENGTH: Final = 500  # browsers drop a cookie of more than 4 kB without a word


def say(response: Response, visit: Visit, text: str, kind: Literal["ok", "warn"] = "ok") -> Response:
    """Let the next page say a sentence."""
    said = f"{kind}:{text[:_MAX_LENGTH]}".encode(errors="replace")
    # Without padding: a "=" would make the standard library put the value in quotes.
    packed = base64.urlsafe_b64encode(said).decode().rstrip("=")
    set_cookie(
        response, visit.site, _COOKIE, f"{packed}.{visit.runtime.sealer.mac('flash', packed)}", max_age_seconds=60
    )
    return response


def read(visit: Visit) -> tuple[str, str]:
    """Return the sentence to say now and its kind; empty when there is none or somebody made it up."""
    packed, _, mac = visit.cookies.get(visit.site.cookie_name(_COOKIE), "").partition(".")
    if not mac or not same(mac, visit.runtime.sealer.mac("flash", packed)):
        return "", ""
    kind, _, text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode().partition(":")
    return text, kind


def forget(response: Response, visit: Visit) -> None:
    """Clear the sentence, as it has been said."""
    clear_cookie(response, visit.site, _COOKIE)
