"""Names, keys, addresses, roles, and the words under which a person is found."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.admins import PERMISSIONS, Permission, Role
from vestibule.directory.end_users import (
    MAX_TERM_LENGTH,
    MAX_TERMS,
    quoted,
    search_beginning,
    search_terms,
    search_words,
    validate_email,
)
from vestibule.directory.workspaces import key_from_name, validate_key, validate_name
from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import fold

WORDS = st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12), min_size=1, max_size=4)


def test_a_name_is_tidied_and_otherwise_kept() -> None:
    assert validate_name("name", "  Pre-production \t 2 ") == "Pre-production 2"
    assert validate_name("name", "山" * 100) == "山" * 100


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter a name"),
        (" \t\n", "Enter a name"),
        ("x" * 101, "100 characters or fewer"),
        ("PROD\u202edlo", "invisible"),
        ("DEV\u200b", "invisible"),
        ("ㅤ", "invisible"),
        ("D\x00EV", "invisible"),
        ("\ud800", "invisible"),
    ],
)
def test_a_name_that_is_empty_too_long_or_hidden_is_refused(typed: str, sentence: str) -> None:
    with pytest.raises(FieldError, match=sentence):
        validate_name("name", typed)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("DEV", "dev"),
        ("Pre-production 2", "pre-production-2"),
        ("Développement", "developpement"),
        ("--Ops & QA--", "ops-qa"),
        ("生产", "env"),
        ("", "env"),
        ("x" * 31 + "-y", "x" * 31),
    ],
)
def test_a_key_is_suggested_from_a_name(name: str, key: str) -> None:
    assert key_from_name(name) == key


@given(st.text(max_size=80))
def test_a_suggested_key_may_always_be_used(name: str) -> None:
    assert validate_key("key", key_from_name(name)) == key_from_name(name)


@pytest.mark.parametrize("typed", ["", "-dev", "dev-", "de v", "dev_1", "dév", "x" * 33, "dev\n2", "../dev", "dev\x00"])
def test_a_key_that_would_not_fit_an_address_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="lower-case letters"):
        validate_key("key", typed)


def test_a_key_is_lower_case() -> None:
    assert validate_key("key", " TEST-2 ") == "test-2"


def test_a_wrong_address_is_told_from_a_missing_one() -> None:
    assert validate_email("email", " Ada@Example.com ") == "Ada@example.com"
    with pytest.raises(FieldError, match="Enter an e-mail address"):
        validate_email("email", "  ")
    with pytest.raises(FieldError, match="such as name@"):
        validate_email("email", "ada")


def found(typed: str, name: str, email: str) -> bool:
    terms = search_terms(name, email)
    return all(any(term.startswith(word) for term in terms) for word in search_words(typed))


@pytest.mark.parametrize(
    "typed",
    [
        "ada",
        "PARK",
        "park ada",
        "ada-m",
        "Ada.Park@Ex",
        "corp",
        "straße",
        "strasse",
        "Park, Ada <ada.park@example.corp>",
        "(Ada)",
        "o'b",
        "b",
    ],
)
def test_a_person_is_found_by_the_beginning_of_any_word(typed: str) -> None:
    assert found(typed, "Ada-Maria Park (Straße) O'B", "Ada.Park@example.corp")


@pytest.mark.parametrize("typed", ["da", "parks", "ada bo", "xample"])
def test_a_person_is_not_found_by_the_middle_of_a_word(typed: str) -> None:
    assert not found(typed, "Ada Park", "ada@example.corp")


@given(WORDS, st.emails())
def test_a_person_is_found_by_each_word_of_the_name_and_by_the_whole_address(words: list[str], email: str) -> None:
    name = " ".join(words)
    for word in words:
        assert found(word, name, email)
    assert found(name, name, email)
    if email[0].isalnum():
        assert found(email, name, email)
        assert found(email.upper(), name, email)


@given(st.emails())
def test_a_person_is_found_by_each_part_of_the_address(email: str) -> None:
    for part in re.split(r"[\W_]+", email)[:10]:
        assert found(part, "Ada Park", email)


def test_what_begins_the_address_or_its_domain_is_no_term_of_its_own() -> None:
    assert search_terms("Ada Park", "p.17@mail.example.com") == {
        "ada",
        "park",
        "p.17@mail.example.com",
        "17",
        "mail.example.com",
        "example",
        "com",
    }


@given(st.text(max_size=300), st.emails())
def test_terms_are_few_short_and_without_white_space(name: str, email: str) -> None:
    terms = search_terms(name, email)
    assert len(terms) <= MAX_TERMS
    for term in terms:
        assert 0 < len(term) <= MAX_TERM_LENGTH
        assert term.split() == [term]


@given(st.text(max_size=300))
def test_a_search_is_four_words_at_most(typed: str) -> None:
    words = search_words(typed)
    assert len(words) <= 4
    assert all(0 < len(word) <= MAX_TERM_LENGTH for word in words)


@pytest.mark.parametrize(
    ("typed", "beginning"),
    [
        ('"Ada  PA"', "ada pa"),
        (" „Ada Pa“ ", "ada pa"),
        ("«Ada Pa»", "ada pa"),
        ('"Ada Pa', "ada pa"),
        ("Ada Pa", ""),
        ('"Ada" Pa', ""),
        ('"ada@example.com"', ""),
        ('"Park, Ada" <ada@example.com>', ""),
        ('""', ""),
        ('"', ""),
    ],
)
def test_quotation_marks_ask_for_the_beginning_of_a_name_and_never_hide_an_address(typed: str, beginning: str) -> None:
    assert search_beginning(typed) == beginning


@given(st.text(max_size=100))
def test_whatever_was_typed_can_be_asked_for_in_quotation_marks(typed: str) -> None:
    assert search_beginning(quoted(typed)) in {fold(quoted(typed)[1:-1])[:MAX_TERM_LENGTH], ""}
    assert len(search_beginning(typed)) <= MAX_TERM_LENGTH


def test_an_owner_may_everything_and_an_admin_all_but_owners() -> None:
    assert PERMISSIONS[Role.OWNER] == frozenset(Permission)
    assert frozenset(Permission) - PERMISSIONS[Role.ADMIN] == {Permission.MANAGE_OWNERS}


def test_support_looks_after_people_and_an_auditor_only_looks() -> None:
    assert PERMISSIONS[Role.SUPPORT] == {Permission.READ, Permission.MANAGE_PEOPLE}
    assert PERMISSIONS[Role.AUDITOR] == {Permission.READ}


def test_every_role_may_at_least_look() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert all(Permission.READ in allowed for allowed in PERMISSIONS.values())
