"""The stop line: a directory that wants to take the access from too many people within an hour is held until an admin decides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Client, Server, TestClock, serving
from vestibule.directory.scim import StopLine
from vestibule.flows import scim_directories
from vestibule.flows.parts.posting import open_letter
from vestibule.storage import access, end_users
from vestibule.storage.jobs import Job
from vestibule.storage.tables import activity, jobs


@pytest.fixture
def mailing(database_url: str, clock: TestClock) -> Iterator[Server]:
    with serving(database_url, clock, mail_enabled=True) as server:
        yield server


@pytest.fixture
def okta(mailing: Server) -> Directory:
    return directory(mailing, pushing(mailing.house))


def people(okta: Directory, count: int) -> list[str]:
    return [okta.create(f"p{number}@example.com")["id"] for number in range(count)]


def leave(okta: Directory, scim_id: str) -> int:
    return okta.patch(f"/Users/{scim_id}", {"op": "replace", "path": "active", "value": False}).status_code


def still_in(server: Server, number: int) -> bool:
    with server.house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, server.house.workspace.id, f"p{number}@example.com")
        return person is not None and bool(access.access_of(tx, server.house.workspace.id, person.id))


@pytest.mark.parametrize(
    ("departures", "here", "holds"),
    [
        (1, 3, False),
        (4, 20, False),
        (5, 20, True),
        (5, 50, False),
        (6, 50, True),
        (20, 10_000, False),
        (21, 10_000, True),
    ],
)
def test_the_line_is_twenty_people_or_a_tenth_of_the_environment_from_the_fifth_on(
    departures: int, here: int, holds: bool
) -> None:
    assert StopLine().holds(departures, here) is holds


def test_more_than_the_line_allows_is_held_and_nothing_of_that_request_is_done(
    okta: Directory, mailing: Server
) -> None:
    ids = people(okta, 8)
    assert [leave(okta, one) for one in ids[:4]] == [200] * 4
    held = okta.send("PUT", f"/Users/{ids[4]}", user("p4@example.com", active=False, title="Gone"))
    assert held.status_code == 503
    assert int(held.headers["retry-after"]) > 0
    assert "An admin has been told" in held.json()["detail"]
    assert okta.send("DELETE", f"/Users/{ids[5]}").status_code == 503
    assert still_in(mailing, 4)
    assert still_in(mailing, 5)
    back = okta.get(f"/Users/{ids[4]}").json()
    assert (back["active"], "title" in back) == (True, False)
    assert okta.patch(f"/Users/{ids[4]}", {"op": "add", "path": "title", "value": "Here"}).status_code == 200
    assert okta.create("new@example.com")["active"] is True


def test_the_admins_are_told_once_in_the_console_the_activity_and_by_letter(okta: Directory, mailing: Server) -> None:
    ids = people(okta, 8)
    for one in ids[:7]:
        leave(okta, one)
    house = mailing.house
    with house.runtime.database.reading() as tx:
        told = tx.execute(select(activity.c.id).where(activity.c.action == "connection.scim_held")).all()
        rows = tx.execute(select(jobs).where(jobs.c.kind == "letter")).all()
    assert len(told) == 1
    letters = [
        open_letter(house.runtime, Job(row.id, row.workspace_id, row.kind, row.payload, row.attempts, row.created_at))
        for row in rows
    ]
    assert [(one.kind, one.to_email) for one in letters] == [("scim_held", "ada@example.com")]
    assert letters[0].url.endswith(f"/admin/connections/{okta.connection.id}")
    client = mailing.client()
    client.sign_in()
    assert "Departures are held" in client.get(f"/admin/connections/{okta.connection.id}").text
    assert "Departures are held" in client.get("/admin/environments/dev/authentication").text


def decide(client: Client, okta: Directory, decision: str) -> None:
    path = f"/admin/connections/{okta.connection.id}"
    client.get(path)
    assert client.post(f"{path}/scim/hold", {"decision": decision}).status_code == 303


def test_an_admin_lets_them_leave_for_a_while_or_keeps_them_held(
    okta: Directory, mailing: Server, clock: TestClock
) -> None:
    ids = people(okta, 12)
    for one in ids[:5]:
        leave(okta, one)
    client = mailing.client()
    client.sign_in()
    decide(client, okta, "keep")
    clock.advance(hours=2)
    assert leave(okta, ids[5]) == 503
    decide(client, okta, "let_through")
    assert [leave(okta, one) for one in ids[5:8]] == [200] * 3
    assert not still_in(mailing, 7)
    decide(client, okta, "keep")
    clock.advance(hours=5)
    assert leave(okta, ids[8]) == 200


def test_departures_count_for_an_hour_and_a_person_once(okta: Directory, clock: TestClock) -> None:
    ids = people(okta, 8)
    for one in ids[:3]:
        assert leave(okta, one) == 200
    for _ in range(4):
        okta.patch(f"/Users/{ids[0]}", {"op": "replace", "path": "active", "value": True})
        assert leave(okta, ids[0]) == 200
    clock.advance(hours=1)
    assert [leave(okta, one) for one in ids[3:7]] == [200] * 4


def test_a_clock_years_ahead_neither_opens_the_line_for_years_nor_counts_who_left_for_as_long(
    okta: Directory, mailing: Server, clock: TestClock
) -> None:
    ids = people(okta, 16)
    clock.advance(days=800)
    for one in ids[:5]:
        leave(okta, one)
    client = mailing.client()
    client.sign_in()
    decide(client, okta, "let_through")
    assert leave(okta, ids[4]) == 200
    clock.advance(days=-800)
    assert [leave(okta, one) for one in ids[5:10]] == [200] * 4 + [503]


def test_bulk_is_held_operation_by_operation(okta: Directory, mailing: Server) -> None:
    ids = people(okta, 8)
    operations = [{"method": "DELETE", "path": f"/Users/{one}"} for one in ids]
    answer = okta.send("POST", "/Bulk", {"Operations": operations}).json()
    assert [one["status"] for one in answer["Operations"]] == ["204"] * 4 + ["503"] * 4
    assert [still_in(mailing, number) for number in range(8)] == [False] * 4 + [True] * 4


def test_another_line_is_kept_to(okta: Directory, mailing: Server) -> None:
    house = mailing.house
    ids = people(okta, 8)
    scim_directories.change_stop_line(house.runtime, house.owner, okta.connection.id, "6", "100")
    assert [leave(okta, one) for one in ids[:7]] == [200] * 6 + [503]
