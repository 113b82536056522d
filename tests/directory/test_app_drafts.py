"""What may be set up as an app: addresses that answers go to, hosts, groups, and every mistake beside its field."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.app_drafts import AppDraft, CheckedApp, check_draft, validate_redirect_uri
from vestibule.directory.apps import AppKind, ClientAuthentication, GrantType
from vestibule.kernel.errors import FieldError, Invalid

GRAFANA = AppDraft(
    name="Grafana", kind="oidc", redirect_uris="https://grafana.example/login\nhttp://127.0.0.1/callback"
)


def check(draft: AppDraft) -> CheckedApp:
    return check_draft(draft, {"grp_ops"})


def mistakes(draft: AppDraft) -> set[str]:
    with pytest.raises(Invalid) as caught:
        check(draft)
    return {one.field for one in caught.value.errors}


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/callback?tenant=1",
        "http://127.0.0.1/callback",
        "http://[::1]:9000/callback",
        "http://localhost:3000/api/auth/callback",
        "com.example.app:/callback",
    ],
)
def test_an_address_that_an_answer_may_go_to(uri: str) -> None:
    assert validate_redirect_uri("redirect_uris", f"  {uri} ") == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "app.example/callback",
        "//app.example/callback",
        "http://app.example/callback",
        "https://app.example/callback#fragment",
        "https://app.example/callback#",
        "https://user@app.example/callback",
        "https://app.example@evil.example/",
        "https://*.app.example/callback",
        "https://app.example/*",
        "https://app.example/call back",
        "https://app.example\\@evil.example/",
        "https://app.example:port/",
        "https://[::1/callback",
        "https:///callback",
        "https://äpp.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "myapp:/callback",
        "https://app.example/\r\nSet-Cookie: x",
        "https://app.example/" + "a" * 2000,
    ],
)
def test_an_address_that_no_answer_may_go_to(uri: str) -> None:
    with pytest.raises(FieldError):
        validate_redirect_uri("redirect_uris", uri)


@given(st.text(max_size=60) | st.from_regex(r"[a-z.]+:/?/?[^\s]{0,30}", fullmatch=True))
def test_whatever_is_typed_is_an_address_or_a_mistake_and_never_more(typed: str) -> None:
    try:
        uri = validate_redirect_uri("redirect_uris", typed)
    except FieldError:
        return
    parts = urlsplit(uri)
    assert parts.scheme in {"https", "http"} or "." in parts.scheme
    assert not parts.fragment
    assert parts.scheme != "http" or parts.hostname in {"127.0.0.1", "::1", "localhost"}


def test_a_good_draft_is_an_app_with_what_its_kind_knows() -> None:
    checked = check(replace(GRAFANA, hosts="wiki.example.com", authentication="none"))
    assert checked.oidc is not None
    assert checked.oidc.redirect_uris == ("https://grafana.example/login", "http://127.0.0.1/callback")
    assert checked.oidc.authentication is ClientAuthentication.NONE
    assert checked.hosts == ()
    proxied = check(AppDraft(name="Wiki", kind="forward_auth", hosts="Wiki.Example.com, docs.example.com:8443"))
    assert (proxied.kind, proxied.hosts, proxied.oidc) == (
        AppKind.FORWARD_AUTH,
        ("docs.example.com:8443", "wiki.example.com"),
        None,
    )


def test_each_mistake_stands_beside_its_field_and_all_are_told_at_once() -> None:
    draft = replace(
        GRAFANA,
        name=" ",
        redirect_uris="nonsense",
        launch_url="javascript:alert(1)",
        everyone=False,
        sector="Not A Sector!",
        backchannel_logout_uri="ftp://app.example/",
        authentication="trust me",
        id_token_alg="none",
        grant_types=frozenset({"password"}),
    )
    assert mistakes(draft) == {
        "name",
        "redirect_uris",
        "launch_url",
        "groups",
        "sector",
        "backchannel_logout_uri",
        "authentication",
        "id_token_alg",
        "grant_types",
    }


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(GRAFANA, redirect_uris=""), "redirect_uris"),
        (replace(GRAFANA, redirect_uris="\n".join(f"https://a.example/{n}" for n in range(21))), "redirect_uris"),
        (AppDraft(name="Wiki", kind="forward_auth"), "hosts"),
        (AppDraft(name="Wiki", kind="forward_auth", hosts="*.example.com"), "hosts"),
        (AppDraft(name="Wiki", kind="forward_auth", hosts="https://wiki.example.com/"), "hosts"),
        (AppDraft(name="Intranet", kind="link"), "launch_url"),
        (AppDraft(name="Odd", kind="saml", launch_url="https://a.example/"), "kind"),
        (replace(GRAFANA, everyone=False, group_ids=frozenset({"grp_of_another_environment"})), "groups"),
    ],
)
def test_a_mistake_of_one_kind(draft: AppDraft, field: str) -> None:
    assert mistakes(draft) == {field}


def test_machines_need_no_address_and_groups_of_elsewhere_are_left_out() -> None:
    machine = check(replace(GRAFANA, redirect_uris="", grant_types=frozenset({GrantType.CLIENT_CREDENTIALS.value})))
    assert machine.oidc is not None
    assert machine.oidc.redirect_uris == ()
    narrowed = check(replace(GRAFANA, everyone=False, group_ids=frozenset({"grp_ops", "grp_elsewhere"})))
    assert narrowed.group_ids == {"grp_ops"}
