"""Problem pages lead on: an end user to the sign-in page of their environment, an admin to the console, nobody in a circle."""

from __future__ import annotations

import re

import pytest

from tests.support import sign_ins
from tests.support.house import Client, Server

_BUTTON = re.compile(r'<a class="btn btn-primary" href="([^"]*)">Go to the start</a>')


def way_on(page: str) -> str:
    found = _BUTTON.search(page)
    return found.group(1) if found else ""


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("/nothing", "/"),
        ("/admin/nothing", "/admin/access-control"),
        ("/e/dev/nothing", "/e/dev/sign-in"),
        ("/e/dev/link/a-link-that-never-was", "/e/dev/sign-in"),
        ("/e/nowhere/", ""),
        ("/e/nowhere/sign-in", ""),
        ("/saml/con_01jd8w4tq50000000000000000/acs", ""),
    ],
)
def test_a_problem_leads_on_to_the_start_of_the_house_that_it_is_in(server: Server, path: str, home: str) -> None:
    client = server.client()
    answer = client.get(path)
    while answer.is_redirect:
        answer = client.get(answer.headers["location"])
    assert answer.status_code in {404, 405, 400}
    assert way_on(answer.text) == home


def test_the_single_sign_on_url_opened_in_a_browser_leads_to_its_environment(server: Server) -> None:
    connection = sign_ins.connect(server.house, "test")
    answer = server.client().get(f"/saml/{connection.id}/acs")
    assert way_on(answer.text) == "/e/test/sign-in"


def test_the_bare_host_opens_the_console(admin_client: Client) -> None:
    assert admin_client.get("/").headers["location"] == "/admin/access-control"


def test_a_slash_too_many_never_leads_to_the_host_that_a_request_names(server: Server) -> None:
    for path in ("/admin/sign-in/", "/e/dev/sign-in/", "/saml/con_1/acs/"):
        for send in (server.client().http.get, server.client().http.post):
            answer = send(path, headers={"Host": "evil.example"})
            assert (answer.status_code, answer.headers.get("location")) == (404, None)


def test_a_link_that_was_used_says_so_and_not_that_the_request_is_unreadable(server: Server) -> None:
    for path in ("/e/dev/link/never-was", "/admin/link/never-was"):
        page = server.client().get(path).text
        assert "<h1>This link works no more</h1>" in page
        assert "This link was used already or has expired." in page


def came_from(page: str) -> str:
    found = re.search(r'<a class="btn btn-primary" href="([^"]*)">Go back</a>', page)
    return found[1] if found else ""


def test_a_form_of_the_console_that_is_refused_leads_back_to_its_page(server: Server, admin_client: Client) -> None:
    me = server.house.owner.admin.id
    page = f"/admin/access-control/{me}"
    admin_client.get(page)
    headers = {"Referer": f"{server.base_url}{page}"}
    answer = admin_client.post(f"{page}/role", {"role": "admin"}, headers=headers)
    assert (answer.status_code, came_from(answer.text)) == (409, page)
    assert '<a class="btn" href="/admin/access-control">Go to the start</a>' in answer.text
    forged = admin_client.post(f"{page}/role", {"role": "admin"}, token="0" * 64, headers=headers)
    assert (forged.status_code, came_from(forged.text)) == (403, page)


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "https://evil.example/admin/access-control",
        "{ours}.evil.example/admin/x",
        "{ours}@evil.example/admin/x",
        "{ours}//evil.example/admin/x",
        "{ours}/admin//evil.example",
        "{ours}/admin/../e/dev/",
        "{ours}/admin/\\evil.example",
        "{ours}/e/dev/",
        "x{ours}/admin/access-control",
        'javascript:alert(1)//{ours}/admin/"onclick=',
    ],
)
def test_where_a_form_says_that_it_came_from_leads_nowhere_else(
    server: Server, admin_client: Client, referer: str
) -> None:
    me = server.house.owner.admin.id
    headers = {"Referer": referer.format(ours=server.base_url)}
    answer = admin_client.post(f"/admin/access-control/{me}/role", {"role": "admin"}, headers=headers)
    assert (answer.status_code, came_from(answer.text), way_on(answer.text)) == (409, "", "/admin/access-control")
    assert "evil" not in answer.text
