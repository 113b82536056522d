"""Domains of a connection: what may be entered, what covers what, which entry wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.domains import (
    MAX_DOMAINS,
    PUBLIC_MAIL_DOMAINS,
    covering_entries,
    covers,
    most_specific,
    parse_domains,
)
from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import clean_domain

LABELS = st.sampled_from(["a", "b", "example", "com", "ex"])
DOMAINS = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
ENTRIES = DOMAINS | DOMAINS.map("*.".__add__)


def test_a_list_of_domains_is_read_however_it_is_separated() -> None:
    typed = " Example.com, *.example.com;@corp.example\n münchen.de  example.COM. "
    assert parse_domains("domains", typed) == ("example.com", "*.example.com", "corp.example", "xn--mnchen-3ya.de")


@pytest.mark.parametrize(
    "typed",
    [
        "example",
        "*",
        "*.",
        "*.com",
        "*.*.example.com",
        "a.*.com",
        "127.0.0.1",
        "https://example.com",
        "ada@example.com",
        "a_b.com",
    ],
)
def test_what_is_no_domain_is_named(typed: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_domains("domains", f"good.example, {typed}")
    assert caught.value.field == "domains"
    assert f"“{typed}” is not a domain" in str(caught.value)


def test_hidden_characters_of_an_entry_are_shown_for_what_they_are() -> None:
    with pytest.raises(FieldError, match=r"u\{202e\}"):
        parse_domains("domains", "moc.elpmaxe\u202e")


@pytest.mark.parametrize("typed", ["gmail.com", "*.gmail.com", "GMAIL.com.", "@web.de", "ｇｍａｉｌ．ｃｏｍ"])
def test_a_public_mail_service_is_refused_with_the_reason(typed: str) -> None:
    with pytest.raises(FieldError, match="public mail service"):
        parse_domains("domains", typed)


@pytest.mark.parametrize("typed", ["*.co.uk", "*.CO.UK.", "*.github.io", "*.kawasaki.jp"])
def test_a_star_over_everybodys_domains_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="the domains of strangers"):
        parse_domains("domains", f"example.com, {typed}")


@pytest.mark.parametrize("typed", ["*.example.co.uk", "*.city.kawasaki.jp", "*.northwind.internal", "nhs.uk"])
def test_a_star_over_ones_own_domains_is_taken(typed: str) -> None:
    assert parse_domains("domains", typed) == (typed,)


def test_every_public_mail_service_of_the_list_is_in_canonical_form() -> None:
    for domain in PUBLIC_MAIL_DOMAINS:
        assert clean_domain(domain) == domain


@pytest.mark.parametrize("typed", ["", "  ", ",;\n,"])
def test_an_empty_list_is_refused(typed: str) -> None:
    with pytest.raises(FieldError, match="one domain or more"):
        parse_domains("domains", typed)


def test_there_is_a_limit_and_doubles_do_not_count() -> None:
    most = [f"d{number}.example" for number in range(MAX_DOMAINS)]
    assert len(parse_domains("domains", ",".join([*most, *most]))) == MAX_DOMAINS
    with pytest.raises(FieldError, match=f"{MAX_DOMAINS} domains or fewer"):
        parse_domains("domains", ",".join([*most, "one-more.example"]))
    with pytest.raises(FieldError):
        parse_domains("domains", ",".join(f"d{number}.example" for number in range(100_000)))


@given(st.text(max_size=60) | st.lists(ENTRIES, max_size=5).map(", ".join))
def test_reading_again_what_was_read_changes_nothing(typed: str) -> None:
    try:
        domains = parse_domains("domains", typed)
    except FieldError:
        return
    assert parse_domains("domains", ", ".join(domains)) == domains


@pytest.mark.parametrize(
    ("entry", "domain", "covered"),
    [
        ("example.com", "example.com", True),
        ("example.com", "a.example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "b.a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*.example.com", "a.example.com.evil.example", False),
        ("example.com", "example.com.evil.example", False),
        ("example.com", "", False),
        ("*.example.com", "", False),
    ],
)
def test_an_entry_covers_itself_and_a_wildcard_what_is_below_it(entry: str, domain: str, covered: bool) -> None:
    assert covers(entry, domain) is covered


@given(ENTRIES, DOMAINS)
def test_both_ways_to_ask_what_covers_a_domain_agree(entry: str, domain: str) -> None:
    assert covers(entry, domain) is (entry in covering_entries(domain))


@given(st.lists(ENTRIES, max_size=8), DOMAINS)
def test_the_longest_of_the_entries_that_cover_a_domain_wins(entries: list[str], domain: str) -> None:
    covering = [entry for entry in entries if covers(entry, domain)]
    # Of two that cover, the longer one is the nearer; the domain itself is nearer than any wildcard.
    nearest = max(covering, key=lambda entry: (entry == domain, len(entry)), default=None)
    assert most_specific(entries, domain) == nearest
    assert most_specific(iter(entries), domain) == nearest
