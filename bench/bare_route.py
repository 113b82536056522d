"""The floor under a sign-in over HTTP: a bare Starlette route that parses the form and answers with a redirect and a cookie."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route


async def answer(request: Request) -> Response:
    """Read the form, and look at nothing."""
    form = dict(parse_qsl((await request.body()).decode()))
    response = RedirectResponse("/" if form["SAMLResponse"] else "/sign-in", 303)
    response.set_cookie("session", secrets.token_urlsafe(32), httponly=True, samesite="lax")
    return response


async def ready(_: Request) -> Response:
    """Say that the server answers."""
    return Response()


app = Starlette(routes=[Route("/readyz", ready), Route("/{path:path}", answer, methods=["POST"])])
