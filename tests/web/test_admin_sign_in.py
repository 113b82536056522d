"""The console's own door over HTTP."""

from __future__ import annotations

import re
from html import unescape

from tests.support.house import PASSWORD, Client, Server, TestClock, serving
from vestibule.flows import admins
from vestibule.flows.parts.callers import operator


def test_an_owner_signs_in_and_lands_on_access_control(server: Server) -> None:
    client = server.client()
    assert client.get("/admin/").headers["location"] == "/admin/access-control"
    assert client.get("/admin/access-control").headers["location"] == "/admin/sign-in?next=/admin/access-control"
    client.get("/admin/sign-in?next=/admin/me")
    response = client.post("/admin/sign-in", {"email": "ADA@example.com", "password": PASSWORD, "next": "/admin/me"})
    assert (response.status_code, response.headers["location"]) == (303, "/admin/me")
    assert "Ada Park" in client.get("/admin/me").text


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(server: Server) -> None:
    answers = set()
    for email in ("ada@example.com", "nobody@example.com"):
        client = server.client()
        client.get("/admin/sign-in")
        response = client.post("/admin/sign-in", {"email": email, "password": "not the password"})
        answers.add((response.status_code, re.sub(r"[0-9a-f]{64}", "", response.text).replace(email, "")))
    assert len(answers) == 1
    assert answers.pop()[0] == 400


def test_the_eleventh_attempt_on_one_account_is_throttled_even_with_the_right_password(server: Server) -> None:
    client = server.client()
    client.get("/admin/sign-in")
    for _ in range(10):
        assert client.post("/admin/sign-in", {"email": "ada@example.com", "password": "wrong"}).status_code == 400
    response = client.post("/admin/sign-in", {"email": "ada@example.com", "password": PASSWORD})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0
    server.house.clock.advance(minutes=16)
    assert client.post("/admin/sign-in", {"email": "ada@example.com", "password": PASSWORD}).status_code == 303


def test_next_never_leads_to_another_site(server: Server) -> None:
    for hostile in (
        "//evil.example",
        "https://evil.example/admin/",
        "/\\evil.example",
        "/admin/../../x",
        "/admin/%0d%0aX: y",
        "javascript:alert(1)",
    ):
        client = server.client()
        client.get("/admin/sign-in")
        response = client.post("/admin/sign-in", {"email": "ada@example.com", "password": PASSWORD, "next": hostile})
        assert response.headers["location"] == "/admin/access-control", hostile


def test_a_form_from_another_site_is_refused(server: Server) -> None:
    client = server.client()
    client.get("/admin/sign-in")
    data = {"email": "ada@example.com", "password": PASSWORD}
    assert client.post("/admin/sign-in", data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/admin/sign-in", data, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert client.post("/admin/sign-in", data, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/admin/sign-in", data, token="0" * 64).status_code == 403
    other = server.client()
    other.get("/admin/sign-in")
    stolen = re.search(r'csrf_token" value="(\w+)"', other.last_page)
    assert stolen is not None
    assert client.post("/admin/sign-in", data, token=stolen.group(1)).status_code == 403


def test_a_one_time_link_works_once_and_looking_at_it_does_not_use_it(server: Server) -> None:
    runtime = server.house.runtime
    _, url = admins.create_admin(runtime, operator(), server.house.workspace.id, "Bo", "bo@example.com", "admin", None)
    assert url is not None
    path = url.removeprefix(server.base_url)
    client = server.client()
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert client.post(path, {"password": "short"}).status_code == 422
    assert client.post(path, {"password": "a long enough sentence"}).status_code == 303
    assert client.get("/admin/access-control").status_code == 200
    late = server.client()
    assert late.get(path).status_code == 400


def test_a_link_expires_at_its_boundary_instant(server: Server) -> None:
    clock = server.house.clock
    clock.freeze()
    url = admins.recover_admin(server.house.runtime, operator(), "ada@example.com")
    path = url.removeprefix(server.base_url)
    client = server.client()
    clock.advance(minutes=59, seconds=59)
    assert client.get(path).status_code == 200
    clock.advance(seconds=1)
    assert client.get(path).status_code == 400


def test_a_session_ends_for_good_after_a_day_and_after_eight_idle_hours(admin_client: Client, server: Server) -> None:
    clock = server.house.clock
    for _ in range(3):
        clock.advance(hours=7, minutes=50)
        assert admin_client.get("/admin/me").status_code == 200
    clock.advance(minutes=31)
    assert admin_client.get("/admin/me").headers["location"].endswith("&ended=1")


def test_a_session_that_a_clock_years_ahead_kept_up_ends_idle_as_any_other(server: Server) -> None:
    clock, client = server.house.clock, server.client()
    clock.advance(days=800)
    client.sign_in()
    clock.advance(days=-800)
    assert client.get("/admin/me").status_code == 200
    clock.advance(hours=8)
    assert client.get("/admin/me").headers["location"].endswith("&ended=1")


def test_signing_out_ends_the_session_on_the_server(admin_client: Client, server: Server) -> None:
    cookies = dict(admin_client.http.cookies)
    assert admin_client.post("/admin/sign-out").headers["location"] == "/admin/sign-in"
    thief = server.client()
    thief.http.cookies.update(cookies)
    assert thief.get("/admin/me").status_code == 303


def test_an_admin_sees_and_ends_other_sessions(admin_client: Client, server: Server) -> None:
    other = server.client()
    other.sign_in()
    admin_client.get("/admin/me")
    assert admin_client.last_page.count('/end"') == 1
    assert admin_client.last_page.count('v-only-narrow"><span class="v-mono">127.0.0.1</span> · <time') == 2
    assert admin_client.post("/admin/me/sessions/end-others").status_code == 303
    assert other.get("/admin/me").status_code == 303
    assert admin_client.get("/admin/me").status_code == 200


def test_a_removed_admin_is_out_at_the_next_request(admin_client: Client, server: Server) -> None:
    house = server.house
    bo, _ = admins.create_admin(
        house.runtime, operator(), house.workspace.id, "Bo", "bo@example.com", "admin", "another long sentence"
    )
    other = server.client()
    other.sign_in("bo@example.com", "another long sentence")
    assert admin_client.post(f"/admin/access-control/{bo.id}/remove").status_code == 303
    assert other.get("/admin/me").status_code == 303


def test_the_last_owner_can_neither_be_removed_nor_demoted(admin_client: Client, server: Server) -> None:
    me = server.house.owner.admin.id
    assert admin_client.post(f"/admin/access-control/{me}/remove").status_code == 409
    admin_client.get("/admin/me")
    assert admin_client.post(f"/admin/access-control/{me}/role", {"role": "auditor"}).status_code == 409
    assert admin_client.get("/admin/me").status_code == 200


def test_pages_carry_the_headers_that_keep_browsers_strict(admin_client: Client) -> None:
    headers = admin_client.get("/admin/me").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-frame-options"], headers["cache-control"], headers["x-content-type-options"]) == (
        "DENY",
        "no-store",
        "nosniff",
    )


def test_a_reset_that_goes_by_mail_is_not_shown_to_a_colleague(sqlite_url: str, clock: TestClock) -> None:
    with serving(sqlite_url, clock, mail_enabled=True) as server:
        house = server.house
        bo, _ = admins.create_admin(
            house.runtime, operator(), house.workspace.id, "Bo", "bo@example.com", "admin", "another long sentence"
        )
        client = server.client()
        client.sign_in()
        page = client.post(f"/admin/access-control/{bo.id}/link").text
        assert "on its way by e-\u2060mail" in page
        assert 'id="link"' not in page
        client.get("/admin/me")
        invited = {"name": "Cy", "email": "cy@example.com", "role": "admin"}
        assert 'id="link"' in client.post("/admin/access-control/invite", invited).text


def test_signing_in_leads_back_to_the_page_with_its_search_and_filters(server: Server) -> None:
    client = server.client()
    wanted = "/admin/activity?q=BCDF-GHJK&kind=end_user.sign_in"
    asked = client.get(wanted)
    client.get(asked.headers["location"])
    next_page = unescape(re.findall(r'name="next" value="([^"]*)"', client.last_page)[0])
    fields = {"email": server.house.owner_email, "password": PASSWORD, "next": next_page}
    assert client.post("/admin/sign-in", fields).headers["location"] == wanted
    for query in ("q=a//b", "q=%2F%2Fevil.example", "q=..", "q=a%0d%0aSet-Cookie:b", "q=%5c%5cevil", "q=" + "x" * 3000):
        answer = server.client().get(f"/admin/activity?{query}")
        assert answer.headers["location"] == "/admin/sign-in?next=/admin/activity", query


def test_an_owner_is_not_offered_to_whoever_may_not_touch_one(server: Server) -> None:
    house = server.house
    bo, _ = admins.create_admin(
        house.runtime, operator(), house.workspace.id, "Bo", "bo@example.com", "admin", PASSWORD
    )
    client = server.client()
    client.sign_in("bo@example.com")
    of_owner = f"/admin/access-control/{house.owner.admin.id}"
    listed = client.get("/admin/access-control").text
    assert f'href="{of_owner}"' not in listed
    assert f'href="/admin/access-control/{bo.id}"' in listed
    for page in (of_owner, f"{of_owner}/remove"):
        assert client.get(page).status_code == 403


def test_saving_the_role_that_somebody_has_changes_and_records_nothing(server: Server, admin_client: Client) -> None:
    me = f"/admin/access-control/{server.house.owner.admin.id}"
    admin_client.get(me)
    assert admin_client.post(f"{me}/role", {"role": "owner"}).headers["location"] == "/admin/access-control"
    assert "role changed" not in admin_client.get("/admin/access-control").text
    assert "changed the role" not in admin_client.get("/admin/activity").text


def test_a_sign_in_ends_the_session_that_the_browser_had_and_no_other(server: Server) -> None:
    house = server.house
    _, link = admins.create_admin(
        house.runtime, operator(), house.workspace.id, "Max", "max@example.com", "auditor", None
    )
    assert link is not None

    def copy_of(one: Client) -> Client:
        copied = server.client()
        copied.http.cookies.update(one.http.cookies)
        return copied

    client, elsewhere = server.client(), server.client()
    client.sign_in()
    elsewhere.sign_in()
    before = copy_of(client)
    client.sign_in()
    assert before.get("/admin/me").status_code == 303
    assert [one.get("/admin/me").status_code for one in (client, elsewhere)] == [200, 200]
    before = copy_of(client)
    path = link.removeprefix(server.base_url)
    client.get(path)
    assert client.post(path, {"password": "a fine long sentence for Max"}).status_code == 303
    assert "Max" in client.get("/admin/me").text
    assert before.get("/admin/me").status_code == 303
    assert elsewhere.get("/admin/me").status_code == 200


def test_a_wrong_password_ends_no_session(admin_client: Client) -> None:
    admin_client.get("/admin/sign-in")
    assert admin_client.post("/admin/sign-in", {"email": "ada@example.com", "password": "wrong"}).status_code == 400
    assert admin_client.get("/admin/me").status_code == 200
