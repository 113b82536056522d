"""The console's page for the domains of apps behind a proxy, on both engines."""

from __future__ import annotations

import pytest

from tests.support.forward_auth import eventually, grace, signed_in, wiki
from tests.support.house import Client, Server
from vestibule.flows.cookie_domains import MAX_COOKIE_DOMAINS, list_cookie_domains, register_cookie_domain

PAGE = "/admin/settings/environments/dev/cookie-domains"


def registered(server: Server, key: str = "dev") -> list[str]:
    return list(list_cookie_domains(server.house.runtime, server.house.owner, key)[1])


def test_a_domain_is_registered_in_one_spelling_for_one_environment(server: Server, admin_client: Client) -> None:
    admin_client.get(PAGE)
    assert admin_client.post(PAGE, {"domain": " *.Example.COM. "}).status_code == 303
    assert "example.com was registered" in admin_client.get(PAGE).text
    assert (registered(server), registered(server, "prod")) == (["example.com"], [])


SHARED = ["co.uk", "*.github.io", "Herokuapp.com", "公司.cn", "kawasaki.jp", "a.kawasaki.jp"]


@pytest.mark.parametrize(
    "typed", ["", "localhost", "192.0.2.7", "com", "https://example.com/", "gmail.com", "a b.com", *SHARED]
)
def test_what_is_no_domain_of_ones_own_is_refused_beside_the_field(
    server: Server, admin_client: Client, typed: str
) -> None:
    admin_client.get(PAGE)
    page = admin_client.post(PAGE, {"domain": typed})
    assert (page.status_code, 'id="domain-error"' in page.text) == (422, True)
    assert registered(server) == []


def test_a_domain_below_a_shared_one_and_one_of_an_inner_network_are_ones_own(server: Server) -> None:
    own = ["acme.co.uk", "acme.github.io", "city.kawasaki.jp", "acme.internal", "食狮.公司.cn"]
    for domain in own:
        register_cookie_domain(server.house.runtime, server.house.owner, "dev", domain)
    assert len(registered(server)) == len(own)


def test_a_domain_twice_or_one_too_many_is_refused(server: Server, admin_client: Client) -> None:
    for number in range(MAX_COOKIE_DOMAINS - 1):
        register_cookie_domain(server.house.runtime, server.house.owner, "dev", f"d{number}.example")
    admin_client.get(PAGE)
    assert "is registered already" in admin_client.post(PAGE, {"domain": "d0.example"}).text
    assert admin_client.post(PAGE, {"domain": "last.example"}).status_code == 303
    admin_client.get(PAGE)
    assert "or fewer" in admin_client.post(PAGE, {"domain": "more.example"}).text


def test_removing_a_domain_ends_the_sign_ins_below_it(server: Server, admin_client: Client) -> None:
    register_cookie_domain(server.house.runtime, server.house.owner, "dev", "example.com")
    wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    assert there.ask().status_code == 200
    admin_client.get(PAGE)
    assert admin_client.post(f"{PAGE}/remove", {"domain": "example.com"}).status_code == 303
    assert registered(server) == []
    eventually(there, 302)
    # Twice is no error.
    admin_client.get(PAGE)
    assert admin_client.post(f"{PAGE}/remove", {"domain": "example.com"}).status_code == 303
