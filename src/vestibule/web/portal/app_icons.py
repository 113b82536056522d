"""Icons of apps' own, for the pages that show apps. Each has an address of its own, so that browsers keep it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import app_icons
from vestibule.web.doors import open_door
from vestibule.web.visits import Visit

# The type is ours and never the uploader's; whoever opens the address itself gets a picture in a page that can do nothing.
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def show(visit: Visit) -> Response:
    """Give a picture."""
    png = app_icons.read_icon(visit.runtime, visit.path_params["app_id"], visit.path_params["digest"])
    return Response(png, media_type="image/png", headers=_HEADERS)


ROUTES: Final = [Route("/icons/{app_id}/{digest}.png", open_door(show), methods=["GET"])]
