"""What to enter in well-known apps and APIs, filled in with the values of one.

A client secret is never among them: it is shown once, elsewhere. The recipes are files under `templates/recipes`: the how-to
pages show the same, and the tests run them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment
from markupsafe import Markup

from vestibule.directory.apps import AppKind
from vestibule.flows.apps import AppFacts

SECRET: Final = "…the client secret…"  # noqa: S105 - where it goes
_OIDC: Final = (
    ("Argo CD", "argo-cd.yaml"),
    ("Django", "django.py.jinja"),
    ("FastAPI", "fastapi.py.jinja"),
    ("GitLab", "gitlab.rb"),
    ("Grafana", "grafana.ini"),
    ("Next.js", "nextjs.js"),
    ("oauth2-proxy", "oauth2-proxy.cfg"),
)
_FORWARD_AUTH: Final = (("nginx", "nginx.conf"), ("Caddy", "Caddyfile"), ("Traefik", "traefik.yaml"))
_API: Final = (("MCP server", "mcp-server.js"), ("Python", "api.py.jinja"))


@dataclass(frozen=True, slots=True)
class Recipe:
    """The snippet of one product."""

    name: str
    text: str


def recipes_for(facts: AppFacts, templates: Environment, public_url: str) -> tuple[Recipe, ...]:
    """Return the recipes for an app's kind."""
    if facts.app.kind is AppKind.OIDC:
        oidc = facts.app.oidc
        redirect_uri = oidc.redirect_uris[0] if oidc and oidc.redirect_uris else ""
        values = oidc_values(facts.issuer, facts.app.id, redirect_uri)
        return tuple(Recipe(name, filled_in(templates, file, values)) for name, file in _OIDC)
    if facts.app.kind is AppKind.FORWARD_AUTH and facts.app.hosts:
        host = facts.app.hosts[0]
        values = {
            "address": host,
            "host": host,
            "hostname": host.partition(":")[0],
            "name": host.partition(".")[0],
            "environment": facts.environment.key,
            "public_url": public_url,
            "upstream": "http://127.0.0.1:8080",
            "scheme": "https",
        }
        return tuple(Recipe(name, filled_in(templates, file, values)) for name, file in _FORWARD_AUTH)
    return ()


def api_recipes(issuer: str, identifier: str, templates: Environment) -> tuple[Recipe, ...]:
    """Return how an API of this identifier verifies the tokens of an issuer."""
    values = {"issuer": issuer, "identifier": identifier}
    return tuple(Recipe(name, filled_in(templates, file, values)) for name, file in _API)


def oidc_values(issuer: str, client_id: str, redirect_uri: str, secret: str = SECRET) -> dict[str, str]:
    """Return what the recipes of OpenID Connect apps are filled in with."""
    parts = urlsplit(redirect_uri)
    return {
        "issuer": issuer,
        "client_id": client_id,
        "secret": secret,
        "redirect_uri": redirect_uri,
        "redirect_path": parts.path or "/",
        "origin": f"{parts.scheme}://{parts.netloc}",
    }


def filled_in(templates: Environment, file: str, values: Mapping[str, str], *, tls: bool = True) -> str:
    """Return a recipe's text, which is not HTML yet: whoever shows it in a page escapes it there, once."""
    plain = {name: Markup(value) for name, value in values.items()}  # noqa: S704 - see above
    return templates.get_template(f"recipes/{file}").render(tls=tls, **plain)
