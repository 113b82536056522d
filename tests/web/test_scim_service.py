"""The SCIM service as such: who may come in, what the answers look like, lists, searches, bulk, and the log of it all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Client, Server
from vestibule.flows import connections, scim_directories
from vestibule.storage.tables import scim_events

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
FILTERS = {
    'userName eq "MAYA@example.com"': {"maya"},
    'userName ne "maya@example.com"': {"jonas", "noor"},
    'userName sw "ma"': {"maya"},
    'userName co "example"': {"maya", "jonas", "noor"},
    'userName ew ".com"': {"maya", "jonas", "noor"},
    'externalId eq "e1"': {"maya"},
    'externalId eq "E1"': set(),
    'externalId sw "e"': {"maya", "jonas"},
    "externalId pr": {"maya", "jonas"},
    "not (externalId pr)": {"noor"},
    "externalId eq null": {"noor"},
    'title eq "designer"': {"maya"},
    'not (title eq "designer")': {"jonas", "noor"},
    'title ne "designer"': {"jonas", "noor"},
    "title pr": {"maya", "jonas"},
    'title gt "designer"': {"jonas"},
    'title le "Designer"': {"maya"},
    'name.familyName eq "park"': {"maya", "jonas", "noor"},
    'emails eq "maya@example.com"': {"maya"},
    'emails.value eq "MAYA@example.com"': {"maya"},
    'emails[type eq "work"].value eq "maya@example.com"': {"maya"},
    'emails[type eq "work" and value co "jonas"]': {"jonas"},
    'emails[type eq "home"]': set(),
    'emails[not (type eq "home")]': {"maya", "jonas", "noor"},
    'emails[primary eq "True"]': {"maya", "jonas", "noor"},
    "emails pr": {"maya", "jonas", "noor"},
    "phoneNumbers pr": {"noor"},
    'phoneNumbers.value co "555"': {"noor"},
    "active eq true": {"maya", "jonas"},
    'active eq "False"': {"noor"},
    "active ne true": {"noor"},
    "active eq null": set(),
    "active ne null": {"maya", "jonas", "noor"},
    'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"': {"jonas"},
    'schemas eq "urn:ietf:params:scim:schemas:core:2.0:user"': {"maya", "jonas", "noor"},
    'not (schemas ew "enterprise:2.0:User")': {"maya", "noor"},
    'userName eq "maya@example.com" or title eq "writer"': {"maya", "jonas"},
    'userName eq "maya@example.com" and title eq "writer"': set(),
    'title eq "writer" or title eq "designer" and active eq false': {"jonas"},
    '(title eq "writer" or title eq "designer") and active eq true': {"maya", "jonas"},
    "meta.created gt 2015-10-10T14:38:21.8617979-07:00": {"maya", "jonas", "noor"},
    'meta.lastModified lt "2015-10-10T14:38:21Z"': set(),
    'meta.resourceType eq "User"': {"maya", "jonas", "noor"},
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "maya@example.com"': {"maya"},
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d"': {"jonas"},
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "m1"': {"jonas"},
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr": {"jonas"},
    "not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:user pr)": {"maya", "noor"},
    "meta.location pr and meta.version pr": {"maya", "jonas", "noor"},
    "groups.$ref pr": set(),
    "userName sw ma": {"maya"},
    "userName%20eq%20%22maya@example.com%22": {"maya"},
    'nickNameOfNobody eq "x"': set(),
    'userName eq "a\\"b"': set(),
    'userName co "%"': set(),
}


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


@pytest.fixture
def three(okta: Directory) -> dict[str, str]:
    """Push three people; return their ids by first name."""
    enterprise = {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": "m1"}}
    return {
        "maya": okta.create("maya@example.com", externalId="e1", title="Designer")["id"],
        "jonas": okta.create("jonas@example.com", externalId="e2", title="Writer", **enterprise)["id"],
        "noor": okta.create("noor@example.com", active=False, phoneNumbers=[{"value": "+1 555"}])["id"],
    }


def test_every_kind_of_filter_finds_whom_it_means_on_both_engines(okta: Directory, three: dict[str, str]) -> None:
    names = {one: name for name, one in three.items()}
    found = {text: {names[one] for one in okta.found("/Users", text)} for text in FILTERS}
    assert found == FILTERS


@pytest.mark.parametrize(
    "text",
    [
        "userName",
        "userName eq",
        'userName is "x"',
        '(userName eq "x"',
        'userName eq "x',
        "active gt true",
        "and",
        "[",
        "x" * 9000,
    ],
)
def test_a_filter_that_is_none_is_an_invalid_filter(text: str, okta: Directory) -> None:
    refused = okta.get("/Users", params={"filter": text})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")


def test_members_are_found_by_the_names_that_they_are_shown_by(okta: Directory, three: dict[str, str]) -> None:
    group = okta.create_group("Designers", three["maya"], three["noor"], "nobody-yet")["id"]
    assert okta.found("/Groups", 'members.display eq "MAYA Park"') == [group]
    assert okta.found("/Groups", 'members[display eq "noor@example.com"]') == [group]  # without an account of their own
    assert okta.found("/Groups", 'members.display sw "Jonas"') == []
    assert okta.found("/Groups", f'members[value eq "{three["maya"]}" and not (display co "maya")]') == []
    assert okta.found("/Groups", 'members[not (display co "maya" or display co "noor")]') == []
    assert okta.found("/Groups", "members[$ref pr]") == [group]


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("/Users", 'meta.location eq "https://sso.example.com/Users/1"'),
        ("/Users", 'userName eq "maya@example.com" and meta.version ne "1"'),
        ("/Users", 'meta eq "x"'),
        ("/Users", 'groups.$ref ew "/Groups/1"'),
        ("/Users", 'groups[not ($ref eq "x")]'),
        ("/Groups", 'members.$ref eq "x"'),
        ("/Groups", 'meta.version eq "1"'),
    ],
)
def test_what_is_made_for_an_answer_is_compared_with_nothing_and_the_refusal_says_so(
    endpoint: str, text: str, okta: Directory
) -> None:
    refused = okta.get(endpoint, params={"filter": text})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")
    assert "can’t be compared" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("sort", "order", "expected"),
    [
        ("userName", "ascending", ["jonas", "maya", "noor"]),
        ("userName", "descending", ["noor", "maya", "jonas"]),
        ("title", "ascending", ["maya", "jonas", "noor"]),
        ("title", "descending", ["noor", "jonas", "maya"]),
        ("phoneNumbers.value", "ascending", ["noor", "maya", "jonas"]),
        ("meta.created", "descending", ["noor", "jonas", "maya"]),
        ("emails.value", "ascending", ["jonas", "maya", "noor"]),
        ("externalId", "descending", ["noor", "jonas", "maya"]),
        ("active", "ascending", ["noor", "maya", "jonas"]),
        ("nothing", "ascending", ["maya", "jonas", "noor"]),
    ],
)
@pytest.mark.parametrize("by_cursor", [False, True])
def test_lists_are_sorted_and_paged_by_index_and_by_cursor(
    sort: str, order: str, expected: list[str], by_cursor: bool, okta: Directory, three: dict[str, str]
) -> None:
    names = {one: name for name, one in three.items()}
    asked: dict[str, Any] = {"sortBy": sort, "sortOrder": order, "count": 2}
    first = okta.get("/Users", params=asked | ({"cursor": ""} if by_cursor else {})).json()
    rest = {"cursor": first["nextCursor"]} if by_cursor else {"startIndex": 3}
    second = okta.get("/Users", params=asked | rest).json()
    assert [names[one["id"]] for one in (*first["Resources"], *second["Resources"])] == expected
    assert {first["totalResults"], second["totalResults"]} == {3}
    assert (first["itemsPerPage"], second["itemsPerPage"]) == (2, 1)
    assert "nextCursor" not in second


def test_lists_are_sorted_by_the_primary_value_of_several_or_else_the_first(okta: Directory) -> None:
    def addresses(*values: str, primary: str | None = None) -> list[dict[str, Any]]:
        return [{"value": f"{one}@example.com", "type": one, "primary": one == primary} for one in values]

    okta.create("first@example.com", emails=addresses("z", "b", primary="b"))
    okta.create("second@example.com", emails=addresses("c", "a"))
    okta.create("third@example.com", emails=addresses("a", "d", primary="d"))
    sorted_by = {
        by: [one["userName"].partition("@")[0] for one in okta.get("/Users", params={"sortBy": by}).json()["Resources"]]
        for by in ("emails", "emails.value", "emails.type")
    }
    assert set(map(tuple, sorted_by.values())) == {("first", "second", "third")}


def test_what_was_read_of_an_instant_finds_it_again(okta: Directory, three: dict[str, str]) -> None:
    read = okta.get(f"/Users/{three['maya']}").json()["meta"]["lastModified"]
    for operator, there in {"eq": True, "ne": False, "ge": True, "le": True, "gt": False, "lt": False}.items():
        found = okta.found("/Users", f'id eq "{three["maya"]}" and meta.lastModified {operator} "{read}"')
        assert (found == [three["maya"]]) is there, operator
    assert okta.found("/Users", 'meta.lastModified gt "9999-12-31T23:59:59.9999Z"') == []
    assert len(okta.found("/Users", 'meta.lastModified lt "9999-12-31T23:59:59.9999Z"')) == len(three)


def test_a_walk_by_cursor_misses_nobody_when_others_are_deleted_on_the_way(okta: Directory) -> None:
    ids = [okta.create(f"p{number}@example.com")["id"] for number in range(6)]
    first = okta.get("/Users", params={"cursor": "", "count": 2}).json()
    okta.send("DELETE", f"/Users/{ids[0]}")
    okta.send("DELETE", f"/Users/{ids[1]}")
    second = okta.get("/Users", params={"cursor": first["nextCursor"], "count": 4}).json()
    assert [one["id"] for one in second["Resources"]] == ids[2:]


def test_a_cursor_of_another_question_or_made_up_is_invalid(okta: Directory, three: dict[str, str]) -> None:
    assert three
    cursor = okta.get("/Users", params={"cursor": "", "count": 1}).json()["nextCursor"]
    for asked in (
        {"cursor": cursor, "filter": "title pr"},
        {"cursor": "rubbish"},
        {"cursor": "é"},
        {"cursor": cursor[:-4]},
    ):
        refused = okta.get("/Users", params=asked)
        assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidCursor"), asked


def test_a_search_by_post_is_the_same_as_by_get(okta: Directory, three: dict[str, str]) -> None:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "title pr", "count": 1}
    found = okta.send("POST", "/Users/.search", {**body, "attributes": ["userName"]}).json()
    assert found["totalResults"] == 2
    assert found["Resources"] == [{**found["Resources"][0], "id": three["maya"], "userName": "maya@example.com"}]
    assert set(found["Resources"][0]) == {"schemas", "id", "userName"}
    okta.create_group("Designers")
    everything = okta.send("POST", "/.search", {"count": 10}).json()
    assert [one["meta"]["resourceType"] for one in everything["Resources"]] == ["User", "User", "User", "Group"]


def test_a_search_over_everything_has_no_cursor_and_says_so(okta: Directory, three: dict[str, str]) -> None:
    assert three
    refused = okta.send("POST", "/.search", {"cursor": "", "count": 1})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidCursor")


def test_attributes_are_left_in_or_out_as_asked(okta: Directory, three: dict[str, str]) -> None:
    path = f"/Users/{three['jonas']}"
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    only = okta.get(f"{path}?attributes=name.givenName,USERNAME,{urn}:department,nonsense").json()
    assert only == {
        "schemas": only["schemas"],
        "id": three["jonas"],
        "userName": "jonas@example.com",
        "name": {"givenName": "Jonas"},
        urn: {"department": "R&D"},
    }
    without = okta.get(f"{path}?excludedAttributes=name,emails.type,{urn},id").json()
    assert without["id"] == three["jonas"]
    assert "name" not in without
    assert urn not in without
    assert without["emails"] == [{"value": "jonas@example.com", "primary": True}]
    assert okta.get(f"{path}?attributes=name&excludedAttributes=name").status_code == 400


@pytest.mark.parametrize("flag", ["aadOptscim062020", "aadOptscim062020=", "x=1&y=%00"])
def test_a_query_string_of_the_base_url_is_passed_over(flag: str, okta: Directory) -> None:
    asked = okta.get(f'/Users?{flag}&filter=userName eq "nobody@example.com"')
    assert (asked.status_code, asked.json()["totalResults"], asked.json()["Resources"]) == (200, 0, [])


def test_both_media_types_are_taken_and_scim_json_is_answered(okta: Directory) -> None:
    for number, kind in enumerate(("application/json", "application/scim+json; charset=utf-8")):
        made = okta.http.post(
            "/Users", content=json.dumps(user(f"p{number}@example.com")), headers={"Content-Type": kind}
        )
        assert made.status_code == 201
        assert made.headers["content-type"].startswith("application/scim+json")
        assert made.headers["location"] == made.json()["meta"]["location"]
        assert made.headers["etag"] == made.json()["meta"]["version"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "scim_type"),
    [
        ("POST", "/Users", b"{nonsense", 400, "invalidSyntax"),
        ("POST", "/Users", b"", 400, "invalidSyntax"),
        ("POST", "/Users", b"[]", 400, "invalidSyntax"),
        ("POST", "/Users", b"[" * 100_000, 400, "invalidSyntax"),
        ("POST", "/Users", b'{"userName": "\\u0000"}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "\\ud800"}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": NaN}', 400, "invalidSyntax"),
        ("POST", "/Users", b"\xff\xfe", 400, "invalidSyntax"),
        ("POST", "/Users", b'{"userName": ""}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": {"a": 1}}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "x", "active": "perhaps"}', 400, "invalidValue"),
        ("POST", "/Users", b'{"userName": "x", "emails": 7}', 400, "invalidValue"),
        ("POST", "/Users", b"x" * (2 * 1024 * 1024 + 1), 413, None),
        ("POST", "/Groups", b"{}", 400, "invalidValue"),
        ("POST", "/Groups", b'{"displayName": "x", "members": [{}]}', 400, "invalidValue"),
        ("PATCH", "/Users/{id}", b'{"Operations": []}', 400, "invalidSyntax"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "move"}]}', 400, "invalidSyntax"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "remove"}]}', 400, "noTarget"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "add", "value": 1}]}', 400, "invalidValue"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "replace", "path": "id", "value": "x"}]}', 400, "mutability"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "add", "path": "emails[", "value": 1}]}', 400, "invalidPath"),
        ("PATCH", "/Users/{id}", b'{"Operations": [{"op": "remove", "path": "userName"}]}', 400, "invalidValue"),
        ("PUT", "/Users/{id}", b"{}", 400, "invalidValue"),
        ("GET", "/Users/usr_1", b"", 404, None),
        ("GET", "/Nothing", b"", 404, None),
        ("GET", "/", b"", 404, None),
        ("GET", "/Users/a/b", b"", 404, None),
        ("GET", "/Users/%00", b"", 404, None),
        ("DELETE", "/Users", b"", 405, None),
        ("OPTIONS", "/Users", b"", 405, None),
        ("GET", "/Users?startIndex=one", b"", 400, "invalidValue"),
        ("GET", "/Me", b"", 501, None),
        ("POST", "/Schemas", b"{}", 405, None),
        ("GET", "/Schemas?filter=x", b"", 403, None),
        ("POST", "/Bulk", b'{"Operations": 1}', 400, "invalidSyntax"),
    ],
)
def test_what_is_wrong_is_answered_in_scims_words_and_never_by_a_500(
    method: str, path: str, body: bytes, status: int, scim_type: str | None, okta: Directory
) -> None:
    made = okta.create("maya@example.com")
    headers = {"Content-Type": "application/scim+json"}
    refused = okta.http.request(method, path.format(id=made["id"]), content=body, headers=headers)
    said = refused.json()
    assert (refused.status_code, said.get("scimType")) == (status, scim_type), said
    assert said["schemas"] == [ERROR]
    assert said["status"] == str(status)
    assert said["detail"]
    assert okta.get(f"/Users/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/Users", "GET, HEAD, POST"),
        ("POST", "/Groups/x", "GET, HEAD, PUT, PATCH, DELETE"),
        ("PUT", "/Schemas", "GET, HEAD"),
        ("GET", "/Bulk", "POST"),
        ("GET", "/Users/.search", "POST"),
    ],
)
def test_a_method_that_is_not_there_is_answered_with_those_that_are(
    method: str, path: str, allowed: str, okta: Directory
) -> None:
    refused = okta.http.request(method, path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "query",
    [
        "filter=userName%20eq%20%22maya+hr@example.com%22",
        "filter=userName%20eq%20%22maya%2Bhr@example.com%22",
        "filter=userName+eq+%22maya%2Bhr@example.com%22",
    ],
)
def test_a_plus_is_a_plus_where_spaces_are_escaped_and_a_space_where_they_are_not(query: str, okta: Directory) -> None:
    made = okta.create("maya+hr@example.com")
    assert [one["id"] for one in okta.get(f"/Users?{query}").json()["Resources"]] == [made["id"]]


def test_a_body_that_is_no_json_by_its_type_is_refused(okta: Directory) -> None:
    refused = okta.http.post("/Users", content=b"<user/>", headers={"Content-Type": "text/xml"})
    assert (refused.status_code, refused.json()["schemas"]) == (415, [ERROR])


@pytest.mark.parametrize(
    "value",
    [None, "Bearer", "Bearer wrong", "Basic x", "Bearer " + "x" * 600, "Bearer\t{}", "Bearer {} {}", "Bearer {}\xa0"],
)
def test_without_a_good_token_nothing_is_answered_but_how_to_bring_one(value: str | None, okta: Directory) -> None:
    good = okta.http.headers.pop("authorization").removeprefix("Bearer ")
    headers = {b"Authorization": value.replace("{}", good).encode("latin-1")} if value else {}
    refused = okta.http.get("/Users", headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json()["schemas"] == [ERROR]


def test_a_token_opens_its_own_connection_only_until_it_is_revoked_or_expires(server: Server) -> None:
    house = server.house
    mine, other = pushing(house), pushing(house, "test", "Okta Test")
    okta = directory(server, mine, "90")
    assert okta.get("/Users").status_code == 200
    elsewhere = str(okta.http.base_url).replace(mine.id, other.id)
    assert okta.http.get(f"{elsewhere}Users").status_code == 401
    house.clock.advance(days=90)
    assert okta.get("/Users").json()["detail"] == "The token has expired."
    house.clock.advance(days=-1)
    assert okta.get("/Users").status_code == 200
    found = scim_directories.look_at_directory(house.runtime, house.owner, mine)
    assert found is not None
    scim_directories.revoke_token(house.runtime, house.owner, mine.id, found.directory.tokens[0].id)
    assert okta.get("/Users").status_code == 401


def test_a_disabled_connection_and_other_provisioning_are_said_plainly(okta: Directory, server: Server) -> None:
    house, one = server.house, okta.connection
    connections.set_disabled(house.runtime, house.owner, one.id, disabled=True)
    refused = okta.get("/Users")
    assert refused.status_code == 403
    assert "disabled" in refused.json()["detail"]
    connections.set_disabled(house.runtime, house.owner, one.id, disabled=False)
    connections.choose_provisioning(house.runtime, house.owner, one.id, "manual")
    assert "not turned on" in okta.get("/Users").json()["detail"]


def test_too_many_wrong_tokens_are_told_to_wait_and_a_good_one_still_works(okta: Directory) -> None:
    good = okta.http.headers.pop("authorization")
    answers = [okta.get("/Users", headers={"Authorization": f"Bearer wrong{number}"}) for number in range(101)]
    assert {one.status_code for one in answers[:100]} == {401}
    assert answers[100].status_code == 429
    assert int(answers[100].headers["retry-after"]) > 0
    assert okta.get("/Users", headers={"Authorization": good}).status_code == 200


def test_the_service_describes_itself(okta: Directory) -> None:
    config = okta.get("/ServiceProviderConfig").json()
    assert config["bulk"]["maxOperations"] > 0
    assert config["pagination"]["cursor"] is True
    assert config["patch"]["supported"] is True
    schemas = okta.get("/Schemas").json()
    assert schemas["totalResults"] == 3
    for schema in schemas["Resources"]:
        assert okta.get(f"/Schemas/{schema['id']}").json() == schema
    (emails,) = (one for one in schemas["Resources"][0]["attributes"] if one["name"] == "emails")
    assert "display" not in {one["name"] for one in emails["subAttributes"]}
    assert [one["name"] for one in okta.get("/ResourceTypes").json()["Resources"]] == ["User", "Group"]
    assert okta.get("/ResourceTypes/Group").json()["endpoint"] == "/Groups"


def test_bulk_does_each_operation_whole_or_not_at_all_and_puts_ids_in(okta: Directory) -> None:
    okta.create("taken@example.com")
    operations = [
        {
            "method": "POST",
            "path": "/Groups",
            "bulkId": "g",
            "data": {"displayName": "Designers", "members": [{"value": "bulkId:m"}]},
        },
        {"method": "POST", "path": "/Users", "bulkId": "m", "data": user("maya@example.com")},
        {"method": "POST", "path": "/Users", "bulkId": "t", "data": user("taken@example.com")},
        {
            "method": "PATCH",
            "path": "/Users/bulkId:m",
            "data": {"Operations": [{"op": "replace", "path": "title", "value": "D"}]},
        },
        {"method": "DELETE", "path": "/Users/scu_01jd8w4tq5zzzzzzzzzzzzzzzz"},
    ]
    answer = okta.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert answer.status_code == 200
    results = answer.json()["Operations"]
    assert [one["status"] for one in results] == ["201", "201", "409", "200", "404"]
    assert results[2]["response"]["scimType"] == "uniqueness"
    assert okta.http.get(results[1]["location"]).json()["title"] == "D"
    assert [
        one["display"]
        for one in okta.http.get(f"{results[0]['location']}?attributes=members.display").json()["members"]
    ] == ["Maya Park"]


def test_bulk_stops_after_as_many_failures_as_are_said(okta: Directory) -> None:
    operations = [{"method": "DELETE", "path": f"/Users/nobody{number}"} for number in range(5)]
    answer = okta.send("POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 2, "Operations": operations})
    assert len(answer.json()["Operations"]) == 2
    many = okta.send("POST", "/Bulk", {"schemas": [BULK], "Operations": operations * 201})
    assert many.status_code == 413


def test_the_live_list_shows_what_was_sent_and_done_without_secrets(
    okta: Directory, admin_client: Client, server: Server
) -> None:
    okta.create("maya@example.com", password="t1meMa$heen", favouriteColour="blue")
    okta.send("POST", "/Users", user("maya@example.com"))
    okta.patch("/Users/scu_none", {"op": "replace", "path": "password", "value": "0ther$ecret"})
    okta.http.post("/Users", content=b"{t1meMa$heen", headers={"Content-Type": "application/json"})
    page = admin_client.get(f"/admin/connections/{okta.connection.id}/scim/log").text
    assert "favouriteColour" in page
    assert "uniqueness" in page
    with server.house.runtime.database.reading() as tx:
        rows = repr(tx.execute(select(scim_events)).all())
    for text in (page, rows):
        assert "t1meMa$heen" not in text
        assert "0ther$ecret" not in text
    refused = admin_client.get(f"/admin/connections/{okta.connection.id}/scim/log?only=refused").text
    assert "favouriteColour" not in refused
    contact = admin_client.get(f"/admin/connections/{okta.connection.id}").text
    assert "None yet" not in contact.split("Last contact")[1].split("</dd>")[0]
