"""The one list of what exists: routes, middleware, workers. Builds the server from settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from vestibule.flows.app_sessions import Announcer
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.worker import Worker
from vestibule.kernel import locales
from vestibule.kernel.clock import Clock, system_clock
from vestibule.kernel.secrets import Sealer
from vestibule.outside.fetching import Fetcher
from vestibule.outside.logs import set_up_logs
from vestibule.outside.mail import Mailer
from vestibule.outside.telling import Teller
from vestibule.settings import Settings, load_settings
from vestibule.storage.database import Database
from vestibule.web import health, static_files
from vestibule.web.api import description as api_description
from vestibule.web.api import docs as api_docs
from vestibule.web.api import explain as api_explain
from vestibule.web.api.endpoints import problem
from vestibule.web.areas import by_area
from vestibule.web.console import (
    access_control,
    activity,
    api_clients,
    app_icons,
    app_tries,
    apps,
    authentication,
    connection_options,
    connections,
    cookie_domains,
    end_user,
    end_users,
    groups,
    mapping,
    resource_apis,
    rollover,
    saml_inspection,
    saml_keys,
    scim,
    settings_pages,
    sign_in,
    sign_in_tests,
    single_logout,
    waiting,
    wizard,
)
from vestibule.web.middleware import Surroundings
from vestibule.web.pages import template_environment
from vestibule.web.portal import account, arrivals, launch, links
from vestibule.web.portal import app_icons as shown_icons
from vestibule.web.portal import sign_in as portal_sign_in
from vestibule.web.problems import problem_page
from vestibule.web.protocols import device, oauth, oidc, registration, saml, saml_logout, verify
from vestibule.web.protocols import scim as scim_protocol
from vestibule.web.site import Site
from vestibule.web.visits import Visit, read_visit

log = structlog.get_logger()


def build_runtime(settings: Settings, clock: Clock = system_clock) -> Runtime:
    """Make the tools of the flows from settings."""
    return Runtime(
        database=Database(settings.database_url),
        clock=clock,
        sealer=Sealer(settings.secret_key),
        public_url=settings.public_url,
        fetch=Fetcher(allow_http=settings.metadata_allow_http, allow_private=settings.metadata_allow_private),
        mail_enabled=settings.smtp_url is not None,
    )


def build_site(runtime: Runtime, *, https: bool) -> Site:
    """Make what the doors share."""
    locales.load_catalogues()
    return Site(runtime, template_environment(), https)


def create_app() -> Starlette:
    """Make the server of a process of `vestibule serve`: settings from the environment, logs, and the worker beside it."""
    settings = load_settings()
    set_up_logs(settings.log_level)
    return build_app(settings, with_worker=True)


def build_app(settings: Settings, runtime: Runtime | None = None, *, with_worker: bool = False) -> Starlette:
    """Make the server. A runtime that is handed in stays its owner's to close."""
    own = runtime is None
    runtime = runtime or build_runtime(settings)
    app = Starlette(
        routes=by_area(routes()),
        lifespan=_lifespan(settings, runtime, closes=own, with_worker=with_worker),
        middleware=[
            Middleware(Surroundings, https=settings.https, trusted_proxies=settings.trusted_proxies),
            Middleware(verify.FromMemory),
        ],
        exception_handlers={HTTPException: on_http_exception},
    )
    # Starlette's own redirect for a slash too many leads wherever the Host header says, without https behind a proxy, and
    # takes a form's password or assertion along.
    app.router.redirect_slashes = False
    app.state.site = build_site(runtime, https=settings.https)
    return app


def _lifespan(settings: Settings, runtime: Runtime, *, closes: bool, with_worker: bool) -> Lifespan[Starlette]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        mailer = Mailer(settings.smtp_url, settings.mail_from, settings.public_url)
        teller = Teller(allow_http=settings.apps_allow_http, allow_private=settings.apps_allow_private)
        beside = (Worker(runtime, mailer), Announcer(runtime, teller)) if with_worker else ()
        for one in beside:
            one.start()
        yield
        for one in beside:
            # In a thread of its own: all those of requests may hang on the very database that is why we stop.
            await run_in_threadpool(one.stop)
        if closes:
            runtime.database.close()

    return lifespan


def routes() -> list[BaseRoute]:
    """Return every route of the server."""
    return [
        # Looked at one after the other, and this is where everybody comes in at nine in the morning.
        *verify.ROUTES,
        *saml.ROUTES,
        *oauth.ROUTES,
        *oidc.ROUTES,
        *saml_logout.ROUTES,
        *scim_protocol.ROUTES,
        *registration.ROUTES,
        *device.ROUTES,
        *api_explain.ROUTES,
        *api_description.ROUTES,
        *api_docs.ROUTES,
        *health.ROUTES,
        *static_files.routes(),
        Route("/", to_console, methods=["GET"]),
        Route("/admin", to_console, methods=["GET"]),
        Route("/admin/", to_console, methods=["GET"]),
        *sign_in.ROUTES,
        *access_control.ROUTES,
        *groups.ROUTES,
        *authentication.ROUTES,
        *resource_apis.ROUTES,
        *wizard.ROUTES,
        *saml_inspection.ROUTES,  # before those of a connection, whose id would match its path
        *connections.ROUTES,
        *sign_in_tests.ROUTES,
        *single_logout.ROUTES,
        *mapping.ROUTES,
        *rollover.ROUTES,
        *connection_options.ROUTES,
        *scim.ROUTES,
        *end_users.ROUTES,
        *waiting.ROUTES,
        *end_user.ROUTES,
        *activity.ROUTES,
        *portal_sign_in.ROUTES,
        *arrivals.ROUTES,
        *links.ROUTES,
        *launch.ROUTES,
        *account.ROUTES,
        *settings_pages.ROUTES,
        *cookie_domains.ROUTES,
        *saml_keys.ROUTES,
        *app_tries.ROUTES,  # before those of an app, whose id would match its path
        *apps.ROUTES,
        *app_icons.ROUTES,
        *shown_icons.ROUTES,
        *api_clients.ROUTES,
    ]


async def to_console(_: Request) -> Response:
    """Land on the console's first page."""
    return RedirectResponse("/admin/access-control", status_code=303)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what no route of ours answers, such as a mistyped address, with a page."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if request.url.path.startswith("/api/"):
        response = problem(status, "There is no such address in this API, or not with this method.")
    else:
        response = problem_page(await _bare_visit(request), status)
    # Such as Allow, which belongs to a 405 (RFC 9110, 15.5.6).
    response.headers.update((isinstance(error, HTTPException) and error.headers) or {})
    return response


async def _bare_visit(request: Request) -> Visit:
    scope = dict(request.scope, method="GET")
    return await read_visit(Request(scope))
