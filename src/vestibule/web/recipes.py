"""What to enter in well-known apps, filled in with one app's values. A client secret is never among them: it is shown once, elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final

from jinja2 import Environment

from vestibule.directory.apps import AppKind
from vestibule.flows.apps import AppFacts

SECRET = "…the client secret…"  # noqa: S105 - where it goes


@dataclass(frozen=True, slots=True)
class Recipe:
    """The snippet of one product."""

    name: str
    text: str


_OIDC: Final = (
    (
        "Argo CD",
        """\
oidc.config: |
  name: Vestibule
  issuer: $issuer
  clientID: $client_id
  clientSecret: $secret
  requestedScopes: ["openid", "profile", "email", "groups"]
  enablePKCEAuthentication: true
""",
    ),
    (
        "Django",
        """\
# pip install mozilla-django-oidc
OIDC_OP_DISCOVERY_ENDPOINT = "$issuer/.well-known/openid-configuration"
OIDC_RP_CLIENT_ID = "$client_id"
OIDC_RP_CLIENT_SECRET = "$secret"
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid profile email groups"
OIDC_USE_PKCE = True
OIDC_PKCE_CODE_CHALLENGE_METHOD = "S256"
""",
    ),
    (
        "FastAPI",
        """\
# pip install authlib httpx itsdangerous
oauth = OAuth()
oauth.register(
    "vestibule",
    server_metadata_url="$issuer/.well-known/openid-configuration",
    client_id="$client_id",
    client_secret="$secret",
    client_kwargs={"scope": "openid profile email groups", "code_challenge_method": "S256"},
)
""",
    ),
    (
        "GitLab",
        """\
gitlab_rails['omniauth_providers'] = [{
  name: "openid_connect",
  label: "Vestibule",
  args: {
    name: "openid_connect",
    scope: ["openid", "profile", "email", "groups"],
    response_type: "code",
    issuer: "$issuer",
    discovery: true,
    client_auth_method: "basic",
    pkce: true,
    client_options: { identifier: "$client_id", secret: "$secret", redirect_uri: "$redirect_uri" }
  }
}]
""",
    ),
    (
        "Grafana",
        """\
[auth.generic_oauth]
enabled = true
name = Vestibule
client_id = $client_id
client_secret = $secret
scopes = openid profile email groups
auth_url = $issuer/oauth2/authorize
token_url = $issuer/oauth2/token
api_url = $issuer/oauth2/userinfo
use_pkce = true
groups_attribute_path = groups
""",
    ),
    (
        "Next.js",
        """\
// npm install next-auth
providers: [{
  id: "vestibule", name: "Vestibule", type: "oidc",
  issuer: "$issuer",
  clientId: "$client_id",
  clientSecret: process.env.VESTIBULE_CLIENT_SECRET,
  checks: ["pkce", "state", "nonce"],
  authorization: { params: { scope: "openid profile email groups" } },
}]
""",
    ),
    (
        "oauth2-proxy",
        """\
provider = "oidc"
oidc_issuer_url = "$issuer"
client_id = "$client_id"
client_secret = "$secret"
redirect_url = "$redirect_uri"
scope = "openid profile email groups"
code_challenge_method = "S256"
oidc_groups_claim = "groups"
""",
    ),
)
# The files that the how-to pages show and the tests run, with places for an app's values.
_FORWARD_AUTH: Final = (("nginx", "nginx.conf"), ("Caddy", "Caddyfile"), ("Traefik", "traefik.yaml"))


def recipes_for(facts: AppFacts, templates: Environment, public_url: str) -> tuple[Recipe, ...]:
    """Return the recipes for an app's kind."""
    if facts.app.kind is AppKind.OIDC:
        oidc = facts.app.oidc
        values = {
            "issuer": facts.issuer,
            "client_id": facts.app.id,
            "secret": SECRET,
            "redirect_uri": oidc.redirect_uris[0] if oidc and oidc.redirect_uris else "",
        }
        return tuple(Recipe(name, Template(text).substitute(values)) for name, text in _OIDC)
    if facts.app.kind is AppKind.FORWARD_AUTH and facts.app.hosts:
        host = facts.app.hosts[0]
        values = {
            "address": host,
            "host": host,
            "name": host.partition(".")[0],
            "environment": facts.environment.key,
            "public_url": public_url,
            "upstream": "http://127.0.0.1:8080",
            "scheme": "https",
        }
        found = ((name, templates.get_template(f"recipes/{file}")) for name, file in _FORWARD_AUTH)
        return tuple(Recipe(name, template.render(tls=True, **values)) for name, template in found)
    return ()
