"""Paths to go on to, cookies as they come, and the sentence that the next page says."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from starlette.responses import Response

from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.secrets import Sealer
from vestibule.web import flash
from vestibule.web.cookies import clear_cookie, set_cookie
from vestibule.web.forms import errors_by_field, local_path
from vestibule.web.site import Site
from vestibule.web.visits import parse_cookies

ORIGIN = "https://sso.example.com"
NASTY = st.text(alphabet="/\\.%0123456789abcdefAF:@?#[] \t\r\n\x00\x7f\u2028é", max_size=30)


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/me", "/admin/end-users?q=ada&page=2", "/admin/%C3%BC", "/admin/ü", "/admin/a#part"]
)
def test_a_path_below_the_prefix_is_gone_on_to(path: str) -> None:
    assert local_path(path, "/admin/", "/admin/home") == path


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "/",
        "/admin",
        "/administrator/",
        "admin/me",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/admin/",
        "HTTPS:evil.example",
        "javascript:alert(1)",
        "//[",
        "http://[",
        "//evil.example@/admin/",
        "/admin/../e/",
        "/admin/%2e%2e/e/",
        "/admin/.%2E/e/",
        "/admin/..;/e/",
        "/admin//evil.example",
        "/admin/%2f%2fevil.example",
        "/admin/\\evil.example",
        "/admin/%5cevil.example",
        "/admin/\r\nLocation: https://evil.example",
        "/admin/%0d%0aLocation:x",
        "\t/admin/me",
        " /admin/me",
        "/ad\nmin/me",
        "/admin/\x00",
        "/admin/%00",
        "/admin/\x7f",
        "/admin/\u202e",
        "/admin/\u2028",
        "/admin/\ud800",
        "/admin/" + "a" * 2000,
    ],
)
def test_everything_else_leads_home(hostile: str) -> None:
    assert local_path(hostile, "/admin/", "/admin/home") == "/admin/home"


@given(NASTY | st.text(max_size=30), st.sampled_from(["", "/admin/", "/admin", "//", "https://", "/admin/../"]))
def test_a_path_to_go_on_to_never_leaves_this_server_or_its_prefix(untrusted: str, before: str) -> None:
    path = local_path(before + untrusted, "/admin/", "/admin/home")
    parts = urlsplit(urljoin(f"{ORIGIN}/admin/sign-in", path))
    assert (parts.scheme, parts.netloc) == ("https", "sso.example.com")
    assert parts.path.startswith("/admin/")
    assert ".." not in unquote(parts.path)
    path.encode()


def test_the_first_sentence_of_each_field_is_shown() -> None:
    error = Invalid(FieldError("name", "First."), FieldError("email", "Mail."), FieldError("name", "Second."))
    assert errors_by_field(error) == {"name": "First.", "email": "Mail."}
    assert errors_by_field(FieldError("name", "Only.")) == {"name": "Only."}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (["vestibule_admin=abc; other=1"], {"vestibule_admin": "abc"}),
        (["a=1", "vestibule_admin=abc"], {"vestibule_admin": "abc"}),
        (["vestibule_admin=first; vestibule_admin=second"], {"vestibule_admin": "first"}),
        (["vestibule_admin=a=b==; x"], {"vestibule_admin": "a=b=="}),
        (['vestibule_admin="\\101"'], {"vestibule_admin": '"\\101"'}),
        (["vestibule_admin"], {}),
        ([""], {}),
        ([], {}),
        ([";;; ;=;==;"], {}),
        (["xvestibule_admin=abc; Vestibule_admin=abc"], {}),
    ],
)
def test_only_our_own_cookies_are_read_and_as_they_stand(headers: list[str], found: dict[str, str]) -> None:
    assert parse_cookies(headers, "vestibule_") == found


@given(st.lists(st.text(max_size=50), max_size=5))
def test_any_cookie_header_can_be_read(headers: list[str]) -> None:
    for name in parse_cookies(headers, "vestibule_"):
        assert name.startswith("vestibule_")


def visit_with(cookies: dict[str, str], *, https: bool = True, key: str = "a secret key for tests alone") -> Any:
    runtime = SimpleNamespace(sealer=Sealer(key))
    return SimpleNamespace(site=Site(runtime, Environment(autoescape=True), https), runtime=runtime, cookies=cookies)  # type: ignore[arg-type] # a runtime with nothing but what cookies need


def cookie_of(response: Response) -> tuple[str, str, str]:
    header = response.headers["set-cookie"]
    name, _, rest = header.partition("=")
    value, _, attributes = rest.partition(";")
    return name, value, attributes


def test_on_https_a_cookie_belongs_to_this_host_alone() -> None:
    response = Response()
    set_cookie(response, visit_with({}).site, "admin", "token", max_age_seconds=60)
    name, value, attributes = cookie_of(response)
    assert (name, value) == ("__Host-vestibule_admin", "token")
    assert {part.strip().lower() for part in attributes.split(";")} >= {"httponly", "secure", "path=/", "samesite=lax"}
    assert "domain" not in attributes.lower()


def test_the_cookie_that_returns_with_an_idp_is_the_only_one_sent_across_sites() -> None:
    for https, same_site in ((True, "none"), (False, "lax")):
        response = Response()
        set_cookie(response, visit_with({}, https=https).site, "browser", "x", cross_site=True)
        assert f"samesite={same_site}" in response.headers["set-cookie"].lower()
        assert ("secure" in response.headers["set-cookie"].lower()) is https


def test_a_cleared_cookie_is_over() -> None:
    response = Response()
    clear_cookie(response, visit_with({}).site, "admin")
    assert "max-age=0" in response.headers["set-cookie"].lower()


@given(st.text(max_size=300, alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(["ok", "warn"]))
def test_what_is_said_is_read_on_the_next_page(text: str, kind: Any) -> None:
    response = flash.say(Response(), visit_with({}), text, kind)
    name, value, _ = cookie_of(response)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", value)
    assert flash.read(visit_with({name: value})) == (text, kind)


def test_a_sentence_always_fits_a_cookie() -> None:
    name, value, _ = cookie_of(flash.say(Response(), visit_with({}), "\U0001f600" * 5000))
    assert len(name) + len(value) < 4000
    assert flash.read(visit_with({name: value}))[0].startswith("\U0001f600")
    flash.say(Response(), visit_with({}), "\ud800")


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_sentence_that_somebody_made_up_is_not_said(packed: str, mac: str) -> None:
    name = visit_with({}).site.cookie_name("said")
    for value in (packed, f"{packed}.{mac}", f"{packed}.", f".{mac}", f"{packed}.{'0' * 64}"):
        assert flash.read(visit_with({name: value})) == ("", "")


def test_a_sentence_of_another_server_or_an_altered_one_is_not_said() -> None:
    name, value, _ = cookie_of(flash.say(Response(), visit_with({}), "Ines was added."))
    assert flash.read(visit_with({name: value}, key="another secret key for tests")) == ("", "")
    assert flash.read(visit_with({name: "A" + value})) == ("", "")
    assert flash.read(visit_with({name: value[:-1]})) == ("", "")
