"""Forward-auth against those who mean harm: each test is one attack."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from tests.support.forward_auth import HOST, AppHost, eventually, grace, sign_in_here, signed_in, wiki
from tests.support.house import Client, House, Server
from tests.support.people import group_of
from tests.web.test_forward_auth import recorded
from vestibule.directory.activity import Outcome
from vestibule.flows import end_user, forward_auth
from vestibule.flows.parts.forwarding import HostUnknown
from vestibule.storage import end_users
from vestibule.web import app_host


@pytest.fixture
def ready(server: Server) -> tuple[Server, Client]:
    """Give a server with a wiki, and a browser in which Grace is signed in at our own host."""
    wiki(server.house)
    grace(server.house)
    client = server.client()
    sign_in_here(client)
    return server, client


def test_a_token_of_one_app_opens_no_other_app(ready: tuple[Server, Client]) -> None:
    server, client = ready
    wiki(server.house, "graphs.example.com", name="Graphs")
    there = AppHost(server)
    there.enter(client)
    assert there.ask().status_code == 200
    assert replace(there, host="graphs.example.com").ask().status_code == 302


def test_a_header_of_the_other_kind_of_proxy_does_not_choose_another_app(ready: tuple[Server, Client]) -> None:
    """A visitor of Graphs, who may use the Wiki only, adds the header by which nginx would name the Wiki."""
    server, client = ready
    wiki(server.house, "graphs.example.com", name="Graphs", groups=())
    there = AppHost(server)
    there.enter(client)
    at_graphs = replace(there, host="graphs.example.com")
    assert at_graphs.ask(X_Original_URL=f"http://{HOST}/").status_code == 403
    assert at_graphs.ask(X_Original_Method="GET").status_code == 400
    assert at_graphs.ask(nginx=True, X_Forwarded_Host=HOST).status_code == 403
    assert at_graphs.ask(nginx=True, X_Forwarded_Uri="/").status_code == 403


def test_nobody_is_sent_from_or_to_a_host_that_is_not_registered(ready: tuple[Server, Client]) -> None:
    server, _ = ready
    for host in ("evil.example", f"{HOST}.evil.example", f"evil-{HOST}", f"{HOST}:8443"):
        answer = AppHost(server, host).ask()
        assert (answer.status_code, "location" in answer.headers) == (403, False)


def test_whatever_the_path_is_the_way_back_leads_to_the_app(ready: tuple[Server, Client]) -> None:
    server, client = ready
    for uri in ("//evil.example/", "/\\evil.example", "/%5cevil.example", "/%0d%0aSet-Cookie:x=1"):
        back = AppHost(server).enter(client, uri).headers["location"]
        assert back == f"http://{HOST}{uri}".replace("\\", "%5C")


def test_a_callback_works_once(ready: tuple[Server, Client]) -> None:
    server, client = ready
    there = AppHost(server)
    callback = there.callback(client)
    stolen = replace(there, cookies=dict(there.cookies))
    assert there.ask(callback).status_code == 303
    page = stolen.ask(callback)
    assert page.status_code == 403
    assert "vestibule_app_dev" not in stolen.cookies
    assert "code not known" in str(recorded(server.house, Outcome.REFUSED)[0].event.details["reason"])


def test_a_callback_in_another_browser_signs_nobody_in_and_is_used_up(ready: tuple[Server, Client]) -> None:
    """Login CSRF: a stranger signs in as themselves, and makes somebody else's browser open the callback."""
    server, client = ready
    strangers, victims = AppHost(server), AppHost(server)
    callback = strangers.callback(client)
    assert victims.ask(callback).status_code == 403
    assert "vestibule_app_dev" not in victims.cookies
    victims.ask()  # now it has a secret of its own
    assert victims.ask(callback).status_code == 403
    assert strangers.ask(callback).status_code == 403


def test_a_ticket_made_by_one_browser_gives_another_browser_nothing(ready: tuple[Server, Client]) -> None:
    """A stranger begins at the app and gives the link to somebody who is signed in: the code counts in the stranger's browser only,
    and is brought by the other one."""
    server, client = ready
    stranger, victim = AppHost(server), AppHost(server)
    path = stranger.ask().headers["location"].removeprefix(server.base_url)
    callback = client.get(path).headers["location"].removeprefix(f"http://{HOST}")
    assert victim.ask(callback).status_code == 403
    assert stranger.ask(callback).status_code == 403


def test_a_code_expires_within_a_minute(ready: tuple[Server, Client]) -> None:
    server, client = ready
    server.house.clock.freeze()
    there = AppHost(server)
    in_time, too_late = there.callback(client), there.callback(client)
    server.house.clock.advance(seconds=59)
    assert there.ask(in_time).status_code == 303
    there.cookies.pop("vestibule_app_dev")
    server.house.clock.advance(seconds=1)
    assert there.ask(too_late).status_code == 403


def test_a_code_for_one_host_is_refused_at_another(ready: tuple[Server, Client]) -> None:
    server, client = ready
    wiki(server.house, "graphs.example.com", name="Graphs")
    there = AppHost(server)
    callback = there.callback(client)
    assert replace(there, host="graphs.example.com").ask(callback).status_code == 403


def test_two_codes_in_one_address_are_none(ready: tuple[Server, Client]) -> None:
    server, client = ready
    there = AppHost(server)
    callback = there.callback(client)
    assert there.ask(f"{callback}&code=x").status_code == 403


def test_a_ticket_that_we_did_not_make_leads_nowhere(ready: tuple[Server, Client]) -> None:
    server, client = ready
    ticket = AppHost(server).ask().headers["location"].partition("?for=")[2]
    made = {
        "altered": ticket[:30] + ("A" if ticket[30] != "A" else "B") + ticket[31:],
        "cut": ticket[:-4],
        "made up": base64.urlsafe_b64encode(b'["http","evil.example","/","",0]').decode().rstrip("="),
        "empty": "",
        "not base64": "%00%0d%0a",
        "huge": "A" * 5000,
    }
    for what, changed in made.items():
        answer = client.get(f"/e/dev/verify/sign-in?for={changed}")
        assert (answer.status_code, "location" in answer.headers) == (400, False), what


def test_a_ticket_of_one_environment_is_none_in_another(server: Server) -> None:
    wiki(server.house)
    wiki(server.house, key="prod")
    grace(server.house, environments=("dev", "prod"))
    client = server.client()
    sign_in_here(client, "prod")
    path = AppHost(server).ask().headers["location"].removeprefix(server.base_url)
    assert client.get(path.replace("/e/dev/", "/e/prod/")).status_code == 400


def test_a_ticket_expires_after_ten_minutes(ready: tuple[Server, Client]) -> None:
    server, client = ready
    server.house.clock.freeze()
    path = AppHost(server).ask().headers["location"].removeprefix(server.base_url)
    server.house.clock.advance(minutes=9, seconds=59)
    assert client.get(path).status_code == 303
    server.house.clock.advance(seconds=1)
    assert client.get(path).status_code == 400


def test_a_token_of_one_environment_opens_nothing_in_another(server: Server) -> None:
    house = server.house
    wiki(house)
    wiki(house, key="prod")
    grace(house, environments=("dev", "prod"))
    there = signed_in(server)
    in_prod = replace(there, key="prod")
    in_prod.cookies = {"vestibule_app_prod": there.cookies["vestibule_app_dev"]}
    assert in_prod.ask().status_code == 302
    assert there.ask().status_code == 200
    # Nor is one of our own sessions a token of an app's host.
    client = server.client()
    sign_in_here(client)
    there.cookies = {"vestibule_app_dev": client.http.cookies["vestibule_env_dev"]}
    assert there.ask().status_code == 302


def test_a_token_of_an_apps_host_opens_nothing_at_ours(ready: tuple[Server, Client]) -> None:
    server, client = ready
    there = AppHost(server)
    there.enter(client)
    stranger = server.client()
    stranger.http.cookies.set("vestibule_env_dev", there.cookies["vestibule_app_dev"])
    assert stranger.get("/e/dev/").status_code == 303


def test_headers_of_the_visitor_about_who_they_are_change_no_answer(ready: tuple[Server, Client]) -> None:
    server, client = ready
    there = AppHost(server)
    assert there.ask(Remote_User="ada@example.com", X_Vestibule_Identity="x").status_code == 302
    there.enter(client)
    for _ in range(2):  # from the database and from memory
        answer = there.ask(Remote_User="ada@example.com", Remote_Groups="Owners", X_Vestibule_Identity="x")
        assert answer.headers.get_list("remote-user") == ["grace@example.com"]
        assert answer.headers["remote-groups"] == ""


def test_what_people_are_called_can_not_break_out_of_a_header(server: Server) -> None:
    house = server.house
    group = group_of(house, name="Ops,Owners%0d%0aX: 1")
    wiki(house)
    person = grace(house, group)
    end_user.change_profile(house.runtime, house.owner, person.id, "Grâce “Ünal”, 100 %", "grace@example.com")
    answer = signed_in(server).ask()
    assert answer.headers["remote-groups"] == "Ops%2COwners%250d%250aX: 1"
    assert answer.headers["remote-name"] == "Gr%C3%A2ce %E2%80%9C%C3%9Cnal%E2%80%9D%2C 100 %25"


def test_somebody_deactivated_can_not_finish_what_they_began(ready: tuple[Server, Client]) -> None:
    server, client = ready
    house, there = server.house, AppHost(server)
    callback = there.callback(client)
    with house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, house.workspace.id, "grace@example.com")
    assert person is not None
    end_user.deactivate(house.runtime, house.owner, person.id)
    assert there.ask(callback).status_code == 403
    eventually(there, 302)


def test_without_cookies_a_browser_ends_on_a_page_and_goes_in_no_circle(ready: tuple[Server, Client]) -> None:
    server, client = ready
    there = AppHost(server)
    callback = there.callback(client)
    there.cookies.clear()
    page = there.ask(callback)
    assert page.status_code == 403
    assert "Try again" in page.text


def test_a_form_can_not_be_posted_to_verify(ready: tuple[Server, Client]) -> None:
    _, client = ready
    assert client.http.post("/e/dev/verify").status_code == 405


def test_a_stranger_fills_no_memory_with_names_of_environments_that_there_can_not_be(server: Server) -> None:
    wiki(server.house)
    there = AppHost(server)
    before = app_host._names.cache_info().currsize
    for number in range(5):
        assert replace(there, key=f"{number}" * 20_000).ask().status_code in {403, 404}
    assert app_host._names.cache_info().currsize == before


def test_a_yes_is_counted_whichever_of_two_cookies_it_rests_on(ready: tuple[Server, Client]) -> None:
    def counted() -> float | None:
        return REGISTRY.get_sample_value("vestibule_forward_auth_answers_total", {"outcome": "allowed"})

    server, client = ready
    there = AppHost(server)
    there.enter(client)
    there.cookies["vestibule_domain_dev"] = "x" * 43
    before = counted() or 0.0
    assert there.ask().status_code == 200
    assert counted() == before + 1


def test_a_question_about_our_own_host_is_refused_with_what_the_operator_has_to_change(house: House) -> None:
    """A Caddy or Traefik before us puts our name where the app's was."""
    runtime = replace(house.runtime, public_url="https://sso.example.com")
    with pytest.raises(HostUnknown) as refused:
        forward_auth.admit(runtime, forward_auth.Recent(), "dev", "sso.example.com", "")
    assert "a proxy before us" in refused.value.reason
