"""What changed in metadata, and how much may be applied by itself. Every value of an IdP counts."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from vestibule.directory.connections import IdpCertificate, IdpValues, LogoutEndpoints
from vestibule.directory.rollover import (
    READ_EVERY,
    RETRY_AFTER,
    SOONEST,
    SPREAD,
    difference_of,
    dump_values,
    load_values,
    needs_a_look,
    next_reading,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OLD = IdpCertificate(b"old", "CN=old", "AA", NOW, NOW)
NEW = IdpCertificate(b"new", "CN=new", "BB", NOW, NOW)
VALUES = IdpValues(
    entity_id="https://idp.example",
    sso_redirect_url="https://idp.example/sso",
    sso_post_url=None,
    certificates=(OLD,),
    metadata_url="https://idp.example/metadata",
    logout=LogoutEndpoints("https://idp.example/slo"),
)


def test_what_is_stored_until_somebody_agrees_comes_back_whole() -> None:
    assert load_values(json.loads(json.dumps(dump_values(VALUES)))) == VALUES
    assert {one.name for one in fields(IdpValues)} == set(dump_values(VALUES))


def test_the_order_of_certificates_is_no_difference() -> None:
    assert not difference_of(replace(VALUES, certificates=(OLD, NEW)), replace(VALUES, certificates=(NEW, OLD)))


def test_a_difference_names_what_comes_what_goes_and_each_value_before_and_after() -> None:
    after = replace(VALUES, certificates=(NEW,), wants_signed_requests=True, logout=LogoutEndpoints())
    found = difference_of(VALUES, after)
    assert (found.added, found.removed) == ((NEW,), (OLD,))
    assert found.changed == {
        "wants_signed_requests": (False, True),
        "logout_redirect_url": ("https://idp.example/slo", None),
    }


@pytest.mark.parametrize(
    "after",
    [
        replace(VALUES, entity_id="https://idp.example/"),
        replace(VALUES, sso_redirect_url="http://idp.example/sso"),
        replace(VALUES, sso_post_url="https://login.idp.example/sso"),
        replace(VALUES, logout=LogoutEndpoints(post_response_url="https://attacker.example/slo")),
    ],
)
def test_another_entity_or_a_host_where_nobody_was_sent_before_needs_a_look(after: IdpValues) -> None:
    assert needs_a_look(VALUES, after)


def test_other_certificates_and_paths_on_known_hosts_need_no_look() -> None:
    after = replace(VALUES, certificates=(NEW,), sso_post_url="https://IDP.example/post", logout=LogoutEndpoints())
    assert not needs_a_look(VALUES, after)


def test_readings_are_daily_spread_by_id_and_sooner_after_failures() -> None:
    times = {next_reading(f"idp_{n}", NOW, 0) for n in range(50)}
    assert len(times) == 50
    assert all(NOW + READ_EVERY - SPREAD <= one <= NOW + READ_EVERY for one in times)
    assert next_reading("idp_1", NOW) in times
    waits = [next_reading("idp_1", NOW, failures) - NOW for failures in range(1, 9)]
    assert waits[: len(RETRY_AFTER)] == list(RETRY_AFTER)
    assert set(waits[len(RETRY_AFTER) :]) == {RETRY_AFTER[-1]}


def test_metadata_that_is_old_sooner_is_read_sooner_but_no_more_often_than_hourly() -> None:
    usual, microsecond = next_reading("idp_1", NOW), timedelta(microseconds=1)
    for fresh_until, due_at in (
        (NOW + timedelta(days=30), usual),
        (usual, usual),
        (usual - microsecond, usual - microsecond),
        (NOW + SOONEST + microsecond, NOW + SOONEST + microsecond),
        (NOW + SOONEST, NOW + SOONEST),
        (NOW + SOONEST - microsecond, NOW + SOONEST),
        (NOW, NOW + SOONEST),
        (NOW - timedelta(days=1), NOW + SOONEST),
    ):
        assert next_reading("idp_1", NOW, fresh_until=fresh_until) == due_at
    assert next_reading("idp_1", NOW, 1, NOW) == NOW + RETRY_AFTER[0]


def test_a_pinned_certificate_survives_being_stored() -> None:
    for pinned in (None, b"der"):
        values = replace(VALUES, metadata_certificate=pinned)
        assert load_values(json.loads(json.dumps(dump_values(values)))) == values
