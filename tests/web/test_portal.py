"""The end users' front door over HTTP, on both engines: routing, choosing, passwords, one-time links."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select

from tests.support import sign_ins
from tests.support.house import Client, Server, TestClock, serving
from vestibule.directory.activity import ActivityFilter, Outcome
from vestibule.directory.end_users import EndUserStatus
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.flows.parts.posting import open_letter
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import activity, end_users, jobs, one_time_links, workspaces
from vestibule.storage.tables import one_time_links as links_table
from vestibule.storage.tables import sessions

PASSWORD = sign_ins.PASSWORD
NEW = "another long sentence for Grace"


@pytest.fixture
def mailing(database_url: str, clock: TestClock) -> Iterator[Server]:
    """Give a server that believes it can send mail; nothing takes the letters out of the outbox."""
    with serving(database_url, clock, mail_enabled=True) as running:
        yield running


def with_password(server: Server, **changes: object) -> str:
    changes = {"status": EndUserStatus.ACTIVE, "password": PASSWORD, **changes}
    return sign_ins.add_person(server.house, **changes).id  # type: ignore[arg-type] # because the keywords are gathered


def send_password(client: Client, password: str = PASSWORD, email: str = "grace@example.com") -> object:
    client.get("/e/dev/sign-in")
    return client.post("/e/dev/sign-in/password", {"email": email, "password": password})


def _without_what_differs(page: str, email: str) -> str:
    return re.sub(r"[0-9a-f]{64}|[BCDFGHJKMNPQRSTVWXZ2-9]{4}-[BCDFGHJKMNPQRSTVWXZ2-9]{4}", "", page).replace(email, "")


def test_where_saml_is_off_people_sign_in_with_their_password(server: Server) -> None:
    with_password(server)
    client = server.client()
    page = sign_ins.begin(client, "Grace@EXAMPLE.com")
    assert "Enter your password" in page.text
    assert 'value="Grace@example.com"' in page.text
    response = client.post("/e/dev/sign-in/password", {"email": "Grace@example.com", "password": PASSWORD})
    assert (response.status_code, response.headers["location"]) == (303, "/e/dev/")
    assert "E-\u2060mail and password" in client.get("/e/dev/").text


def test_selected_domains_go_to_the_identity_provider_and_everybody_else_gets_the_password(server: Server) -> None:
    sign_ins.connect(server.house, domains=("example.com", "*.sub.example"))
    for email in ("a@example.com", "a@x.sub.example", "a@EXAMPLE.com"):
        assert "Taking you to Okta Dev" in sign_ins.begin(server.client(), email).text, email
    for email in ("a@eu.example.com", "a@sub.example", "a@else.example"):
        assert "Enter your password" in sign_ins.begin(server.client(), email).text, email


def test_a_connection_for_selected_domains_wins_over_one_for_all(server: Server) -> None:
    sign_ins.connect(server.house, name="Everybody", domains=None)
    sign_ins.connect(server.house, name="Ours", domains=("example.com",), entity_id="https://two.example")
    assert "Taking you to Ours" in sign_ins.begin(server.client(), "a@example.com").text
    assert "Taking you to Everybody" in sign_ins.begin(server.client(), "a@else.example").text


def test_where_several_are_for_all_domains_the_person_chooses_and_the_choice_is_remembered(server: Server) -> None:
    sign_ins.connect(server.house, name="One", domains=None)
    two = sign_ins.connect(server.house, name="Two", domains=None, entity_id="https://two.example")
    client = server.client()
    page = sign_ins.begin(client, "a@else.example", return_to="/e/dev/?x=1").text
    assert "Continue with One" in page
    assert "/e/dev/?x=1" in page
    chosen = client.post("/e/dev/sign-in", {"email": "a@else.example", "connection": two.id})
    assert "Taking you to Two" in chosen.text
    assert "Taking you to Two" in sign_ins.begin(client, "a@else.example").text
    assert "Choose another way" in client.get("/e/dev/sign-in").text
    assert "Continue with One" in sign_ins.begin(client, "a@else.example", choose="1").text
    assert "Continue with One" in sign_ins.begin(server.client(), "a@else.example").text


def test_a_connection_that_was_not_offered_can_not_be_chosen(server: Server) -> None:
    sign_ins.connect(server.house, name="Ours")
    elsewhere = sign_ins.connect(server.house, "test", name="Elsewhere", domains=None)
    page = sign_ins.begin(server.client(), "a@example.com", connection=elsewhere.id).text
    assert "Taking you to Ours" in page
    assert "Enter your password" in sign_ins.begin(server.client(), "a@else.example", connection=elsewhere.id).text


@pytest.mark.parametrize(
    "typed", ["", "   ", "grace", "grace@", "@example.com", "a@b@c.com", "grace@example", "x" * 300 + "@example.com"]
)
def test_what_is_no_address_is_said_beside_the_field_and_kept(server: Server, typed: str) -> None:
    response = sign_ins.begin(server.client(), typed)
    assert response.status_code == 422
    assert 'id="email-error"' in response.text
    assert f'value="{typed}"' in response.text
    assert "Error: Sign in" in response.text


def test_a_password_is_refused_where_saml_is_required_and_kept_for_when_it_is_not(server: Server) -> None:
    with_password(server)
    sign_ins.connect(server.house)
    client = server.client()
    client.get("/e/dev/sign-in")
    form = {"email": "grace@example.com", "password": PASSWORD}
    response = client.post("/e/dev/sign-in/password", form)
    assert response.status_code == 400
    assert "sign in here through their organisation" in response.text
    assert "vestibule_env_dev" not in client.http.cookies
    with server.house.runtime.database.transaction() as tx:
        place = server.house.environments["dev"].id
        workspaces.set_saml_enabled(tx, server.house.workspace.id, place, enabled=False)
    assert client.post("/e/dev/sign-in/password", form).status_code == 303


def test_a_password_session_ends_at_once_when_saml_becomes_required_for_that_person(server: Server) -> None:
    with_password(server)
    client = server.client()
    send_password(client)
    assert client.get("/e/dev/").status_code == 200
    sign_ins.connect(server.house, name="Others", domains=("else.example",))
    assert client.get("/e/dev/").status_code == 200
    sign_ins.connect(server.house, name="Ours", domains=("example.com",), entity_id="https://two.example")
    assert client.get("/e/dev/").headers["location"] == "/e/dev/sign-in?ended=1"


def test_known_and_unknown_addresses_get_the_same_answers_from_as_many_statements(server: Server) -> None:
    with_password(server)
    sign_ins.add_person(server.house, "nopassword@example.com")
    engine, statements = server.house.runtime.database.engine, list[str]()
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    answers, costs = set(), set()
    for email in ("grace@example.com", "nopassword@example.com", "nobody@example.com"):
        client = server.client()
        first = sign_ins.begin(client, email)
        statements.clear()
        second = client.post("/e/dev/sign-in/password", {"email": email, "password": "not the password"})
        costs.add(len(statements))
        answers.add(tuple((one.status_code, _without_what_differs(one.text, email)) for one in (first, second)))
    assert len(answers) == 1
    assert len(costs) == 1


def test_wrong_passwords_are_on_the_record_for_the_admin(server: Server) -> None:
    person_id = with_password(server)
    send_password(server.client(), "mistyped-secret")
    send_password(server.client(), "mistyped-secret", "nobody@example.com")
    with server.house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="end_user.sign_in", outcome=Outcome.REFUSED)
        entries = activity.page(tx, server.house.workspace.id, wanted, before=None, after=None, size=5)
    assert [(entry.event.subject.id, entry.event.details["code"]) for entry in entries] == [
        (None, "wrong_password"),
        (person_id, "wrong_password"),
    ]
    assert "mistyped-secret" not in json.dumps([dict(entry.event.details) for entry in entries])


def test_the_eleventh_attempt_on_an_account_is_throttled_and_says_when_to_come_back(server: Server) -> None:
    with_password(server)
    client = server.client()
    client.get("/e/dev/sign-in")
    form = {"email": "grace@example.com", "password": "wrong"}
    for _ in range(10):
        assert client.post("/e/dev/sign-in/password", form).status_code == 400
    response = client.post("/e/dev/sign-in/password", {**form, "password": PASSWORD})
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0
    server.house.clock.advance(minutes=16)
    assert client.post("/e/dev/sign-in/password", {**form, "password": PASSWORD}).status_code == 303


def test_the_right_password_without_access_or_of_somebody_deactivated_ends_on_a_page_with_a_code(
    server: Server,
) -> None:
    person_id = with_password(server, environments=("test",))
    response = send_password(server.client())
    assert response.status_code == 403  # type: ignore[attr-defined] # because the helper's answer is untyped
    assert "no access yet" in response.text  # type: ignore[attr-defined] # as above
    with server.house.runtime.database.transaction() as tx:
        now = server.house.clock()
        end_users.set_status(tx, server.house.workspace.id, person_id, EndUserStatus.DEACTIVATED, now)
    response = send_password(server.client())
    assert "switched off" in response.text  # type: ignore[attr-defined] # as above


def test_a_form_from_another_site_is_refused(server: Server) -> None:
    with_password(server)
    client = server.client()
    client.get("/e/dev/sign-in")
    form = {"email": "grace@example.com", "password": PASSWORD}
    for path in ("/e/dev/sign-in", "/e/dev/sign-in/password", "/e/dev/sign-out", "/e/dev/forgot"):
        assert client.post(path, form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403, path
        assert client.post(path, form, token="0" * 64).status_code == 403, path


def test_opening_the_second_step_by_its_address_leads_to_the_first(server: Server) -> None:
    assert server.client().get("/e/dev/sign-in/password").headers["location"] == "/e/dev/sign-in"
    assert server.client().get("/e/dev").headers["location"] == "/e/dev/"
    assert server.client().get("/e/dev/?a=1").headers["location"] == "/e/dev/sign-in"


def test_a_made_up_environment_with_a_made_up_cookie_is_no_error_of_ours(server: Server) -> None:
    client = server.client()
    headers = {"Cookie": "vestibule_env_a(b=x"}
    response = client.get("/e/a(b/", headers=headers)
    assert response.status_code == 303
    assert client.get("/e/a(b/sign-in", headers=headers).status_code == 404


# One-time links


def make_link(
    server: Server, person_id: str, purpose: Purpose = Purpose.END_USER_INVITATION, environment: str = "dev"
) -> str:
    house, token = server.house, new_token()
    now = house.clock()
    place = house.environments[environment].id
    link = OneTimeLink(house.workspace.id, purpose, None, person_id, place, now, now.replace(year=now.year + 1))
    with house.runtime.database.transaction() as tx:
        one_time_links.insert_link(tx, link, token_hash(token))
    return f"/e/{environment}/link/{token}"


def test_an_invited_person_chooses_a_password_and_is_in(server: Server) -> None:
    person = sign_ins.add_person(server.house)
    path, client = make_link(server, person.id), server.client()
    assert "Welcome, Grace Okafor" in client.get(path).text
    response = client.post(path, {"password": NEW})
    assert (response.status_code, response.headers["location"]) == (303, "/e/dev/")
    assert client.get("/e/dev/").status_code == 200
    again = server.client()
    assert again.get(path).status_code == 400
    with server.house.runtime.database.reading() as tx:
        found = end_users.find_end_user(tx, server.house.workspace.id, person.id)
    assert found is not None
    assert found.status is EndUserStatus.ACTIVE


@pytest.mark.parametrize("password", ["", "short", "password1234", "grace@example.com", "x" * 300])
def test_a_weak_password_is_refused_beside_the_field_and_the_link_still_works(server: Server, password: str) -> None:
    person = sign_ins.add_person(server.house)
    path, client = make_link(server, person.id), server.client()
    client.get(path)
    response = client.post(path, {"password": password})
    assert response.status_code == 422
    assert 'id="password-error"' in response.text
    assert client.post(path, {"password": NEW}).status_code == 303


def test_a_reset_ends_the_other_sessions_and_links_of_that_person(server: Server) -> None:
    person_id = with_password(server)
    thief = server.client()
    send_password(thief)
    older, path = make_link(server, person_id), make_link(server, person_id, Purpose.END_USER_RESET)
    client = server.client()
    client.get(path)
    client.post(path, {"password": NEW})
    assert thief.get("/e/dev/").status_code == 303
    assert server.client().get(older).status_code == 400
    assert client.get("/e/dev/").status_code == 200


def test_a_link_opens_nothing_in_another_environment_nor_an_admins_link_here(server: Server) -> None:
    person_id = with_password(server, environments=("dev", "test"))
    path = make_link(server, person_id)
    assert server.client().get(path.replace("/e/dev/", "/e/test/")).status_code == 400
    for purpose in (Purpose.ADMIN_RESET, Purpose.ADMIN_FIRST_RUN):
        assert server.client().get(make_link(server, person_id, purpose)).status_code == 400


def test_a_link_without_access_saves_the_password_and_signs_nobody_in(server: Server) -> None:
    person_id = with_password(server, environments=("test",))
    path, client = make_link(server, person_id), server.client()
    client.get(path)
    response = client.post(path, {"password": NEW})
    assert "Your password is saved" in response.text
    with server.house.runtime.database.reading() as tx:
        assert tx.execute(select(sessions)).all() == []


def test_a_link_of_somebody_who_must_use_saml_by_now_saves_the_password_and_signs_nobody_in(server: Server) -> None:
    person_id = with_password(server)
    sign_ins.connect(server.house)
    path, client = make_link(server, person_id), server.client()
    client.get(path)
    response = client.post(path, {"password": NEW})
    assert "through your organisation" in response.text
    assert client.get("/e/dev/").status_code == 303


def test_a_deactivated_persons_link_opens_nothing(server: Server) -> None:
    person_id = with_password(server, status=EndUserStatus.DEACTIVATED)
    assert server.client().get(make_link(server, person_id)).status_code == 400


def test_without_mail_the_page_says_whom_to_ask(server: Server) -> None:
    client = server.client()
    assert "sends no e-\u2060mail" in client.get("/e/dev/forgot").text
    client.get("/e/dev/sign-in")
    assert "sends no e-\u2060mail" in client.post("/e/dev/forgot", {"email": "grace@example.com"}).text


def test_a_forgotten_password_comes_by_letter_and_strangers_learn_nothing(mailing: Server) -> None:
    house = mailing.house
    with_password(mailing)
    engine, statements = house.runtime.database.engine, list[str]()
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    answers, costs = set(), set()
    for email in ("grace@example.com", "nobody@example.com"):
        client = mailing.client()
        client.get("/e/dev/forgot")
        statements.clear()
        response = client.post("/e/dev/forgot", {"email": email})
        costs.add(len([one for one in statements if "jobs" not in one or "INSERT" in one or "DELETE" in one]))
        answers.add((response.status_code, _without_what_differs(response.text, email)))
    assert len(answers) == 1
    assert len(costs) == 1
    with house.runtime.database.transaction() as tx:
        letters = []
        while job := jobs.lease(tx, house.clock(), house.environments["dev"].session_ttl):
            letters.append(open_letter(house.runtime, job)) if job.kind == "letter" else None
        stored = tx.execute(select(links_table.c.end_user_id)).scalars().all()
    assert [(letter.kind, letter.to_email) for letter in letters] == [("end_user_reset", "grace@example.com")]
    assert len(stored) == 2
    path = letters[0].url.removeprefix(mailing.base_url)
    client = mailing.client()
    client.get(path)
    assert client.post(path, {"password": NEW}).status_code == 303


def test_asking_for_a_new_password_is_throttled_for_anybody(mailing: Server) -> None:
    for email in ("nobody@example.com", "other@example.com"):
        client = mailing.client()
        for _ in range(3):
            client.get("/e/dev/forgot")
            assert client.post("/e/dev/forgot", {"email": email}).status_code == 200
        client.get("/e/dev/forgot")
        throttled = client.post("/e/dev/forgot", {"email": email})
        assert throttled.status_code == 429
        assert int(throttled.headers["retry-after"]) > 0
        assert f'value="{email}"' in throttled.text
        assert "Too many attempts." in throttled.text
