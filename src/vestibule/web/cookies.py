"""Cookies: one way to set and to clear them. On https all are `__Host-`, Secure and HttpOnly."""

from __future__ import annotations

from typing import Literal

from starlette.responses import Response

from vestibule.web.site import Site


def set_cookie(
    response: Response,
    site: Site,
    name: str,
    value: str,
    *,
    max_age_seconds: int | None = None,
    cross_site: bool = False,
) -> None:
    """Set a cookie for the whole host. `cross_site` is for the one that must come back with an IdP's POST."""
    # SameSite=None needs Secure; on http (loopback) the IdP is on the same site anyway.
    same_site: Literal["lax", "none"] = "none" if cross_site and site.https else "lax"
    response.set_cookie(
        site.cookie_name(name),
        value,
        max_age=max_age_seconds,
        path="/",
        secure=site.https,
        httponly=True,
        samesite=same_site,
    )


def clear_cookie(response: Response, site: Site, name: str) -> None:
    """Tell the browser to forget a cookie."""
    response.delete_cookie(site.cookie_name(name), path="/", secure=site.https, httponly=True, samesite="lax")
