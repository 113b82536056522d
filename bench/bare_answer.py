"""The floor under an answer of forward-auth: a bare Starlette route that returns 204 with as many headers, and looks at nothing."""

from __future__ import annotations

from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# Of the lengths that ours have.
HEADERS: Final = {
    "Remote-User": "person7@example.com",
    "Remote-Email": "person7@example.com",
    "Remote-Name": "Person 7",
    "Remote-Groups": "Designers,Operations",
    "X-Vestibule-Identity": "e" * 800,
    "X-Request-Id": "01m8c9hm84ktztaag5ezkehks4",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def answer(_: Request) -> Response:
    """Say yes to everybody."""
    return Response(status_code=204, headers=HEADERS)


async def ready(_: Request) -> Response:
    """Say that the server answers."""
    return Response()


app = Starlette(routes=[Route("/readyz", ready), Route("/e/{env}/verify", answer, methods=["GET"])])
