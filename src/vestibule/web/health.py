"""Liveness, readiness and metrics, for what watches the server."""

from __future__ import annotations

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vestibule.flows import readiness
from vestibule.web.threads import in_thread

log = structlog.get_logger()


async def healthz(_: Request) -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Say whether this server can do its work: 503 when the database does not answer or is at another schema."""
    try:
        await in_thread(readiness.check, request.app.state.site.runtime)
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering, the answer is the same
        log.warning("not ready", reason=type(error).__name__)
        return PlainTextResponse("not ready\n", status_code=503)
    return PlainTextResponse("ready\n")


async def metrics(_: Request) -> Response:
    """Give this process's metrics in Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


ROUTES = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
