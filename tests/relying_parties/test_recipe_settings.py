"""Recipes of software that the tests do not run: their form, and that each setting is one that the product documents."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.relying_parties.snippets import ISSUER, blocks
from tests.support.house import Server

PRODUCTS = json.loads(Path(__file__).with_name("settings_of_products.json").read_text(encoding="utf-8"))


def known(product: str) -> set[str]:
    """Return the settings that a product's documentation names; where it does stands beside them."""
    return set(PRODUCTS[product]["settings"])


def shown(page: str, language: str) -> str:
    return blocks(page, language)[0]


def discovery(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.base_url}/e/dev/.well-known/openid-configuration").json()
    return found


def test_grafana_knows_each_setting_and_is_sent_where_the_server_answers(server: Server) -> None:
    ini = configparser.RawConfigParser()
    ini.read_string(shown("app-grafana.md", "ini"))
    assert ini.sections() == ["server", "auth.generic_oauth"]
    said = dict(ini["auth.generic_oauth"])
    assert set(said) <= known("Grafana")
    served = discovery(server)
    for key, endpoint in {
        "auth_url": "authorization_endpoint",
        "token_url": "token_endpoint",
        "api_url": "userinfo_endpoint",
    }.items():
        assert said[key].replace(ISSUER, served["issuer"]) == served[endpoint]
    assert set(said["scopes"].split()) <= set(served["scopes_supported"])


def test_argo_cd_knows_each_setting() -> None:
    config, secret, roles = yaml.safe_load_all(shown("app-argo-cd.md", "yaml"))
    oidc = yaml.safe_load(config["data"]["oidc.config"])
    assert set(oidc) <= known("Argo CD")
    assert (oidc["issuer"], oidc["enablePKCEAuthentication"]) == (ISSUER, True)
    assert oidc["clientSecret"].removeprefix("$") in secret["stringData"]
    assert yaml.safe_load(roles["data"]["scopes"]) == ["groups"]
    assert all(
        re.fullmatch(r"g, \w+, role:(admin|readonly)", line) for line in roles["data"]["policy.csv"].splitlines()
    )


def test_oauth2_proxy_knows_each_setting() -> None:
    said = tomllib.loads(shown("app-oauth2-proxy.md", "toml"))
    assert set(said) <= known("oauth2-proxy")
    assert (said["oidc_issuer_url"], said["code_challenge_method"]) == (ISSUER, "S256")
    assert said["insecure_oidc_skip_nonce"] is False


def test_gitlab_knows_each_setting_and_authenticates_in_a_way_that_the_server_takes(server: Server) -> None:
    text = shown("app-gitlab.md", "ruby")
    said = set(re.findall(r"^\s*(\w+):", text, re.MULTILINE)) | set(re.findall(r"\{ (\w+):", text))
    assert said <= known("GitLab")
    assert {"pkce", "uid_field", "redirect_uri"} <= said
    (method,) = re.findall(r'client_auth_method: "(\w+)"', text)
    assert f"client_secret_{method}" in discovery(server)["token_endpoint_auth_methods_supported"]
    assert [text.count(one) for one in "[{("] == [text.count(one) for one in "]})"]
