"""Marking where two texts differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.differences import difference


def test_only_the_differing_middle_is_marked() -> None:
    assert difference("https://a/con/metadata", "https://a/con/acs") == ("https://a/con/", "metadata", "acs", "")
    assert difference("9:00 UTC", "9:30 UTC") == ("9:", "0", "3", "0 UTC")
    assert difference("none", "a NameID") == ("", "none", "a NameID", "")
    assert difference("same", "same") == ("same", "", "", "")
    assert difference("aa", "aaa") == ("aa", "", "a", "")


@given(st.text(), st.text())
def test_the_pieces_always_make_the_whole_texts_again(left: str, right: str) -> None:
    start, one, other, end = difference(left, right)
    assert (start + one + end, start + other + end) == (left, right)
