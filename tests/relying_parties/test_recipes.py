"""The how-to pages of apps: what they show is what the console shows, and the Python that verifies an identity token works."""

from __future__ import annotations

import base64
import re
from typing import Any

import jwt
import pytest
from joserfc.errors import JoseError

from tests.relying_parties.snippets import CLIENT_ID, ISSUER, blocks
from tests.support.forward_auth import grace, signed_in, wiki
from tests.support.house import Server
from tests.support.people import group_of
from tests.support.tools import ROOT
from vestibule.directory.apps import App, SigningAlgorithm
from vestibule.flows.parts.jwt_keys import key_to_sign, usable_jwt_keys
from vestibule.oidc.jwt import sign
from vestibule.web.pages import template_environment
from vestibule.web.recipes import filled_in, oidc_values

TEMPLATES = ROOT / "src" / "vestibule" / "web" / "templates" / "recipes"
SHOWN = {
    "public_url": "https://vestibule.example.com",
    "environment": "prod",
    "host": "wiki.example.com",
    "hostname": "wiki.example.com",
    "address": "wiki.example.com",
    "scheme": "https",
    "upstream": "http://127.0.0.1:9000",
    "name": "wiki",
}
PAGES = {
    "forward-auth-nginx.md": "nginx.conf",
    "forward-auth-caddy.md": "Caddyfile",
    "forward-auth-traefik.md": "traefik.yaml",
}
OIDC_PAGES = {
    "app-argo-cd.md": ("argo-cd.yaml", "https://argocd.example.com/auth/callback"),
    "app-django.md": ("django.py.jinja", "https://app.example.com/accounts/oidc/vestibule/login/callback/"),
    "app-fastapi.md": ("fastapi.py.jinja", "https://app.example.com/callback"),
    "app-gitlab.md": ("gitlab.rb", "https://gitlab.example.com/users/auth/openid_connect/callback"),
    "app-grafana.md": ("grafana.ini", "https://grafana.example.com/login/generic_oauth"),
    "app-nextjs.md": ("nextjs.js", "https://app.example.com/api/auth/callback/vestibule"),
    "app-oauth2-proxy.md": ("oauth2-proxy.cfg", "https://wiki.example.com/oauth2/callback"),
}
API_PAGES = {
    "machine-access.md": ("api.py.jinja", "https://files.example.com/api"),
    "mcp-server.md": ("mcp-server.js", "https://mcp.example.com/mcp"),
}
VERIFY = "verify-identity-token.md"


def recipe(name: str, values: dict[str, str]) -> str:
    return filled_in(template_environment(), name, values)


@pytest.mark.parametrize(("page", "name"), PAGES.items())
def test_a_page_shows_the_recipe_that_the_console_shows(page: str, name: str) -> None:
    shown = blocks(page, r"\w+")
    assert [one.strip() for one in shown] == [recipe(name, SHOWN).strip()]


@pytest.mark.parametrize("page", OIDC_PAGES)
def test_a_page_about_an_app_shows_the_recipe_and_names_the_redirect_uri(page: str) -> None:
    name, redirect_uri = OIDC_PAGES[page]
    assert blocks(page, r"\w+")[0].strip() == recipe(name, oidc_values(ISSUER, CLIENT_ID, redirect_uri)).strip()
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    assert f"`{redirect_uri}`" in text.partition("```")[0]


@pytest.mark.parametrize("page", API_PAGES)
def test_a_page_about_an_api_shows_the_recipe(page: str) -> None:
    name, identifier = API_PAGES[page]
    shown = [one.strip() for one in blocks(page, r"(?:python|js)")]
    assert shown == [recipe(name, {"issuer": ISSUER, "identifier": identifier}).strip()]


def test_every_recipe_has_its_page() -> None:
    files = {path.name for path in TEMPLATES.iterdir()}
    assert files == {*PAGES.values(), *(name for name, _ in (OIDC_PAGES | API_PAGES).values())}
    assert set(OIDC_PAGES) == {path.name for path in (ROOT / "docs" / "how-to").glob("app-*.md")}


def test_a_value_stands_in_a_recipe_as_it_is() -> None:
    odd = "https://app.example.com/callback?a=1&b='2'"
    assert f'redirect_url = "{odd}"' in recipe("oauth2-proxy.cfg", oidc_values(ISSUER, CLIENT_ID, odd))


@pytest.mark.parametrize("name", PAGES.values())
def test_a_recipe_passes_on_every_header_and_asks_the_environment(name: str) -> None:
    text = recipe(name, SHOWN)
    for header in ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "X-Vestibule-Identity"):
        assert header in text
    assert "https://vestibule.example.com" in text
    assert "/e/prod/verify" in text


def run_snippet(index: int, issuer: str, app: App) -> Any:
    """Run one of the page's first two snippets for an app of the test, and return its `person`."""
    code = blocks(VERIFY, "python")[index]
    for shown, ours in (
        (r'"https://vestibule\.example\.com/e/prod"', f'"{issuer}"'),
        (r'"app_[0-9a-z]{26}"', f'"{app.id}"'),
    ):
        code, replaced = re.subn(shown, ours, code)
        assert replaced == 1
    names: dict[str, Any] = {}
    exec(compile(code, VERIFY, "exec"), names)  # noqa: S102 - a page of ours
    return names["person"]


@pytest.mark.parametrize("index", [0, 1], ids=["PyJWT", "joserfc"])
def test_a_service_verifies_the_identity_token_as_the_page_says(server: Server, index: int) -> None:
    house, issuer = server.house, f"{server.base_url}/e/dev"
    ops = group_of(house, name="Ops")
    app = wiki(house, groups=(ops,))
    other = wiki(house, "graphs.example.com", name="Graphs")
    grace(house, ops)
    token = signed_in(server).ask().headers["x-vestibule-identity"]
    person = run_snippet(index, issuer, app)
    said = person(token)
    assert (said["email"], said["groups"], said["environment"]) == ("grace@example.com", ["Ops"], "dev")

    key = key_to_sign(house.runtime, usable_jwt_keys(house.runtime, house.environments["dev"]), SigningAlgorithm.RS256)
    claims = {**said, "exp": int(house.clock().timestamp()) + 60}
    person(sign(claims, key, "identity+jwt"))
    header = {"typ": "identity+jwt", "kid": key.kid}
    refused = {
        "expired": sign({**claims, "exp": int(house.clock().timestamp()) - 1}, key, "identity+jwt"),
        "another app's": sign({**claims, "aud": other.id}, key, "identity+jwt"),
        "another environment's": sign({**claims, "iss": issuer.replace("dev", "prod")}, key, "identity+jwt"),
        "another kind": sign(claims, key, "JWT"),
        "without a signature": unsigned(token),
        "signed with a word": jwt.encode(claims, "a word of 32 characters or more...", "HS256", headers=header),
        "altered": token[:-6] + ("AAAAAA" if not token.endswith("AAAAAA") else "BBBBBB"),
        "empty": "",
    }
    taken = [what for what, hostile in refused.items() if accepts(person, hostile)]
    assert taken == []


def unsigned(token: str) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"identity+jwt"}').decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def accepts(person: Any, token: str) -> bool:
    try:
        person(token)
    except (ValueError, jwt.PyJWTError, JoseError):
        return False
    return True


def test_every_snippet_of_the_page_is_python() -> None:
    shown = blocks(VERIFY, "python")
    assert len(shown) == 4
    for code in shown:
        compile(code, VERIFY, "exec")
