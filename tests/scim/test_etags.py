"""Versions, and the headers that name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.scim.etags import etag, etag_matches, tag_of


@pytest.mark.parametrize(
    "header", ['W/"7"', '"7"', "7", "W/7", "*", " * ", '"1", W/"7"', '"1","7"', 'W/"6" , "x,y", W/"7"', '"", "7"']
)
def test_a_version_is_found_weak_or_strong_alone_in_a_list_or_by_the_star(header: str) -> None:
    assert etag_matches(header, "7")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        '"77"',
        'W/"6"',
        '"*"',
        "W/*",
        '"1,7"',
        '"7',
        'W/"7"x',
        '"1" "7"',
        "07",
        "7.0",
        "\N{ARABIC-INDIC DIGIT SEVEN}",
    ],
)
def test_everything_else_names_another_version_or_none(header: str | None) -> None:
    assert not etag_matches(header, "7")


@given(st.text(max_size=30), st.integers(1, 10**12))
def test_whatever_a_header_says_only_its_own_version_matches(header: str, version: int) -> None:
    assert etag_matches(f"{etag(str(version))}", str(version))
    assert not etag_matches(header, str(version)) or str(version) in header or header.strip() == "*"


def test_a_tag_tells_versions_and_references_apart_and_not_their_order() -> None:
    assert tag_of(7) == tag_of(7, []) == "7"
    tags = [tag_of(version, those) for version in (7, 8) for those in ([], ["a"], ["a", "b"], ["ab"])]
    assert len(set(tags)) == len(tags)
    assert tag_of(7, ["b", "a"]) == tag_of(7, ["a", "b"])
    assert all(etag_matches(etag(tag), tag) for tag in tags)
