"""Static files: known at start, answered from memory, cached by browsers for a day and revalidated by their hash."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "static"
mimetypes.add_type("font/woff2", ".woff2")


def routes() -> list[Route]:
    """Return one route per file: what is not in the list does not exist, so no path can lead outside the folder."""
    return [_route(path) for path in sorted(_FOLDER.rglob("*")) if path.suffix in {".css", ".js", ".svg", ".woff2", ".png"}]


def _route(path: Path) -> Route:
    body = path.read_bytes()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"ETag": tag, "Cache-Control": "public, max-age=3600", "Content-Security-Policy": "default-src 'none'"}

    async def serve(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return Route(f"/static/{path.relative_to(_FOLDER).as_posix()}", serve, methods=["GET"])
