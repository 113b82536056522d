"""Identifiers and the base of errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.kernel.clock import system_clock
from vestibule.kernel.errors import FieldError, Invalid, Throttled, VestibuleError
from vestibule.kernel.ids import PREFIXES, is_id, new_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", PREFIXES)
def test_an_id_says_what_it_names(kind: str) -> None:
    made = new_id(kind, NOW)
    assert is_id(made, kind)
    assert [other for other in PREFIXES if is_id(made, other)] == [kind]


def test_ids_sort_by_the_time_of_their_birth() -> None:
    instants = [NOW + timedelta(milliseconds=step) for step in (-86_400_000, -1, 0, 1, 2, 86_400_000)]
    made = [new_id("end_user", instant) for instant in instants]
    assert made == sorted(made)


def test_two_ids_of_one_instant_differ() -> None:
    assert len({new_id("end_user", NOW) for _ in range(1000)}) == 1000


@given(st.text(max_size=40))
def test_text_of_a_stranger_is_no_id(text: str) -> None:
    assert not is_id(text, "end_user")
    assert not is_id("usr_" + text, "end_user") or len(text) == 26


@pytest.mark.parametrize("tail", ["\n", " ", "\0", "'--", "x"])
def test_an_id_with_something_behind_it_is_none(tail: str) -> None:
    assert not is_id(new_id("end_user", NOW) + tail, "end_user")


def test_upper_case_is_no_id() -> None:
    assert not is_id(new_id("end_user", NOW).upper(), "end_user")


def test_the_clock_of_the_system_is_aware_and_in_utc() -> None:
    assert system_clock().tzinfo is UTC


def test_an_error_shows_its_public_sentence_and_keeps_its_reason() -> None:
    error = VestibuleError("the row 17 of ada@example.com")
    assert str(error) == "Something went wrong."
    assert error.reason == "the row 17 of ada@example.com"
    assert VestibuleError().reason == "Something went wrong."


def test_a_value_in_a_sentence_is_text_whatever_it_holds() -> None:
    assert str(FieldError("name", "“%(entry)s” is wrong.", entry="%(x)s %d 100%")) == "“%(x)s %d 100%” is wrong."


def test_an_invalid_carries_every_field() -> None:
    errors = (FieldError("name", "Enter a name."), FieldError("email", "Enter an address."))
    assert Invalid(*errors).errors == errors
    assert "name" in Invalid(*errors).reason
    assert "email" in Invalid(*errors).reason


def test_a_throttled_says_when_to_come_back() -> None:
    assert Throttled("x", 17).retry_after_seconds == 17
