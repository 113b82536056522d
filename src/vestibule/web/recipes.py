"""What to enter in well-known apps, filled in with one app's values. A client secret is never among them: it is shown once, elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final
from urllib.parse import urlsplit

from vestibule.directory.apps import AppKind
from vestibule.flows.apps import AppFacts

SECRET = "…the client secret…"  # noqa: S105 - where it goes


@dataclass(frozen=True, slots=True)
class Recipe:
    """The snippet of one product. `page` is the how-to that goes with it."""

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
_FORWARD_AUTH: Final = (
    (
        "Caddy",
        """\
$host {
    forward_auth $public_url {
        uri $verify_path
        header_up Host $upstream
        copy_headers Remote-User Remote-Email Remote-Name Remote-Groups X-Vestibule-Identity
    }
    reverse_proxy 127.0.0.1:8080
}
""",
    ),
    (
        "Traefik",
        """\
http:
  middlewares:
    vestibule:
      forwardAuth:
        address: "$verify"
        authResponseHeaders: ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "X-Vestibule-Identity"]
""",
    ),
)


def recipes_for(facts: AppFacts, public_url: str) -> tuple[Recipe, ...]:
    """Return the recipes for an app's kind, by name."""
    oidc, verify = facts.app.oidc, f"{facts.issuer}/verify"
    values = {
        "issuer": facts.issuer,
        "client_id": facts.app.id,
        "secret": SECRET,
        "redirect_uri": oidc.redirect_uris[0] if oidc and oidc.redirect_uris else "",
        "host": facts.app.hosts[0] if facts.app.hosts else "",
        "public_url": public_url,
        "upstream": urlsplit(public_url).netloc,
        "verify": verify,
        "verify_path": urlsplit(verify).path,
    }
    templates = {AppKind.OIDC: _OIDC, AppKind.FORWARD_AUTH: _FORWARD_AUTH}.get(facts.app.kind, ())
    return tuple(Recipe(name, Template(text).substitute(values)) for name, text in templates)
