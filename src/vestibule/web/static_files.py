"""Static files: known at start, answered from memory, cached by browsers for an hour and revalidated by their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "static"
# Not from the system's list of types: with nosniff, a machine that calls scripts text/plain would have none.
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}


def routes() -> list[Route]:
    """Return one route per file: what is not in the list does not exist, so no path can lead outside the folder."""
    return [_route(path) for path in sorted(_FOLDER.rglob("*")) if path.suffix in _TYPES]


def _route(path: Path) -> Route:
    body = path.read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    kind = _TYPES[path.suffix]
    headers = {"ETag": tag, "Cache-Control": "public, max-age=3600", "Content-Security-Policy": "default-src 'none'"}

    async def serve(request: Request) -> Response:
        # Proxies that compress make a tag weak, and may ask for several (RFC 9110, 13.1.2).
        known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
        if tag in known or "*" in known:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return Route(f"/static/{path.relative_to(_FOLDER).as_posix()}", serve, methods=["GET"])
