"""Tokens, seals and codes: random, bound to what they are for, and silent about what they are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.kernel.secrets import SealBroken, Sealer, bearer_token, new_reference, new_token, same, token_hash

SEALER = Sealer("a secret key for tests alone, 0123456789")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_for_a_row_opens_for_that_row(plain: bytes, row: str) -> None:
    row = row.encode("utf-8", "replace").decode()
    assert SEALER.open(SEALER.seal(plain, row), row) == plain


def test_a_seal_opens_for_no_other_row_and_with_no_other_key() -> None:
    sealed = SEALER.seal(b"private", "keys/1")
    other = Sealer("another secret key for tests, 0123456789")
    for sealer, row in ((SEALER, "keys/2"), (other, "keys/1")):
        with pytest.raises(SealBroken) as caught:
            sealer.open(sealed, row)
        assert "private" not in str(caught.value)


def test_a_seal_that_was_altered_at_any_byte_does_not_open() -> None:
    sealed = SEALER.seal(b"private", "keys/1")
    for index in range(len(sealed)):
        altered = bytearray(sealed)
        altered[index] ^= 1
        with pytest.raises(SealBroken):
            SEALER.open(bytes(altered), "keys/1")


@pytest.mark.parametrize("length", [0, 1, 7, 11, 12, 13, 27])
def test_a_seal_that_was_cut_off_does_not_open(length: int) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(SEALER.seal(b"private", "keys/1")[:length], "keys/1")


def test_the_same_text_is_never_sealed_the_same_way_twice() -> None:
    assert SEALER.seal(b"private", "keys/1") != SEALER.seal(b"private", "keys/1")


def test_a_mac_holds_for_its_purpose_its_value_and_its_key_alone() -> None:
    mac = SEALER.mac("csrf", "ses_1")
    assert same(mac, SEALER.mac("csrf", "ses_1"))
    assert not same(mac, SEALER.mac("flash", "ses_1"))
    assert not same(mac, SEALER.mac("csrf", "ses_2"))
    assert not same(mac, SEALER.mac("csr", "f\0ses_1"))
    assert not same(mac, Sealer("another secret key for tests, 0123456789").mac("csrf", "ses_1"))


def test_tokens_are_url_safe_and_their_hashes_differ() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len({token_hash(token) for token in tokens}) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@given(st.text(max_size=50, alphabet=st.characters()))
def test_any_text_of_a_stranger_can_be_compared_and_hashed(text: str) -> None:
    assert same(text, text)
    assert not same(text, text + "x")
    assert len(token_hash(text)) == 64


def test_a_lone_surrogate_is_an_unknown_token_and_no_error() -> None:
    assert len(token_hash("\ud800")) == 64
    assert not same("\ud800", "x")
    assert SEALER.mac("csrf", "\ud800") != SEALER.mac("csrf", "\ud801")


def test_a_reference_has_no_letters_that_are_mistaken_on_the_telephone() -> None:
    for _ in range(200):
        assert re.fullmatch(r"[BCDFGHJKMNPQRSTVWXZ2-9]{4}-[BCDFGHJKMNPQRSTVWXZ2-9]{4}", new_reference())


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bEARER   abc= ", "abc="),
        ("Bearer a b", "a b"),
        ("Bearer \u00a0abc", "\u00a0abc"),
        ("", ""),
        ("Bearer", ""),
        ("Bearer   ", ""),
        ("Bearer\tabc", ""),
        ("Bearerabc", ""),
        (" Bearer abc", ""),
        ("Basic abc", ""),
        ("Basic Bearer abc", ""),
    ],
)
def test_a_bearer_token_is_what_follows_the_scheme_and_of_another_scheme_there_is_none(
    authorization: str, token: str
) -> None:
    assert bearer_token(authorization) == token
