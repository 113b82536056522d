"""Who a verified claim means: examples for each rule, and properties that hold whatever comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.connections import Connection, IdentityProvider, IdpCertificate, IdpInitiated, Provisioning
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.enforcement import route
from vestibule.directory.linking import (
    Admit,
    Candidate,
    Claim,
    Create,
    Enter,
    Refuse,
    Unfit,
    Wait,
    decide,
    reaches,
    subject_of,
)
from vestibule.directory.sessions import KnockReason, Subject
from vestibule.directory.sources import Source

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CERTIFICATE = IdpCertificate(b"", "", "", NOW, NOW)
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
OWN = ("https://idp.example", "https://sso.example/sp")
NONE = (None, None)
DOMAINS = ["example.com", "eu.example.com", "*.example.com", "*.eu.example.com", "other.example"]


def connection(
    domains: tuple[str, ...] = ("example.com",), *, all_domains: bool = False, name: str = "a"
) -> Connection:
    idp = IdentityProvider(
        name,
        "wsp",
        name,
        "generic",
        "https://idp.example",
        "https://idp.example/sso",
        None,
        None,
        None,
        False,
        (CERTIFICATE,),
        NOW,
    )
    return Connection(
        f"con_{name}",
        "wsp",
        "env",
        idp,
        all_domains,
        domains,
        Provisioning.MANUAL,
        False,
        IdpInitiated.CONVERT,
        False,
        NOW,
    )


def person(email: str = "ada@example.com", status: EndUserStatus = EndUserStatus.ACTIVE) -> EndUser:
    return EndUser(f"usr_{email}", "wsp", email, "Ada", status, Source.MANUAL, False, NOW, NOW, None)


def candidate(
    email: str = "ada@example.com",
    status: EndUserStatus = EndUserStatus.ACTIVE,
    *,
    has_access: bool = True,
    link_id: str | None = None,
) -> Candidate:
    return Candidate(person(email, status), has_access, link_id)


CLAIM = Claim(Subject("persistent", "u1"), "ada@example.com", "Ada")


def test_an_unlinked_account_is_found_by_e_mail_and_linked() -> None:
    found = candidate()
    assert decide(connection(), (), CLAIM, None, found) == Enter(found.end_user, None)


def test_a_link_counts_whatever_e_mail_comes_with_it() -> None:
    linked = candidate(link_id="lnk_1")
    for email in ("ada@example.com", "bo@example.com", "ada@stranger.example", None):
        claim = Claim(CLAIM.subject, email, None)
        assert decide(connection(), (), claim, linked, candidate("bo@example.com")) == Enter(linked.end_user, "lnk_1")


def test_an_address_whose_account_is_linked_to_somebody_else_waits_even_when_that_one_is_deactivated() -> None:
    for status in EndUserStatus:
        taken = candidate(status=status, link_id="lnk_other")
        assert decide(connection(), (), CLAIM, None, taken) == Wait(KnockReason.ADDRESS_REUSED, taken.end_user)


@pytest.mark.parametrize("how", ["link", "email"])
def test_without_access_one_waits_and_deactivated_one_is_refused(how: str) -> None:
    link_id = "lnk_1" if how == "link" else None

    def decided(found: Candidate) -> object:
        return decide(connection(), (), CLAIM, *((found, None) if link_id else (None, found)))

    without = candidate(has_access=False, link_id=link_id)
    assert decided(without) == Wait(KnockReason.NO_ACCESS, without.end_user)
    gone = candidate(status=EndUserStatus.DEACTIVATED, link_id=link_id)
    assert decided(gone) == Refuse(Unfit.DEACTIVATED, gone.end_user)


def test_an_unknown_address_within_reach_waits_and_one_out_of_reach_is_refused() -> None:
    assert decide(connection(), (), CLAIM, None, None) == Wait(KnockReason.UNKNOWN, None)
    assert decide(connection(("other.example",)), (), CLAIM, None, None) == Refuse(Unfit.OUT_OF_REACH)


def test_just_in_time_an_unknown_address_is_an_account_and_one_who_is_new_here_is_admitted() -> None:
    jit = replace(connection(), provisioning=Provisioning.JIT)
    elsewhere = candidate(has_access=False)
    assert decide(jit, (), CLAIM, None, None) == Create("ada@example.com")
    assert decide(jit, (), CLAIM, None, elsewhere) == Admit(elsewhere.end_user)
    assert decide(replace(jit, domains=("other.example",)), (), CLAIM, None, None) == Refuse(Unfit.OUT_OF_REACH)
    assert decide(jit, (), Claim(None, "ada@example.com", None), None, None) == Refuse(Unfit.NO_SUBJECT)


def test_just_in_time_no_assertion_undoes_what_an_admin_did() -> None:
    jit = replace(connection(), provisioning=Provisioning.JIT)
    taken_away = candidate(has_access=False, link_id="lnk_1")
    assert decide(jit, (), CLAIM, taken_away, None) == Wait(KnockReason.NO_ACCESS, taken_away.end_user)
    gone = candidate(status=EndUserStatus.DEACTIVATED, has_access=False)
    assert decide(jit, (), CLAIM, None, gone) == Refuse(Unfit.DEACTIVATED, gone.end_user)
    taken = candidate(link_id="lnk_other")
    assert decide(jit, (), CLAIM, None, taken) == Wait(KnockReason.ADDRESS_REUSED, taken.end_user)


def test_without_a_subject_or_without_an_address_nobody_is_found() -> None:
    assert decide(connection(), (), Claim(None, "ada@example.com", None), None, candidate()) == Refuse(Unfit.NO_SUBJECT)
    assert decide(connection(), (), Claim(CLAIM.subject, None, None), None, candidate()) == Refuse(Unfit.NO_EMAIL)


def test_e_mail_subjects_are_compared_without_case_and_others_exactly() -> None:
    def subject(name_id: str, name_id_format: str | None) -> Subject | None:
        return subject_of(name_id, name_id_format, NONE, {}, OWN)

    assert subject("Ada@Example.com", EMAIL_FORMAT) == subject("ada@example.com", EMAIL_FORMAT)
    assert subject("ABC", PERSISTENT) != subject("abc", PERSISTENT)
    assert subject("ABC", None) != subject("abc", None)
    assert (
        subject("x", None) == subject("x", "") == subject("x", "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified")
    )
    kinds = {getattr(subject("x", name), "kind", None) for name in (None, EMAIL_FORMAT, PERSISTENT, "urn:custom")}
    assert len(kinds) == 4


def test_a_persistent_name_id_counts_within_its_qualifiers() -> None:
    plain = subject_of("u1", PERSISTENT, NONE, {}, OWN)
    assert subject_of("u1", PERSISTENT, OWN, {}, OWN) == plain
    foreign = subject_of("u1", PERSISTENT, ("https://upstream.example", None), {}, OWN)
    affiliation = subject_of("u1", PERSISTENT, (None, "https://upstream.example"), {}, OWN)
    assert len({plain, foreign, affiliation}) == 3


def test_a_transient_name_id_never_becomes_a_subject() -> None:
    assert subject_of("_t", TRANSIENT, NONE, {"email": ["ada@example.com"]}, OWN) is None
    stable = subject_of("_t", TRANSIENT, NONE, {"subject-id": ["a1"]}, OWN)
    assert stable == Subject("stable_id", "a1")
    assert stable != subject_of("a1", PERSISTENT, NONE, {}, OWN)


emails = st.sampled_from(
    ["ada@example.com", "bo@eu.example.com", "cy@x.eu.example.com", "di@other.example", "ed@else.example"]
)
candidates = st.none() | st.builds(
    candidate,
    emails,
    st.sampled_from(EndUserStatus),
    has_access=st.booleans(),
    link_id=st.none() | st.just("lnk_1"),
)
claims = st.builds(Claim, st.none() | st.just(CLAIM.subject), st.none() | emails, st.none())
entries = st.lists(st.sampled_from(DOMAINS), unique=True).map(tuple)


@given(entries, st.booleans(), entries, claims, candidates, candidates)
def test_nobody_enters_but_an_active_person_with_access_within_reach(
    domains: tuple[str, ...],
    everyone: bool,
    rivals: tuple[str, ...],
    claim: Claim,
    linked: Candidate | None,
    by_email: Candidate | None,
) -> None:
    rivals = tuple(entry for entry in rivals if entry not in domains)
    mine = connection(domains, all_domains=everyone)
    decision = decide(mine, rivals, claim, linked, by_email)
    if isinstance(decision, Enter):
        meant = linked or by_email
        assert meant is not None
        assert decision.end_user is meant.end_user
        assert meant.has_access
        assert meant.end_user.status is not EndUserStatus.DEACTIVATED
        assert reaches(mine, rivals, meant.end_user.email)
        assert claim.subject is not None
        assert linked is not None or meant.link_id is None


@given(entries, st.booleans(), entries, emails)
def test_a_connection_reaches_exactly_whom_the_sign_in_page_would_send_to_it(
    domains: tuple[str, ...], everyone: bool, rivals: tuple[str, ...], email: str
) -> None:
    rivals = tuple(entry for entry in rivals if entry not in domains)
    domains = () if everyone else domains
    mine, other = connection(domains, all_domains=everyone), connection(rivals, name="b")
    sent = [one.id for one in route(email, True, (mine, other)).connections]
    assert reaches(mine, rivals, email) == (mine.id in sent)
