"""The account page over HTTP, on both engines: sessions ended elsewhere, the password changed, consents taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.support import apps, people, sign_ins
from tests.support.apps import RelyingApp, answer_in, make_app, make_secret
from tests.support.house import Client, Server
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.grants import Authentication
from vestibule.flows import connections, end_user
from vestibule.flows.parts.entry import decide
from vestibule.kernel.errors import DatabaseBusy
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import token_hash
from vestibule.storage import authorization, grants, sessions
from vestibule.storage.database import Database
from vestibule.storage.tables import activity, oidc_grants

ACCOUNT = "/e/dev/account"
PASSWORD = sign_ins.PASSWORD
NEW = "another long sentence for Grace"


def grace(server: Server) -> EndUser:
    return sign_ins.add_person(server.house, status=EndUserStatus.ACTIVE, password=PASSWORD)


def signed_in(server: Server, password: str = PASSWORD) -> Client:
    client = server.client()
    client.get("/e/dev/sign-in")
    response = client.post("/e/dev/sign-in/password", {"email": "grace@example.com", "password": password})
    assert response.status_code == 303, response.text
    assert client.get(ACCOUNT).status_code == 200
    return client


def is_in(client: Client) -> bool:
    return client.http.get("/e/dev/").status_code == 200


def live(server: Server, person: EndUser) -> list[str]:
    with server.house.runtime.database.reading() as tx:
        found = sessions.list_sessions(tx, person.workspace_id, person.id, server.house.clock())
    return [one.id for one in found]


def acts(server: Server) -> list[tuple[str, str]]:
    with server.house.runtime.database.reading() as tx:
        return [(row.action, row.outcome) for row in tx.execute(select(activity.c.action, activity.c.outcome))]


def change(client: Client, current: str, password: str) -> int:
    return client.post(f"{ACCOUNT}/password", {"current": current, "password": password}).status_code


def test_people_end_a_session_of_theirs_elsewhere_and_stay_here(server: Server) -> None:
    person = grace(server)
    there, here = signed_in(server), signed_in(server)
    newest, older = live(server, person)
    assert here.post(f"{ACCOUNT}/sessions/end", {"session": older}).status_code == 303
    assert "The session has ended" in here.get(ACCOUNT).text
    assert (is_in(here), is_in(there)) == (True, False)
    assert live(server, person) == [newest]
    assert ("end_user.session_ended", "done") in acts(server)


def test_everywhere_else_is_every_environment_but_not_this_browser(server: Server) -> None:
    person = sign_ins.add_person(
        server.house, status=EndUserStatus.ACTIVE, password=PASSWORD, environments=("dev", "test")
    )
    there, here = signed_in(server), signed_in(server)
    people.sign_in(server.house, person, "test")
    assert here.post(f"{ACCOUNT}/sessions/end-others").status_code == 303
    assert (is_in(here), is_in(there), len(live(server, person))) == (True, False, 1)


def test_nobody_ends_the_session_of_somebody_else(server: Server) -> None:
    grace(server)
    other = sign_ins.add_person(server.house, "maya@example.com", name="Maya Lindqvist", status=EndUserStatus.ACTIVE)
    theirs = people.sign_in(server.house, other)
    assert signed_in(server).post(f"{ACCOUNT}/sessions/end", {"session": theirs}).status_code == 303
    assert live(server, other) == [theirs]
    assert ("end_user.session_ended", "done") not in acts(server)


def test_a_changed_password_signs_in_and_the_old_one_and_other_sessions_do_not(server: Server) -> None:
    grace(server)
    there, here = signed_in(server), signed_in(server)
    assert change(here, PASSWORD, NEW) == 303
    assert (is_in(here), is_in(there)) == (True, False)
    assert is_in(signed_in(server, NEW))
    client = server.client()
    client.get("/e/dev/sign-in")
    old = client.post("/e/dev/sign-in/password", {"email": "grace@example.com", "password": PASSWORD})
    assert old.status_code == 400
    assert ("end_user.password_changed", "done") in acts(server)


def granted(server: Server, client: Client) -> tuple[RelyingApp, str]:
    """Let an app have a refresh token that outlives the browser's session."""
    made = make_app(server.house)
    app = RelyingApp(server, made, make_secret(server.house, made))
    answered = answer_in(app.authorize(client, scope="openid offline_access"))
    tokens: dict[str, str] = app.exchange(answered.code).json()
    return app, tokens["refresh_token"]


def through_an_idp(server: Server, refresh_token: str) -> None:
    """Make a grant of the same app and person that did not begin with a password, with a refresh token."""
    now = server.house.clock()
    place = server.house.environments["dev"]
    with server.house.runtime.database.transaction() as tx:
        (grant_id,) = tx.execute(select(oidc_grants.c.id)).scalars()
        found = grants.find_grant(tx, place.id, grant_id, now)
        assert found is not None
        theirs = replace(found, id=new_id("grant", now), authentication=Authentication(now, ("fed",)))
        grants.insert_grant(tx, theirs)
        grants.insert_refresh_token(tx, theirs, token_hash(refresh_token), now, now.replace(year=now.year + 1))


def test_no_lasting_grant_comes_out_of_a_session_that_ends_while_it_is_asked_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, client = grace(server), signed_in(server)
    made = make_app(server.house)
    app = RelyingApp(server, made, make_secret(server.house, made))
    database = server.house.runtime.database

    def decide_late(*arguments: Any) -> Any:
        decided = decide(*arguments)
        with database.transaction() as tx:
            sessions.delete_sessions(tx, person.workspace_id, person.id)
        return decided

    monkeypatch.setattr("vestibule.flows.parts.going_on.decide", decide_late)
    refused = app.authorize(client, scope="openid offline_access")
    assert refused.status_code == 400
    assert "code=" not in refused.headers.get("location", "")
    with database.reading() as tx:
        assert list(tx.execute(select(oidc_grants.c.id))) == []


def test_who_ends_a_session_waits_for_what_is_made_from_it(server: Server) -> None:
    person = grace(server)
    signed_in(server)
    (session_id,) = live(server, person)
    database, now = server.house.runtime.database, server.house.clock()
    hasty = Database(database.engine.url.render_as_string(hide_password=False), lock_timeout_seconds=0.2)
    try:
        with database.transaction() as tx:
            assert sessions.hold_session(tx, server.house.environments["dev"].id, session_id, now)
            assert not sessions.hold_session(tx, server.house.environments["test"].id, session_id, now)
            with pytest.raises(DatabaseBusy), hasty.transaction() as other:
                sessions.delete_sessions(other, person.workspace_id, person.id)
    finally:
        hasty.close()
    assert live(server, person) == [session_id]


def test_a_changed_password_ends_what_apps_were_granted_with_the_old_one_and_not_through_an_idp(server: Server) -> None:
    grace(server)
    here = signed_in(server)
    app, refresh_token = granted(server, here)
    through_an_idp(server, "of-the-idp")
    here.get(ACCOUNT)
    assert change(here, PASSWORD, NEW) == 303
    assert app.refresh(refresh_token).json()["error"] == "invalid_grant"
    assert app.refresh("of-the-idp").status_code == 200


def test_recovery_ends_what_apps_were_granted_with_the_old_password_and_not_through_an_idp(server: Server) -> None:
    person = grace(server)
    app, refresh_token = granted(server, signed_in(server))
    through_an_idp(server, "of-the-idp")
    handed = end_user.make_link(server.house.runtime, server.house.owner, person.id)
    assert handed.url is not None
    path, client = handed.url.removeprefix(server.house.runtime.public_url), server.client()
    client.get(path)
    assert client.post(path, {"password": NEW}).status_code == 303
    assert app.refresh(refresh_token).json()["error"] == "invalid_grant"
    assert app.refresh("of-the-idp").status_code == 200


def test_the_old_password_is_asked_for_and_a_wrong_one_is_on_the_record(server: Server) -> None:
    grace(server)
    there, here = signed_in(server), signed_in(server)
    assert change(here, "not the password at all", NEW) == 422
    assert 'id="current-error"' in here.last_page
    assert "not the password at all" not in here.last_page
    assert is_in(there)
    assert ("end_user.password_changed", "refused") in acts(server)
    assert is_in(signed_in(server))


def test_a_weak_new_password_is_refused_beside_its_field(server: Server) -> None:
    grace(server)
    here = signed_in(server)
    assert change(here, PASSWORD, "password1234") == 422
    assert 'id="password-error"' in here.last_page
    assert is_in(signed_in(server))


def test_guesses_at_the_old_password_count_as_those_at_the_sign_in_page(server: Server) -> None:
    grace(server)
    here = signed_in(server)
    assert {change(here, f"wrong {number}", NEW) for number in range(10)} == {422}
    assert change(here, PASSWORD, NEW) == 429
    client = server.client()
    client.get("/e/dev/sign-in")
    form = {"email": "grace@example.com", "password": PASSWORD}
    assert client.post("/e/dev/sign-in/password", form).status_code == 429


def test_who_comes_through_an_identity_provider_is_offered_no_password(server: Server) -> None:
    grace(server)
    assert "Change password" in signed_in(server).last_page
    connection = sign_ins.connect(server.house)
    app = apps.RelyingApp(server, apps.make_app(server.house))
    here = server.client()
    apps.through_saml(app, here, connection)
    assert "Change password" not in here.get(ACCOUNT).text
    sent = here.post(f"{ACCOUNT}/password", {"current": PASSWORD, "password": NEW})
    assert sent.status_code == 400
    assert ("end_user.password_changed", "done") not in acts(server)


def test_taking_a_consent_back_forgets_it_and_is_on_the_record(server: Server) -> None:
    person = grace(server)
    app = apps.make_app(server.house, "Notes of Others", third_party=True)
    environment = server.house.environments["dev"]
    with server.house.runtime.database.transaction() as tx:
        authorization.save_consent(
            tx, environment, app.id, person.id, frozenset({"openid", "email"}), server.house.clock()
        )
    here = signed_in(server)
    assert "Notes of Others" in here.last_page
    assert here.post(f"{ACCOUNT}/consents/withdraw", {"app": app.id}).status_code == 303
    with server.house.runtime.database.reading() as tx:
        assert authorization.consented_scope(tx, app.id, person.id) is None
    assert ("app.consent_withdrawn", "done") in acts(server)
    here.get(ACCOUNT)
    assert here.post(f"{ACCOUNT}/consents/withdraw", {"app": app.id}).status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/sessions/end", {"session": "x"}),
        ("/sessions/end-others", {}),
        ("/password", {"current": PASSWORD, "password": NEW}),
        ("/consents/withdraw", {"app": "x"}),
    ],
)
def test_another_site_can_send_none_of_the_forms_and_a_stranger_gets_nowhere(
    server: Server, path: str, form: Mapping[str, str]
) -> None:
    person = grace(server)
    people.sign_in(server.house, person)
    here = signed_in(server)
    before = live(server, person)
    assert here.post(ACCOUNT + path, dict(form), token="made up").status_code == 403
    stranger = server.client()
    stranger.get("/e/dev/sign-in")
    sent = stranger.post(ACCOUNT + path, dict(form))
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/e/dev/sign-in")
    assert live(server, person) == before


def test_a_password_session_that_enforcement_has_closed_is_not_listed_until_it_counts_again(server: Server) -> None:
    house, everywhere = server.house, ("dev", "test", "prod")
    person = sign_ins.add_person(house, environments=everywhere, status=EndUserStatus.ACTIVE, password=PASSWORD)
    client = signed_in(server)
    people.sign_in(house, person, "test")
    people.sign_in(house, person, "prod")
    connection = sign_ins.connect(house, "test")
    sign_ins.connect(house, "prod", name="Other", domains=("example.org",))
    page = client.get(ACCOUNT).text
    assert "the session in PROD" in page
    assert "the session in TEST" not in page
    connections.set_disabled(house.runtime, house.owner, connection.id, disabled=True)
    assert "the session in TEST" in client.get(ACCOUNT).text
