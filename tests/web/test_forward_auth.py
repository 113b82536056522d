"""Forward-auth over HTTP, on both engines: the way in, what an app is told, and how soon an answer changes."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from sqlalchemy import event

from tests.support import sign_ins
from tests.support.forward_auth import HOST, AppHost, change, eventually, grace, sign_in_here, signed_in, wiki
from tests.support.house import House, Server, serving_beside
from tests.support.people import group_of
from vestibule.directory.activity import ActivityFilter, Entry, Outcome
from vestibule.flows import end_user, environments, jwt_keys
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.jwt_keys import keys_to_verify, usable_jwt_keys
from vestibule.oidc.jwt import unverified, verify
from vestibule.storage import access, activity, apps, forward_auth, groups


def recorded(house: House, outcome: Outcome = Outcome.DONE) -> list[Entry]:
    narrowed = ActivityFilter(action_prefix="app.sign_in", outcome=outcome)
    with house.runtime.database.reading() as tx:
        return list(activity.page(tx, house.workspace.id, narrowed, before=None, after=None, size=50))


def register(house: House, domain: str = "example.com", key: str = "dev") -> None:
    place = house.environments[key]
    with house.runtime.database.transaction() as tx:
        forward_auth.insert_cookie_domain(tx, house.workspace.id, place.id, domain, house.clock())


def test_somebody_signs_in_and_comes_back_to_the_page_that_was_wanted(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    client, there = server.client(), AppHost(server)
    started = there.ask("/pages/7?tab=history")
    assert started.status_code == 302
    path = started.headers["location"].removeprefix(server.base_url)
    to_sign_in = client.get(path)
    assert to_sign_in.status_code == 303
    page = client.get(to_sign_in.headers["location"])
    assert "Type your work e-\u2060mail" in page.text
    return_to = re.search(r'name="return_to" value="([^"]+)"', page.text)
    assert return_to is not None
    sent = client.post(
        "/e/dev/sign-in/password",
        {
            "email": "grace@example.com",
            "password": sign_ins.PASSWORD,
            "return_to": return_to.group(1).replace("&amp;", "&"),
        },
    )
    back = client.get(sent.headers["location"])
    # Not a redirect: Chrome would hold it to the policy of the page with the form.
    assert (back.status_code, "Taking you to Wiki" in back.text) == (200, True)
    code = re.search(r"callback\?code=([\w-]+)", back.text)
    assert code is not None
    entered = there.ask(f"/.vestibule/callback?code={code.group(1)}")
    assert (entered.status_code, entered.headers["location"]) == (303, f"http://{HOST}/pages/7?tab=history")
    assert there.ask("/pages/7?tab=history").status_code == 200


def test_somebody_who_is_signed_in_already_sees_no_page_of_ours(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    assert there.enter(client, "/a").headers["location"] == f"http://{HOST}/a"
    assert [one.event.subject.name for one in recorded(server.house)] == ["Wiki"]


def test_the_app_is_told_who_it_is_in_headers_and_in_a_token(server: Server) -> None:
    ops = group_of(server.house, name="Ops, night shift")
    other = group_of(server.house, name="Förderverein")
    app = wiki(server.house)
    person = grace(server.house, ops, other)
    answer = signed_in(server).ask()
    assert answer.headers["remote-user"] == answer.headers["remote-email"] == "grace@example.com"
    assert answer.headers["remote-name"] == "Grace Okafor"
    told = [unquote(one) for one in answer.headers["remote-groups"].split(",")]
    assert told == ["Förderverein", "Ops, night shift"]
    house, place = server.house, server.house.environments["dev"]
    keys = keys_to_verify(usable_jwt_keys(house.runtime, place))
    said = verify(
        answer.headers["x-vestibule-identity"],
        keys,
        issuer=f"{server.base_url}/e/dev",
        typ="identity+jwt",
        now=house.clock(),
        audience=app.id,
    ).claims
    assert said["email"] == person.email
    assert (said["name"], said["environment"], said["groups"]) == ("Grace Okafor", "dev", told)
    assert person.id not in said["sub"]
    assert 90 <= said["exp"] - house.clock().timestamp() <= 120


def test_an_app_for_some_groups_is_told_of_those_only(server: Server) -> None:
    ops, hr = group_of(server.house, name="Ops"), group_of(server.house, name="HR")
    wiki(server.house, groups=(ops,))
    grace(server.house, ops, hr)
    assert signed_in(server).ask().headers["remote-groups"] == "Ops"


def test_nginx_learns_by_status_alone(server: Server) -> None:
    ops = group_of(server.house)
    app = wiki(server.house)
    grace(server.house)
    there = AppHost(server)
    assert there.ask(nginx=True).status_code == 401
    there = signed_in(server)
    assert there.ask(nginx=True).status_code == 200
    change(server.house, app, everyone=False, group_ids=frozenset({ops.id}))
    eventually(there, 403)
    assert there.ask(nginx=True).status_code == 403


def test_what_is_no_page_is_not_sent_to_sign_in(server: Server) -> None:
    wiki(server.house)
    answer = AppHost(server).ask(Sec_Fetch_Mode="cors")
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)


def test_two_tabs_that_begin_at_once_both_arrive(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    first, second = there.callback(client, "/first"), there.callback(client, "/second")
    assert there.ask(first).headers["location"] == f"http://{HOST}/first"
    assert there.ask(second).headers["location"] == f"http://{HOST}/second"


def test_the_back_button_to_the_callback_leads_into_the_app(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    callback = there.callback(client)
    assert there.ask(callback).status_code == 303
    again = there.ask(callback)
    assert (again.status_code, again.headers["location"]) == (303, f"http://{HOST}/")


def test_an_address_too_long_to_come_back_to_leads_to_the_start_of_the_app(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    client = server.client()
    sign_in_here(client)
    assert AppHost(server).enter(client, "/" + "a" * 1000).headers["location"] == f"http://{HOST}/"
    assert AppHost(server).enter(client, "/" + "a" * 999).headers["location"] == f"http://{HOST}/{'a' * 999}"


@pytest.mark.parametrize("how", ["deactivated", "access", "signed out", "group", "disabled", "deleted"])
def test_an_answer_changes_within_a_moment(server: Server, how: str) -> None:
    house, ops = server.house, group_of(server.house, name="Ops")
    app, person = wiki(house, groups=(ops,)), grace(house, ops)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    there.enter(client)
    assert there.ask().status_code == 200
    place = house.environments["dev"]
    if how == "deactivated":
        end_user.deactivate(house.runtime, house.owner, person.id)
    elif how == "signed out":
        client.get("/e/dev/sign-out")
        client.post("/e/dev/sign-out")
    else:
        with house.runtime.database.transaction() as tx:
            if how == "access":
                access.revoke_access(tx, house.workspace.id, place.id, person.id)
            elif how == "group":
                groups.delete_group(tx, house.workspace.id, ops.id)
            elif how == "disabled":
                apps.update_app(tx, replace(app, disabled=True))
            else:
                apps.delete_app(tx, house.workspace.id, app.id)
    answer = eventually(there, 403 if how in {"group", "disabled", "deleted"} else 302)
    assert "x-vestibule-identity" not in answer.headers


def test_signing_out_at_the_apps_host_ends_the_session_there_and_asks_at_ours_about_the_rest(server: Server) -> None:
    wiki(server.house)
    wiki(server.house, "graphs.example.com", name="Graphs")
    grace(server.house)
    client, there, other = server.client(), AppHost(server), AppHost(server, "graphs.example.com")
    sign_in_here(client)
    there.enter(client)
    other.enter(client)
    token = dict(there.cookies)
    left = there.ask("/.vestibule/sign-out", Sec_Fetch_Site="same-origin")
    assert (left.status_code, left.headers["location"]) == (303, f"{server.base_url}/e/dev/sign-out")
    assert there.cookies["vestibule_app_dev"] == '""'
    there.cookies = token
    eventually(there, 302)
    assert other.ask().status_code == 200, "the page has not asked yet"
    assert "You are signed in as Grace Okafor" in client.get("/e/dev/sign-out").text
    assert client.post("/e/dev/sign-out").status_code == 303
    eventually(other, 302)
    again = client.get("/e/dev/sign-out")
    assert (again.status_code, again.headers["location"]) == (303, "/e/dev/sign-in?signed_out=1")


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_another_site_that_leads_to_the_sign_out_ends_nothing(server: Server, site: str) -> None:
    wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    for mode, method in (("navigate", "GET"), ("no-cors", "GET"), ("navigate", "POST")):
        left = there.ask(
            "/.vestibule/sign-out?return_to=//evil.example", method=method, Sec_Fetch_Site=site, Sec_Fetch_Mode=mode
        )
        assert (left.status_code, left.headers["location"]) == (303, f"{server.base_url}/e/dev/sign-out")
        assert "set-cookie" not in left.headers
    assert there.ask().status_code == 200


def test_a_password_does_not_suffice_any_more_once_saml_is_required(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    assert there.ask().status_code == 200
    sign_ins.connect(server.house)
    eventually(there, 302)


def test_a_session_at_the_host_ends_with_the_browsers_session_at_that_instant(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    server.house.clock.freeze()
    there = signed_in(server)
    server.house.clock.advance(hours=8, seconds=-1)
    assert there.ask().status_code == 200
    server.house.clock.advance(seconds=1)
    eventually(there, 302)


def test_who_may_not_use_the_app_reads_why_and_the_admin_finds_it_by_its_code(server: Server) -> None:
    wiki(server.house, groups=())
    grace(server.house)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    path = there.ask("/").headers["location"].removeprefix(server.base_url)
    page = client.get(path)
    assert page.status_code == 403
    assert "You can’t use Wiki" in page.text
    assert "None of your groups may use it" in page.text
    entry = recorded(server.house, Outcome.REFUSED)[0]
    assert entry.event.reference == sign_ins.reference_in(page.text)
    assert (entry.actor.name, entry.event.details["reason"]) == ("Grace Okafor", "app_groups")


def test_a_page_at_the_apps_host_needs_nothing_that_is_not_in_it(server: Server) -> None:
    ops = group_of(server.house)
    app = wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    change(server.house, app, everyone=False, group_ids=frozenset({ops.id}))
    page = eventually(there, 403)
    assert "You can’t use Wiki" in page.text
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    assert not re.search(r'(?:src|href)="/', page.text)


def test_a_registered_domain_spares_the_round_at_the_next_host(server: Server) -> None:
    register(server.house)
    ops = group_of(server.house)
    wiki(server.house)
    wiki(server.house, "graphs.example.com", name="Graphs")
    wiki(server.house, "hr.example.com", name="HR", groups=(ops,))
    wiki(server.house, "wiki.example.net", name="Elsewhere")
    grace(server.house)
    client, there = server.client(), AppHost(server)
    sign_in_here(client)
    entered = there.enter(client)
    cookie = next(one for one in entered.headers.get_list("set-cookie") if "domain_dev" in one)
    assert "Domain=example.com" in cookie
    assert replace(there, host="graphs.example.com").ask().status_code == 200
    # The cookie reaches every host below; who may use what is decided at each.
    assert replace(there, host="hr.example.com").ask().status_code == 403
    assert replace(there, host="wiki.example.net").ask().status_code == 302


def test_a_domain_that_is_taken_back_ends_what_counted_below_it(server: Server) -> None:
    register(server.house)
    wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    assert there.ask().status_code == 200
    with server.house.runtime.database.transaction() as tx:
        assert forward_auth.delete_cookie_domain(
            tx, server.house.workspace.id, server.house.environments["dev"].id, "example.com"
        )
    eventually(there, 302)


def test_an_answer_of_a_moment_ago_takes_no_statement_and_a_new_one_two(server: Server) -> None:
    ops = group_of(server.house)
    wiki(server.house, groups=(ops,))
    wiki(server.house, "graphs.example.com", name="Graphs")
    register(server.house)
    grace(server.house, ops)
    there = signed_in(server)
    assert there.ask().status_code == 200
    statements = list[str]()
    engine = server.house.runtime.database.engine

    def counted(*args: Any) -> None:
        if "jwt_keys" not in args[2]:
            statements.append(args[2])

    event.listen(engine, "before_cursor_execute", counted)
    answers = 0
    while len(statements) < 4:
        assert there.ask().status_code == 200
        answers += 1
    assert len(statements) == 4, statements
    assert answers > 2


def test_what_is_not_known_is_told_apart_without_an_error(server: Server) -> None:
    there = AppHost(server)
    assert there.ask().status_code == 403
    assert AppHost(server, key="nowhere").ask().status_code == 403
    assert environments.list_environments(server.house.runtime, server.house.owner)
    wiki(server.house)
    there.cookies = {"vestibule_app_dev": "A" * 43, "vestibule_domain_dev": "B" * 43}
    assert there.ask().status_code == 302


def test_a_node_whose_clock_is_a_little_behind_takes_the_way_in_that_another_began(server: Server) -> None:
    wiki(server.house)
    grace(server.house)
    clock, client, there = server.house.clock, server.client(), AppHost(server)
    clock.freeze()
    sign_in_here(client)
    path = there.ask("/pages/7").headers["location"].removeprefix(server.base_url)
    clock.advance(seconds=-3)
    assert "/.vestibule/callback?code=" in client.get(path).headers["location"]
    clock.advance(minutes=-2)
    assert client.get(path).status_code == 400


def test_keys_that_were_replaced_at_once_sign_nothing_more_in_any_process(server: Server) -> None:
    """An app verifies with the keys that are published, and would refuse everybody whom a retired key signed for."""
    wiki(server.house)
    grace(server.house)
    there = signed_in(server)
    assert there.ask().status_code == 200
    with serving_beside(server) as other:
        old = kids_published_at(other)
        assert kid_of(there.ask()) in old
        runtime = server.house.runtime
        jwt_keys.rotate_every_environment(runtime, operator(), server.house.workspace.id, at_once=True)
        published = kids_published_at(other)
        assert published.isdisjoint(old)
        begun = time.monotonic()
        while kid_of(there.ask()) not in published:
            assert time.monotonic() < begun + 15
            time.sleep(0.05)
        there.server = other
        assert kid_of(there.ask()) in published


def kid_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return str(unverified(answer.headers["x-vestibule-identity"]).kid)


def kids_published_at(server: Server) -> set[str]:
    return {key["kid"] for key in httpx.get(f"{server.base_url}/e/dev/jwks.json").json()["keys"]}
