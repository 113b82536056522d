"""Who must use SAML."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.connections import (
    Connection,
    IdentityProvider,
    IdpCertificate,
    IdpInitiated,
    Provisioning,
)
from vestibule.directory.enforcement import in_reach, route

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CERTIFICATE = IdpCertificate(b"der", "CN=idp", "00", NOW, NOW)
IDP = IdentityProvider(
    "idp_1",
    "wsp_1",
    "Okta",
    "okta",
    "https://idp.example",
    "https://idp.example/sso",
    None,
    None,
    None,
    False,
    (CERTIFICATE,),
    NOW,
)


def connection(name: str, *domains: str, **changes: object) -> Connection:
    made = Connection(
        name, "wsp_1", "env_1", IDP, not domains, domains, Provisioning.MANUAL, False, IdpInitiated.OFF, False, NOW
    )
    return replace(made, **changes)  # type: ignore[arg-type] # the changes are the test's own


EVERYBODY = connection("all")
CORP = connection("corp", "corp.example")
BELOW = connection("below", "*.corp.example")
LABS = connection("labs", "labs.corp.example")


@pytest.mark.parametrize(
    ("email", "ways"),
    [
        ("ada@corp.example", ["corp"]),
        ("ada@sales.corp.example", ["below"]),
        ("ada@labs.corp.example", ["labs"]),
        ("ada@deep.labs.corp.example", ["below"]),
        ("ada@notcorp.example", ["all"]),
        ("ada@CORP.example", ["corp"]),
        ("ada@elsewhere.example", ["all"]),
    ],
)
def test_the_most_specific_entry_wins_and_a_domain_wins_over_all(email: str, ways: list[str]) -> None:
    found = route(email, True, [EVERYBODY, CORP, BELOW, LABS])
    assert [one.id for one in found.connections] == ways
    assert not found.password


def test_without_saml_everybody_uses_a_password() -> None:
    assert route("ada@corp.example", False, [EVERYBODY, CORP]).password


def test_people_of_other_domains_use_a_password_where_only_some_are_selected() -> None:
    assert route("ada@elsewhere.example", True, [CORP]).password


def test_two_connections_for_all_are_for_the_person_to_choose() -> None:
    other = connection("other")
    assert route("ada@x.example", True, [EVERYBODY, other]).connections == (EVERYBODY, other)


@pytest.mark.parametrize(
    "idle",
    [
        {"provisioning": None},
        {"disabled": True},
        {"idp": replace(IDP, entity_id=None)},
        {"idp": replace(IDP, certificates=())},
    ],
    ids=["pending", "disabled", "draft", "without a certificate"],
)
def test_a_connection_that_is_not_active_enforces_nothing(idle: dict[str, object]) -> None:
    assert route("ada@corp.example", True, [connection("corp", "corp.example", **idle)]).password
    # And gives its domain back to the connection for all.
    ways = route("ada@corp.example", True, [EVERYBODY, connection("corp", "corp.example", **idle)]).connections
    assert ways == (EVERYBODY,)


@given(st.sampled_from(["corp.example", "labs.corp.example", "x.labs.corp.example", "other.example", "Corp.Example"]))
def test_whoever_is_sent_to_a_connection_is_within_its_reach(domain: str) -> None:
    for one in route(f"ada@{domain}", True, [EVERYBODY, CORP, BELOW, LABS]).connections:
        assert in_reach(one, f"ada@{domain}")


def test_no_connection_reaches_beyond_its_domains() -> None:
    assert in_reach(CORP, "ada@corp.example")
    assert not in_reach(CORP, "ada@labs.corp.example")
    assert not in_reach(CORP, "ada@corp.example.evil.example")
    assert not in_reach(CORP, "corp.example@evil.example")
    assert in_reach(BELOW, "ada@labs.corp.example")
    assert in_reach(EVERYBODY, "ada@anything.example")
