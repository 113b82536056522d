"""Whom a change of enforcement concerns: the same answers that sign-in gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from vestibule.directory.connections import Connection, IdentityProvider, IdpCertificate, IdpInitiated, Provisioning
from vestibule.directory.impact import Enforcement, Move, Population, covered, moves

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CERTIFICATE = IdpCertificate(b"der", "CN=idp", "AA", NOW, NOW)


def connection(name: str, *domains: str) -> Connection:
    idp = IdentityProvider(
        f"idp_{name}",
        "wsp",
        name,
        "okta",
        "entity",
        "https://idp.example",
        None,
        None,
        None,
        False,
        (CERTIFICATE,),
        NOW,
    )
    return Connection(
        f"con_{name}", "wsp", "env", idp, not domains, domains, Provisioning.MANUAL, False, IdpInitiated.OFF, False, NOW
    )


PEOPLE = (Population("example.com", 7, 2), Population("eu.example.com", 3, 3), Population("other.org", 5, 1))


def test_turning_on_sends_the_covered_to_their_idp_and_leaves_the_others() -> None:
    off = Enforcement(False, (connection("Okta", "example.com"),))
    assert moves(PEOPLE, off, off.switched(on=True)) == (Move((), ("Okta",), 7, 2), Move((), (), 8, 4))


def test_a_domain_does_not_cover_what_is_below_it_and_a_wildcard_does_not_cover_the_domain() -> None:
    assert covered(PEOPLE, Enforcement(True, (connection("Okta", "example.com"),))) == 7
    assert covered(PEOPLE, Enforcement(True, (connection("Okta", "*.example.com"),))) == 3


def test_turning_off_strands_those_who_have_no_password() -> None:
    on = Enforcement(True, (connection("Okta", "example.com"),))
    first, second = moves(PEOPLE, on, on.switched(on=False))
    assert (first.changes, first.people, first.stranded) == (True, 7, 2)
    assert (second.changes, second.stranded) == (False, 0)


def test_without_one_connection_its_people_fall_to_the_one_for_all_domains() -> None:
    okta = connection("Okta", "example.com")
    on = Enforcement(True, (okta, connection("Entra")))
    assert moves(PEOPLE, on, on.without(okta.id)) == (
        Move(("Okta",), ("Entra",), 7, 2),
        Move(("Entra",), ("Entra",), 8, 4),
    )


def test_two_connections_for_all_domains_leave_the_choice_to_the_person() -> None:
    entra = connection("Entra")
    on = Enforcement(True, (connection("Okta"),))
    assert moves(PEOPLE, on, on.having(entra))[0].after == ("Entra", "Okta")


def test_pending_and_disabled_connections_concern_nobody() -> None:
    pending = replace(connection("Okta"), provisioning=None)
    disabled = replace(connection("Entra"), disabled=True)
    assert covered(PEOPLE, Enforcement(True, (pending, disabled))) == 0
    assert Enforcement(True, (pending, disabled)).active == ()


def test_no_people_no_moves() -> None:
    on = Enforcement(True, (connection("Okta"),))
    assert moves((), on, on.switched(on=False)) == ()
