"""Users and groups looked up by one value, by one statement together with who asks: the same as by any other way, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Server
from vestibule.flows import connections, scim_directories, scim_log

ASKED = (
    'userName eq "maya.park@example.com"',
    'userName eq "MAYA.Park@Example.COM"',
    'userName eq "nobody@example.com"',
    'externalId eq "e1"',
    'externalId eq "E1"',
    'externalId eq "shared"',
    'externalId eq "gone"',
    'emails.value eq "Maya.Park@example.com"',
    'emails.value eq "both@example.com"',
    'emails.value eq "bo th@example.com"',
    'emails.value eq "gone@example.com"',
)

GROUPS_ASKED = (
    'displayName eq "Designers"',
    'displayName eq "DESIGNERS"',
    'displayName eq "two"',
    'displayName eq "nobody"',
    'displayName eq " "',
    'externalId eq "g1"',
    'externalId eq "G1"',
    'externalId eq "shared"',
)


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


@pytest.fixture
def many(okta: Directory) -> Directory:
    both = [{"value": "both@example.com", "type": "home"}]
    maya = okta.create("maya.park@example.com", externalId="e1")
    noor = okta.create("noor@example.com", externalId="shared", emails=[{"value": "noor@example.com"}, *both])
    omar = okta.create("omar@example.com", externalId="shared", emails=[{"value": "omar@example.com"}, *both])
    # Alike in the index, but not the same.
    okta.create("pia@example.com", emails=[{"value": "pia@example.com"}, {"value": "bo  th@example.com"}])
    gone = okta.create("gone@example.com", externalId="gone")
    okta.create_group("Designers", maya["id"], noor["id"])
    okta.create_group("Writers \u201cand\u201d \\ others", noor["id"], omar["id"])
    assert okta.send("DELETE", f"/Users/{gone['id']}").status_code == 204
    return okta


@pytest.mark.parametrize("text", ASKED)
@pytest.mark.parametrize(
    "more", [{}, {"count": "1"}, {"attributes": "userName,groups"}, {"excludedAttributes": "emails"}]
)
def test_a_lookup_answers_what_a_search_does(text: str, more: dict[str, str], many: Directory) -> None:
    looked_up = many.get("/Users", params={"filter": text, **more})
    # In brackets, and by POST, it is no lookup.
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": f"({text})", **more}
    searched = many.send("POST", "/Users/.search", body)
    assert looked_up.status_code == searched.status_code == 200
    assert looked_up.json() == searched.json()


def test_the_lookups_above_find_somebody_and_nobody(many: Directory) -> None:
    assert [len(many.found("/Users", text)) for text in ASKED] == [1, 1, 0, 1, 0, 2, 0, 1, 2, 0, 0]


def test_one_user_is_answered_as_the_list_has_it_groups_and_all(many: Directory) -> None:
    for listed in many.get("/Users").json()["Resources"]:
        assert many.get(f"/Users/{listed['id']}").json() == listed
        found = many.get("/Users", params={"filter": f'userName eq "{listed["userName"]}"'}).json()["Resources"]
        assert found == [listed]


def test_more_users_of_one_value_than_a_lookup_reads_are_counted_and_paged(okta: Directory) -> None:
    ids = [okta.create(f"p{number}@example.com", externalId="same")["id"] for number in range(23)]
    assert okta.found("/Users", 'externalId eq "same"') == ids
    page = okta.get("/Users", params={"filter": 'externalId eq "same"', "count": "2"}).json()
    assert (page["totalResults"], [one["id"] for one in page["Resources"]]) == (23, ids[:2])


def test_a_lookup_finds_nobody_of_another_connection(server: Server, many: Directory) -> None:
    other = directory(server, pushing(server.house, "prod", "Entra"))
    ours = many.found("/Users", ASKED[0])[0]
    assert [other.found("/Users", text) for text in ASKED] == [[]] * len(ASKED)
    assert other.get(f"/Users/{ours}").status_code == 404
    # Nor does the token of one connection open the other.
    for path in ("/Users", f"/Users/{ours}"):
        stranger = many.http.get(path, headers=dict(other.http.headers), params={"filter": ASKED[0]})
        assert (stranger.status_code, "maya" in stranger.text) == (401, False)


@pytest.mark.parametrize("text", [ASKED[0], "userName eq eq", 'userName co "a"'])
def test_whoever_has_no_good_token_is_told_nothing_but_that(text: str, many: Directory, server: Server) -> None:
    params = {"filter": text, "attributes": "a", "excludedAttributes": "b"}
    for authorization in ("", "Basic x", "Bearer wrong", "Bearer " + "x" * 600):
        answer = many.get("/Users", params=params, headers={"Authorization": authorization})
        assert (answer.status_code, answer.json()["detail"]) == (401, "A valid bearer token is needed.")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="SCIM"'
    connections.set_disabled(server.house.runtime, server.house.owner, many.connection.id, disabled=True)
    assert many.get("/Users", params=params).status_code == 403


def test_a_token_that_has_expired_looks_nobody_up(server: Server) -> None:
    okta = directory(server, pushing(server.house), "90")
    okta.create("maya.park@example.com")
    assert len(okta.found("/Users", ASKED[0])) == 1
    server.house.clock.advance(days=90)
    answer = okta.get("/Users", params={"filter": ASKED[0]})
    assert (answer.status_code, answer.json()["detail"]) == (401, "The token has expired.")


def test_wrong_tokens_are_throttled_at_lookups_too(many: Directory) -> None:
    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return many.get("/Users", params={"filter": ASKED[0]}, headers=headers).status_code

    answers = [status(f"wrong{number}") for number in range(101)]
    assert (set(answers[:100]), answers[100]) == ({401}, 429)
    assert len(many.found("/Users", ASKED[0])) == 1


def events(server: Server, okta: Directory) -> list[Any]:
    log = scim_log.read_log(server.house.runtime, server.house.owner, okta.connection.id, before="", refused=False)
    return list(log.events)


def test_a_lookup_is_a_contact_noted_once_a_minute_and_a_refused_one_is_on_the_record(
    server: Server, okta: Directory
) -> None:
    runtime, owner = server.house.runtime, server.house.owner
    okta.send("POST", "/Users", user("maya.park@example.com"))
    before = len(events(server, okta))
    okta.found("/Users", ASKED[0])
    assert len(events(server, okta)) == before
    server.house.clock.advance(seconds=60)
    okta.found("/Users", ASKED[0])
    okta.found("/Users", ASKED[0])
    assert len(events(server, okta)) == before + 1
    found = scim_directories.look_at_directory(runtime, owner, okta.connection)
    assert found is not None
    noted = events(server, okta)[0]
    assert (noted.path, noted.at) == (f"/Users?filter={ASKED[0]}", found.directory.last_contact_at)
    refused = okta.get("/Users", params={"filter": ASKED[0], "attributes": "id", "excludedAttributes": "name"})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert len(events(server, okta)) == before + 2


@pytest.fixture
def grouped(okta: Directory) -> Directory:
    maya, noor = okta.create("maya@example.com")["id"], okta.create("noor@example.com")["id"]
    okta.create_group("Designers", noor, maya, "nobody-yet", externalId="g1")
    okta.create_group("Two", maya, externalId="shared")
    okta.create_group("TWO", noor, externalId="other")
    okta.create_group("Writers", externalId="shared")
    return okta


@pytest.mark.parametrize(
    "more",
    [{}, {"count": "1"}, {"attributes": "displayName,members.display"}, {"excludedAttributes": "members"}],
)
def test_a_lookup_of_groups_answers_what_a_search_does(more: dict[str, str], grouped: Directory) -> None:
    found = []
    for text in GROUPS_ASKED:
        looked_up = grouped.get("/Groups", params={"filter": text, **more})
        searched = grouped.get("/groups", params={"filter": f"({text})", **more})
        assert looked_up.status_code == searched.status_code == 200
        assert looked_up.json() == searched.json()
        found.append(looked_up.json()["totalResults"])
    assert found == [1, 1, 2, 0, 0, 1, 0, 2]


def test_a_lookup_finds_no_group_of_another_connection_and_none_for_whom_is_not_let_in(
    server: Server, grouped: Directory
) -> None:
    other = directory(server, pushing(server.house, "prod", "Entra"))
    assert [other.found("/Groups", text) for text in GROUPS_ASKED] == [[]] * len(GROUPS_ASKED)
    params = {"filter": GROUPS_ASKED[0]}
    for authorization in ("", "Bearer wrong", other.http.headers["Authorization"]):
        answer = grouped.get("/Groups", params=params, headers={"Authorization": authorization})
        assert (answer.status_code, "Designers" in answer.text) == (401, False)
    connections.set_disabled(server.house.runtime, server.house.owner, grouped.connection.id, disabled=True)
    closed = grouped.get("/Groups", params=params)
    assert (closed.status_code, "Designers" in closed.text) == (403, False)


def test_a_refused_lookup_of_groups_is_on_the_record(server: Server, grouped: Directory) -> None:
    params = {"filter": GROUPS_ASKED[0], "attributes": "id", "excludedAttributes": "members"}
    refused = grouped.get("/Groups", params=params)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert events(server, grouped)[0].status == 400
