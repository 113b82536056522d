"""The practice side's HTML answers: templates in, a response with strict headers out. Decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

_HERE: Final = Path(__file__).parent
STATIC_DIRECTORY: Final = _HERE / "static"


class Pages:
    """Renders the templates of this folder; everything from outside is escaped."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(
        self,
        name: str,
        values: dict[str, object],
        *,
        posts_to: str = "'self'",
        fetches: str = "'none'",
        status_code: int = 200,
    ) -> HTMLResponse:
        """Return template `name` filled with `values`; `posts_to` and `fetches` are CSP sources for its forms and its script."""
        body = self._templates.get_template(name).render(values)
        return HTMLResponse(body, status_code=status_code, headers=_headers(posts_to, fetches))


def _headers(posts_to: str, fetches: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        f"connect-src {fetches}; form-action {posts_to}; frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "strict-origin",
        "X-Content-Type-Options": "nosniff",
    }
