"""Which passwords may be used, and that matching one never breaks and never tells who exists."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vestibule.kernel.errors import FieldError
from vestibule.kernel.passwords import MAX_LENGTH, hash_password, password_matches, validate_new_password

ADA = ("ada.park@example.com", "ada.park", "Ada", "Park")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a fine long sentence for Ada",
        "the park is closed on Mondays",
        "92837465102938",
        "水木火土金日月山川田人口",
        "!§$%&/()=?`´",
        "x7#Kq pL2!wz",
        "ada 8213 9914 2003 1",
    ],
)
def test_a_long_password_of_ones_own_may_be_used(password: str) -> None:
    validate_new_password(password, *ADA)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password1234!",
        "passwordpassword",
        "password password",
        "Password123Password123",
        "passwordpassword1",
        "dragon dragon dragon",
        "drag-on-drag-on-drag-on",
        "summer2024summer2024",
        "qwertyqwerty",
        "qwertyuiopas",
        "lkjhgfdsapoi",
        "abcdefghijklm",
        "abcdeabcdeabcde",
        "xkqjvxkqjvxkqjv",
        "123456789012",
        "1234567890123456789012",
        "aaaaaaaaaaaa",
        "éééééééééééé",
        "            ",
        "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ",
    ],
)
def test_what_attackers_try_first_is_refused(password: str) -> None:
    with pytest.raises(FieldError, match="try first"):
        validate_new_password(password, *ADA)


@pytest.mark.parametrize(
    "password",
    [
        "ada.park@example.com",
        "ADA.PARK@example.com",
        "ada.park@example.com1",
        "AdaParkAdaPark",
        "Ada-Park-2024!",
        "example.com-2024",
        "vestibule.ada",
        "Vestibule123456",
        "Park#Ada#password",
    ],
)
def test_ones_own_name_or_address_is_no_password(password: str) -> None:
    with pytest.raises(FieldError, match=r"name or address|try first"):
        validate_new_password(password, *ADA)


def test_length_counts_in_characters_after_normalisation() -> None:
    with pytest.raises(FieldError, match="12 characters or more"):
        validate_new_password("elevenchars")
    validate_new_password("twelve chars")
    with pytest.raises(FieldError, match="12 characters or more"):
        validate_new_password("e\u0301" * 11)
    word = "".join(chr(ord("а") + number % 32) for number in range(MAX_LENGTH - 9)) + " цветник"
    validate_new_password(word[:MAX_LENGTH])
    with pytest.raises(FieldError, match="256 characters or fewer"):
        validate_new_password(word + "xyz")
    with pytest.raises(FieldError, match="256 characters or fewer"):
        validate_new_password("ﷺ" * 100)
    with pytest.raises(FieldError, match="256 characters or fewer"):
        validate_new_password("a b c d e f" * 100_000)


def test_the_field_that_is_wrong_is_named() -> None:
    with pytest.raises(FieldError) as caught:
        validate_new_password("short", field="new_password")
    assert caught.value.field == "new_password"


def test_a_password_matches_itself_in_every_normal_form_and_nothing_else() -> None:
    stored = hash_password("Zoë’s café au lait")
    assert password_matches(stored, "Zoë’s café au lait")
    assert password_matches(stored, "Zoe\u0308’s cafe\u0301 au lait")
    assert not password_matches(stored, "zoë’s café au lait")
    assert not password_matches(stored, "")
    assert not password_matches(stored, "Zoë’s café au lait" + " " * 5000)


def test_nothing_matches_where_nothing_is_stored() -> None:
    assert not password_matches(None, "no account has this password")
    assert not password_matches("", "no account has this password")
    assert not password_matches("not a hash", "no account has this password")


def test_a_password_is_not_cut_at_its_end() -> None:
    longest = "ab" * 512
    assert not password_matches(hash_password(longest), longest + "x")


@given(st.text(max_size=60))
@settings(max_examples=25)
def test_any_text_can_be_hashed_and_matches_itself(password: str) -> None:
    assert password_matches(hash_password(password), password)


def test_a_lone_surrogate_is_a_wrong_password_and_no_error() -> None:
    assert not password_matches(hash_password("twelve chars"), "\ud800")
    assert not password_matches(None, "\udfff")


@given(st.text(max_size=40), st.text(max_size=20), st.emails())
def test_judging_a_password_raises_nothing_but_its_own_error(password: str, name: str, email: str) -> None:
    with contextlib.suppress(FieldError):
        validate_new_password(password, name, email)


def test_outside_of_tests_a_hash_costs_what_owasp_asks_for_or_more() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "from vestibule.kernel.passwords import hash_password; print(hash_password('x'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert made.stdout.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
