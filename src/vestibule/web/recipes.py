"""What to enter in well-known apps, filled in with one app's values. A client secret is never among them: it is shown once, elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from vestibule.directory.apps import AppKind
from vestibule.flows.apps import AppFacts

SECRET = "…the client secret…"  # noqa: S105 - where it goes


@dataclass(frozen=True, slots=True)
class Recipe:
    """The snippet of one product. `page` is the how-to that goes with it."""

    name: str
    text: str


def recipes_for(facts: AppFacts, public_url: str) -> tuple[Recipe, ...]:
    """Return the recipes for an app's kind, by name."""
    if facts.app.kind is AppKind.OIDC:
        return _oidc(facts)
    if facts.app.kind is AppKind.FORWARD_AUTH:
        return _forward_auth(facts, public_url)
    return ()


def _oidc(facts: AppFacts) -> tuple[Recipe, ...]:
    issuer, client_id = facts.issuer, facts.app.id
    return (
        Recipe(
            "Argo CD",
            f"""\
oidc.config: |
  name: Vestibule
  issuer: {issuer}
  clientID: {client_id}
  clientSecret: {SECRET}
  requestedScopes: ["openid", "profile", "email", "groups"]
  enablePKCEAuthentication: true
""",
        ),
        Recipe(
            "Django",
            f"""\
# pip install mozilla-django-oidc
OIDC_OP_DISCOVERY_ENDPOINT = "{issuer}/.well-known/openid-configuration"
OIDC_RP_CLIENT_ID = "{client_id}"
OIDC_RP_CLIENT_SECRET = "{SECRET}"
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_RP_SCOPES = "openid profile email groups"
OIDC_USE_PKCE = True
OIDC_PKCE_CODE_CHALLENGE_METHOD = "S256"
""",
        ),
        Recipe(
            "FastAPI",
            f"""\
# pip install authlib httpx itsdangerous
oauth = OAuth()
oauth.register(
    "vestibule",
    server_metadata_url="{issuer}/.well-known/openid-configuration",
    client_id="{client_id}",
    client_secret="{SECRET}",
    client_kwargs={{"scope": "openid profile email groups", "code_challenge_method": "S256"}},
)
""",
        ),
        Recipe(
            "GitLab",
            f"""\
gitlab_rails['omniauth_providers'] = [{{
  name: "openid_connect",
  label: "Vestibule",
  args: {{
    name: "openid_connect",
    scope: ["openid", "profile", "email", "groups"],
    response_type: "code",
    issuer: "{issuer}",
    discovery: true,
    client_auth_method: "basic",
    pkce: true,
    client_options: {{ identifier: "{client_id}", secret: "{SECRET}", redirect_uri: "{_first_redirect(facts)}" }}
  }}
}}]
""",
        ),
        Recipe(
            "Grafana",
            f"""\
[auth.generic_oauth]
enabled = true
name = Vestibule
client_id = {client_id}
client_secret = {SECRET}
scopes = openid profile email groups
auth_url = {issuer}/oauth2/authorize
token_url = {issuer}/oauth2/token
api_url = {issuer}/oauth2/userinfo
use_pkce = true
groups_attribute_path = groups
""",
        ),
        Recipe(
            "Next.js",
            f"""\
// npm install next-auth
providers: [{{
  id: "vestibule", name: "Vestibule", type: "oidc",
  issuer: "{issuer}",
  clientId: "{client_id}",
  clientSecret: process.env.VESTIBULE_CLIENT_SECRET,
  checks: ["pkce", "state", "nonce"],
  authorization: {{ params: {{ scope: "openid profile email groups" }} }},
}}]
""",
        ),
        Recipe(
            "oauth2-proxy",
            f"""\
provider = "oidc"
oidc_issuer_url = "{issuer}"
client_id = "{client_id}"
client_secret = "{SECRET}"
redirect_url = "{_first_redirect(facts)}"
scope = "openid profile email groups"
code_challenge_method = "S256"
oidc_groups_claim = "groups"
""",
        ),
    )


def _forward_auth(facts: AppFacts, public_url: str) -> tuple[Recipe, ...]:
    host, verify = facts.app.hosts[0] if facts.app.hosts else "app.example.com", f"{facts.issuer}/verify"
    upstream = urlsplit(public_url).netloc
    return (
        Recipe(
            "Caddy",
            f"""\
{host} {{
    forward_auth {public_url} {{
        uri {urlsplit(verify).path}
        header_up Host {upstream}
        copy_headers Remote-User Remote-Email Remote-Name Remote-Groups X-Vestibule-Identity
    }}
    reverse_proxy 127.0.0.1:8080
}}
""",
        ),
        Recipe(
            "Traefik",
            f"""\
http:
  middlewares:
    vestibule:
      forwardAuth:
        address: "{verify}"
        authResponseHeaders: ["Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "X-Vestibule-Identity"]
""",
        ),
    )


def _first_redirect(facts: AppFacts) -> str:
    oidc = facts.app.oidc
    return oidc.redirect_uris[0] if oidc and oidc.redirect_uris else ""
