"""The figures are measured on what they say: each part runs, small, and its answers are of the right kind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from bench import apps, directories, lists, logout, refusals, scim_requests, sign_ins, verification
from bench.ground import ENGINES, Ground, ground
from bench.peers import PeerMissingError, install, messages
from bench.processes import usage
from bench.statements import counting
from tests.saml import forge
from tests.saml.verifying import certificate, expectations
from vestibule.saml.responses import verify_response
from vestibule.storage.database import Database


@pytest.fixture
def where() -> Iterator[Ground]:
    with ground() as made:
        yield made
    assert not made.folder.exists()
    assert not made.memory_folder.exists()


def test_sign_ins_are_measured_from_post_to_cookie_and_so_is_their_floor(where: Ground) -> None:
    rate, size = sign_ins.measure(where, "SQLite", "memory", 20)
    assert rate.requests == 20
    assert rate.per_second > 0
    assert 13_500 < size < 14_500
    assert sign_ins.measure_floor(where, 20).per_second > 0


def test_the_memory_of_a_worker_is_that_of_a_process_that_signs_people_in(where: Ground) -> None:
    growth = sign_ins.measure_memory(where, "SQLite", warm=8, more=8)
    assert growth.warm_mib >= growth.at_rest_mib > 20


def test_every_page_of_the_list_is_asked_with_few_people_and_with_more(where: Ground) -> None:
    measured = dict(lists.measure(where, few=150, many=300, times=1))
    assert measured.keys() == set(ENGINES)
    timings = {one.name: one for one in measured["SQLite"]}
    assert timings["first page"].rows == timings["next page"].rows == timings["deep page"].rows == (25, 25)
    assert timings["search: e-mail"].rows == timings["search: two words, one found"].rows == (1, 1)
    assert timings["search: nobody"].rows == (0, 0)
    for kind in ("environment", "status", "source", "large group", "small group", "Everyone"):
        assert min(timings[f"filter: {kind}"].rows) > 0, kind
    assert all(one.few_ms > 0 and one.ratio > 0 for one in timings.values())


def test_every_kind_of_scim_request_is_answered_and_costs_something(where: Ground) -> None:
    with directories.serving(where, "SQLite", 120) as endpoint:
        asked_for = scim_requests.Asked(endpoint, dict.fromkeys(scim_requests.OPERATIONS, 10))
        costs = scim_requests.measure({"ours": asked_for}, warm=2)["ours"]
        page = json.loads(asked(endpoint, "/Users?count=100"))
        group = json.loads(asked(endpoint, f"/Groups/{endpoint.group}"))
    assert costs.keys() == scim_requests.OPERATIONS.keys()
    assert all(one.per_second > 0 for one in costs.values())
    assert (page["totalResults"], page["itemsPerPage"]) == (132, 100)
    assert len(group["members"]) == 108


def asked(endpoint: scim_requests.Endpoint, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    return httpx.get(f"http://127.0.0.1:{endpoint.port}{endpoint.path}{path}", headers=headers, trust_env=False).content


def test_a_push_is_measured_by_its_tenths_and_its_groups(where: Ground) -> None:
    pushed = directories.push(where, "SQLite", 40, 2)
    assert len(pushed.users) == directories.TENTHS
    assert all(one.per_second > 0 for one in (*pushed.users, pushed.groups))


def test_what_an_app_asks_is_answered_with_tokens_and_counted(where: Ground, sqlite_url: str) -> None:
    rates = apps.measure(where, "SQLite", 10)
    counted = apps.count_statements(sqlite_url)
    assert rates.keys() == {"code", "refresh", "introspection", "userinfo"} == counted.keys() - {"whole sign-in"}
    assert all(one.per_second > 0 for one in rates.values())
    requests, statements = counted["whole sign-in"]
    assert requests == 7
    assert statements > sum(counted[name][1] for name in ("code", "userinfo"))


def test_an_app_is_told_of_each_way_to_deactivate_somebody(where: Ground) -> None:
    told = logout.measure(where, 1)
    assert told.keys() == {"admin's click", "directory's PATCH"}
    assert all(seconds > 0 for (seconds,) in told.values())


def test_every_family_of_hostile_messages_is_refused() -> None:
    measured = refusals.measure(1)
    assert sum(one.messages for one in measured) > 1000
    assert all(0 < one.middle_ms <= one.dearest_ms for one in measured)


def test_verification_costs_more_than_its_floor() -> None:
    measured = dict(verification.measure(1))
    assert list(measured) == ["assertion", "response", "both", "encrypted"]
    assert 13_500 < measured["assertion"].size < 14_500
    assert all(0 < one.floor < one.ours for one in measured.values())


def test_longer_responses_are_verified_beside_floors_of_their_own() -> None:
    sizes = [one.size for one in verification.measure_growth(1)]
    assert sizes[1] > 5 * sizes[0]
    assert sizes[3] > 5 * sizes[2]


def test_a_peer_gets_a_message_like_ours_addressed_to_it() -> None:
    acs = "http://127.0.0.1:4000/acs"
    data = messages.response(acs, "https://peer.example/sp", "_request1", 7)
    assert 13_500 < len(data) < 14_500
    expected = expectations(
        idp_entity_id=messages.IDP,
        certificates=(certificate(forge.key("idp")),),
        acs_url=acs,
        sp_entity_id="https://peer.example/sp",
        now=datetime.now(UTC),
    )
    assert verify_response(data, expected).name_id == "person7@example.com"
    head, _, body = messages.post(acs, data, "state").partition(b"\r\n\r\n")
    assert head.startswith(b"POST /acs HTTP/1.1\r\nHost: 127.0.0.1:4000\r\n")
    assert f"Content-Length: {len(body)}".encode() in head


def test_a_peer_that_can_not_be_installed_says_why(tmp_path: Path) -> None:
    with pytest.raises(PeerMissingError, match="no such package"):
        install(("sh", "-c", "echo no such package >&2; exit 1"), tmp_path, "test-install.log")


def test_statements_and_writing_transactions_are_counted(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with counting(database) as counted:
        with database.reading() as tx:
            tx.execute(text("SELECT 1"))
        with database.transaction() as tx:
            tx.execute(text("UPDATE workspaces SET name = name"))
            tx.execute(text("SELECT 2"))
        with database.transaction() as tx:
            tx.execute(text("SELECT 3"))
    with database.reading() as tx:
        tx.execute(text("SELECT 4"))
    database.close()
    assert len(counted.statements) == 4
    assert (counted.writes, counted.transactions) == (1, 1)


def test_what_a_process_used_is_known() -> None:
    mine = usage(os.getpid())
    assert mine.cpu_seconds > 0
    assert mine.resident_mib > 20
